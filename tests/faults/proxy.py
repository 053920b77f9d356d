"""A line that can be cut, stopped or slowed: TCP between the services and one of the servers below them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType

CHUNK = 65_536


class Line:
    """Forwards a free port of loopback to `port`."""

    def __init__(self, port: int) -> None:
        self._target, self.port = port, 0
        self._delay_s, self._open = 0.0, True
        self._flowing: asyncio.Event
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # ------------------------------------------------------------------------------------------ what goes wrong
    def cut(self) -> None:
        """Every connection ends at once, new ones are refused."""
        self._soon(self._cut)

    def hang(self) -> None:
        """Connections stay, nothing comes through."""
        self._soon(lambda: self._flowing.clear())

    def slow(self, delay_s: float) -> None:
        """Each piece takes this much longer."""
        self._delay_s = delay_s

    def mend(self) -> None:
        """As it should be."""
        self._delay_s, self._open = 0.0, True
        self._soon(lambda: self._flowing.set())

    # ------------------------------------------------------------------------------------------ forwarding
    def _soon(self, act: object) -> None:
        self._loop.call_soon_threadsafe(act)  # type: ignore[arg-type]

    def _cut(self) -> None:
        self._open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            self._flowing = asyncio.Event()
            self._flowing.set()
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while piece := await reader.read(CHUNK):
                await self._flowing.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
