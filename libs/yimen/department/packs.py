"""The department's own policy packs: installed, proposed with a simulation, approved by a second officer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from yimen.department.declaration import Department
from yimen.department.tables import decision, policy_pack
from yimen.kernel.errors import Fault
from yimen.policy.pack import Fact, Pack, load_cases, load_checked

if TYPE_CHECKING:
    from yimen.runtime.context import Context

APPROVED, PROPOSED = "approved", "proposed"
INSTALLER = "installation"
PACKS_CACHED = 32
SIMULATED_DECISIONS_MAX = 20_000


@dataclass(frozen=True)
class Simulation:
    """What a new pack would change on the department's stored decisions."""

    cases: int
    gainers: int
    losers: int
    cost_delta_fen: int


class PackShelf:
    """Packs by hash, compiled once per process."""

    def __init__(self, department: Department) -> None:
        self._department = department
        self._facts: Mapping[str, Fact] = department.facts()
        self._compiled = lru_cache(PACKS_CACHED)(lambda source: Pack(source, self._facts))

    def install(self, ctx: Context) -> None:
        """Bring the packs that are shipped with the service into its database; known ones are left alone."""
        for path in sorted((self._department.folder / "policy").glob("*.yaml")):
            pack = load_checked(path, self._department.folder / "cases", self._facts)
            new = ctx.tx.insert_new(policy_pack, hash=pack.hash, version=pack.file.version,
                                    document_no=pack.file.document, source=pack.source,
                                    effective_from=pack.file.effective, state=APPROVED,
                                    proposed_by=INSTALLER, approved_by=INSTALLER, recorded_at=ctx.now)
            if new:
                ctx.audit("pack.installed", pack.hash[:16], version=pack.file.version)

    def active(self, ctx: Context, day: date) -> Pack:
        """The pack in force on a day. Raises Fault PACK_NONE_ACTIVE."""
        row = ctx.tx.first(policy_pack, policy_pack.c.effective_from <= day, state=APPROVED,
                           order_by=(policy_pack.c.effective_from.desc(), policy_pack.c.recorded_at.desc()))
        if row is None:
            raise Fault("PACK_NONE_ACTIVE", department=self._department.title, day=day)
        return self._compiled(row["source"])

    def by_hash(self, ctx: Context, pack_hash: str) -> Pack:
        """A pack that once decided something. Raises Fault PACK_NOT_FOUND."""
        row = ctx.require(ctx.tx.first(policy_pack, hash=pack_hash), "PACK_NOT_FOUND", hash=pack_hash)
        return self._compiled(row["source"])

    def propose(self, ctx: Context, source: str) -> tuple[Pack, Simulation]:
        """Check a new pack with the department's examples and say what it would change.

        Raises Fault PACK_INVALID or PACK_EFFECTIVE_IN_PAST.
        """
        pack = Pack(source, self._facts)
        if pack.file.pack != self._department.name:
            raise Fault("PACK_INVALID", where="pack", problem=f"此政策包属于 {pack.file.pack}")
        if pack.file.effective < ctx.today:
            raise Fault("PACK_EFFECTIVE_IN_PAST", effective=pack.file.effective, today=ctx.today)
        problems = [p for p in pack.check_cases(load_cases(self._department.folder / "cases")) if "没有案例" in p]
        if problems:
            raise Fault("PACK_INVALID", where="cases", problem=";".join(problems))
        ctx.tx.insert_new(policy_pack, hash=pack.hash, version=pack.file.version, document_no=pack.file.document,
                          source=source, effective_from=pack.file.effective, state=PROPOSED,
                          proposed_by=ctx.actor, approved_by="", recorded_at=ctx.now)
        ctx.audit("pack.proposed", pack.hash[:16], version=pack.file.version)
        return pack, self._simulate(ctx, pack)

    def _simulate(self, ctx: Context, pack: Pack) -> Simulation:
        cases = gainers = losers = delta = 0
        for row in ctx.tx.find(decision, decision.c.decided_at.is_not(None), limit=SIMULATED_DECISIONS_MAX):
            if not pack.has(row["item"]):
                continue
            try:
                change = pack.decide(row["item"], row["facts"]).amount_fen - row["amount_fen"]
            except Fault:
                continue  # the new rules ask for a fact that old cases do not hold
            cases += 1
            gainers += change > 0
            losers += change < 0
            delta += change
        return Simulation(cases, gainers, losers, delta)

    def approve(self, ctx: Context, pack_hash: str) -> Pack:
        """A second officer puts it in force. Raises Fault PACK_NOT_FOUND or SEPARATION_OF_DUTIES."""
        row = ctx.require(
            ctx.tx.first(policy_pack, hash=pack_hash, state=PROPOSED, lock=True),
            "PACK_NOT_FOUND", hash=pack_hash,
        )
        if row["proposed_by"] == ctx.actor:
            raise Fault("SEPARATION_OF_DUTIES", earlier="提出政策包")
        if row["effective_from"] < ctx.today:
            raise Fault("PACK_EFFECTIVE_IN_PAST", effective=row["effective_from"], today=ctx.today)
        ctx.tx.update(policy_pack, {"hash": pack_hash}, state=APPROVED, approved_by=ctx.actor,
                      recorded_at=ctx.now)
        ctx.audit("pack.approved", pack_hash[:16], version=row["version"])
        return self._compiled(row["source"])
