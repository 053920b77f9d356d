"""gRPC without a network: the generated stubs and servicers of one process, joined by a channel of our own.

Requests and answers are serialised as on the wire, the guard of the real server stands before every servicer,
faults travel as rich statuses. What is missing are sockets, threads and the deadline: a local call always ends.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import grpc
from yimen.rpc.server import Guard, Mount


class _Aborted(Exception):
    """A servicer has ended the call with a status."""

    def __init__(self, status: Any) -> None:
        super().__init__(status.details)
        self.status = status


class LocalError(grpc.RpcError):
    """What a client gets for a call that was ended with a status; has what `grpc.Call` has."""

    def __init__(self, status: Any) -> None:
        super().__init__(status.details)
        self._status = status

    def code(self) -> grpc.StatusCode:
        """The status code."""
        code: grpc.StatusCode = self._status.code
        return code

    def details(self) -> str:
        """The message."""
        return str(self._status.details)

    def trailing_metadata(self) -> Any:
        """Carries `grpc-status-details-bin`."""
        return self._status.trailing_metadata


class _CallContext:
    """As much of `grpc.ServicerContext` as the servicers use."""

    @staticmethod
    def abort_with_status(status: Any) -> None:
        raise _Aborted(status)


class LocalServer:
    """Takes the servicers of one service, as `grpc.server` does, and answers calls in the caller's thread."""

    def __init__(self, mounts: Sequence[Mount], guard: Guard) -> None:
        self._guard = guard
        self._handlers: dict[str, Any] = {}
        for add, servicer in mounts:
            add(servicer, self)  # type: ignore[arg-type]  # it is asked for these two methods only

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Older form of the registration; the generated code calls both."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Called by the generated code."""
        self._handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}

    def call(self, method: str, body: bytes, metadata: Sequence[tuple[str, str]]) -> bytes:
        """Answer one call. Raises LocalError."""
        if method not in self._handlers:
            raise LocalError(SimpleNamespace(code=grpc.StatusCode.UNIMPLEMENTED, details=method, trailing_metadata=()))
        details = SimpleNamespace(method=method, invocation_metadata=metadata)
        handler = self._guard.intercept_service(lambda _: self._handlers[method], details)  # type: ignore[arg-type]
        try:
            answer = handler.unary_unary(handler.request_deserializer(body), _CallContext())
        except _Aborted as aborted:
            raise LocalError(aborted.status) from None
        return bytes(handler.response_serializer(answer))


class LocalChannel:
    """A channel to a server of this process; `serve` answers (method, request, metadata)."""

    def __init__(self, serve: Callable[[str, bytes, Sequence[tuple[str, str]]], bytes]) -> None:
        self._serve = serve

    def unary_unary(self, method: str, request_serializer: Any = None, response_deserializer: Any = None,
                    _registered_method: bool = False) -> Callable[..., Any]:
        """One method as a function, as `grpc.Channel` has it."""

        def invoke(request: Any, timeout: float | None = None, metadata: Sequence[tuple[str, str]] = ()) -> Any:
            # The servicer sees its own caller and span; ours are as before when it has answered.
            context = contextvars.copy_context()
            return response_deserializer(context.run(self._serve, method, request_serializer(request), metadata))

        return invoke

    def close(self) -> None:
        """Nothing is held."""
