"""Several processes redact as one does, in the same order; one that dies takes nothing with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from sanitizer.hashing import Keyring
from sanitizer.model import Batch, CleanBatch, Message, Raw
from sanitizer.protocol.mcp import Exposure, Frame
from sanitizer.records.assemble import Assembled, Assembler, Record
from sanitizer.redaction.crew import Crew, DeadlyError
from sanitizer.redaction.handover import Task, pack, pack_result, unpack, unpack_result
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.scrub import Scrubber
from sanitizer.redaction.workers import WorkerLanes
from sanitizer.rulesets.cache import compiled

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
    await made.close()


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


async def test_a_table_that_goes_on_in_the_next_batch_is_followed_by_workers_too(lanes: WorkerLanes) -> None:
    pieces = [Batch("a", Raw(data), at, at + len(data)) for at, data in ((0, b"id,password\n"), (12, b"7,Haven5566$x\n"))]
    found = facts(await scrub(lanes, pieces))
    assert [record for _, record in found["a"]] == [b'{"message":"id,password"}', b'{"message":"7,[REDACTED:password]"}']


async def test_framed_records_keep_their_envelopes(lanes: WorkerLanes) -> None:
    messages = [Message(7, Raw(b"a@example.com"), Raw(b"key b@example.com")), Message(8, None)]
    (clean,) = await lanes.feed(Batch("t/0", Raw(b""), 7, 9, messages))
    assert [envelope.tombstone for envelope in clean.envelopes] == [False, True]
    assert clean.envelopes[0].key == b"key [REDACTED:email]"


async def test_the_batch_of_a_worker_that_was_killed_is_done_again(lanes: WorkerLanes) -> None:
    expected = facts(await scrub(Lanes(Scrubber(compiled(), KEYS)), batches(9)))
    await scrub(lanes, batches(1)[:1])
    work = [lanes.feed(piece) for piece in batches(9)]
    for pid in lanes.pids:
        os.kill(pid, signal.SIGKILL)
    found = [clean for each in work for clean in await each]
    found += [clean for lane in ("a", "b") for clean in await lanes.flush(lane, end=True)]
    assert facts(found)["b"] == expected["b"]


async def test_a_batch_that_kills_every_worker_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanitizer.redaction.workers._Prepare", Mortal)
    lanes = WorkerLanes(Scrubber(compiled(), KEYS), 2)
    (clean,) = await lanes.feed(Batch("a", Raw(b"one planted@example.com\ntwo deadly\n\n"), 0, 36))
    assert clean.withheld == {"workerdied": len(clean.records)}
    assert b"planted" not in b"".join(clean.records)
    assert clean.upto <= 36
    await lanes.close()


class Mortal:
    """A worker that dies of some tasks, by an exception that says what it should not."""

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self) -> Callable[[bytes], bytes]:
        return survive


def survive(body: bytes) -> bytes:
    if b"deadly" in body:
        raise ValueError(body)
    return body.upper()


async def test_only_the_task_that_a_worker_died_of_is_blamed(capfd: pytest.CaptureFixture[str]) -> None:
    crew = Crew(2, Mortal())
    bodies = [b"deadly 5" if n == 5 else b"task %d" % n for n in range(40)]
    found = await asyncio.gather(*map(crew.submit, bodies), return_exceptions=True)
    assert isinstance(found[5], DeadlyError)
    assert found[:5] + found[6:] == [body.upper() for body in bodies[:5] + bodies[6:]]
    await crew.close()
    assert "deadly" not in "".join(capfd.readouterr())


async def test_workers_end_with_who_hired_them() -> None:
    crew = Crew(1, Mortal())
    assert await crew.submit(b"a") == b"A"
    (pid,) = crew.pids
    await crew.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_is_handed_over_comes_out_as_it_went_in() -> None:
    text = (Path(__file__).parents[1] / "captures").glob("**/*.log")
    for path in text:
        assembled = Assembler().feed(path.read_bytes())
        task = Task("lane", assembled.upto, assembled)
        assert unpack(pack(task)) == task
    odd = Task("lane", 1, Assembled([b"x"], 0, 1, [Record((0,), b"x", fields={"n": 1 << 70})]))
    assert unpack(pack(odd)) == odd
    frames = [Frame(kind="request", size=1, id=1 << 70), Exposure("rule", "digest")]
    clean = CleanBatch("lane", [], [], 1, frames=frames, withheld=Counter(a=1), envelopes=[])
    assert unpack_result(pack_result(clean)) == clean


async def test_new_rules_are_used_from_the_next_batch_on(lanes: WorkerLanes) -> None:
    piece = Batch("a", Raw(b"id 123e4567-e89b-42d3-a456-426614174000\n" * 3), 0, 120)
    before = facts(await scrub(lanes, [piece]))
    other = Scrubber(compiled(), Keyring({"other": b"1" * 32}, "other"))
    lanes.use(other)
    after = facts(await scrub(lanes, [piece]))
    assert after == facts(await scrub(Lanes(other), [piece]))
    assert after != before
