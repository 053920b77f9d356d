"""The contract of the feed for machines and people: AsyncAPI 3.0, made from the protos and nothing else."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from yimen.bus.compatibility import REPLACED_ON
from yimen.bus.events import DEPARTMENT_OWNER, EventKind
from yimen.bus.public import MEDIA_TYPE, Entry, public_fields, public_kinds
from yimen.bus.stream import public_exchange_of, stream_of

SERVICE = "feed"
VERSION = "1.0.0"
EXAMPLE_ID = "5f0e1a52-1111-5a6b-9c3d-000000000001"
EXAMPLE_TIME = "2026-03-17T15:30:00.000+08:00"
_INTEGERS = (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT32)
DESCRIPTION = """Everything that happens to a case of social assistance in the county, masked, as CloudEvents 1.0 in JSON.

`sequence` counts without a gap over the whole feed, `casesequence` within one subject; a number may arrive twice
(at least once), never out of order within a case. Amounts are whole fen. Fields are only ever added; what changes
its meaning is a new type (`aid.granted.v2`), and the old one is published beside it for 180 days."""


def document(owners: dict[str, list[str]]) -> dict[str, Any]:
    """The document; `owners` gives for "department" and "any" the services that they stand for."""
    kinds = public_kinds()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Yimen 一门: the feed of a county's social assistance", "version": VERSION,
                 "description": DESCRIPTION, "license": {"name": "Apache-2.0"}},
        "defaultContentType": MEDIA_TYPE,
        "servers": {"broker": {"host": "localhost:5672", "protocol": "amqp", "protocolVersion": "0.9.1",
                               "description": "A broker user per integrator; it reads the stream and its own queue."}},
        "channels": {"feed": {
            "address": stream_of(SERVICE), "servers": [{"$ref": "#/servers/broker"}],
            "description": f"A RabbitMQ stream; the events enter at the exchange {public_exchange_of(SERVICE)}.",
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in kinds},
            "bindings": {"amqp": {"is": "queue", "queue": {"name": stream_of(SERVICE), "durable": True,
                                                           "exclusive": False, "autoDelete": False}}},
        }},
        "operations": {"readFeed": {
            "action": "receive", "channel": {"$ref": "#/channels/feed"},
            "summary": "Read from the first entry, from an offset, from a moment, or from now on (x-stream-offset).",
            "messages": [{"$ref": f"#/channels/feed/messages/{name}"} for name in kinds],
        }},
        "components": {
            "messages": {name: _message(kind, owners) for name, kind in kinds.items()},
            "schemas": {_schema_name(kind): _envelope(kind) for kind in kinds.values()},
        },
    }


def _schema_name(kind: EventKind) -> str:
    return f"{kind.message.DESCRIPTOR.name}_{kind.version}"


def _message(kind: EventKind, owners: dict[str, list[str]]) -> dict[str, Any]:
    published_by = owners.get(kind.owner, [kind.owner])
    return {
        "name": kind.wire_type, "title": kind.message.DESCRIPTOR.name, "summary": kind.meaning,
        "contentType": MEDIA_TYPE, "tags": [{"name": f"owner:{kind.owner}"}],
        "description": f"Published by {', '.join(published_by)}.",
        "payload": {"$ref": f"#/components/schemas/{_schema_name(kind)}"},
        **({REPLACED_ON: kind.replaced_on} if kind.replaced_on else {}),
        "examples": [{"name": "example", "payload": example(kind, published_by[0])}],
    }


def _envelope(kind: EventKind) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["specversion", "id", "type", "source", "subject", "time", "sequence", "casesequence", "data"],
        "properties": {
            "specversion": {"const": "1.0"}, "id": {**text, "format": "uuid"}, "type": {"const": kind.wire_type},
            "source": {**text, "description": "/services/<name>"}, "datacontenttype": {"const": "application/json"},
            "subject": {**text, "description": "The case or application."}, "time": {**text, "format": "date-time"},
            "sequence": {**text, "pattern": "^[0-9]+$", "description": "Counts from 1 over the whole feed."},
            "casesequence": {"type": "integer", "minimum": 1, "description": "Counts from 1 within the subject."},
            "traceparent": {**text, "description": "W3C trace context."}, "data": _object(kind.message.DESCRIPTOR),
        },
    }


def _object(message: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {field.name: _field(field) for field in public_fields(message)}}


def _field(field: FieldDescriptor) -> dict[str, Any]:
    if field.message_type is not None:
        single = _object(field.message_type)
    elif field.type in _INTEGERS:
        single = {"type": "integer", **({"description": "fen"} if field.name.endswith("_fen") else {})}
    else:
        single = {"type": "boolean" if field.type == FieldDescriptor.TYPE_BOOL else "string"}
    return {"type": "array", "items": single} if field.is_repeated else single


def example(kind: EventKind, source: str) -> dict[str, Any]:
    """An event as it could stand on the feed."""
    entry = Entry(1042, 3, EXAMPLE_ID, kind.wire_type, source, EXAMPLE_ID, EXAMPLE_TIME, "",
                  _example_object(kind.message.DESCRIPTOR, source))
    return entry.cloud_event()


def _example_object(message: Any, source: str) -> dict[str, Any]:
    return {field.name: _example_value(field, source) for field in public_fields(message)}


def _example_value(field: FieldDescriptor, source: str) -> Any:
    if field.message_type is not None:
        value: Any = _example_object(field.message_type, source)
    elif field.type in _INTEGERS:
        value = 74000 if field.name.endswith("_fen") else 1
    elif field.type == FieldDescriptor.TYPE_BOOL:
        value = True
    else:
        known = {"service": source, "receipt_no": "SL-20260302-990101001-0001", "township_code": "990101001",
                 "item": "dibao", "category": "dibao", "outcome": "granted", "channel": "basic_living_relief"}
        dated = field.name.endswith("_on") or field.name in ("from", "until", "valid_from")
        fallback = "2026-03-17" if dated else EXAMPLE_ID if field.name.endswith("_id") else field.name
        value = known.get(field.name, fallback)
    return [value] if field.is_repeated else value


def owners_of(services: dict[str, bool]) -> dict[str, list[str]]:
    """What "department" and "any" stand for; `services` says of each name whether it is a department."""
    return {DEPARTMENT_OWNER: sorted(name for name, department in services.items() if department),
            "any": sorted(services)}
