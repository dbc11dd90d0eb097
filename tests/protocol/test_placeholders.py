from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.hashing import Keyring
from sanitizer.protocol.params import Mode, Params
from sanitizer.protocol.surroundings import FactPaths

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
ARGUMENTS = {"pin": "hunter2", "n": [1, 2.5]}
HASH = KEYRING.params_hash(ARGUMENTS)


def untold(mode: Mode = "hash", **policy: Any) -> Params:
    return Params(KEYRING, lambda text: text, mode, tell=False, **policy)


def told(mode: Mode = "hash", **policy: Any) -> Params:
    return Params(KEYRING, lambda text: text, mode, **policy)


# Whoever looks for facts within params reads every frame part by part.
PART_BY_PART = told(facts=FactPaths(user=("arguments.nothing.there",)))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Requests as they occur and as they do not: any order, spacing, type and repetition of their members."""
    params = draw(values | st.fixed_dictionaries({"name": st.sampled_from(["t", "u/v", 5]), "arguments": values}))
    if isinstance(params, dict) and draw(st.booleans()):
        params = {**params, draw(st.sampled_from(["_meta", "uri", "requestState", "clientInfo", "progressToken"])): draw(values)}
    members = [
        ("jsonrpc", draw(st.sampled_from(["2.0"] * 8 + ["1.0", 2.0]))),  # type: ignore[list-item]
        ("id", draw(st.integers(0, 9) | st.text(max_size=4) | st.sampled_from([None, 1.5, True, 2**70, [1]]))),
        ("method", draw(st.sampled_from(["tools/call", "tools/call", "prompts/get", "a", 5, None]))),
        ("params", params),
    ]
    if draw(st.booleans()):
        members.append(draw(st.sampled_from([("params", params), ("result", {}), ("id", 3), ("args", {"a": 1})])))
    members = draw(st.permutations(members))[draw(st.sampled_from([0, 0, 0, 1])) :]
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]))
    ascii_only = draw(st.booleans())
    return "{" + comma.join(f"{json.dumps(k)}{colon}{json.dumps(v, ensure_ascii=ascii_only)}" for k, v in members) + "}"


def value_of(record: bytes) -> Any:
    """What the JSON at the end of *record* says: an id may be spelled in escapes, or not."""
    return orjson.loads(record[record.index(b"{") :].removesuffix(b" { metadata: undefined }"))


@given(frames(), st.sampled_from(["{}", "2026 [crm] [info] {}", "{} {{ metadata: undefined }}", '{{"a": {}}}', "[[ {}", '"{}']))
def test_a_request_is_rewritten_the_same_with_and_without_its_frame(frame: str, around: str) -> None:
    record = around.format(frame).encode("utf-8", "replace")
    expected, frame_facts = PART_BY_PART.rewrite(record)
    for policy, facts in ((untold(), ()), (told(), frame_facts)):
        written, found = policy.rewrite(record)
        assert found == facts
        assert written == expected or value_of(written) == value_of(expected)


@pytest.mark.parametrize(
    ("mode", "left"),
    [("hash", {"params_hash": HASH, "tool_name": "t"}), ("remove", {"tool_name": "t"})],
)
def test_the_policy_decides_for_a_request_that_is_read_at_once(mode: Mode, left: dict[str, str]) -> None:
    record = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": ARGUMENTS}})
    for policy in (untold(mode), untold("shape", tools={"t": mode}), untold("shape", methods={"tools/*": mode})):
        assert orjson.loads(policy.rewrite(record)[0]) == {"jsonrpc": "2.0", "id": 1, "method": "tools/call", **left}


def test_text_around_a_request_stays() -> None:
    frame = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": ARGUMENTS}})
    written = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params_hash": HASH, "tool_name": "t"})
    for around in (b"2026 [crm] [info] Message from client: %b { metadata: undefined }", b"sent\xff %b"):
        assert untold().rewrite(around % frame)[0] == around % written
