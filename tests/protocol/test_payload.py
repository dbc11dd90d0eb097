from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest

from sanitizer.protocol.payload import KNOWN_NAMES, UnreadableError, mended, parse, parse_nested, repeats_a_key, shape, subject


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,null]}', {"a": [1, 2.5, None]}),
        (b'"\\ud800"', "\ud800"),
        (b'"\xff"', "\ufffd"),
        (b'"tab\there"', "tab\there"),
        (b"1" * 5000, math.inf),
        (b"-1e999", -math.inf),
    ],
)
def test_json_is_read_as_programs_write_it(text: bytes, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", [b"", b"{", b"{'a':1}", b"[" * 100_000, b"undefined"])
def test_what_is_no_json_is_unreadable_and_not_shown(text: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text)
    assert str(caught.value) == ""


def test_a_string_that_holds_json_counts_as_that() -> None:
    assert parse_nested(json.dumps('{"a": 1}').encode()) == {"a": 1}
    assert parse_nested(b'"{ not json"') == "{ not json"
    assert parse_nested(b'"5"') == "5"


@pytest.mark.parametrize(
    ("name", "params", "covered"),
    [
        ("tools/call", {"name": "t", "arguments": {"a": 1}, "anything": 2}, {"a": 1}),
        ("tools/call", {"name": "t"}, {}),
        ("", {"name": "t", "arguments": {"a": 1}, "_meta": {}}, {"a": 1}),
        ("", {"name": "t", "arguments": {"a": 1}, "more": 1}, {"name": "t", "arguments": {"a": 1}, "more": 1}),
        ("prompts/get", {"name": "p", "arguments": {"a": 1}}, {"name": "p", "arguments": {"a": 1}}),
        ("x/y", {"a": 1, "_meta": {}, "task": {}, "requestState": "s", "inputResponses": {}}, {"a": 1}),
        ("x/y", None, {}),
        ("x/y", [1], [1]),
    ],
)
def test_the_hash_covers_what_was_asked_and_not_how_it_travelled(name: str, params: Any, covered: Any) -> None:
    assert subject(name, params) == covered


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":NaN,"b":-Infinity,"c":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"9" * 309 + b"}",
    ],
)
def test_mended_json_is_strict(text: bytes) -> None:
    assert isinstance(orjson.loads(mended(text) or b""), dict)


def test_a_shape_shows_types_and_no_key_that_might_tell_something() -> None:
    value = {"path": "/a", "jane": {"x": 1}, "filters": [{"query": None, "limit": True}], "count": 1.5}
    assert shape(value, KNOWN_NAMES) == {
        "path": "string",
        "filters": [{"query": "null", "limit": "boolean"}],
        "count": "number",
        "*": 1,
    }
    deep: Any = 1
    for _ in range(50):
        deep = {"path": deep}
    assert json.dumps(shape(deep, KNOWN_NAMES)).count("path") < 10


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        (b'{"a":1,"b":{"a":2}}', False),
        (b'[{"a":1},{"a":1}]', False),
        (b'{"a":1,"a":1}', True),
        (b'{"b":[{"a":1,"\\u0061":NaN}]}', True),
        (b"[" * 100_000, True),
    ],
)
def test_a_key_that_is_there_twice_is_noticed_at_any_depth(text: bytes, repeats: bool) -> None:
    assert repeats_a_key(text) is repeats
