"""Several processes redact as one does, in the same order; one that dies takes nothing with it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Sequence

import pytest

from sanitizer.database import compiled
from sanitizer.hashing import Keyring
from sanitizer.lanes import Lanes
from sanitizer.model import Batch, CleanBatch, Message, Raw
from sanitizer.scrub import Scrubber
from sanitizer.workers import WorkerLanes

KEYS = Keyring({"k": b"0" * 32}, "k")


def batches(count: int) -> list[Batch]:
    """Consecutive pieces of two lanes, cut anywhere."""
    text = b"".join(b"2026-11-21 INFO record %d of someone%d@example.com\n" % (n, n) for n in range(200))
    size = len(text) // count + 1
    cut = [(start, text[start : start + size]) for start in range(0, len(text), size)]
    return [Batch(lane, Raw(data), start, start + len(data)) for start, data in cut for lane in ("a", "b")]


@pytest.fixture
async def lanes() -> AsyncIterator[WorkerLanes]:
    made = WorkerLanes(Scrubber(compiled(), KEYS), 2)
    yield made
    made.close()


async def scrub(lanes: Lanes, pieces: Sequence[Batch]) -> list[CleanBatch]:
    work = [lanes.feed(piece) for piece in pieces] + [lanes.flush(lane, end=True) for lane in ("a", "b")]
    return [clean for each in work for clean in await each]


def facts(found: Sequence[CleanBatch]) -> dict[str, list[tuple[int, bytes]]]:
    each: dict[str, list[tuple[int, bytes]]] = {}
    for clean in found:
        each.setdefault(clean.lane, []).extend(zip(clean.offsets, clean.records, strict=True))
    return each


async def test_workers_give_what_one_process_gives(lanes: WorkerLanes) -> None:
    alone = await scrub(Lanes(Scrubber(compiled(), KEYS)), batches(9))
    together = await scrub(lanes, batches(9))
    assert facts(together) == facts(alone)
    assert b"@example.com" not in b"".join(record for clean in together for record in clean.records)


async def test_framed_records_keep_their_envelopes(lanes: WorkerLanes) -> None:
    messages = [Message(7, Raw(b"a@example.com"), Raw(b"key b@example.com")), Message(8, None)]
    (clean,) = await lanes.feed(Batch("t/0", Raw(b""), 7, 9, messages))
    assert [envelope.tombstone for envelope in clean.envelopes] == [False, True]
    assert clean.envelopes[0].key == b"key [REDACTED:email]"


async def test_the_batch_of_a_worker_that_was_killed_is_done_again(lanes: WorkerLanes) -> None:
    expected = facts(await scrub(Lanes(Scrubber(compiled(), KEYS)), batches(9)))
    await scrub(lanes, batches(1)[:1])
    work = [lanes.feed(piece) for piece in batches(9)]
    for pid in list(lanes._pool._processes):
        os.kill(pid, signal.SIGKILL)
    found = [clean for each in work for clean in await each]
    found += [clean for lane in ("a", "b") for clean in await lanes.flush(lane, end=True)]
    assert facts(found)["b"] == expected["b"]


async def test_a_batch_that_kills_every_worker_is_withheld(lanes: WorkerLanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanitizer.workers._scrub", die)
    (clean,) = await lanes.feed(Batch("a", Raw(b"one planted@example.com\ntwo\n\n"), 0, 29))
    assert clean.withheld == {"workerdied": len(clean.records)}
    assert b"planted" not in b"".join(clean.records)
    assert clean.upto <= 29


def die(*_: object) -> None:
    os._exit(9)


async def test_new_rules_are_used_from_the_next_batch_on(lanes: WorkerLanes) -> None:
    piece = Batch("a", Raw(b"id 123e4567-e89b-42d3-a456-426614174000\n" * 3), 0, 120)
    before = facts(await scrub(lanes, [piece]))
    other = Scrubber(compiled(), Keyring({"other": b"1" * 32}, "other"))
    lanes.use(other)
    after = facts(await scrub(lanes, [piece]))
    assert after == facts(await scrub(Lanes(other), [piece]))
    assert after != before
