"""What stands on the broker: an exchange and a queue per service, all exchanges joined in one.

    yimen.<service> ──▶ yimen.events ──▶ yimen.<service>.events ──(rejected)──▶ yimen.dead ──▶ yimen.<service>.dead

A service's broker user may publish to its own exchange and read its own queues, nothing else; so the exchange
on which a message entered proves who said it. Only an administrator joins and binds (`yimen setup`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kombu import Connection, Exchange, Queue
from yimen.bus.envelope import EVERYBODY
from yimen.bus.events import ANY_OWNER, DEPARTMENT_OWNER, event_kinds, kind_of
from yimen.bus.reach import PROBE_KEY, check_broker
from yimen.bus.stream import declare_stream
from yimen.kernel import limits

if TYPE_CHECKING:
    from yimen.runtime.declaration import Service

PREFIX = "yimen"
EVENTS = f"{PREFIX}.events"
DEAD = f"{PREFIX}.dead"


def exchange_of(service: str) -> str:
    """The exchange that this service alone may publish to."""
    return f"{PREFIX}.{service}"


def queue_of(service: str) -> str:
    """The one queue in which a service finds everything that it subscribes to, in order."""
    return f"{PREFIX}.{service}.events"


def dead_queue_of(service: str) -> str:
    """Where messages of a service's queue end that nobody can read."""
    return f"{PREFIX}.{service}.dead"


def quorum_queue(service: str) -> Queue:
    """The service's queue with its arguments; declared by the administrator."""
    return Queue(queue_of(service), durable=True, queue_arguments={
        "x-queue-type": "quorum", "x-delivery-limit": limits.DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD, "x-dead-letter-routing-key": service})


def binding_keys(service: Service) -> list[str]:
    """Routing keys of everything that the service subscribes to."""
    keys: list[str] = []
    for message in service.handlers:
        name = kind_of(message).type
        if message in service.addressed:
            keys += [f"{name}.{service.name}", f"{name}.{EVERYBODY}"]
        else:
            keys.append(f"{name}.*")
    return sorted(keys)


def declare(connection: Connection, service: Service) -> None:
    """Exchange, queues and bindings of one service; safe to repeat. Bindings of events that it no longer
    subscribes to are the administrator's to remove."""
    channel = connection.default_channel
    for name in (exchange_of(service.name), EVENTS, DEAD):
        Exchange(name, "topic", durable=True, channel=channel).declare()
    Exchange(EVENTS, "topic", channel=channel).bind_to(exchange_of(service.name), routing_key="#")
    if service.has_public_stream:
        declare_stream(channel, service.name)
    dead = Queue(dead_queue_of(service.name), durable=True, queue_arguments={"x-queue-type": "quorum"})(channel)
    dead.declare()
    dead.bind_to(DEAD, routing_key=service.name)
    queue = quorum_queue(service.name)(channel)
    queue.declare()
    for key in binding_keys(service):
        queue.bind_to(EVENTS, routing_key=key)


@dataclass(frozen=True)
class Permissions:
    """RabbitMQ permissions of a service's user, as regular expressions."""

    configure: str
    write: str
    read: str


def permissions_of(service: str) -> Permissions:
    """Publish to the own exchanges, read the own queues."""
    own = exchange_of(service).replace(".", r"\.")
    return Permissions("^$", rf"^{own}(\.public)?$", rf"^{own}\.(events|dead)$")


def topics_of(service: Service) -> str:
    """The routing keys with which the service may publish to its own exchange: events that are its to say."""
    own = {service.name, ANY_OWNER} | ({DEPARTMENT_OWNER} if service.is_department else set())
    kinds = sorted({kind.type.replace(".", r"\.") for kind in event_kinds().values() if kind.owner in own})
    return rf"^(({'|'.join(kinds)})\.[a-z_]+|{re.escape(PROBE_KEY)})$"


def broker_definitions(vhost: str, services: Iterable[Service], passwords: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Users `<prefix><service>` with their permissions, as `rabbitmqctl import_definitions` reads them."""
    users, permissions, topics = [], [], []
    for service in services:
        user, allowed = prefix + service.name, permissions_of(service.name)
        users.append({"name": user, "password": passwords[service.name], "tags": ""})
        permissions.append({"user": user, "vhost": vhost, "configure": allowed.configure, "write": allowed.write,
                            "read": allowed.read})
        topics.append({"user": user, "vhost": vhost, "exchange": exchange_of(service.name),
                       "write": topics_of(service), "read": ".*"})
    return {"vhosts": [{"name": vhost}], "users": users, "permissions": permissions, "topic_permissions": topics}


def declare_at(url: str, services: list[Service]) -> None:
    """Declare several services with an administrator's URL. Raises Fault BROKER_UNAVAILABLE."""
    check_broker(url)
    with Connection(url) as connection:
        for service in services:
            declare(connection, service)


def consumers_of(url: str, names: list[str]) -> dict[str, int]:
    """How many consumers each service's queue has."""
    with Connection(url) as connection:
        channel = connection.default_channel
        return {name: int(channel.queue_declare(queue_of(name), passive=True).consumer_count) for name in names}
