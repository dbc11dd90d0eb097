from __future__ import annotations

import json
import pickle
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.hashing import Keyring
from sanitizer.protocol.params import MAX_NESTING, MAX_STRINGS_IN_STRINGS, Params

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
SECRET = "hunter2-hunter2"
ARGUMENTS = {"customer": SECRET, "amount": 120, "deep": [{"pin": SECRET}]}
HASH = KEYRING.params_hash(ARGUMENTS)
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "charge", "arguments": ARGUMENTS, "_meta": {"x": 1}}}


def keep(text: bytes) -> bytes:
    return text


PARAMS = Params(KEYRING, keep)
UNTOLD = Params(KEYRING, keep, tell=False)


def rewritten(record: object, params: Params = PARAMS) -> Any:
    """What becomes of *record*: the same whether anybody asks for its frames or not."""
    data = record if isinstance(record, bytes) else json.dumps(record).encode()
    written = orjson.loads(params.rewrite(data)[0])
    assert params is not PARAMS or orjson.loads(UNTOLD.rewrite(data)[0]) == written
    return written


def test_the_params_of_a_tool_call_give_way_to_their_hash_and_the_tool_name() -> None:
    written, (frame,) = PARAMS.rewrite(orjson.dumps(CALL))
    assert written == orjson.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params_hash": HASH, "tool_name": "charge"})
    assert (frame.kind, frame.method, frame.name, frame.id, frame.params_hash) == ("request", "tools/call", "charge", 7, HASH)


def test_the_params_of_any_other_method_are_hashed_without_transport_fields() -> None:
    params = {"uri": "file:///a", "_meta": {"progressToken": 1}, "task": {"ttl": 1}, "requestState": "s", "inputResponses": {}}
    record = {"method": "resources/read", "params": params, "jsonrpc": "2.0", "id": "a"}
    assert rewritten(record) == {
        "method": "resources/read",
        "params_hash": KEYRING.params_hash({"uri": "file:///a"}),
        "jsonrpc": "2.0",
        "id": "a",
    }


def test_absent_and_null_arguments_count_as_none_given() -> None:
    empty = KEYRING.params_hash({})
    for params in ({"name": "t"}, {"name": "t", "arguments": {}}, {"name": "t", "arguments": None}):
        assert rewritten(CALL | {"params": params})["params_hash"] == empty


def test_a_request_without_params_stays_as_it_is() -> None:
    record = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    written, (frame,) = PARAMS.rewrite(record)
    assert written is record
    assert (frame.method, frame.params_hash) == ("tools/list", KEYRING.params_hash({}))


@pytest.mark.parametrize(
    "record",
    [
        {"tool": "charge", "arguments": ARGUMENTS},
        {"tool_name": "charge", "args": ARGUMENTS},
        {"toolName": "charge", "input": ARGUMENTS},
        {"ToolName": "charge", "Params": ARGUMENTS},
        {"method": "charge", "params": ARGUMENTS},
        {"function": "charge", "kwargs": ARGUMENTS},
        {"name": "charge", "arguments": ARGUMENTS},
        {"name": "charge", "arguments": json.dumps(ARGUMENTS)},
        {"type": "tool_use", "id": "toolu_1", "name": "charge", "input": ARGUMENTS},
        {"type": "function_call", "name": "charge", "arguments": json.dumps(ARGUMENTS)},
        {"type": "tool-call", "toolCallId": "1", "toolName": "charge", "args": ARGUMENTS},
        {"hook_event_name": "PreToolUse", "tool_name": "charge", "tool_input": ARGUMENTS},
        {"tool": "charge", "params": {"name": "charge", "arguments": ARGUMENTS, "_meta": {}}},
    ],
)
def test_a_logged_call_loses_its_params_to_the_same_hash(record: dict[str, Any]) -> None:
    written = rewritten(record)
    assert written["params_hash"] == HASH
    assert "charge" in written.values()
    assert SECRET not in json.dumps(written)
    assert len(written) == len(record)


@pytest.mark.parametrize(
    "record",
    [
        {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "charge", "arguments": json.dumps(ARGUMENTS)}}]},
        {"functionCall": {"name": "charge", "args": ARGUMENTS}},
        {"content": [{"toolUse": {"toolUseId": "t", "name": "charge", "input": ARGUMENTS}}]},
        {"level": "info", "data": {"request": CALL}},
        {"msg": f"sent {json.dumps(CALL)} to server", "level": 30},
        {"log": json.dumps({"line": json.dumps(CALL)}) + "\n", "stream": "stderr"},
        [CALL, {"jsonrpc": "2.0", "method": "notifications/initialized"}],
    ],
)
def test_calls_are_found_wherever_a_record_holds_them(record: Any) -> None:
    written = json.dumps(rewritten(record))
    assert HASH in written
    assert SECRET not in written


@pytest.mark.parametrize(
    "record",
    [
        {"name": "worker", "args": ["--port", "80"], "input": "stdin"},
        {"name": "job", "input": {"path": "a"}, "type": "build"},
        {"tool": "hammer", "input": 523, "output": 12},
        {"method": "GET", "url": "/orders", "params": {"page": 1}},
        {"arguments": {"a": 1}, "message": "no call without a name"},
        {"name": "search", "inputSchema": {"type": "object", "properties": {"input": {"type": "string"}}}},
        {"prompts": [{"name": "p", "arguments": [{"name": "city", "description": "which"}]}]},
        {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "the params and the arguments"}]}},
    ],
)
def test_what_merely_sounds_like_a_call_is_left_alone(record: dict[str, Any]) -> None:
    data = json.dumps(record).encode()
    assert PARAMS.rewrite(data)[0] is data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00Z [crm] [info] Message from client: %s { metadata: undefined }", '{"jsonrpc":"2.0","id":7,'),
        ("2026-07-24 02:03:14.089 [debug] [editor -> server] %s", '"method":"tools/call",'),
        ("DEBUG:root:two frames %s and %s", f'"params_hash":"{HASH}","tool_name":"charge"}}'),
    ],
)
def test_frames_in_text_are_rewritten_and_the_text_stays(text: str, expected: str) -> None:
    frame = json.dumps(CALL)
    record = text.replace("%s", frame)
    written, frames = PARAMS.rewrite(record.encode())
    short = orjson.dumps(rewritten(CALL)).decode()
    assert written.decode() == text.replace("%s", short)
    assert expected in short
    assert len(frames) == text.count("%s")


def test_escaped_json_in_text_is_rewritten_in_its_escaping() -> None:
    record = 'time=1 body="' + json.dumps(json.dumps(CALL))[1:-1] + '" status=200'
    written = PARAMS.rewrite(record.encode())[0].decode()
    assert written == 'time=1 body="' + json.dumps(orjson.dumps(rewritten(CALL)).decode())[1:-1] + '" status=200'


def test_key_order_and_shape_of_the_rest_stay() -> None:
    record = b'{"z":1e5, "big":123456789012345678901234567890, "tool":"t", "args":{"a":1}, "after":[1.0, {"x":  2}]}'
    expected = b'{"z":1e5,"big":123456789012345678901234567890,"tool":"t","params_hash":"%s","after":[1.0, {"x":  2}]}'
    assert PARAMS.rewrite(record)[0] == expected % KEYRING.params_hash({"a": 1}).encode()


def test_a_forged_hash_or_a_second_params_does_not_win() -> None:
    record = b'{"jsonrpc":"2.0","id":1,"params":{"first":"hunter2"},"method":"x/y","params":{"b":1},"params_hash":"forged"}'
    written = PARAMS.rewrite(record)[0]
    assert b"hunter2" not in written
    assert orjson.loads(written)["params_hash"] == KEYRING.params_hash({"b": 1})


HIDDEN = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"pin":"hunter2"}}}'


@pytest.mark.parametrize(
    "record",
    [
        b'{"rpc":%b,"rpc":1}' % HIDDEN,
        b'{"rpc": %b, "rpc": "arguments", "n": 1}' % HIDDEN,
        b'{"rpc":%b,"\\u0072pc":1}' % HIDDEN,
        b'{"a":{"rpc":%b,"rpc":1,"args":""}}' % HIDDEN,
        b'{"a":"\\ud800","rpc":%b,"rpc":"arguments"}' % HIDDEN,
        b'[{"rpc":%b,"rpc":1}]' % HIDDEN,
        b'x {"rpc":%b,"rpc":1} y' % HIDDEN,
        b'{"tool":"t","args":{"pin":"hunter2"},"args":1}',
    ],
)
def test_what_a_second_value_under_the_same_key_hides_does_not_pass(record: bytes) -> None:
    for params in (PARAMS, UNTOLD):
        assert b"hunter2" not in params.rewrite(record)[0]


def test_a_method_means_the_same_however_it_is_escaped() -> None:
    for method in (b"tools/call", rb"tools\/call", rb"to\u006fls\u002fcall"):
        record = b'{"method":"%b","params":{"name":"charge","arguments":{}},"jsonrpc":"2.0","id":7}' % method
        assert rewritten(record) == {
            "method": "tools/call",
            "params_hash": KEYRING.params_hash({}),
            "tool_name": "charge",
            "jsonrpc": "2.0",
            "id": 7,
        }


def test_params_under_several_names_are_all_replaced() -> None:
    written = rewritten({"tool": "t", "args": {"a": SECRET}, "input": {"b": SECRET}})
    assert written == {
        "tool": "t",
        "params_hash": KEYRING.params_hash({"a": SECRET}),
        "input_hash": KEYRING.params_hash({"b": SECRET}),
    }


@pytest.mark.parametrize("cut", range(62, 130, 7))
def test_a_frame_cut_short_loses_everything_from_its_params_on(cut: int) -> None:
    record = json.dumps(CALL).encode()[:cut]
    written = PARAMS.rewrite(record)[0]
    assert orjson.loads(written) == {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params_withheld": "truncated"}


def test_the_second_half_of_a_cut_frame_loses_its_params_too() -> None:
    record = b'2.0","id":7,"method":"tools/call","params":{"name":"charge","_meta":{"pin":"hunter2"}}}'
    assert PARAMS.rewrite(record)[0] == b'2.0","id":7,"method":"tools/call","params_withheld":"fragment"}'


@pytest.mark.parametrize("params", ["[" * 3000 + '"hunter2"' + "]" * 3000, '{"a": "hunter2", "b": tru}', "{'a': 'hunter2'}"])
def test_params_that_cannot_be_read_are_withheld(params: str) -> None:
    record = f'{{"jsonrpc":"2.0","id":7,"method":"x/y","params":{params}}}'
    assert rewritten(record.encode())["params_withheld"] in ("truncated", "unreadable")


@pytest.mark.parametrize("odd", ["NaN", '"\\ud800"', "1e999", "1" * 5000, '"\xff"'])
def test_odd_json_is_hashed_all_the_same(odd: str) -> None:
    record = f'{{"jsonrpc":"2.0","id":7,"method":"x/y","params":{{"a":{odd},"pin":"hunter2"}}}}'.encode("latin-1")
    written = PARAMS.rewrite(record)[0]
    assert orjson.loads(written)["params_hash"].startswith("hmac-sha256:k:")
    assert PARAMS.rewrite(b"x " + record)[0] == b"x " + written


def test_nesting_beyond_the_bound_is_withheld_and_not_followed() -> None:
    deep: Any = CALL
    for _ in range(MAX_NESTING + 1):
        deep = {"a": deep}
    assert b"hunter2" not in PARAMS.rewrite(json.dumps(deep).encode())[0]
    folded: Any = CALL
    for _ in range(MAX_STRINGS_IN_STRINGS + 2):
        folded = {"a": json.dumps(folded)}
    assert b"hunter2" not in PARAMS.rewrite(json.dumps(folded).encode())[0]


def test_modes_can_be_chosen_by_method_and_by_tool() -> None:
    params = Params(KEYRING, keep, "hash", {"resources/*": "sanitize", "*": "hash"}, {"safe_*": "shape", "quiet": "remove"})
    assert rewritten(CALL, params)["params_hash"] == HASH
    read = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///a"}}
    assert rewritten(read, params) == read
    arguments = {"path": "/a", "limit": 3, SECRET: True, "ids": [1.5, None]}
    shaped = rewritten(CALL | {"params": {"name": "safe_read", "arguments": arguments}}, params)
    assert shaped["params_shape"] == {"path": "string", "limit": "number", "ids": ["number", "null"], "*": 1}
    assert rewritten({"tool": "quiet", "args": arguments}, params) == {"tool": "quiet"}


def test_state_and_answers_of_people_are_never_kept() -> None:
    params = Params(KEYRING, keep, "sanitize")
    retry = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "x/y",
        "params": {"a": 1, "inputResponses": {"q": SECRET}, "requestState": SECRET},
    }
    asked = {"jsonrpc": "2.0", "id": 1, "result": {"resultType": "input_required", "requestState": SECRET}}
    kept = rewritten(retry, params)
    assert kept["params"]["a"] == 1
    assert kept["params"]["requestState_hash"] == KEYRING.params_hash(SECRET)
    assert SECRET not in json.dumps(kept)
    assert rewritten(asked)["result"] == {"resultType": "input_required", "requestState_hash": KEYRING.params_hash(SECRET)}


def test_plain_hashes_are_those_that_need_no_key() -> None:
    assert rewritten({"tool": "t", "args": {}}, Params(KEYRING, keep, plain=True))["params_hash"] == (
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


def test_names_are_clean_before_they_are_shown() -> None:
    params = Params(KEYRING, lambda text: text.replace(b"jane@example.com", b"[REDACTED:email]"))
    written, (frame,) = params.rewrite(json.dumps(CALL | {"params": {"name": "mail jane@example.com"}}).encode())
    assert orjson.loads(written)["tool_name"] == frame.name == "mail [REDACTED:email]"


def test_rewriting_twice_changes_nothing_more() -> None:
    once = PARAMS.rewrite(json.dumps({"msg": json.dumps(CALL)}).encode())[0]
    assert PARAMS.rewrite(once)[0] is once


def test_a_policy_crosses_process_boundaries() -> None:
    assert pickle.loads(pickle.dumps(PARAMS)).rewrite(orjson.dumps(CALL)) == PARAMS.rewrite(orjson.dumps(CALL))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MARK = "zq7planted7qz"


@st.composite
def planted(draw: st.DrawFn) -> Any:
    """A JSON value with the mark somewhere in it, as a value or a key."""
    value: Any = draw(st.sampled_from([MARK, {MARK: 1}, [MARK], f"x {MARK} y", json.dumps({"k": MARK})]))
    for _ in range(draw(st.integers(0, 4))):
        value = draw(st.sampled_from([{"k": value}, [1, value], {"a": None, "b": [value]}, json.dumps(value)]))
    return value


@st.composite
def hidden(draw: st.DrawFn) -> bytes:
    """A record that holds a call with the mark in its params, at any depth and under any escaping."""
    arguments = draw(planted())
    calls = (
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": arguments}},
        {"params": {"x": arguments}, "method": "a/b", "jsonrpc": "2.0"},
        {"toolName": "t", "input": [arguments]},
        {"type": "tool_use", "name": "t", "input": {"a": arguments}},
    )
    record: Any = draw(st.sampled_from(calls))
    ascii_only = draw(st.booleans())
    for _ in range(draw(st.integers(0, 3))):
        wraps = (
            {"a": record},
            [record, 1],
            {"msg": json.dumps(record, ensure_ascii=ascii_only)},
            {"m": f"got {json.dumps(record)} !"},
        )
        record = draw(st.sampled_from(wraps))
    text = json.dumps(record, ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1])))
    return draw(st.sampled_from(["{}", "INFO got {}", "{} trailing", "[x] {} {{ metadata: undefined }}"])).format(text).encode()


@given(hidden())
def test_what_is_planted_in_params_never_survives(record: bytes) -> None:
    assert MARK.encode() in record
    assert MARK.encode() not in PARAMS.rewrite(record)[0]
    assert MARK.encode() not in UNTOLD.rewrite(record)[0]


@given(hidden(), st.data())
def test_nor_does_it_in_a_record_cut_anywhere(record: bytes, data: st.DataObject) -> None:
    cut = record[: data.draw(st.integers(record.index(MARK.encode()) + len(MARK), len(record)))]
    assert MARK.encode() not in PARAMS.rewrite(cut)[0]
    assert MARK.encode() not in UNTOLD.rewrite(cut)[0]


@given(json_values)
def test_json_stays_json(value: Any) -> None:
    record = (
        json.dumps({"log": {"tool": "t", "args": {"v": value}, "rest": value}}, allow_nan=False).encode()
        if finite(value)
        else b"{}"
    )
    orjson.loads(PARAMS.rewrite(record)[0])


def finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(st.binary(max_size=60) | st.text('{}[]":,\\ paramsjrc2.0methodx', max_size=60).map(str.encode))
def test_nothing_raises(noise: bytes) -> None:
    for record in (noise, b'{"params":' + noise, b'x "jsonrpc" {"arguments":' + noise + b"}"):
        PARAMS.rewrite(record)
        UNTOLD.rewrite(record)


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.floats(0, 1e9), max_size=5), st.randoms())
def test_one_call_has_one_hash_however_it_is_spelled(arguments: dict[str, Any], random: Any) -> None:
    shuffled = dict(sorted(arguments.items(), key=lambda _: random.random()))
    params = json.dumps({"_meta": {"r": random.random()}, "arguments": shuffled, "name": "t"}, indent=2)
    spelled = f'{{"id": "{random.random()}", "params": {params}, "method": "tools/call", "jsonrpc": "2.0"}}'
    assert rewritten(spelled.encode())["params_hash"] == KEYRING.params_hash(arguments)
