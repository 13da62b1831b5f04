"""A TCP proxy on loopback that breaks connections when told to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65_536


class Proxy:
    """Passes bytes on between clients and one server.

    Attributes:
        port: where clients connect.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        """Start listening.

        Args:
            target: gives the server's port at the time of a connection; 0 while it has none.
        """
        self._target = target
        self._refusing = False
        self._losing = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="proxy")
        self._thread.start()
        started.wait()

    def cut(self) -> None:
        """Break all connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def lose_answers(self, count: int) -> None:
        """Let the next requests arrive, but break the connection in place of their answers."""
        self._losing = count

    def refuse(self, refusing: bool) -> None:
        """Break all connections and take no new ones, or take them again."""
        self._refusing = refusing
        if refusing:
            self.cut()

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        started.set()
        await self._stop.wait()
        server.close()
        self._cut()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._pass(reader, writer)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            return
        try:
            behind_reader, behind = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            return
        self._writers.add(behind)
        try:
            there = asyncio.ensure_future(self._pump(reader, behind, answers=False))
            back = asyncio.ensure_future(self._pump(behind_reader, writer, answers=True))
            _, open_ones = await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            for one in open_ones:
                one.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
        finally:
            behind.transport.abort()
            self._writers.discard(behind)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if answers and self._losing:
                    self._losing -= 1
                    return
                writer.write(data)
                await writer.drain()
