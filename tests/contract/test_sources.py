"""What every source promises: whole lanes in order, offsets that add up, an end when told, and nothing again after a commit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import Memory, until

from sanitizer.model import Batch, Source
from sanitizer.sources import FileConfig
from sanitizer.sources.options import Reading
from sanitizer.sources.stdin import StdinSource

TEXT = b"".join(b"line %d of the contract\n" % n for n in range(3000))


@dataclass
class Origin:
    """A source and who writes into it. `end` is the writer's; a source without one `resumes`."""

    open: Callable[[Reading], AbstractAsyncContextManager[Source]]
    write: Callable[[bytes], None]
    end: Callable[[], None] | None


@asynccontextmanager
async def stdin(_: Path) -> AsyncIterator[Origin]:
    read, write = os.pipe()

    @asynccontextmanager
    async def open_source(reading: Reading) -> AsyncIterator[Source]:
        source = StdinSource(read, reading)
        try:
            yield source
        finally:
            source.close()

    def put(data: bytes) -> None:
        os.set_blocking(write, False)
        assert os.write(write, data) == len(data)

    ended = []

    def end() -> None:
        os.close(write)
        ended.append(True)

    try:
        yield Origin(open_source, put, end)
    finally:
        if not ended:
            os.close(write)
        os.close(read)


@asynccontextmanager
async def file(tmp_path: Path) -> AsyncIterator[Origin]:
    path = tmp_path / "a.log"

    def put(data: bytes) -> None:
        with path.open("ab") as log:
            log.write(data)

    yield Origin(FileConfig(paths=(str(path),), poll_secs=0.02).open, put, None)


ORIGINS = {"stdin": stdin, "file": file}


@pytest.fixture(params=ORIGINS)
async def origin(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Origin]:
    async with ORIGINS[request.param](tmp_path) as found:
        yield found


async def collect(source: Source, found: list[Batch]) -> None:
    async for batch in source.batches():
        found.append(batch)  # noqa: PERF401 - as they come


async def test_lanes_are_whole_and_in_order_and_offsets_add_up(origin: Origin) -> None:
    found: list[Batch] = []
    reading = Reading()
    async with origin.open(reading) as source:
        running = asyncio.create_task(collect(source, found))
        for start in range(0, len(TEXT), 1777):
            origin.write(TEXT[start : start + 1777])
            await asyncio.sleep(0)
        await until(lambda: sum(len(batch.data) for batch in found) == len(TEXT))
        reading.stop.set()
        await asyncio.wait_for(running, 10)
    assert b"".join(batch.data for batch in found) == TEXT
    assert len({batch.lane for batch in found}) == 1
    ends = [0, *(batch.upto for batch in found)]
    assert [batch.offset for batch in found] == ends[:-1]
    assert all(batch.upto - batch.offset == len(batch.data) for batch in found)


async def test_told_to_stop_it_gives_what_is_there_and_ends(origin: Origin) -> None:
    found: list[Batch] = []
    reading = Reading()
    async with origin.open(reading) as source:
        running = asyncio.create_task(collect(source, found))
        origin.write(b"first\n")
        await until(lambda: bool(found))
        origin.write(b"last words\n")
        reading.stop.set()
        await asyncio.wait_for(running, 10)
    assert b"".join(batch.data for batch in found) == b"first\nlast words\n"


async def test_cancelled_while_it_waits_it_closes_cleanly(origin: Origin) -> None:
    async with origin.open(Reading()) as source:
        running = asyncio.create_task(collect(source, []))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_it_ends_with_its_writer_or_goes_on_after_the_commit(origin: Origin) -> None:
    found: list[Batch] = []
    state = Memory()
    origin.write(b"one\n")
    reading = Reading(checkpoints=state)
    async with origin.open(reading) as source:
        running = asyncio.create_task(collect(source, found))
        await until(lambda: bool(found))
        await source.commit(found[0].lane, 4)
        if origin.end:
            origin.end()
        else:
            reading.stop.set()
        await asyncio.wait_for(running, 10)
    if origin.end is None:
        origin.write(b"two\n")
        again: list[Batch] = []
        reading = Reading(checkpoints=state)
        async with origin.open(reading) as source:
            running = asyncio.create_task(collect(source, again))
            await until(lambda: bool(again))
            reading.stop.set()
            await asyncio.wait_for(running, 10)
        assert [(batch.lane, batch.offset, batch.data) for batch in again] == [(found[0].lane, 4, b"two\n")]
