"""Pure words of the platform: money, ids, areas, working days, the clock, errors. No I/O."""
