"""What comes in: headers, search and subscription requests of SPDCI Social Registry 1.0.0; unknown fields are let be.

A `Rejected` carries the reason code of the standard; its text names fields, never what stood in them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

VERSION = "1.0.0"
ITEMS_MAX, PAGE_SIZE_MAX = 100, 100
TEXT_MAX, ID_MAX, PROBLEMS_TOLD = 200, 99, 3

Name = Annotated[str, Field(min_length=1, max_length=ID_MAX)]
Text = Annotated[str, Field(max_length=TEXT_MAX)]
T = TypeVar("T", bound=BaseModel)


class Rejected(Exception):
    """A request that the standard lets us refuse, with its reason code (`rjct.…`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Header(_Part):
    """Of every message."""

    version: Name = VERSION
    message_id: Name
    message_ts: AwareDatetime
    action: Name
    sender_id: Name
    receiver_id: Text = ""
    total_count: int | None = None
    is_msg_encrypted: bool = False


class Purpose(_Part):
    """What the data are wanted for."""

    text: Text = ""
    code: Text = ""
    ref_uri: Text = ""


class Consent(_Part):
    """The person's consent, or the law that stands for it, with its purpose."""

    id: Text = ""
    ts: AwareDatetime
    purpose: Purpose


class Pagination(_Part):
    """Pages count from 1."""

    page_size: int = Field(50, ge=1, le=PAGE_SIZE_MAX)
    page_number: int = Field(1, ge=1)


class Criteria(_Part):
    """What is looked for, or watched."""

    version: Name = VERSION
    reg_type: Text = ""
    reg_event_type: Text = ""
    query_type: Literal["idtype-value", "expression"]
    query: dict[str, Any]
    pagination: Pagination = Pagination()
    consent: Consent | None = None
    authorize: Consent | None = None


class SearchItem(_Part):
    """One search of a message."""

    reference_id: Name
    timestamp: AwareDatetime
    search_criteria: Criteria
    locale: Text = "zh"


class SubscribeItem(_Part):
    """One subscription of a message."""

    reference_id: Name
    timestamp: AwareDatetime
    subscribe_criteria: Criteria
    locale: Text = "zh"


class Unsubscribe(_Part):
    """Subscriptions to end."""

    transaction_id: Name
    timestamp: AwareDatetime
    subscription_codes: Annotated[list[Name], Field(min_length=1, max_length=ITEMS_MAX)]


class StatusItem(_Part):
    """What became of a transaction."""

    reference_id: Name
    txn_type: Literal["search", "subscribe", "unsubscribe"]
    attribute_type: Literal["transaction_id", "correlation_id", "reference_id_list"]
    attribute_value: Name | Annotated[list[Name], Field(min_length=1, max_length=ITEMS_MAX)]
    locale: Text = "zh"


def read(model: type[T], raw: Any, code: str) -> T:
    """Raises Rejected with `code` and the names of the fields that are wrong."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fields = dict.fromkeys(".".join(map(str, one["loc"])) or "message" for one in error.errors())
        raise Rejected(code, "字段不对:" + "、".join(list(fields)[:PROBLEMS_TOLD])) from None


def items(message: Any, name: str) -> list[Any]:
    """The list of single requests in a message. Raises Rejected when there are none or too many."""
    found = message.get(name) if isinstance(message, dict) else None
    if not isinstance(found, list) or not found:
        raise Rejected("rjct.total_count.invalid", f"message.{name} 应为非空列表")
    if len(found) > ITEMS_MAX:
        raise Rejected("rjct.total_count.limit_exceeded", f"一次最多 {ITEMS_MAX} 项")
    return found


def reference_of(raw: Any) -> str:
    """The reference of a single request, as far as it can be read."""
    value = raw.get("reference_id", "") if isinstance(raw, dict) else ""
    return value[:ID_MAX] if isinstance(value, str) else ""


def moment(value: datetime) -> str:
    """ISO 8601 with its offset, to the second."""
    return value.isoformat(timespec="seconds")
