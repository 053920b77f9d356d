"""The services' own turns in one process: what is due, what was said, what each has to do by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from yimen.runtime.app import App
from yimen.runtime.housekeeping import next_due, on_time, own_loops, seal_audit

ROUNDS_MAX = 1_000
Turn = Callable[[App], bool]


class Pace:
    """Lets every service take its turns until nobody has anything to do, and looks only where something can be.

    `take` runs one turn of one service; a simulated world lets it die there.
    """

    def __init__(self, apps: Mapping[str, App], pump: Callable[[], int],
                 take: Callable[[str, Turn], bool] | None = None) -> None:
        self._apps, self._pump = apps, pump
        self._take = take or (lambda name, turn: turn(apps[name]))
        # service → the version of its database that was looked at, and until when nothing falls due in it.
        self._quiet: dict[str, tuple[int, datetime | None]] = {}

    def settle(self) -> None:
        """Raises RuntimeError after ROUNDS_MAX rounds: services that keep each other busy for ever."""
        for name in self._apps:
            while self._take(name, self._on_time):
                pass
        rested: dict[str, int] = {}  # time stands still here: who had nothing to do has nothing until he writes
        for _ in range(ROUNDS_MAX):
            moved = self._pump()
            for name, app in self._apps.items():
                if rested.get(name) == app.store.version:
                    continue
                while self._take(name, own_loops):
                    moved += 1
                rested[name] = self._apps[name].store.version
            if not moved:
                return
        raise RuntimeError("the services never come to rest")

    def seal(self) -> None:
        """Close the audit chains of the day."""
        for app in self._apps.values():
            while seal_audit(app):
                pass

    def forget(self, name: str) -> None:
        """Its process is gone with what it remembered."""
        self._quiet.pop(name, None)

    def _on_time(self, app: App) -> bool:
        seen, quiet_until = self._quiet.get(app.name, (-1, None))
        if seen == app.store.version and (quiet_until is None or app.clock.now() < quiet_until):
            return False
        if on_time(app):
            return True
        version = app.store.version
        self._quiet[app.name] = (version, next_due(app))
        return False
