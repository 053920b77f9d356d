"""What a department declares: its items, its fund channel, its authority. Everything else is the runtime's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from yimen.bus.processor import Handler
from yimen.department.facts import CATALOGUE
from yimen.policy.pack import Fact
from yimen.rpc.server import Mount
from yimen.runtime.declaration import Channel, TimerHandler

if TYPE_CHECKING:
    from yimen.runtime.app import App
    from yimen.runtime.context import Context
    from yimen.store.unit import Row

# Who decides: the county; the township where a written delegation stands (R101), else the county;
# or the level that the amount asks for (R071).
COUNTY, DELEGABLE, TIERED = "county", "delegable", "tiered"
MONEY, CATEGORY = "money", "category"


@dataclass(frozen=True)
class AidItem:
    """One thing that a family can be given."""

    name: str
    title: str
    # "household" or "person": who it is decided for.
    subject: str = "household"
    # "money", "category" (a status that opens other items), or what is handed over:
    # "placement", "training", "goods", "service", "waiver", "works".
    output: str = MONEY
    means_test: bool = False
    # A public notice of the legal period comes before the decision.
    notice: bool = False
    # The result stands on the public list while it lasts.
    standing_list: bool = False
    decided_by: str = COUNTY
    # The roster categories that it follows without an application (免申即享).
    follows: frozenset[str] = frozenset()
    # Whom an officer can give it to at once, under one approval (R062, R080).
    for_all_in: frozenset[str] = frozenset()
    by_application: bool = True
    # It builds on a category: when the same application asks for one, it waits for that decision (R006).
    uses_category: bool = False
    # A grant gives a roster category.
    grants_category: bool = False
    # Pay first, papers after (requirements 2.3).
    urgent: bool = False
    # A person whose identity is not known may be given it.
    temporary_identity: bool = False
    # What the window must ask for beyond the household's facts.
    request_facts: Mapping[str, Fact] = field(default_factory=dict)
    # What an applicant may add.
    optional_facts: Mapping[str, Fact] = field(default_factory=dict)
    # Working days from the report to the proposal, and from there (or the notice's end) to the decision.
    propose_days: int = 5
    decide_days: int = 10
    # Once granted it is not granted to the same person again while it runs.
    exclusive: bool = True
    # What it is for, where departments may give for the same: payment holds what two of them would pay in one period (5.3).
    purpose: str = ""


@dataclass(frozen=True)
class Department:
    """A department: policy authority and fund channel of its own (两不变)."""

    name: str
    title: str
    purpose: str
    channel: Channel
    items: Sequence[AidItem]
    # The folder of the declaration: packs in policy/, examples in cases/.
    folder: Path
    # Who prepares its proposals: its own county officer, or the township's.
    proposer_role: str = "county_officer"
    # Facts from the department's own tables, and how to find them.
    own_facts: Mapping[str, Fact] = field(default_factory=dict)
    # What holds where nobody says otherwise, for `yimen decide`.
    own_defaults: Mapping[str, Any] = field(default_factory=dict)
    find_own_facts: Callable[[Context, Row], dict[str, Any]] = lambda ctx, case: {}
    # For a department that has more than items: its own tables, contract and timers.
    tables: Sequence[sa.MetaData] = ()
    migrations: Sequence[Path] = ()
    servicers: Callable[[App], Sequence[Mount]] = lambda app: ()
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    # Events of other services that it acts on beside those that every department hears.
    handlers: Mapping[type[Any], Handler] = field(default_factory=dict)

    def item(self, name: str) -> AidItem:
        """Raises KeyError for an item of another department."""
        return self._by_name[name]

    @property
    def _by_name(self) -> dict[str, AidItem]:
        return {item.name: item for item in self.items}

    def facts(self) -> dict[str, Fact]:
        """Every fact that the department's pack may name."""
        asked = {name: fact for item in self.items for name, fact in {**item.request_facts, **item.optional_facts}.items()}
        return {**CATALOGUE, **asked, **self.own_facts}
