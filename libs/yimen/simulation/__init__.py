"""The county's month with everything going wrong, deterministic from a seed: the same services, another world."""
