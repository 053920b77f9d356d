"""The department's own policy packs: installed, proposed, endorsed by a second officer, activated, never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from yimen.department.declaration import Department
from yimen.department.tables import policy_pack
from yimen.kernel.errors import Fault
from yimen.policy.pack import Fact, Pack, check_examples, load_cases, load_checked
from yimen.policy.travel import unseal

if TYPE_CHECKING:
    from yimen.runtime.context import Context
    from yimen.store.unit import Row

PROPOSED, ENDORSED, APPROVED = "proposed", "endorsed", "approved"
INSTALLER = "installation"
PACKS_CACHED = 32
HASH_LENGTH = 64


class PackShelf:
    """Packs by hash, checked against their signature and compiled once per process."""

    def __init__(self, department: Department) -> None:
        self._department = department
        self._facts: Mapping[str, Fact] = department.facts()
        self._compiled = lru_cache(PACKS_CACHED)(lambda source: Pack(source, self._facts))
        # Hashes with signatures that were found to fit.
        self._whole: set[tuple[str, bytes]] = set()

    def install(self, ctx: Context) -> None:
        """Bring the packs that are shipped with the service into its database; known ones are left alone."""
        for path in sorted((self._department.folder / "policy").glob("*.yaml")):
            pack = load_checked(path, self._department.folder / "cases", self._facts)
            new = ctx.tx.insert_new(policy_pack, hash=pack.hash, version=pack.file.version,
                                    document_no=pack.file.document, source=pack.source,
                                    effective_from=pack.file.effective, state=APPROVED,
                                    proposed_by=INSTALLER, approved_by=INSTALLER, activated_by=INSTALLER,
                                    recorded_at=ctx.now, signature=ctx.app.keys.sign(_signed(ctx, pack.hash)))
            if new:
                ctx.audit("pack.installed", pack.hash[:16], version=pack.file.version)
        # Taken in by a release that did not sign: what still is what its hash says is signed now.
        for row in ctx.tx.find(policy_pack, signature=None):
            if self._compiled(row["source"]).hash == row["hash"]:
                ctx.tx.update(policy_pack, {"hash": row["hash"]}, signature=ctx.app.keys.sign(_signed(ctx, row["hash"])))

    # ------------------------------------------------------------------------------------------ reading
    def active(self, ctx: Context, day: date) -> Pack:
        """The pack in force on a day. Raises Fault PACK_NONE_ACTIVE or PACK_TAMPERED."""
        return self.opened(ctx, self.in_force(ctx, day))

    def in_force(self, ctx: Context, day: date) -> Row:
        """Its row. Raises Fault PACK_NONE_ACTIVE."""
        row = ctx.tx.first(policy_pack, policy_pack.c.effective_from <= day, state=APPROVED,
                           order_by=(policy_pack.c.effective_from.desc(), policy_pack.c.recorded_at.desc()))
        if row is None:
            raise Fault("PACK_NONE_ACTIVE", department=self._department.title, day=day)
        return row

    def by_hash(self, ctx: Context, pack_hash: str) -> Pack:
        """A pack that once decided something. Raises Fault PACK_NOT_FOUND or PACK_TAMPERED."""
        return self.opened(ctx, ctx.require(ctx.tx.first(policy_pack, hash=pack_hash), "PACK_NOT_FOUND", hash=pack_hash))

    def named(self, ctx: Context, name: str) -> Row:
        """By hash or version, the latest of that version. Raises Fault PACK_NOT_FOUND."""
        column = policy_pack.c.hash if len(name) == HASH_LENGTH else policy_pack.c.version
        return ctx.require(ctx.tx.first(policy_pack, column == name, order_by=policy_pack.c.recorded_at.desc()),
                           "PACK_NOT_FOUND", hash=name[:HASH_LENGTH])

    def opened(self, ctx: Context, row: Row) -> Pack:
        """Ready to decide. Raises Fault PACK_TAMPERED when it is not what the department took in."""
        pack = self._compiled(row["source"])
        signature = bytes(row["signature"] or b"")
        # Unsigned is what the release before took in while both run; the server's next start signs it.
        whole = pack.hash == row["hash"] and (
            not signature or (pack.hash, signature) in self._whole
            or ctx.app.keys.verify(ctx.service, _signed(ctx, pack.hash), signature))
        if not whole:
            raise Fault("PACK_TAMPERED", what=f"政策包 {row['version']}")
        self._whole.add((pack.hash, signature))
        return pack

    def read(self, source: str) -> Pack:
        """A draft, checked by itself. Raises Fault PACK_INVALID."""
        pack = Pack(source, self._facts)
        if pack.file.pack != self._department.name:
            raise Fault("PACK_INVALID", where="pack", problem=f"此政策包属于 {pack.file.pack}")
        missing = [item.name for item in self._department.items if not pack.has(item.name)]
        if missing:
            raise Fault("PACK_INVALID", where="items", problem=f"缺少事项 {missing[0]}")
        return pack

    def examples(self, pack: Pack) -> tuple[list[str], list[str]]:
        """What forbids a draft, and which of the department's examples it changes."""
        return check_examples(pack, load_cases(self._department.folder / "cases"))

    # ------------------------------------------------------------------------------------------ changing
    def propose(self, ctx: Context, text: str) -> Pack:
        """Take in a signed draft. Raises Fault PACK_UNSIGNED, PACK_TAMPERED, PACK_INVALID, PACK_EFFECTIVE_IN_PAST,
        PACK_STALE or PACK_OVERLAPS."""
        source, signer = unseal(text, ctx.app.keys.verify)
        if signer != ctx.service:
            raise Fault("WRONG_DEPARTMENT", department=self._department.title)
        pack = self.read(source)
        problems, _ = self.examples(pack)
        if problems:
            raise Fault("PACK_INVALID", where="cases", problem=";".join(problems))
        self.require_room(ctx, pack)
        new = ctx.tx.insert_new(policy_pack, hash=pack.hash, version=pack.file.version, document_no=pack.file.document,
                                source=source, effective_from=pack.file.effective, state=PROPOSED,
                                proposed_by=ctx.actor, approved_by="", activated_by="", recorded_at=ctx.now,
                                signature=ctx.app.keys.sign(_signed(ctx, pack.hash)))
        if new:
            ctx.audit("pack.proposed", pack.hash[:16], version=pack.file.version)
        return pack

    def require_room(self, ctx: Context, pack: Pack) -> None:
        """Raises Fault PACK_EFFECTIVE_IN_PAST, PACK_OVERLAPS or PACK_STALE."""
        day = pack.file.effective
        if day < ctx.today:
            raise Fault("PACK_EFFECTIVE_IN_PAST", effective=day, today=ctx.today)
        other = ctx.tx.first(policy_pack, policy_pack.c.hash != pack.hash, effective_from=day, state=[ENDORSED, APPROVED])
        if other is not None:
            raise Fault("PACK_OVERLAPS", version=other["version"], effective=day)
        before = self.in_force(ctx, day)
        if before["hash"] != pack.hash and pack.file.supersedes != before["version"]:
            raise Fault("PACK_STALE", said=pack.file.supersedes or "(未写)", actual=before["version"])

    def approve(self, ctx: Context, pack_hash: str) -> Pack:
        """A second officer endorses it. Raises Fault PACK_NOT_FOUND, PACK_STATE or SEPARATION_OF_DUTIES."""
        row = self._locked(ctx, pack_hash, PROPOSED, "批准")
        if row["proposed_by"] == ctx.actor:
            raise Fault("SEPARATION_OF_DUTIES", earlier="提出政策包")
        return self._moved(ctx, row, ENDORSED, "pack.approved", approved_by=ctx.actor)

    def activate(self, ctx: Context, pack_hash: str) -> Pack:
        """It is in force from its date on. Raises Fault PACK_NOT_FOUND or PACK_STATE, and those of `require_room`."""
        return self._moved(ctx, self._locked(ctx, pack_hash, ENDORSED, "启用"), APPROVED, "pack.activated",
                           activated_by=ctx.actor)

    def _locked(self, ctx: Context, pack_hash: str, state: str, act: str) -> Row:
        row = ctx.require(ctx.tx.first(policy_pack, hash=pack_hash, lock=True), "PACK_NOT_FOUND", hash=pack_hash[:HASH_LENGTH])
        if row["state"] != state:
            raise Fault("PACK_STATE", version=row["version"], state=row["state"], act=act)
        return row

    def _moved(self, ctx: Context, row: Row, state: str, act: str, **changes: str) -> Pack:
        pack = self.opened(ctx, row)
        self.require_room(ctx, pack)
        ctx.tx.update(policy_pack, {"hash": row["hash"]}, state=state, recorded_at=ctx.now, **changes)
        ctx.audit(act, row["hash"][:16], version=row["version"])
        return pack

    def history(self, ctx: Context) -> Sequence[Row]:
        """All packs that were ever taken in, the latest first."""
        return ctx.tx.find(policy_pack, order_by=(policy_pack.c.effective_from.desc(), policy_pack.c.recorded_at.desc()))


def _signed(ctx: Context, pack_hash: str) -> bytes:
    return f"policy-pack:{ctx.service}:{pack_hash}".encode()
