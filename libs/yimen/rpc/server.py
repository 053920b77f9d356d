"""The threaded gRPC server. Order in each call never varies: trace → identify → handle → map errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from yimen.kernel import limits
from yimen.kernel.clock import Clock
from yimen.kernel.errors import Fault
from yimen.rpc.faults import abort
from yimen.security.identity import Principal, principal_of, verified_claims
from yimen.security.keys import KeyRing
from yimen.telemetry.tracing import SpanKind, Telemetry

_log = logging.getLogger(__name__)
_PRINCIPAL: ContextVar[Principal] = ContextVar("principal")
TOKENS_CACHED = 2_000
_OPEN_PREFIX = "/grpc.health.v1.Health/"

# A servicer with the generated function that adds it to a server.
Mount = tuple[Callable[[Any, grpc.Server], None], object]


def caller() -> Principal:
    """Who made the call that this thread is answering."""
    return _PRINCIPAL.get()


class Guard(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Stands before every servicer: span, size, identity, faults."""

    def __init__(self, keys: KeyRing, clock: Clock, telemetry: Telemetry) -> None:
        self._keys, self._clock, self._telemetry = keys, clock, telemetry
        # A token is verified once; whether it is still in time is asked at every call.
        self._verified = lru_cache(TOKENS_CACHED)(lambda token: verified_claims(keys, token))

    def intercept_service(self, continuation: Any, call: grpc.HandlerCallDetails) -> Any:
        handler = continuation(call)
        if handler is None or handler.unary_unary is None or call.method.startswith(_OPEN_PREFIX):
            return handler
        metadata = {key: str(value) for key, value in call.invocation_metadata}

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            attributes: dict[str, str | bool | int | float] = {"rpc.system.name": "grpc", "rpc.method": call.method[1:]}
            begun, code, status = time.monotonic(), "", "OK"
            with self._telemetry.span(call.method[1:], SpanKind.SERVER, attributes, metadata.get("traceparent", "")) as span:
                try:
                    _check_size(request)
                    token = metadata.get("authorization", "").removeprefix("Bearer ")
                    _PRINCIPAL.set(principal_of(self._verified(token), self._clock.now()))
                    return handler.unary_unary(request, context)
                except Fault as fault:
                    code, status = fault.code, fault.status.grpc
                    abort(context, fault)
                except Exception as error:
                    code = status = "INTERNAL"
                    _log.error("call failed", exc_info=error, extra={"method": call.method})
                    abort(context, Fault("INTERNAL"))
                finally:
                    span.set_attribute("rpc.response.status_code", status)
                    if code:
                        span.set_attribute("error.type", code)
                    self._telemetry.meter.observe("rpc.server.call.duration", time.monotonic() - begun,
                                                  {"rpc.method": call.method[1:], "yimen.code": code})

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def _check_size(request: Any) -> None:
    size = request.ByteSize()
    if size > limits.PAYLOAD_BYTES_MAX:
        raise Fault("PAYLOAD_TOO_LARGE", size=size, limit=limits.PAYLOAD_BYTES_MAX)


class RpcServer:
    """Serves mounted servicers and gRPC health on one address."""

    def __init__(self, mounts: Sequence[Mount], guard: Guard, address: str, threads: int = limits.RPC_THREADS) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix="rpc"), interceptors=[guard],
            # Larger than our own limit, so that the caller gets our sentence and not the library's.
            options=[("grpc.max_receive_message_length", 4 * limits.PAYLOAD_BYTES_MAX), ("grpc.so_reuseport", 0)],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for add, servicer in mounts:
            add(servicer, self._server)
        self.port = self._server.add_insecure_port(address)

    def start(self) -> None:
        """Begin to answer and say so on the health service."""
        self._server.start()
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace_s: float = limits.STOP_GRACE_S) -> None:
        """Say NOT_SERVING, finish the calls in flight, end."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait(grace_s)
