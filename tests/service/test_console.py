"""Standard error that is read late, never, or no more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sanitizer.model import Clean, CleanBatch
from sanitizer.service.console import Console


def batch(first: int, count: int = 100) -> CleanBatch:
    """Numbered records of about a kilobyte."""
    return CleanBatch(
        "stderr", [Clean(b"%07d %s" % (n, os.urandom(500).hex().encode())) for n in range(first, first + count)], range(count), 0
    )


@asynccontextmanager
async def running(console: Console) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(console.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    console.give_up()


async def read_all(fd: int) -> list[int]:
    """The numbers of the records that are read up to the end."""

    def read() -> bytes:
        with open(fd, "rb") as file:
            return file.read()

    return [int(line[:7]) for line in (await asyncio.to_thread(read)).splitlines()]


async def test_what_waits_on_disk_comes_in_order_when_it_is_read_again(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    dropped: list[int] = []
    console = Console(writer, tmp_path / "1", dropped.append, max_waiting_bytes=200_000)
    async with running(console) as task:
        for first in range(0, 2_000, 100):
            console.deliver(batch(first))
            await asyncio.sleep(0)
        assert list((tmp_path / "1").glob("*.segment"))
        console.close()
        reading = asyncio.create_task(read_all(reader))
        await task
    os.close(writer)

    assert await reading == list(range(2_000))
    assert dropped == []


async def test_beyond_its_bound_the_oldest_are_dropped_and_counted(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    dropped: list[int] = []
    console = Console(writer, tmp_path / "1", dropped.append, max_bytes=500_000, max_waiting_bytes=200_000)
    async with running(console) as task:
        for first in range(0, 3_000, 100):
            console.deliver(batch(first))
            await asyncio.sleep(0)
        console.close()
        reading = asyncio.create_task(read_all(reader))
        await task
    os.close(writer)
    numbers = await reading

    assert numbers == sorted(numbers)
    assert numbers[-1] == 2_999
    assert len(numbers) + sum(dropped) == 3_000
    assert sum(dropped)


async def test_a_disk_that_takes_nothing_costs_what_it_should_have_taken(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    dropped: list[int] = []
    (tmp_path / "file").write_text("")
    console = Console(writer, tmp_path / "file/1", dropped.append, max_waiting_bytes=200_000)
    async with running(console) as task:
        for first in range(0, 1_000, 100):
            console.deliver(batch(first))
            await asyncio.sleep(0)
        console.close()
        reading = asyncio.create_task(read_all(reader))
        await task
    os.close(writer)

    assert len(await reading) + sum(dropped) == 1_000
    assert sum(dropped)


async def test_what_is_never_read_is_counted_and_leaves_nothing_on_disk(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    dropped: list[int] = []
    console = Console(writer, tmp_path / "1", dropped.append, max_waiting_bytes=200_000)
    async with running(console):
        for first in range(0, 1_000, 100):
            console.deliver(batch(first))
            await asyncio.sleep(0)
    os.close(reader)
    os.close(writer)

    assert sum(dropped) >= 800
    assert not (tmp_path / "1").exists()


async def test_where_nothing_may_be_dropped_it_waits_for_room_and_says_so(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    dropped: list[int] = []
    written: list[int] = []
    console = Console(
        writer, tmp_path / "1", dropped.append, 500_000, max_waiting_bytes=200_000, when_full="block", written=written.append
    )
    async with running(console) as task:
        waits = [console.deliver(batch(first)) for first in range(0, 3_000, 100)]
        assert waits[0] is None
        assert waits[-1] is not None
        await asyncio.sleep(0.05)
        assert not waits[-1].done()
        reading = asyncio.create_task(read_all(reader))
        await waits[-1]
        console.close()
        await task
    os.close(writer)

    assert await reading == list(range(3_000))
    assert (dropped, sum(written)) == ([], 3_000)


async def test_a_full_disk_is_waited_for_and_at_the_end_costs_what_it_did_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.stdout._ROOM_SECS", 0.01)

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    dropped: list[int] = []
    with (tmp_path / "out").open("wb") as out:
        console = Console(out.fileno(), tmp_path / "1", dropped.append, max_waiting_bytes=200_000, last_secs=0.1)
        monkeypatch.setattr("sinks.stdout.os.write", full)
        async with running(console) as task:
            for first in range(0, 1_000, 100):
                console.deliver(batch(first))
                await asyncio.sleep(0.02)
            assert not task.done()
            console.close()
            await task
            console.deliver(batch(1_000))
    assert sum(dropped) == 1_100
    assert console.failure
    assert not (tmp_path / "1").exists()


async def test_when_nobody_reads_any_more_everything_goes_nowhere(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    dropped: list[int] = []
    console = Console(writer, tmp_path / "1", dropped.append, max_waiting_bytes=1)
    async with running(console) as task:
        console.deliver(batch(0))
        await task
        console.deliver(batch(100))
    os.close(writer)

    assert dropped == []
