from __future__ import annotations

import json
import random
import tracemalloc
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.audit.chain import Chain, Head, Signer
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.verify import Verdict, verify
from sanitizer.hashing import canonical
from sanitizer.model import Clean

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = [KEY.public_key()]
NOW = 1_795_186_552_123_456_789


def trail(count: int, signer: Signer | None = None, *, closing: bool = True) -> tuple[list[Clean], Head]:
    chain = Chain(signer=signer, every_events=5)
    events: list[Clean] = []
    for number in range(count):
        now = NOW + number * 1_000_000
        events.append(
            chain.seal(AuditEvent(type="call", time=timestamp(now), tool=f"tool_{number}", id=number, latency_ms=number + 0.125))
        )
        if chain.is_due(now):
            events.append(chain.checkpoint(now))
    if closing:
        events.append(chain.checkpoint(NOW, closing=True))
    return events, chain.head


def judged(events: list[Any], **options: Any) -> Verdict:
    (verdict, *others) = verify(((f"line {number}", bytes(event)) for number, event in enumerate(events, 1)), **options)
    assert not others
    return verdict


def kinds(verdict: Verdict) -> set[tuple[str, int]]:
    return {(fault.kind, fault.seq) for fault in verdict.faults}


def resealed(line: bytes, **changes: Any) -> bytes:
    """What someone would write who knows how hashes are made, and has no key."""
    import hashlib

    event = json.loads(line) | changes
    del event["hash"]
    return json.dumps(event | {"hash": hashlib.sha256(canonical(event)).hexdigest()}).encode()


def test_a_trail_as_written_is_intact_and_signed_to_its_end() -> None:
    events, head = trail(12, Signer(KEY))
    verdict = judged(events, keys=PUBLIC, heads=[head])
    assert verdict.is_intact
    assert (verdict.first, verdict.last, verdict.intact_to, verdict.signed_to) == (1, 15, 15, 15)


def test_order_duplicates_spelling_and_wrapping_do_not_matter() -> None:
    events, _ = trail(12, Signer(KEY))
    wrapped = [
        json.dumps({"_index": "audit", "_source": json.loads(event)}, indent=1).encode().replace(b"\n", b" ")
        for event in events[:6]
    ]
    respelled = [json.dumps(dict(reversed(json.loads(event).items()))).encode() for event in events[6:12]]
    quoted = [json.dumps({"event": {"original": event.decode()}, "@timestamp": "x"}).encode() for event in events[12:]]
    extended = [
        json.dumps(json.loads(event) | {"@timestamp": "2026-01-01", "host": {"name": "x"}}).encode() for event in events[:4]
    ]
    everything = [*wrapped, *respelled, *quoted, *extended]
    random.Random(1).shuffle(everything)
    verdict = judged(everything, keys=PUBLIC)
    assert verdict.is_intact
    assert verdict.duplicates == 4


def test_every_flipped_bit_is_found() -> None:
    chain, now = Chain(signer=Signer(KEY)), timestamp(NOW)
    call = {"tool": "größe", "id": "a", "latency_ms": 1.5, "redactions": {"email": 2}, "client_self_reported": True, "request_at": 0}
    exposure = {"rule": "github-pat", "fingerprint": "hmac-sha256:k:ab", "first_seen": now, "last_seen": now, "count": 3}
    events = [
        chain.seal(AuditEvent(type="call", time=now, **call)),  # type: ignore[arg-type]
        chain.seal(AuditEvent(type="credential_exposure", time=now, **exposure)),  # type: ignore[arg-type]
        chain.checkpoint(NOW, closing=True),
    ]
    text = b"\n".join(events)
    assert len(text) * 8 > 8_000
    for position in range(len(text)):
        for bit in range(8):
            flipped = bytearray(text)
            flipped[position] ^= 1 << bit
            lines = enumerate(bytes(flipped).split(b"\n"), 1)
            verdicts = verify((f"audit.ndjson:{number}", line) for number, line in lines)
            assert not all(verdict.is_intact for verdict in verdicts), (position, bit)


@pytest.mark.parametrize("number", [0, 3, 5, 9])
def test_an_altered_event_is_named(number: int) -> None:
    events, _ = trail(10)
    altered = json.loads(events[number]) | {"server": "another"}
    verdict = judged([*events[:number], json.dumps(altered).encode(), *events[number + 1 :]])
    assert kinds(verdict) == {("altered", number + 1)}
    assert f"line {number + 1}" in verdict.faults[0].detail
    assert verdict.intact_to == number


def test_an_altered_event_that_was_sealed_anew_is_named() -> None:
    events, _ = trail(10)
    verdict = judged([*events[:4], resealed(events[4], tool="harmless"), *events[5:]])
    assert kinds(verdict) == {("altered", 5)}


def test_missing_events_are_named_wherever_they_are_missing() -> None:
    events, _ = trail(30)
    verdict = judged([*events[2:8], *events[9:20], *events[23:]])
    assert kinds(verdict) == {("missing", 1), ("missing", 9), ("missing", 21)}
    assert [fault.detail for fault in verdict.faults] == ["1 to 2", "9", "21 to 23"]


def test_an_inserted_event_is_named() -> None:
    events, _ = trail(10)
    verdict = judged([*events, resealed(events[4], tool="never called")])
    assert kinds(verdict) == {("inserted", 5)}
    assert "line 14" in verdict.faults[0].detail


def test_events_that_changed_places_are_named() -> None:
    events, _ = trail(10)
    third, fourth = json.loads(events[2]), json.loads(events[3])
    swapped = [json.dumps(third | {"seq": 4}).encode(), json.dumps(fourth | {"seq": 3}).encode()]
    verdict = judged([*events[:2], *swapped, *events[4:]])
    assert kinds(verdict) == {("reordered", 3), ("reordered", 4)}


def test_an_end_cut_off_is_found_by_the_head_and_by_the_missing_close() -> None:
    events, head = trail(10, Signer(KEY))
    assert kinds(judged(events[:7], heads=[head])) == {("cut off", 8)}
    assert kinds(judged(events[:7])) == {("cut off", 8)}
    assert judged(events[:7], heads=[head]).faults[0].detail == "8 to 13"
    assert kinds(judged([], heads=[head])) >= {("cut off", 1)}


def test_a_trail_still_being_written_is_vouched_for_by_its_head() -> None:
    events, head = trail(10, closing=False)
    assert judged(events, heads=[head]).is_intact
    older = Head(head.chain, 4, json.loads(events[3])["hash"])
    assert judged(events, heads=[older]).is_intact
    assert kinds(judged(events, heads=[Head(head.chain, 4, "0" * 64)])) == {("altered", 4)}


def test_an_excerpt_may_begin_and_end_anywhere_but_has_no_gaps() -> None:
    events, _ = trail(20)
    assert judged(events[4:11], excerpt=True).is_intact
    assert kinds(judged([*events[4:7], *events[8:11]], excerpt=True)) == {("missing", 8)}


def test_a_tail_written_anew_fails_its_signature() -> None:
    events, _ = trail(10, Signer(KEY))
    forged = Chain(Head(json.loads(events[6])["chain"], 7, json.loads(events[6])["hash"]))
    tail = [forged.seal(AuditEvent(type="call", time=timestamp(NOW), tool="harmless")), forged.checkpoint(NOW, closing=True)]
    verdict = judged([*events[:7], *tail], keys=PUBLIC)
    assert kinds(verdict) == {("unsigned", 7)}
    assert judged([*events[:7], *tail]).is_intact  # without the public key nobody can tell
    other = judged(events, keys=[Ed25519PrivateKey.from_private_bytes(b"1" * 32).public_key()])
    assert other.signed_to == 0
    assert not other.is_intact


def test_parts_that_were_deleted_on_schedule_are_not_missing() -> None:
    chain = Chain()
    events = [chain.seal(AuditEvent(type="call", time=timestamp(NOW))) for _ in range(10)]
    events.append(chain.seal(AuditEvent(type="records_retired", time=timestamp(NOW), first_seq=1, last_seq=6)))
    events.append(chain.checkpoint(NOW, closing=True))
    assert judged(events[6:]).is_intact
    assert kinds(judged(events[7:])) == {("missing", 7)}


def test_several_chains_are_judged_apart() -> None:
    one, other = trail(10)[0], trail(4)[0]
    verdicts = verify((("x", event) for event in [*one, *other[:-2]]), excerpt=False)
    assert [verdict.is_intact for verdict in verdicts] == [True, False]


def test_nothing_is_not_intact() -> None:
    assert not judged([]).is_intact
    assert not judged([b'{"message":"no audit event"}']).is_intact


@pytest.mark.parametrize(
    "line", [b"\xff", b"[" * 5000, b'{"seq":1e999,"chain":"x","prev":"","hash":""}', b'{"seq":"1","prev":[],"hash":{},"chain":[]}']
)
def test_nothing_that_is_given_raises(line: bytes) -> None:
    events, _ = trail(3)
    assert not all(verdict.is_intact for verdict in verify(("x", text) for text in [*events, line]))


def test_a_far_number_costs_no_memory() -> None:
    events, _ = trail(3)
    assert ("missing", 5) in kinds(judged([*events, resealed(events[1], seq=10**15)]))


@settings(deadline=None)
@given(st.data())
def test_the_order_of_what_is_given_changes_no_verdict(data: st.DataObject) -> None:
    events, head = trail(12, Signer(KEY))
    kept = data.draw(st.lists(st.sampled_from(events), min_size=1))
    forged = resealed(events[4], tool="never called")
    given_ = [*kept, forged] if data.draw(st.booleans()) else kept
    in_order = judged(sorted(set(given_), key=lambda line: json.loads(line)["seq"]), keys=PUBLIC, heads=[head])
    shuffled = judged(data.draw(st.permutations(given_)), keys=PUBLIC, heads=[head])
    assert [fault[:2] for fault in shuffled.faults] == [fault[:2] for fault in in_order.faults]
    assert (shuffled.first, shuffled.last, shuffled.signed_to) == (in_order.first, in_order.last, in_order.signed_to)
    missing = {number for fault in shuffled.faults if fault.kind in ("missing", "cut off") for number in spanned(fault.detail)}
    assert missing == set(range(1, head.seq + 1)) - {json.loads(line)["seq"] for line in given_}


def spanned(detail: str) -> range:
    first, _, last = detail.partition(" to ")
    return range(int(first), int(last or first) + 1)


def test_events_in_order_cost_little_memory() -> None:
    chain = Chain()
    events = [chain.seal(AuditEvent(type="call", time=timestamp(NOW), tool="tool")) for _ in range(50_000)]
    lines = [(f"audit.ndjson:{number}", bytes(event)) for number, event in enumerate(events, 1)]
    tracemalloc.start()
    (verdict,) = verify(lines, heads=[chain.head])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verdict.is_intact
    assert peak < 50_000 * 60
