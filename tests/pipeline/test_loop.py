"""The loop commits in order, nothing before it is delivered, and stops without losing what was read."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import pytest
from fakes import Lines, ListSource, until
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.model import CleanBatch
from sanitizer.pipeline.commits import NotDurableError
from sanitizer.pipeline.loop import Pipeline


class Receiver:
    """Delivers when it is told to, in any order."""

    def __init__(self, *, hold: bool = False) -> None:
        self.batches: list[CleanBatch] = []
        self.futures: list[asyncio.Future[None]] = []
        self._hold = hold

    def deliver(self, batch: CleanBatch) -> asyncio.Future[None] | None:
        self.batches.append(batch)
        if not self._hold:
            return None
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]

    def records(self, lane: str = "a") -> list[bytes]:
        return [record for batch in self.batches if batch.lane == lane for record in batch.records]


def pipeline(source: ListSource, receiver: Receiver, **options: object) -> Pipeline:
    return Pipeline([source], Lines(), [receiver.deliver], **{"commit_secs": 0.0, **options})  # type: ignore[arg-type]


async def test_everything_read_is_delivered_and_committed() -> None:
    source, receiver = ListSource(("a", b"1\n2\n"), ("b", b"x\n"), ("a", b"3\n")), Receiver()
    await pipeline(source, receiver).run()
    assert receiver.records() == [b"1", b"2", b"3"]
    assert source.committed == {"a": 6, "b": 2}


async def test_commits_follow_the_order_of_reading_whatever_the_order_of_delivery() -> None:
    source, receiver = ListSource(("a", b"1\n"), ("a", b"2\n"), ("a", b"3\n")), Receiver(hold=True)
    running = asyncio.create_task(pipeline(source, receiver).run())
    await until(lambda: len(receiver.futures) == 3)
    receiver.futures[2].set_result(None)
    receiver.futures[1].set_result(None)
    await asyncio.sleep(0.02)
    assert source.committed == {}
    receiver.futures[0].set_result(None)
    await running
    assert source.committed == {"a": 6}


async def test_nothing_at_or_after_a_batch_that_failed_is_committed() -> None:
    source, receiver = ListSource(("a", b"1\n"), ("a", b"2\n"), ("a", b"3\n")), Receiver(hold=True)
    running = asyncio.create_task(pipeline(source, receiver).run())
    await until(lambda: len(receiver.futures) == 3)
    receiver.futures[0].set_result(None)
    receiver.futures[2].set_result(None)
    receiver.futures[1].set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError):
        await running
    assert source.committed == {"a": 2}


async def test_a_redaction_that_fails_ends_the_run_before_anything_passes() -> None:
    source, receiver, lines = ListSource(("a", b"1\n"), ("a", b"2\n")), Receiver(), Lines()
    lines.fail_on = b"2"
    with pytest.raises(ValueError, match="cannot"):
        await Pipeline([source], lines, [receiver.deliver]).run()
    assert receiver.records() == [b"1"]


async def test_a_stuck_sink_stops_the_reader() -> None:
    source = ListSource(*[("a", b"%d\n" % n) for n in range(1000)])
    receiver = Receiver(hold=True)
    running = asyncio.create_task(pipeline(source, receiver, window_items=4).run())
    await until(lambda: source.given >= 5)
    await asyncio.sleep(0.05)
    assert source.given <= 2 * 4 + 4
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert source.committed == {}


async def test_an_open_record_is_released_after_its_time_and_not_before() -> None:
    source, receiver = ListSource(("a", b"1\n2\\\n"), stay=True), Receiver()
    running = asyncio.create_task(pipeline(source, receiver, hold_secs=0.05).run())
    await until(lambda: receiver.records() == [b"1"])
    assert source.committed.get("a", 0) <= 2
    await until(lambda: receiver.records() == [b"1", b"2\\"])
    source.stop.set()
    await running
    assert source.committed == {"a": 5}


async def test_a_run_that_failed_begins_nothing_afterwards() -> None:
    class Counted(Lines):
        flushed = 0

        def flush(self, lane: str, end: bool) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
            self.flushed += 1
            return super().flush(lane, end)

    source, receiver, lines = ListSource(("a", b"1\n2\\\n"), stay=True), Receiver(hold=True), Counted()
    running = asyncio.create_task(Pipeline([source], lines, [receiver.deliver], hold_secs=0.05).run())
    await until(lambda: receiver.futures)
    receiver.futures[0].set_exception(BrokenPipeError())
    with pytest.raises(BrokenPipeError):
        await running
    flushed = lines.flushed
    await asyncio.sleep(0.1)
    assert lines.flushed == flushed, "nobody awaits it any more, and Python says so on standard error"


async def test_what_waits_for_room_is_let_go_of_when_the_run_ends() -> None:
    begun: list[str] = []

    async def write() -> None:
        begun.append("written")
        await asyncio.sleep(0.02)  # until the window is full
        raise BrokenPipeError

    source = ListSource(*[("a", b"%d\n" % n) for n in range(100)])
    with pytest.raises(BrokenPipeError):
        await Pipeline([source], Lines(), [lambda _: write()], commit_secs=0.0, window_items=1).run()
    gc.collect()  # a coroutine that was made and never awaited is an error here
    assert begun == ["written"]


async def test_a_line_without_an_end_is_delivered_when_its_source_ends() -> None:
    source, receiver = ListSource(("a", b"1\nhal"), ("a", b"f")), Receiver()
    await pipeline(source, receiver).run()
    assert receiver.records() == [b"1", b"half"]
    assert source.committed == {"a": 6}


async def test_a_line_without_an_end_is_left_to_a_source_that_reads_it_again() -> None:
    source, receiver = ListSource(("a", b"1\nhalf")), Receiver()
    source.resumes = True  # type: ignore[attr-defined]
    await pipeline(source, receiver).run()
    assert receiver.records() == [b"1"]
    assert source.committed == {"a": 2}


async def test_a_lane_that_ends_gives_up_its_last_line_while_others_go_on() -> None:
    source, receiver = ListSource(("a", b"half"), ("a", b""), ("b", b"x"), stay=True), Receiver()
    running = asyncio.create_task(pipeline(source, receiver).run())
    await until(lambda: receiver.records("a") == [b"half"])
    assert receiver.records("b") == []
    source.stop.set()
    await running


async def test_a_source_may_be_added_and_reading_may_be_cut_short() -> None:
    source, more, receiver = ListSource(("a", b"1\n"), stay=True), ListSource(("b", b"2\n"), stay=True), Receiver()
    flow = pipeline(source, receiver)
    running = asyncio.create_task(flow.run())
    await until(lambda: receiver.records() == [b"1"])
    flow.add(more)
    await until(lambda: receiver.records("b") == [b"2"])
    flow.stop_reading()
    await running
    assert (source.committed, more.committed) == ({"a": 2}, {"b": 2})


async def test_what_is_durable_comes_before_the_commit_and_the_state_after_it() -> None:
    source, receiver, order = ListSource(("a", b"1\n")), Receiver(), []

    async def durable() -> None:
        order.append(("durable", dict(source.committed)))

    async def committed() -> None:
        order.append(("committed", dict(source.committed)))

    await pipeline(source, receiver, durable=[durable], committed=[committed]).run()
    assert order == [("durable", {}), ("committed", {"a": 2})]


async def test_what_the_disk_does_not_take_is_tried_again_and_committed_then(caplog: pytest.LogCaptureFixture) -> None:
    source, receiver, failures = ListSource(("a", b"1\n")), Receiver(), [OSError(28, "No space left on device")] * 2

    async def durable() -> None:
        assert source.committed == {}
        if failures:
            raise failures.pop()

    await pipeline(source, receiver, durable=[durable]).run()
    assert source.committed == {"a": 2}
    assert caplog.text.count("No space left on device") == 2


async def test_what_the_disk_never_takes_is_not_committed() -> None:
    source, receiver = ListSource(("a", b"1\n")), Receiver()

    async def durable() -> None:
        raise OSError(5, "Input/output error")

    running = asyncio.create_task(pipeline(source, receiver, durable=[durable]).run())
    await until(lambda: receiver.records() == [b"1"])
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(NotDurableError, match="Input/output error"):
        await running
    assert source.committed == {}


async def test_audit_batches_are_told_of_by_number_and_never_committed_as_lanes() -> None:
    source, receiver, told = ListSource(("a", b"1\n"), stay=True), Receiver(), []

    async def commit_audit(upto: int) -> None:
        told.append(upto)

    async def events() -> Sequence[CleanBatch]:
        return [CleanBatch("audit:x", [], [7], 7, kind="audit"), CleanBatch("audit:x", [b"e"], [8], 8, kind="audit")]  # type: ignore[list-item]

    flow = pipeline(source, receiver, commit_audit=commit_audit)
    running = asyncio.create_task(flow.run())
    await until(lambda: receiver.records() == [b"1"])
    flow.inject(events())
    await until(lambda: told == [8])
    source.stop.set()
    await running
    assert source.committed == {"a": 2}


async def test_a_transaction_takes_delivery_and_offsets_together() -> None:
    class Together:
        def __init__(self) -> None:
            self.seen: list[tuple[list[bytes], dict[str, int]]] = []

        async def deliver(self, batches: Sequence[CleanBatch], offsets: Mapping[str, int]) -> None:
            self.seen.append(([record for batch in batches for record in batch.records], dict(offsets)))

    source, together = ListSource(("a", b"1\n"), ("b", b"2\n"), ("a", b"3\n")), Together()
    await Pipeline([source], Lines(), transactional=together).run()
    assert [record for records, _ in together.seen for record in records] == [b"1", b"2", b"3"]
    offsets: dict[str, int] = {}
    for _, told in together.seen:
        offsets |= told
    assert offsets == {"a": 4, "b": 2}
    assert source.committed == {}


pieces = st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=6)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(pieces, st.integers(1, 5))
def test_every_byte_of_a_lane_arrives_in_order_however_it_is_cut(cut: list[tuple[str, bytes]], window: int) -> None:
    cut = [(lane, data.replace(b"\\", b"/").replace(b"\r", b"r") or b".") for lane, data in cut]
    receiver = Receiver()
    source = ListSource(*cut)
    asyncio.run(pipeline(source, receiver, window_items=window, hold_secs=0.0).run())
    for lane in {lane for lane, _ in cut}:
        whole = b"".join(data for its_lane, data in cut if its_lane == lane)
        assert b"\n".join([*receiver.records(lane), b""]).rstrip(b"\n") == whole.rstrip(b"\n")
        assert source.committed[lane] == len(whole)
