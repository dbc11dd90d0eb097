from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.audit.tap import Tap
from sanitizer.hashing import Keyring
from sanitizer.protocol.mcp import Frame
from sanitizer.protocol.params import Params

PARAMS = Params(Keyring({"k": b"a key of enough length"}, "k"), lambda text: text)
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"t","arguments":{"text":"%s"}}}\n'
CAPTURES = Path(__file__).parents[1] / "captures" / "wire"


def told(tap: Tap, *pieces: bytes) -> list[tuple[str, object]]:
    frames: list[Frame] = [frame for piece in pieces for frame in tap.feed(piece)]
    return [(frame.direction, frame.id) for frame in [*frames, *tap.end()]]


@given(st.lists(st.integers(0, 400), max_size=12))
def test_frames_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = b"npm notice\n" + CALL % (0, b"a") + b"\n" + CALL % (1, b"b" * 90) + b"garbage {\n\r\n" + CALL % (2, b"c") + b"half"
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:stop] for start, stop in pairwise(edges)]
    assert told(Tap(PARAMS, "c2s"), *pieces) == [("c2s", 0), ("c2s", 1), ("c2s", 2)]


def test_a_last_line_without_an_end_counts() -> None:
    assert told(Tap(PARAMS, "s2c"), (CALL % (5, b"x")).strip()) == [("s2c", 5)]


def test_a_message_beyond_the_bound_is_a_frame_but_is_not_held() -> None:
    tap = Tap(PARAMS, "c2s", max_frame_bytes=100_000)
    tracemalloc.start()
    found = told(tap, CALL % (1, b"a"), CALL[:-4] % (2, b"x"), *[b"x" * 50_000] * 400, b'"}}}\n', CALL % (3, b"b"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [("c2s", 1), ("c2s", 2), ("c2s", 3)]
    assert tap.oversized == 1
    assert peak < 2_000_000


BIG = '"text":"' + "x" * 20_000 + '"'


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        (
            f'{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"t","arguments":{{{BIG},"id":1}}}}}}',
            ("request", 7, "t"),
        ),
        (
            f'{{"method":"tools/call","params":{{"arguments":{{"name":"no",{BIG}}},"name":"t"}},"jsonrpc":"2.0","id":"a"}}',
            ("request", "a", "t"),
        ),
        (f'{{"id":1,"method":"tools/call","params":{{"arguments":{{{BIG}}},"name":"t"}},"id":2}}', ("request", 2, "t")),
        (f'{{"method":"resources/updated","params":{{"uri":"file:///a",{BIG}}}}}', ("notification", None, "file:///a")),
        (f'{{"result":{{"content":[{{"type":"text",{BIG}}}],"isError":true}},"jsonrpc":"2.0","id":8}}', ("response", 8, True)),
        (f'{{"jsonrpc":"2.0","id":8,"result":{{"content":[{{"isError":true,{BIG}}}]}}}}', ("response", 8, False)),
        (f'{{"jsonrpc":"2.0","id":8,"error":{{"code":-32602,"message":"no","data":{{{BIG}}}}}}}', ("error", 8, -32602)),
    ],
)
def test_an_oversized_message_tells_at_its_ends_what_it_is(message: str, facts: tuple[object, ...]) -> None:
    tap = Tap(PARAMS, "c2s", max_frame_bytes=1_000)
    for pieces in ([message], [message[:500], message[500:9_000], message[9_000:]]):
        (frame,) = [frame for piece in pieces for frame in tap.feed(piece.encode())] + tap.end()
        last = {"error": frame.code, "response": frame.is_error}.get(frame.kind, frame.name)
        assert (frame.kind, frame.id, last) == facts
        assert (frame.size, frame.params_hash) == (len(message), "")


@pytest.mark.parametrize(
    "noise",
    [b"{", b"[1,2]", b"{}", b'{"id":1}', b"[" * 100_000, b'{"jsonrpc":"2.0","id":1,"method":5}', b"\xff\xfe", b"[{}]", b"null"],
)
def test_noise_is_nobodys_frame_and_harms_none(noise: bytes) -> None:
    assert told(Tap(PARAMS, "s2c"), noise + b"\n", CALL % (1, b"a")) == [("s2c", 1)]


def test_odd_messages_are_frames_all_the_same() -> None:
    odd = b'{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"n":NaN}}\n{"jsonrpc":"2.0","id":"\\ud800","result":1e999}\n'
    assert [direction for direction, _ in told(Tap(PARAMS, "s2c"), odd)] == ["s2c", "s2c"]


def test_a_batch_is_its_frames() -> None:
    batch = b"[" + (CALL % (1, b"")).strip() + b"," + (CALL % (2, b"")).strip() + b"]\n"
    assert told(Tap(PARAMS, "c2s"), batch) == [("c2s", 1), ("c2s", 2)]


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_tap_on_real_traffic_tells_what_each_line_tells(capture: Path) -> None:
    entries = [json.loads(line) for line in capture.read_bytes().splitlines()]
    lines = [entry["line"].encode() for entry in entries if entry["dir"] == "s2c"]
    stream = b"\n".join(lines) + b"\n"
    tap = Tap(PARAMS, "s2c")
    tapped = [frame.id for start in range(0, len(stream), 997) for frame in tap.feed(stream[start : start + 997])]
    assert tapped == [frame.id for line in lines for frame in PARAMS.rewrite(line)[1]]
    assert tapped
