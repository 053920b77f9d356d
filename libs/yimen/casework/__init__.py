"""The life cycle of an aid case: states, guards, tiers of authority. Pure."""
