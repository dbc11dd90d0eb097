"""Worker processes, each at the other end of a socket: a task goes to whoever has room, and a dead worker's to another."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Protocol

from sanitizer.process.dumps import hide

_log = logging.getLogger(__name__)

_LENGTH = struct.Struct("<I")
_AHEAD = 2
"""Tasks a worker has at a time: the one it does, and one in its socket, so that it need not wait for us."""
_BUFFER_BYTES = 1 << 20
_DEATHS = 3
"""How many workers may die of one task."""
_LOOK_AGAIN_SECS = 1.0
_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Prepare = Callable[[], Callable[[bytes], bytes]]
"""Picklable. Called in a worker; gives what does a task there."""


class DeadlyError(Exception):
    """Raised for a task of which worker after worker died."""


@dataclass(eq=False)
class _Job:
    body: bytes
    done: asyncio.Future[bytes]
    deaths: int = 0


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    socket: socket.socket
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AHEAD))
    jobs: deque[_Job] = field(default_factory=deque)


class Crew:
    """*size* processes that do tasks. They end with `close`, and with this process, however it ends.

    A worker does its tasks in the order in which it was given them, so the first of a dead worker's is the one it died of.
    """

    def __init__(self, size: int, prepare: Prepare) -> None:
        self._prepare = pickle.dumps(prepare)
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._workers = [self._hire() for _ in range(size)]
        self._posts: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.process.pid for worker in self._workers if worker.process.pid]

    def submit(self, body: bytes) -> asyncio.Future[bytes]:
        """Have a task done; what it gives is its result, or `DeadlyError`."""
        if not self._posts:
            self._posts = [asyncio.create_task(self._employ(place)) for place in range(len(self._workers))]
        job = _Job(body, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        return job.done

    async def retire(self) -> None:
        """Finish what was submitted, then end."""
        jobs = [*self._waiting, *(job for worker in self._workers for job in worker.jobs)]
        if jobs:
            await asyncio.wait([job.done for job in jobs])
        await self.close()

    async def close(self) -> None:
        """End the workers now."""
        for post in self._posts:
            post.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)
        for worker in self._workers:
            _end(worker)

    def _hire(self) -> _Worker:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        # What is handed over at the start must fit into a pipe: `start` waits for ever for a child that was killed before it
        # had read it all. So the rules go through the socket.
        process = multiprocessing.get_context("spawn").Process(target=_work, args=(theirs,), daemon=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)  # signals are for this process, which tells the workers
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        return _Worker(process, ours)

    async def _employ(self, place: int) -> None:
        """Keep one post filled."""
        while True:
            worker = self._workers[place]
            reader, writer = await asyncio.open_connection(sock=worker.socket, limit=_BUFFER_BYTES)
            sending = asyncio.create_task(self._hand_out(worker, writer))
            try:
                with suppress(asyncio.IncompleteReadError, ConnectionError):
                    await _take_back(worker, reader)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                writer.transport.abort()
            _log.warning("a worker died; its batch is done again")
            self._return(worker)
            while self._workers[place] is worker:
                try:
                    self._workers[place] = self._hire()
                except OSError as trouble:
                    _log.error("no worker can be started: %s", trouble.strerror)
                    await asyncio.sleep(_LOOK_AGAIN_SECS)

    async def _hand_out(self, worker: _Worker, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await _write(writer, self._prepare)
        while True:
            await worker.room.acquire()
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            job = self._waiting.popleft()
            worker.jobs.append(job)
            with suppress(ConnectionError):  # whoever reads finds out
                await _write(writer, job.body)

    def _return(self, worker: _Worker) -> None:
        """Have what *worker* did not do done by others, before anything else."""
        _end(worker)
        if worker.jobs:
            worker.jobs[0].deaths += 1
        while worker.jobs:
            job = worker.jobs.pop()
            if job.deaths < _DEATHS:
                self._waiting.appendleft(job)
            elif not job.done.done():
                job.done.set_exception(DeadlyError())
        self._arrived.set()


async def _write(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.writelines((_LENGTH.pack(len(body)), body))
    await writer.drain()


async def _take_back(worker: _Worker, reader: asyncio.StreamReader) -> None:
    """Give each job its result, until the worker has gone."""
    while True:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        result = await reader.readexactly(length)
        job = worker.jobs.popleft()
        worker.room.release()
        if not job.done.done():
            job.done.set_result(result)


def _end(worker: _Worker) -> None:
    worker.socket.close()
    worker.process.kill()
    worker.process.join()
    worker.process.close()


def _work(channel: socket.socket) -> None:
    """Do tasks until there are no more. What fails is a death: nothing of what went wrong may be said here."""
    hide()
    try:
        with channel.makefile("rb", _BUFFER_BYTES) as incoming:
            prepare: Prepare = pickle.loads(_read(incoming))  # noqa: S301 - our own parent wrote it
            do = prepare()
            while True:
                result = do(_read(incoming))
                channel.sendall(_LENGTH.pack(len(result)) + result)
    finally:
        os._exit(1)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read(incoming: _Stream) -> bytes:
    """The next message; raises `EOFError` when the other end has gone."""
    head = incoming.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return incoming.read(_LENGTH.unpack(head)[0])
