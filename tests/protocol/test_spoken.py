from __future__ import annotations

import json
import time
from typing import Any

import pytest
from engines import rule
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.detection.scan import Scanner
from sanitizer.hashing import Keyring
from sanitizer.protocol.calls import might_hold_call
from sanitizer.protocol.params import Mode, Params
from sanitizer.protocol.spoken import MOST_UNREADABLE
from sanitizer.rulesets.database import compile_rules
from sanitizer.rulesets.ruleset import Rules

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
SIGNS = Scanner(compile_rules(Rules((rule("any", "sample"),), (), "test"))).signs_of_calls
ARGUMENTS: dict[str, Any] = {"to": "Jo's", "n": 5, "on": True, "off": None}
HASH = KEYRING.params_hash(ARGUMENTS)
JSON = json.dumps(ARGUMENTS)
PYTHON = repr(ARGUMENTS)
KEYWORDS = ", ".join(f"{key}={value!r}" for key, value in ARGUMENTS.items())
RUST = """{"to": String("Jo's"), "n": Number(5), "on": Bool(true), "off": Null}"""


def rewritten(text: str, mode: Mode = "hash", *, noticed: bool = True) -> str:
    if noticed:
        assert SIGNS(b"\n" + text.encode())
        assert might_hold_call(text.encode())
    return Params(KEYRING, lambda name: name, mode).rewrite(text.encode())[0].decode()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Calling tool t with arguments {JSON}", f"Calling tool t with params_hash {HASH}"),
        (f"[Calling tool t with args {PYTHON}]", f"[Calling tool t with params_hash {HASH}]"),
        (f"calling tool 't' with args={PYTHON} now", f"calling tool 't' with params_hash={HASH} now"),
        (f"Executing tool: t, params: {JSON}", f"Executing tool: t, params_hash: {HASH}"),
        (f"Tool input: {JSON}", f"Tool params_hash: {HASH}"),
        (f"tool=t args={json.dumps(JSON)} took=5ms", f'tool=t params_hash="{HASH}" took=5ms'),
        (f"args='{JSON.replace(chr(39), '')}' tool=t", f"params_hash='{KEYRING.params_hash({**ARGUMENTS, 'to': 'Jos'})}' tool=t"),
        (f"Tool call: t({JSON})", f"Tool call: t(params_hash={HASH})"),
        (f"Tool call: t({KEYWORDS})", f"Tool call: t(params_hash={HASH})"),
        (f"Executing tool t: {JSON}", f"Executing tool t: params_hash={HASH}"),
        (f"Handling CallTool action for tool 't' {JSON}", f"Handling CallTool action for tool 't' params_hash={HASH}"),
        (f'CallToolRequestParam {{ name: "t", arguments: Some({RUST}) }}', f"CallToolRequestParam {{ name: \"t\", params_hash: '{HASH}' }}"),
        (f"calling t, arguments: Some({RUST})", f"calling t, params_hash: {HASH}"),
        ("call t args: " + "{:to=>\"Jo's\", \"n\"=>5, :on=>true, off: nil}", f"call t params_hash: {HASH}"),
        ("calling tool t with args %" + "{to: \"Jo's\", n: 5, on: true, off: nil}", f"calling tool t with params_hash {HASH}"),
        (
            'tool=t args=map[string]interface {}{"to":"Jo\'s", "n":5, "on":true, "off":[]interface {}{}}',
            f"tool=t params_hash={KEYRING.params_hash({**ARGUMENTS, 'off': []})}",
        ),
        (f"info\ttool called\t{{\"arguments\": {JSON}, \"took\": 5}}", f'info\ttool called\t{{"params_hash": "{HASH}", "took": 5}}'),
        ("tool=t args=['a', 1]", f"tool=t params_hash={KEYRING.params_hash(['a', 1])}"),
        ("calling tool=t args=()", f"calling tool=t params_hash={KEYRING.params_hash([])}"),
    ],
)  # fmt: skip
def test_a_call_that_is_told_in_words_loses_its_params(text: str, left: str) -> None:
    assert rewritten(text) == left
    assert rewritten(left, noticed=False) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("tool_name=t arguments=\"map[to:Jo body:a b]\" n=1", 'tool_name=t params_withheld="unreadable" n=1'),
        ("tool=t args=map[to:Jo body:a] b] took=[5ms]", "tool=t params_withheld=unreadable took=[5ms]"),
        ("handling {Name:t Arguments:map[to:Jo] Meta:<nil>}", "handling {Name:t params_withheld:unreadable Meta:<nil>}"),
        (
            "request: &{Request:{Method:tools/call} Params:{Name:t Arguments:map[to:Jo] Meta:<nil>}}",
            "request: &{Request:{Method:tools/call} Params:{Name:t params_withheld:unreadable Meta:<nil>}}",
        ),
        ("calling tool t with args {to=Jo, n=5}", "calling tool t with params_withheld unreadable"),
        ("Call(name='t', arguments={'to': 'Jo', 'at': Model(a='Jo')})", "Call(name='t', params_withheld=unreadable)"),
        ('Tool input: {"to": "Jo", "body": "cut sho', "Tool params_withheld: truncated"),
        ("tool=t args=\"{'to': 'Jo", 'tool=t params_withheld="truncated"'),
    ],
)
def test_params_that_do_not_say_what_they_are_are_withheld(text: str, left: str) -> None:
    assert rewritten(text) == left
    assert rewritten(left, noticed=False) == left


@pytest.mark.parametrize(
    "text",
    [
        "INFO calling tool with arguments",
        "calling tool t with arguments from the user",
        'Tool t returned {"ok": true}',
        'Error executing tool t: {"code": 5}',
        'Tool call result: {"ok": 1}',
        "Tool call failed: {'error': 'x'}",
        "Calling tool t (attempt 2)",
        "Calling tool t [id=5]",
        'STDIO transport: command=npx, args=["-y", "x"]',
        "Tool 't' rejected arguments: ['url']",
        "SELECT 1 [parameters: {'id': 5}]",
        'GET /x params={"a":1} 200',
        "Registered tool t (3 params)",
        '{"level":"info","message":"a tool","usage":{"input": {"a": 1}}}',
        *[f"{'a list of args: (none) ' * 30}"],
    ],
)
def test_what_tells_of_no_call_or_shows_no_params_stays(text: str) -> None:
    assert rewritten(text, noticed=False) == text


def test_a_message_may_name_the_tool_of_the_params_beside_it() -> None:
    record = {"msg": "Executing tool t", "arguments": ARGUMENTS}
    assert json.loads(rewritten(json.dumps(record))) == {"msg": "Executing tool t", "params_hash": HASH}


def test_a_call_told_within_json_is_found_there() -> None:
    record = {"level": "info", "message": f"Calling tool t with arguments {JSON}"}
    assert json.loads(rewritten(json.dumps(record)))["message"] == f"Calling tool t with params_hash {HASH}"


def test_the_policy_for_params_holds_for_those_that_are_told() -> None:
    text = f"Calling tool t with arguments {JSON}"
    assert rewritten(text, "sanitize") == text
    assert rewritten(text, "remove") == "Calling tool t with "
    assert "Jo's" not in rewritten(text, "shape")
    assert "params_shape" in rewritten(text, "shape")


def test_behind_many_that_cannot_be_read_nothing_is_shown() -> None:
    text = "tool=t " + "args=map[to:Jo] " * (MOST_UNREADABLE + 4) + "secret"
    assert rewritten(text).count("Jo") == 0
    assert "secret" not in rewritten(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("abé'\"\\{}[]() \n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc'", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["to", "body", "x-y"]), values, min_size=1))
def test_the_hash_is_the_same_in_every_notation(arguments: dict[str, Any]) -> None:
    digest = KEYRING.params_hash(arguments)
    quoted = json.dumps(json.dumps(arguments))
    for notation in (json.dumps(arguments), json.dumps(arguments, ensure_ascii=False), repr(arguments), f"Some({json.dumps(arguments)})"):
        assert rewritten(f"tool=t args: {notation}") == f"tool=t params_hash: {digest}"
    assert rewritten(f"tool=t args={quoted}") == f'tool=t params_hash="{digest}"'


@pytest.mark.parametrize("piece", ["params: {name: x, arguments: ", "args: map[", "tool call: x(", "args={'a': ", "tool {\"arguments\" ", 'args="'])
def test_no_telling_costs_more_than_its_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = ("tool=t " + piece * (length // len(piece))).encode()
        begun = time.process_time()
        Params(KEYRING, lambda name: name).rewrite(text)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(400_000) < 20 * max(seconds(50_000), 0.02)
