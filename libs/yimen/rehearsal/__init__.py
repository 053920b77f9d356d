"""The rehearsal: a sample county, its people, the officers played, a month moved, the promises checked."""
