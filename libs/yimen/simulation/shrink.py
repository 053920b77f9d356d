"""From a long story to a short one: fewer households, then fewer mishaps, as long as it still breaks."""

from __future__ import annotations

from yimen.simulation.run import Simulation, Story

RUNS_MAX = 60


def shortest(simulation: Simulation, story: Story, runs_max: int = RUNS_MAX) -> Story:
    """The shortest story that still breaks a promise, found within `runs_max` runs (delta debugging)."""
    left = runs_max
    for households in (size for size in (0, 1, 2, 3, 5, 8, 12) if size < story.households):
        left -= 1
        shorter = simulation.run(story.seed, households=households)
        if shorter.violation:
            story = shorter
            break
    parts = 2
    while left > 0 and story.names:
        names, size = story.names, max(1, len(story.names) // parts)
        for start in range(0, len(names), size):
            left -= 1
            without = simulation.run(story.seed, frozenset(names[:start] + names[start + size:]), story.households)
            if without.violation:
                story, parts = without, max(parts - 1, 2)
                break
            if left <= 0:
                return story
        else:
            if size == 1:
                return story
            parts = min(parts * 2, len(names))
    return story
