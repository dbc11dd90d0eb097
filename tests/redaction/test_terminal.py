"""Nothing in a log line can forge another line, hide or drive a terminal."""

from __future__ import annotations

import json

import pytest
from engines import sanitize, scrubber
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.redaction import terminal

INJECTIONS = {
    "newline escape": b"user\x0b2026-11-21 10:00:00 INFO forged",
    "carriage return": b"real\rforged over it",
    "clear screen": b"\x1b[2J\x1b[Hforged",
    "title": b"\x1b]0;forged title\x07text",
    "hyperlink": b"\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "device status": b"\x1b[6n\x1b[c",
    "C1 CSI": b"\xc2\x9b2Jforged",
    "backspaces": b"secret\x08\x08\x08\x08\x08\x08public",
    "bell": b"\x07\x07",
    "delete": b"a\x7fb",
    "bidi override": "user \u202egnp.exe\u202c end".encode(),
    "bidi isolate": "a \u2066b\u2069 c".encode(),
    "line separator": "one\u2028two\u2029three\u0085four".encode(),
    "arabic letter mark": "a\u061cb".encode(),
    "nul": b"a\x00b",
}
MOVES = set(range(0x20)) - {0x09, 0x1B}


@pytest.mark.parametrize("line", INJECTIONS.values(), ids=INJECTIONS.keys())
async def test_raw_output_is_harmless_to_show(line: bytes) -> None:
    (record,) = await sanitize(scrubber("raw"), [line + b"\n"])

    assert not MOVES & set(record)
    assert b"\x1b" not in terminal.COLOUR.sub(b"", record)
    assert not terminal.BIDI.search(record)
    assert len(record.decode().splitlines()) == 1


@pytest.mark.parametrize("line", INJECTIONS.values(), ids=INJECTIONS.keys())
async def test_records_are_harmless_to_show(line: bytes) -> None:
    text = line.decode()
    for dressed in (line, json.dumps({"a": text}).encode(), json.dumps({"a": text}, ensure_ascii=False).encode()):
        (record,) = await sanitize(scrubber(), [dressed + b"\n"])
        assert isinstance(json.loads(record), dict)
        assert not {byte for byte in record if byte < 0x20 or byte == 0x7F}
        assert not terminal.BIDI.search(record)


def test_colour_stays_in_a_terminal_and_goes_from_messages() -> None:
    line = b"\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[m"

    assert terminal.tame(line) == line
    assert terminal.uncoloured(line) == b"red bold"


def test_a_final_carriage_return_stays_and_others_are_spelled() -> None:
    assert terminal.tame(b"a\rb\r") == b"a\\x0db\r"


def test_ordinary_text_is_not_touched() -> None:
    lines = ["plain\ttext", "grün 東京 🎉", ""]

    assert terminal.tame_all([line.encode() for line in lines]) == [line.encode() for line in lines]


def test_what_is_spelled_out_says_what_stood_there() -> None:
    assert terminal.tame("\x1b]0;t\x07 \u202e \u2028 \x85".encode()) == b"\\x1b]0;t\\x07 \\u202e \\u2028 \\u0085"


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_taming_twice_is_taming_once(line: bytes) -> None:
    line = line.replace(b"\n", b"")
    once = terminal.tame(line)

    assert terminal.tame(once) == once
    assert terminal.tame_all([line, line]) == [once, once]


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_spelling_bidi_in_json_changes_no_value(value: dict[str, str]) -> None:
    document = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")

    assert json.loads(terminal.spell_bidi(document)) == json.loads(document)


def test_an_escape_before_a_mask_takes_nothing_of_it() -> None:
    assert terminal.uncoloured(b"key \x1b[REDACTED:token] \x1b[31mred\x1b[0m") == b"key [REDACTED:token] red"
    assert terminal.uncoloured(b"key \x1b[[REDACTED:token]") == b"key [REDACTED:token]"
