"""Redacted rows become JSON objects: an object keeps its shape, text becomes a message."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sanitizer.redaction.document import document, documents, with_facts
from sanitizer.redaction.rows import Entry, Rows


def rows(lines: list[bytes], entries: list[Entry] | None = None) -> Rows:
    return Rows(lines, entries or [], list(range(len(lines))), [], {})


@pytest.mark.parametrize("line", [b'{"b":1,"a":[1.50,{"c":null}]}', b'{ "a" : 1 }', b"{}", '{"a":"grün"}'.encode(), b'{"a":1,"a":2}'])
def test_an_object_is_written_as_it_stood(line: bytes) -> None:
    assert documents([line], rows([line]), {}) == ([line], [0])


@pytest.mark.parametrize("line", [b'{"a":', b"[1,2]", b'"text"', b"3", b"{a:1}", b'{"a":1} trailing', b'{"a":NaN}'])
def test_what_is_no_object_becomes_a_message(line: bytes) -> None:
    (record,), _ = documents([line], rows([line]), {})

    assert json.loads(record)["message"] == line.decode()


def test_what_a_line_says_of_itself_is_parsed() -> None:
    record = json.loads(document(b"2026-11-21 10:00:00,123 - app.db - WARNING - slow", {}))

    assert record == {
        "timestamp": "2026-11-21T10:00:00.123Z",
        "timestamp_text": "2026-11-21 10:00:00,123",
        "logger": "app.db",
        "level": "WARNING",
        "message": "slow",
    }


def test_places_inside_the_line_are_nobody_elses_business() -> None:
    record = json.loads(document(b'Message from client: {"jsonrpc":"2.0","method":"ping"}', {}))

    assert set(record) == {"direction", "message"}


def test_facts_of_the_wrapper_are_added_and_overrule_nothing() -> None:
    assert json.loads(with_facts(b'{"level":"info"}', {"level": "x", "pod": "p"})) == {"level": "info", "pod": "p"}
    assert with_facts(b"{ }", {"a": 1}) == b'{"a":1}'
    assert with_facts(b"{}", {}) == b"{}"
    assert json.loads(document(b"INFO text", {"level": "x", "pod": "p"})) == {"level": "INFO", "pod": "p", "message": "text"}


def test_a_record_of_several_rows_is_one_message() -> None:
    lines = [b"ValueError: x", b"  at y"]
    (record,), offsets = documents(lines, rows(lines, [Entry(0, 2, 7, {"pod": "p"})]), {})

    assert json.loads(record) == {"pod": "p", "message": "ValueError: x\n  at y"}
    assert offsets == [7]


def test_notes_count_findings_by_kind() -> None:
    lines = [b'{"a":1}', b"text", b"quiet"]
    notes = {0: Counter({"email": 2, "card": 1}), 1: Counter({"email": 1})}
    first, second, third = (json.loads(record) for record in documents(lines, rows(lines), notes)[0])

    assert list(first["redactions"].items()) == [("card", 1), ("email", 2)]
    assert second["redactions"] == {"email": 1}
    assert "redactions" not in third
    both = [Entry(0, 2, 0, {}), Entry(2, 1, 2, {})]
    assert json.loads(documents(lines, rows(lines, both), notes)[0][0])["redactions"] == {"card": 1, "email": 3}


def test_blank_records_say_nothing_unless_they_are_framed() -> None:
    lines = [b"", b"  ", b"x"]

    assert documents(lines, rows(lines), {})[1] == [2]
    entries = [Entry(number, 1, number, {}) for number in range(3)]
    assert documents(lines, rows(lines, entries), {}, keep_blank=True)[1] == [0, 1, 2]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert json.loads(document(b'{"a":"\xff"}', {})) == {"a": "\ufffd"}
    assert json.loads(document(b"a \xff", {}))["message"] == "a \ufffd"
