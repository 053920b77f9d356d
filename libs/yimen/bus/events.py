"""What events exist. A message of the contracts is an event when it carries the option `yimen.common.v1.event`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from google.protobuf.message import DecodeError, Message
from yimen.common.v1 import event_pb2
from yimen.kernel import limits
from yimen.kernel.errors import Fault

MessageType = type[Message]
ANY_OWNER = "any"
DEPARTMENT_OWNER = "department"
_WIRE_TYPE = re.compile(r"([a-z][a-z_]*(?:\.[a-z][a-z_]*)+)\.v[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class EventKind:
    """One event type: its name without version, the version, who may say it, what it means."""

    type: str
    version: str
    owner: str
    meaning: str
    message: MessageType
    # ISO date since which a successor is published beside it; empty while there is none.
    replaced_on: str = ""

    @property
    def wire_type(self) -> str:
        """The CloudEvents type, with the major version: `aid.granted.v1`."""
        return f"{self.type}.{self.version}"


@cache
def event_kinds() -> dict[str, EventKind]:
    """All events of the contracts, by wire type."""
    import yimen

    found: dict[str, EventKind] = {}
    for root in yimen.__path__:
        for path in sorted(Path(root).glob("*/v*/*_pb2.py")):
            package, version, module = path.parts[-3:]
            loaded = import_module(f"yimen.{package}.{version}.{module.removesuffix('.py')}")
            for descriptor in loaded.DESCRIPTOR.message_types_by_name.values():
                option = descriptor.GetOptions().Extensions[event_pb2.event]
                if option.type:
                    kind = EventKind(option.type, version, option.owner, option.meaning,
                                     getattr(loaded, descriptor.name), option.replaced_on)
                    found[kind.wire_type] = kind
    return found


@cache
def _kinds_by_name() -> dict[str, EventKind]:
    return {kind.message.DESCRIPTOR.full_name: kind for kind in event_kinds().values()}


def kind_of(message: MessageType) -> EventKind:
    """The event kind of a message class. Raises KeyError for a message that is no event."""
    return _kinds_by_name()[message.DESCRIPTOR.full_name]


def is_of_later_release(wire_type: str) -> bool:
    """Whether the type is well formed and its name unknown here in any version.

    Only the next release can have bound it to a queue of ours: it will be known after the upgrade. An unknown version
    of a known name is another matter: its sender must say the known one beside it (CONTRIBUTING, compatibility).
    """
    found = _WIRE_TYPE.fullmatch(wire_type)
    return found is not None and found[1] not in {kind.type for kind in event_kinds().values()}


def check_readable(wire_type: str, body: bytes) -> None:
    """Raises what `decode` raises, except for a type of a later release: that one waits for the upgrade."""
    if is_of_later_release(wire_type):
        _check_size(body)
    else:
        decode(wire_type, body)


def _check_size(body: bytes) -> None:
    if len(body) > limits.PAYLOAD_BYTES_MAX:
        raise Fault("PAYLOAD_TOO_LARGE", size=len(body), limit=limits.PAYLOAD_BYTES_MAX)


def decode(wire_type: str, body: bytes) -> Message:
    """Raises Fault EVENT_TYPE_UNKNOWN, EVENT_UNDECODABLE or PAYLOAD_TOO_LARGE."""
    _check_size(body)
    kind = event_kinds().get(wire_type)
    if kind is None:
        raise Fault("EVENT_TYPE_UNKNOWN", type=wire_type[:64])
    try:
        return kind.message.FromString(body)
    except DecodeError:
        raise Fault("EVENT_UNDECODABLE", type=wire_type) from None
