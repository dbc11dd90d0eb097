"""A full spool degrades by policy, to the record, and recovers by itself."""

# ruff: noqa: ASYNC240 - a test may block its loop for as long as a small write takes

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
from fakes import batch, until

from sanitizer.model import CleanBatch
from sanitizer.pipeline.spill import Spill, WhenFull
from sanitizer.pipeline.spool import Spool


class Fickle(Spool):
    """A spool on a disk that can be full."""

    full = False

    def append(self, batch: CleanBatch, *, droppable: bool = False) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(batch, droppable=droppable)


def spill(folder: Path, when_full: WhenFull, max_bytes: int = 2000) -> tuple[Spill, Fickle, dict[str, int]]:
    counts: dict[str, int] = {}

    def count(metric: str, increment: int) -> None:
        counts[metric] = counts.get(metric, 0) + increment

    spool = Fickle(folder, max_bytes, segment_bytes=500)
    return Spill(spool, lambda _: when_full, count), spool, counts


async def drain(spill: Spill) -> list[int]:
    numbers: list[int] = []
    while found := await spill.first():
        numbers += found.offsets
        await spill.forget_first()
    return numbers


async def append(spill: Spill, numbers: range) -> None:
    await asyncio.gather(*[spill.append(batch(b"%050d" % n, first=n)) for n in numbers])


async def test_appends_together_keep_their_order(tmp_path: Path) -> None:
    spilled, _, _ = spill(tmp_path, "block", 1 << 20)
    await append(spilled, range(100))
    assert await drain(spilled) == list(range(100))
    await spilled.close()


async def test_dropping_the_newest_keeps_the_oldest_and_counts_the_rest(tmp_path: Path) -> None:
    spilled, _, counts = spill(tmp_path, "drop_newest")
    await append(spilled, range(100))
    kept = await drain(spilled)
    assert kept == list(range(len(kept)))
    assert counts["dropped"] == 100 - len(kept) > 0
    await spilled.close()


async def test_dropping_the_oldest_keeps_the_newest_and_counts_the_rest(tmp_path: Path) -> None:
    spilled, _, counts = spill(tmp_path, "drop_oldest")
    await append(spilled, range(100))
    kept = await drain(spilled)
    assert kept == list(range(100 - len(kept), 100))
    assert counts["dropped"] == 100 - len(kept) > 0
    await spilled.close()


async def test_blocking_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    spilled, _, counts = spill(tmp_path, "block")
    appending = asyncio.create_task(append(spilled, range(100)))
    numbers: list[int] = []
    while len(numbers) < 100:
        numbers += await drain(spilled)
        await asyncio.sleep(0)
    await appending
    assert numbers == list(range(100))
    assert "dropped" not in counts
    await spilled.close()


async def test_a_full_disk_is_waited_for_and_recovers_by_itself(tmp_path: Path) -> None:
    spilled, spool, counts = spill(tmp_path, "block", 1 << 20)
    await append(spilled, range(3))
    spool.full = True
    appending = asyncio.create_task(append(spilled, range(3, 6)))
    await asyncio.sleep(0.1)
    assert not appending.done()
    spool.full = False
    await appending
    assert await drain(spilled) == list(range(6))
    assert "dropped" not in counts
    assert len(list(tmp_path.glob("*.segment"))) <= 3
    await spilled.close()


@pytest.mark.parametrize("policy", ["drop_newest", "drop_oldest"])
async def test_on_a_full_disk_dropping_never_waits_and_counts_add_up(tmp_path: Path, policy: WhenFull) -> None:
    spilled, spool, counts = spill(tmp_path, policy, 1 << 20)
    await append(spilled, range(50))
    spool.full = True
    await asyncio.wait_for(append(spilled, range(50, 60)), 5)
    spool.full = False
    await append(spilled, range(60, 70))
    kept = await drain(spilled)
    assert kept[-10:] == list(range(60, 70))
    assert len(kept) + counts["dropped"] == 70
    await spilled.close()


async def test_damage_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    first, _, _ = spill(tmp_path, "block", 1 << 20)
    await append(first, range(3))
    await first.close()
    segment = next(tmp_path.glob("*.segment"))
    segment.write_bytes(b"\0" * 20 + segment.read_bytes()[20:])
    again, _, counts = spill(tmp_path, "block", 1 << 20)
    assert await drain(again) == [1, 2]
    assert counts["spool_damaged"] == 1
    await again.close()


async def test_closing_lets_go_of_what_waits(tmp_path: Path) -> None:
    spilled, spool, _ = spill(tmp_path, "block")
    spool.full = True
    appending = asyncio.create_task(append(spilled, range(1)))
    await until(lambda: not appending.done())
    await spilled.close()
    appending.cancel()
    await asyncio.gather(appending, return_exceptions=True)
