"""Order, retry, splitting, dead letters and spilling: once for every sink."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque

import pytest
from fakes import Graves, ScriptedSink, batch, until

from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent
from sanitizer.model import CleanBatch, Receipt, Rejection, Retry, TooLarge
from sanitizer.pipeline.delivery import Delivery, NotDeliveredError
from sanitizer.pipeline.filter import receiver
from sinks.options import Filter, Retries, SinkOptions

QUICK = Retries(first_delay_secs=0.001, max_delay_secs=0.002)


class Shelf:
    """A spool in memory."""

    def __init__(self) -> None:
        self.batches: deque[CleanBatch] = deque()
        self.appended = 0

    async def append(self, batch: CleanBatch) -> None:
        await asyncio.sleep(0)
        self.appended += len(batch.records)
        self.batches.append(batch)

    async def first(self) -> CleanBatch | None:
        await asyncio.sleep(0)
        return self.batches[0] if self.batches else None

    async def forget_first(self) -> None:
        self.batches.popleft()


def delivery(sink: ScriptedSink, graves: Graves | None = None, shelf: Shelf | None = None, **options: object) -> Delivery:
    settings = SinkOptions(**{"retry": QUICK, "max_batch_secs": 0.0, **options})  # type: ignore[arg-type]
    return Delivery(sink, settings, "sink", dead_letters=graves or Graves(), spool=shelf, max_waiting_bytes=1 << 12)


async def deliver(to: Delivery, *batches: CleanBatch) -> None:
    waiting = [future for one in batches if (future := to.deliver(one)) is not None]
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)


async def test_batches_of_a_lane_leave_in_order_and_never_overlap() -> None:
    sink = ScriptedSink()
    await deliver(delivery(sink, max_batch_records=1), *[batch(b"%d" % n) for n in range(20)])
    assert sink.records() == [b"%d" % n for n in range(20)]
    assert sink.most_at_a_time == 1


async def test_lanes_are_sent_at_a_time_up_to_the_bound() -> None:
    sink = ScriptedSink()
    await deliver(delivery(sink, concurrency=3), *[batch(b"x", lane=str(n)) for n in range(20)])
    assert sink.most_at_a_time == 3


async def test_what_waits_is_merged_up_to_the_limits() -> None:
    sink = ScriptedSink()
    await deliver(delivery(sink, max_batch_records=3, max_batch_secs=0.01), *[batch(b"%d" % n, first=n) for n in range(7)])
    assert [len(sent.records) for sent in sink.sends] == [3, 3, 1]
    assert [sent.record_id(0) for sent in sink.sends] == ["lane:0", "lane:3", "lane:6"]


async def test_batches_under_different_rules_are_not_merged() -> None:
    sink = ScriptedSink()
    await deliver(delivery(sink, max_batch_secs=0.01), batch(b"a", rules="old"), batch(b"b", rules="new"))
    assert [sent.rules for sent in sink.sends] == ["old", "new"]


@pytest.mark.parametrize("trouble", [Retry("status 503"), ConnectionRefusedError(), OSError("name resolution"), TimeoutError()])
async def test_transient_trouble_is_tried_again_until_it_is_over(trouble: Exception) -> None:
    sink, graves = ScriptedSink(*[trouble] * 5), Graves()
    await deliver(delivery(sink, graves), batch(b"1", b"2"))
    assert sink.records() == [b"1", b"2"]
    assert graves.buried == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Retry("status 401"), "status 401"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("card 4111111111111111"), "OSError"),
        (TimeoutError(), "no answer in time"),
        (Receipt(pending=[0]), "it did not take them"),
    ],
)
async def test_a_sink_that_takes_nothing_is_told_once_with_the_reason_and_again_when_it_is_back(
    trouble: Exception | Receipt, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    to = delivery(ScriptedSink(*[trouble] * 5, Receipt(), *[trouble] * 5))
    with caplog.at_level("INFO", "sanitizer"):
        await deliver(to, batch(b"1"))
        await deliver(to, batch(b"2"))
    assert [record.getMessage() for record in caplog.records] == [
        f"sink sink takes no records ({reason}); they wait and are sent again",
        "sink sink takes records again",
    ]


async def test_that_a_sink_refuses_records_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    to = delivery(ScriptedSink(*[Receipt(rejected=[Rejection(0, "status 400")])] * 3))
    with caplog.at_level("INFO", "sanitizer"):
        for _ in range(3):
            await deliver(to, batch(b"1", b"2"))
    told = "sink sink refuses records (1: status 400); they are kept, see `sanitizer deadletters list`"
    assert [record.getMessage() for record in caplog.records] == [told]


async def test_it_waits_as_long_as_the_peer_asks() -> None:
    sink = ScriptedSink(Retry("status 429", after_secs=0.2))
    begun = asyncio.get_running_loop().time()
    await deliver(delivery(sink), batch(b"1"))
    assert asyncio.get_running_loop().time() - begun >= 0.2


async def test_only_what_is_pending_is_sent_again() -> None:
    sink = ScriptedSink(Receipt(pending=[1, 2]), Receipt(pending=[1]))
    await deliver(delivery(sink), batch(b"a", b"b", b"c"))
    assert [list(sent.records) for sent in sink.sends] == [[b"a", b"b", b"c"], [b"b", b"c"], [b"c"]]
    assert [sent.offsets[0] for sent in sink.sends] == [0, 1, 2]


async def test_rejected_and_pending_in_one_answer_are_both_honoured() -> None:
    sink, graves = ScriptedSink(Receipt(rejected=[Rejection(0, "mapping")], pending=[2])), Graves()
    await deliver(delivery(sink, graves), batch(b"a", b"b", b"c"))
    assert graves.buried == [("sink", b"a", "mapping")]
    assert sink.records() == [b"b", b"c"]


async def test_what_is_rejected_without_a_name_is_counted_and_kept_as_a_note() -> None:
    counts: Counter[str] = Counter()
    sink, graves = ScriptedSink(Receipt(unnamed=2)), Graves()
    made = Delivery(
        sink, SinkOptions(), "sink", dead_letters=graves, count=lambda metric, _sink, number: counts.update({metric: number})
    )
    await deliver(made, batch(b"a", b"b", b"c"))
    assert graves.buried == [("sink", b"", "2 of 3")]
    assert (counts["delivered"], counts["dead_lettered"]) == (1, 2)
    assert len(sink.sends) == 1


async def test_a_batch_too_large_is_halved_until_it_fits_and_one_record_is_buried() -> None:
    def at_most_two(sent: CleanBatch) -> Receipt:
        if len(sent.records) > 2 or b"huge" in sent.records:
            raise TooLarge
        return Receipt()

    sink, graves = ScriptedSink(*[at_most_two] * 20), Graves()
    await deliver(delivery(sink, graves), batch(b"1", b"2", b"3", b"huge", b"5"))
    assert sink.records() == [b"1", b"2", b"3", b"5"]
    assert graves.buried == [("sink", b"huge", "too large for the sink")]


async def test_attempts_may_be_bounded_and_then_records_are_dead_letters() -> None:
    sink, graves = ScriptedSink(*[Retry("status 500")] * 3), Graves()
    bounded = Retries(max_attempts=3, first_delay_secs=0.001)
    await deliver(delivery(sink, graves, retry=bounded), batch(b"1", b"2"))
    assert [record for _, record, _ in graves.buried] == [b"1", b"2"]
    assert len(sink.sends) == 3


async def test_a_dead_letter_that_cannot_be_kept_is_waited_for() -> None:
    sink, graves = ScriptedSink(Receipt(rejected=[Rejection(0, "bad")])), Graves()
    graves.full = True
    running = asyncio.create_task(deliver(delivery(sink, graves), batch(b"1")))
    await asyncio.sleep(0.05)
    assert not running.done()
    graves.full = False
    await running
    assert graves.buried == [("sink", b"1", "bad")]


async def test_a_sink_that_does_not_answer_in_time_is_asked_again() -> None:
    sink = ScriptedSink()
    sink.gate = asyncio.Event()
    to = delivery(sink, timeout_secs=0.05)
    running = asyncio.create_task(deliver(to, batch(b"1")))
    await until(lambda: len(sink.sends) >= 2)
    sink.gate.set()
    await running
    assert sink.records() == [b"1"]


async def test_a_sink_receives_the_kinds_and_records_it_asked_for() -> None:
    sink = ScriptedSink()
    wanted = Filter(min_level="warn", fields={"server.name": "c*"}, without={"logger": "noise"})
    to = delivery(sink, filter=wanted)
    records = [
        b'{"level":"ERROR","server":{"name":"crm"}}',
        b'{"level":"info","server":{"name":"crm"}}',
        b'{"level":"fatal","server":{"name":"db"}}',
        b'{"level":"warning","server.name":"crm","logger":"noise"}',
        b"no json",
    ]
    await deliver(to, batch(*records), batch(b"{}", kind="audit"))
    assert sink.records() == records[:1]


async def test_a_sink_receives_audit_events_in_the_view_it_asked_for() -> None:
    event = Chain().seal(AuditEvent(type="call", time="2026-11-20T14:55:52.000000Z", method="tools/call", tool="find", outcome="ok"))
    audit = CleanBatch("audit:c", [event], [1], 1, kind="audit")
    logs = batch(b'{"level":"info"}')
    receive = receiver(SinkOptions(receives=("logs", "audit"), audit_view="mcpatlas"))
    shown = receive(audit)
    assert shown is not None
    assert json.loads(shown.records[0])["tool_name"] == "find"
    assert shown.record_id(0) == "audit:c:1"
    assert receive(logs) is logs


async def test_a_dead_sink_with_a_spool_holds_nobody_back() -> None:
    sink, shelf = ScriptedSink(), Shelf()
    sink.down = True
    await deliver(delivery(sink, shelf=shelf), *[batch(b"%d" % n, lane=str(n % 3)) for n in range(30)])
    assert shelf.appended == 30
    assert sink.records() == []


async def test_what_was_spilled_is_sent_in_order_when_the_sink_is_back_and_later_batches_after_it() -> None:
    sink, shelf = ScriptedSink(), Shelf()
    sink.down = True
    to = delivery(sink, shelf=shelf)
    await deliver(to, *[batch(b"%d" % n, first=n) for n in range(10)])
    sink.down = False
    for n in range(10, 60):
        await deliver(to, batch(b"%d" % n, first=n))
    await until(lambda: len(sink.records()) >= 60)
    assert sink.records() == [b"%d" % n for n in range(60)]
    assert not shelf.batches


async def test_a_slow_sink_with_a_spool_bounds_what_waits_in_memory() -> None:
    sink, shelf = ScriptedSink(), Shelf()
    sink.gate = asyncio.Event()
    to = delivery(sink, shelf=shelf)
    waiting = [to.deliver(batch(b"x" * 1000, first=n)) for n in range(50)]
    await until(lambda: shelf.appended >= 40)
    sink.gate.set()
    await asyncio.gather(*[future for future in waiting if future])
    await until(lambda: len(sink.records()) == 50)


async def test_what_the_sink_refuses_of_the_spool_is_a_dead_letter_and_the_rest_goes_on() -> None:
    """A queue on disk that takes a refusal for a delivery loses records."""
    sink, shelf, graves = ScriptedSink(), Shelf(), Graves()
    sink.down = True
    to = delivery(sink, graves, shelf)
    await deliver(to, batch(b"a", b"b"), batch(b"c", first=2))
    sink.answers = [Receipt(rejected=[Rejection(0, "status 400")])]
    sink.down = False
    await until(lambda: not shelf.batches)
    await to.drained(spool=True)
    assert graves.buried == [("sink", b"a", "status 400")]
    assert sink.records() == [b"b", b"c"]
    await to.close()


async def test_in_a_hurry_what_waits_goes_to_the_spool() -> None:
    sink, shelf = ScriptedSink(), Shelf()
    sink.gate = asyncio.Event()
    to = delivery(sink, shelf=shelf, timeout_secs=60.0)
    waiting = [to.deliver(batch(b"%d" % n, lane=str(n))) for n in range(8)]
    await asyncio.sleep(0.01)
    to.hurry()
    await asyncio.wait_for(asyncio.gather(*[future for future in waiting if future]), 5)
    assert shelf.appended == 8
    await to.close()


async def test_in_a_hurry_and_without_a_spool_a_batch_that_cannot_be_sent_fails() -> None:
    sink = ScriptedSink()
    sink.down = True
    to = delivery(sink)
    waiting = to.deliver(batch(b"1"))
    assert waiting is not None
    await until(lambda: len(sink.sends) >= 2)
    to.hurry()
    with pytest.raises(NotDeliveredError, match=r"sink: not delivered in time \(.+\)"):
        await asyncio.wait_for(waiting, 5)


async def test_a_restart_begins_with_what_the_spool_holds() -> None:
    sink, shelf = ScriptedSink(), Shelf()
    shelf.batches.append(batch(b"before"))
    to = delivery(sink, shelf=shelf)
    await to.resume()
    await deliver(to, batch(b"after", first=1))
    await until(lambda: len(sink.records()) == 2)
    assert sink.records() == [b"before", b"after"]


async def test_a_sink_whose_reader_is_gone_ends_the_run() -> None:
    with pytest.raises(BrokenPipeError):
        await deliver(delivery(ScriptedSink(BrokenPipeError())), batch(b"1"))
