"""Clients of the other services: a deadline on every call, our token, the trace, faults as faults."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

import grpc
from yimen.kernel import limits
from yimen.rpc.faults import from_rpc_error
from yimen.telemetry.tracing import SpanKind, Telemetry, current_traceparent

# Which contract a peer speaks, beside the one that carries its own name.
AID = "yimen.aid.v1.aid:Department"
TASKS = "yimen.common.v1.task:Task"


class Channel(Protocol):
    """As much of `grpc.Channel` as the generated stubs and we use."""

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        """One method as a function."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


Connect = Callable[[str], Channel]


def over_network(address: Callable[[str], str]) -> Connect:
    """Channels to the addresses that `address` gives for a name."""
    return lambda peer: grpc.insecure_channel(address(peer))


class _Call:
    """One method of a peer, called like a function."""

    def __init__(self, peer: str, name: str, method: Any, peers: Peers) -> None:
        self._peer, self._name, self._method, self._peers = peer, name, method, peers

    def __call__(self, request: Any, token: str = "", timeout_s: float = limits.RPC_DEADLINE_S) -> Any:
        """Raises the peer's Fault, or PEER_UNAVAILABLE when no answer came within the deadline."""
        attributes: dict[str, str | bool | int | float] = {"rpc.system.name": "grpc", "rpc.method": self._name,
                                                           "server.address": self._peer}
        with self._peers.telemetry.span(self._name, SpanKind.CLIENT, attributes):
            metadata = [("authorization", f"Bearer {token or self._peers.own_token()}")]
            if traceparent := current_traceparent():
                metadata.append(("traceparent", traceparent))
            try:
                return self._method(request, timeout=timeout_s, metadata=metadata)
            except grpc.RpcError as error:
                raise from_rpc_error(self._peer, error) from None


class Stub:
    """The methods of one contract at one peer."""

    def __init__(self, peer: str, contract: str, peers: Peers) -> None:
        module, service = contract.split(":")
        stub = getattr(import_module(f"{module}_pb2_grpc"), f"{service}ServiceStub")(peers.channel(peer))
        for name, method in vars(stub).items():
            setattr(self, name, _Call(peer, f"{module}.{service}Service/{name}", method, peers))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the contract has no method {name}")


class Peers:
    """The other services by name. `own_token` is sent when a call names no other."""

    def __init__(self, connect: Connect, own_token: Callable[[], str], telemetry: Telemetry) -> None:
        self._connect, self.own_token, self.telemetry = connect, own_token, telemetry
        self._channels: dict[str, Channel] = {}
        self._stubs: dict[tuple[str, str], Stub] = {}

    def channel(self, peer: str) -> Channel:
        """One channel per peer, made at first use."""
        if peer not in self._channels:
            self._channels[peer] = self._connect(peer)
        return self._channels[peer]

    def stub(self, peer: str, contract: str = "") -> Any:
        """The peer's contract: by default the one named after it (`yimen.roster.v1`)."""
        title = "".join(part.title() for part in peer.split("_"))
        contract = contract or f"yimen.{peer}.v1.{peer}:{title}"
        if (peer, contract) not in self._stubs:
            self._stubs[peer, contract] = Stub(peer, contract, self)
        return self._stubs[peer, contract]

    def department(self, name: str) -> Any:
        """A department's case service."""
        return self.stub(name, AID)

    def tasks(self, name: str) -> Any:
        """A service's work list."""
        return self.stub(name, TASKS)

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self._stubs.clear()
