"""Who and what is found. An integrator learns the categories in force of the person it names, and nothing else.

By identity (`idtype-value`) it needs the person's consent with a purpose; by expression it needs the law's
(`authorize`) and the county's leave, and is given households without anybody's identity. Each household that is
found is written into the read log with the integrator, its reference and its purpose (R019, promise 12).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from yimen.kernel import resident_id
from yimen.kernel.errors import Fault
from yimen.runtime.context import Context
from yimen.security.masking import finds_personal_data
from yimen.store.unit import Row

from services.roster.domain import PURPOSE_MAX
from services.roster.resolve import identities
from services.roster.spdci.messages import Consent, Criteria, Rejected, SearchItem, items, moment, read, reference_of
from services.roster.tables import category_record, household, read_log

# GB 11643 numbers: the universal and the national identity number are the same thing here.
ID_TYPES = ("UIN", "NIN")
CONSENT_AGE_MAX, SKEW_MAX = timedelta(days=366), timedelta(minutes=15)
INVALID = "rjct.search_criteria.invalid"
REG_TYPE, RECORD_TYPE = "spdci:social-registry", "spdci:social-registry:group"
# attribute of an expression → column.
ATTRIBUTES = {"category": category_record.c.category, "village_code": household.c.village_code,
              "area_kind": household.c.area_kind}
VALUES_MAX = 50


def answer(ctx: Context, integrator: Row, message: Any, now: datetime) -> list[dict[str, Any]]:
    """One `search_response` entry for each request, in their order."""
    seen: set[str] = set()
    return [_answer_one(ctx, integrator, raw, now, seen) for raw in items(message, "search_request")]


def _answer_one(ctx: Context, integrator: Row, raw: Any, now: datetime, seen: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"reference_id": reference_of(raw), "timestamp": moment(now), "locale": "zh"}
    try:
        item = read(SearchItem, raw, INVALID)
        if item.reference_id in seen:
            raise Rejected("rjct.reference_id.duplicate", "同一消息中 reference_id 重复")
        seen.add(item.reference_id)
        return {**told, "status": "succ", **_find(ctx, integrator, item, now)}
    except Rejected as reason:
        return {**told, "status": "rjct", "status_reason_code": reason.code, "status_reason_message": reason.message}


def _find(ctx: Context, integrator: Row, item: SearchItem, now: datetime) -> dict[str, Any]:
    criteria, page = item.search_criteria, item.search_criteria.pagination
    if criteria.query_type == "idtype-value":
        purpose = require_consent(criteria.consent, "consent", now, INVALID)
        kind, number = identity_of(criteria, INVALID)
        home = household_of(ctx, number)
        records = [record(ctx, home, {"identifier_type": kind, "identifier_value": number})] if home else []
        homes, total = ([home] if home else []), len(records)
    else:
        if not integrator["may_list"]:
            raise Rejected(INVALID, "本机构未获准按条件查询")
        purpose = require_consent(criteria.authorize, "authorize", now, INVALID)
        homes, total = _by_expression(ctx, criteria)
        records = [record(ctx, home) for home in homes]
    log_reads(ctx, integrator, homes, item.reference_id, purpose)
    data = {"version": "1.0.0", "reg_type": REG_TYPE, "reg_event_type": criteria.reg_event_type,
            "reg_record_type": RECORD_TYPE, "reg_records": records}
    return {"data": data, "pagination": {"page_size": page.page_size, "page_number": page.page_number, "total_count": total}}


def require_consent(consent: Consent | None, name: str, now: datetime, code: str) -> str:
    """The purpose in words. Raises Rejected without a consent (or law) in force and its purpose."""
    if consent is None or not (consent.purpose.text or consent.purpose.code):
        raise Rejected(code, f"缺少 {name} 及其用途 purpose")
    if not -SKEW_MAX < now - consent.ts < CONSENT_AGE_MAX:
        raise Rejected(code, f"{name}.ts 不在有效期内")
    purpose = " ".join(filter(None, (consent.purpose.code, consent.purpose.text)))
    if finds_personal_data(purpose):
        raise Rejected(code, "用途中不得出现个人信息")
    return purpose


def identity_of(criteria: Criteria, code: str) -> tuple[str, str]:
    """Kind and number of `{"type": "UIN", "value": "…"}`. Raises Rejected."""
    kind, value = criteria.query.get("type"), criteria.query.get("value")
    if kind not in ID_TYPES or not isinstance(value, str):
        raise Rejected(code, f"query.type 应为 {'、'.join(ID_TYPES)},query.value 为证件号码")
    try:
        return str(kind), resident_id.check(value, 1)
    except Fault as fault:
        raise Rejected(code, f"证件号码不对({fault.code})") from None


def household_of(ctx: Context, number: str) -> Row | None:
    """The household of the person with this ID number."""
    (known,) = identities(ctx, ctx.app.vault, [number])
    return ctx.tx.first(household, household_id=known.household_id) if known.household_id else None


def _in_force(ctx: Context) -> tuple[sa.ColumnElement[bool], ...]:
    valid_to = category_record.c.valid_to
    return category_record.c.valid_from <= ctx.today, sa.or_(valid_to.is_(None), valid_to >= ctx.today)


def record(ctx: Context, home: Row, *identifiers: dict[str, str]) -> dict[str, Any]:
    """What an integrator may know of a household: its categories in force."""
    rows = ctx.tx.find(category_record, *_in_force(ctx), household_id=home["household_id"], order_by=category_record.c.row_id)
    return {"group_identifier": home["household_id"], "identifiers": list(identifiers), "categories": [
        {"category": row["category"], "authority": row["authority"], "valid_from": row["valid_from"].isoformat(),
         "valid_to": row["valid_to"].isoformat() if row["valid_to"] else None} for row in rows]}


def _by_expression(ctx: Context, criteria: Criteria) -> tuple[list[Row], int]:
    where = _conditions(criteria.query)
    page = criteria.pagination
    matching = (sa.select(household.c.household_id).distinct()
                .join(category_record, category_record.c.household_id == household.c.household_id)
                .where(*_in_force(ctx), *where))
    total = int(ctx.tx.connection.execute(sa.select(sa.func.count()).select_from(matching.subquery())).scalar_one())
    ids = ctx.tx.connection.execute(matching.order_by(household.c.household_id).limit(page.page_size)
                                    .offset((page.page_number - 1) * page.page_size)).scalars().all()
    return ctx.tx.find(household, household_id=list(ids), order_by=household.c.household_id), total


def _conditions(query: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    """`{"value": {"expression": {"query": {"$and": [{"category": {"$eq": "dibao"}}, …]}}}}`; `$eq` and `$in`."""
    try:
        expression = query["value"]["expression"]["query"]
        parts = expression.get("$and", [expression])
        return [_condition(name, test) for part in parts for name, test in part.items()]
    except (KeyError, TypeError, AttributeError):
        raise Rejected(INVALID, f"expression.query 只支持 {'、'.join(ATTRIBUTES)} 的 $eq、$in 和 $and") from None


def _condition(name: str, test: dict[str, Any]) -> sa.ColumnElement[bool]:
    (operator, value), = test.items()
    values = {"$eq": [value], "$in": value}[operator]
    if not values or len(values) > VALUES_MAX or not all(isinstance(one, str) for one in values):
        raise TypeError
    return ATTRIBUTES[name].in_(list(values))


def log_reads(ctx: Context, integrator: Row, homes: list[Row], reference: str, purpose: str) -> None:
    """The household may ask who has read it."""
    ctx.tx.insert_all(read_log, [
        {"at": ctx.now, "reader": f"integrator:{integrator['sender_id']}", "household_id": home["household_id"],
         "case_id": reference, "purpose": purpose[:PURPOSE_MAX], "data": "category"} for home in homes])
