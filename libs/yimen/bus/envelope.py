"""The envelope of an event: CloudEvents 1.0 attributes, as AMQP headers with the prefix `ce-`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yimen.kernel.errors import Fault
from yimen.store.unit import Row

SPEC_VERSION = "1.0"
EVERYBODY = "all"
CONTENT_TYPE = "application/protobuf"
REQUIRED = ("ce-id", "ce-type", "ce-source", "ce-subject", "ce-sequence", "ce-partitionkey")


@dataclass(frozen=True)
class Envelope:
    """An event on its way. `subject_seq` counts from 1 without a gap within (source, subject)."""

    event_id: str
    type: str
    source: str
    subject: str
    subject_seq: int
    partition_key: str
    traceparent: str
    time: str
    body: bytes
    # The departments that it concerns, separated by commas; empty: everybody who subscribes to the type.
    audience: str = ""

    @property
    def name(self) -> str:
        """The type without its version."""
        return self.type.rsplit(".", 1)[0]

    @property
    def routing_keys(self) -> list[str]:
        """`payment.settled.medical`, one for each department that it concerns, or `aid.granted.all`: a consumer of
        two versions binds once."""
        return [f"{self.name}.{one}" for one in (self.audience or EVERYBODY).split(",")]

    @property
    def routing_key(self) -> str:
        """The first of them."""
        return self.routing_keys[0]

    def concerns(self, service: str) -> bool:
        """Whether it is for everybody, or for this department among others."""
        return concerns(self.audience, service)

    def headers(self) -> dict[str, str]:
        """CloudEvents attributes and W3C trace context."""
        return {
            "ce-specversion": SPEC_VERSION, "ce-id": self.event_id, "ce-type": self.type, "ce-source": self.source,
            "ce-subject": self.subject, "ce-sequence": str(self.subject_seq),
            "ce-partitionkey": self.partition_key, "ce-time": self.time, "traceparent": self.traceparent,
        }


def concerns(audience: str, service: str) -> bool:
    """Whether an audience takes in a service; the empty one takes in everybody."""
    return not audience or service in audience.split(",")


def from_outbox(source: str, row: Row) -> Envelope:
    """The envelope of an outbox row."""
    return Envelope(row["event_id"], row["type"], source, row["subject"], row["subject_seq"],
                    row["partition_key"], row["traceparent"], row["created_at"].isoformat(), row["body"], row["audience"])


def from_parked(row: Row) -> Envelope:
    """The envelope of a parked row."""
    return Envelope(row["event_id"], row["type"], row["source"], row["subject"], row["subject_seq"],
                    row["partition_key"], row["traceparent"], row["time"], row["body"])


def from_headers(headers: Mapping[str, Any], body: bytes) -> Envelope:
    """The envelope of a delivered message. Raises Fault EVENT_UNDECODABLE when an attribute is missing."""
    try:
        values = [str(headers[name]) for name in REQUIRED]
        return Envelope(values[0], values[1], values[2], values[3], int(values[4]), values[5],
                        str(headers.get("traceparent", "")), str(headers.get("ce-time", "")), body)
    except (KeyError, ValueError):
        raise Fault("EVENT_UNDECODABLE", type=str(headers.get("ce-type", "?"))[:64]) from None
