"""What a store asks of a record."""

from __future__ import annotations

import time

import pytest

from sinks.event import event


def test_a_record_has_its_own_time_and_severity() -> None:
    said = event(b'{"timestamp":"2026-01-02T03:04:05.006007Z","level":"warning","message":"x"}')

    assert said.timestamp == b"2026-01-02T03:04:05.006007Z"
    assert said.severity == 13


@pytest.mark.parametrize("record", [b"plain text", b"{cut", b"{}", b"[1]", b'{"time":"soon"}', b'{"time":-1}', b"{\xff}", b""])
def test_a_record_without_a_time_has_that_of_sending(record: bytes) -> None:
    assert abs(event(record).unix_nanos - time.time_ns()) < 60e9


def test_what_is_no_object_is_a_text() -> None:
    assert event(b'say "hi"').json == b'"say \\"hi\\""'
    assert event(b'{"a":1}').json == b'{"a":1}'
