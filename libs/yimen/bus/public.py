"""What integrators see of an event: the fields that its contract marks public, as CloudEvents 1.0 in JSON.

Everything else stays inside: reasons in words, officers, persons, signed grants, findings of the means test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from yimen.bus.events import EventKind, event_kinds
from yimen.common.v1 import event_pb2

SPEC_VERSION = "1.0"
MEDIA_TYPE = "application/cloudevents+json"


@cache
def public_fields(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The fields of a message that may leave the platform, in the order of their numbers."""
    # The stubs know extensions of message type only.
    return tuple(field for field in message.fields
                 if field.GetOptions().Extensions[event_pb2.public])  # type: ignore[index]


@cache
def public_kinds() -> dict[str, EventKind]:
    """The events that have anything public, by wire type."""
    return {wire_type: kind for wire_type, kind in sorted(event_kinds().items()) if public_fields(kind.message.DESCRIPTOR)}


def public_data(message: Message) -> dict[str, Any]:
    """The public fields with the names and types of the contract; amounts are whole fen."""
    shown: dict[str, Any] = {}
    for field in public_fields(message.DESCRIPTOR):
        value = getattr(message, field.name)
        if field.is_repeated:
            shown[field.name] = [public_data(one) if isinstance(one, Message) else one for one in value]
        else:
            shown[field.name] = public_data(value) if isinstance(value, Message) else value
    return shown


@dataclass(frozen=True)
class Entry:
    """One entry of the feed. `sequence` counts without a gap in the feed, `case_sequence` within the subject."""

    sequence: int
    case_sequence: int
    event_id: str
    type: str
    source: str
    subject: str
    time: str
    traceparent: str
    data: dict[str, Any]

    def cloud_event(self) -> dict[str, Any]:
        """The event with its attributes; `sequence` and `traceparent` are CloudEvents' own extensions."""
        return {
            "specversion": SPEC_VERSION, "id": self.event_id, "type": self.type, "source": f"/services/{self.source}",
            "subject": self.subject, "time": self.time, "datacontenttype": "application/json",
            "sequence": str(self.sequence), "casesequence": self.case_sequence,
            **({"traceparent": self.traceparent} if self.traceparent else {}), "data": self.data,
        }

    def headers(self) -> dict[str, str]:
        """The attributes once more, for those who choose by header."""
        return {f"ce-{name}": str(value) for name, value in self.cloud_event().items()
                if name not in ("data", "datacontenttype")}
