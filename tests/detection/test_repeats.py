"""A value that a name tells is redacted wherever else it stands on its line."""

from __future__ import annotations

import time

import pytest
from engines import redactor, rule, sanitize, scrubber

NAMED = rule("password", fields=("password",), check="password")


def text(line: str) -> str:
    return redactor(NAMED).text(line.encode()).decode().replace("[REDACTED:password]", "#")


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("password = 'Zk3vQ9mXw7' | 'Zk3vQ9mXw7'", "password = '#' | '#'"),
        ("Zk3vQ9mXw7 is no password='Zk3vQ9mXw7'", "# is no password='#'"),
        ("password=Zk3vQ9mXw7 in Zk3vQ9mXw7x", "password=# in Zk3vQ9mXw7x"),
        ("password='Saddle6718*' | 'Saddle6718*'", "password='#' | '#'"),
        ("password=northern the northern way", "password=# the northern way"),
        ("password=Ab3x Ab3x", "password=# Ab3x"),
        ("password=20260314 at 20260314", "password=# at 20260314"),
    ],
)
def test_a_copy_goes_where_it_can_be_nothing_else(line: str, clean: str) -> None:
    assert text(line) == clean


def test_other_lines_are_no_business_of_it() -> None:
    assert redactor(NAMED).redact([b"password=Zk3vQ9mXw7", b"Zk3vQ9mXw7"]).lines[1] == b"Zk3vQ9mXw7"


def test_other_lines_of_its_record_are() -> None:
    lines = [b"Zk3vQ9mXw7", b"login(password=Zk3vQ9mXw7)", b"bad Zk3vQ9mXw7", b"Zk3vQ9mXw7"]
    clean = redactor(NAMED).redact(lines, records=[(1, 2)]).lines
    assert [b"Zk3vQ9mXw7" in line for line in clean] == [True, False, False, True]


async def test_a_traceback_tells_a_password_once_and_keeps_it_nowhere() -> None:
    trace = b"""Traceback (most recent call last):
  File "/srv/a.py", line 3, in f
    login(user, password='Kd92ls0x!')
ValueError: no user has Kd92ls0x!
"""
    (record,) = await sanitize(scrubber(), [trace])
    assert b"Kd92" not in record
    assert b"no user has [REDACTED:password]" in record


def test_many_copies_cost_linear_time() -> None:
    run = redactor(NAMED)

    def secs(count: int) -> float:
        begun = time.process_time()
        run.text(b"password=Zk3vQ9mXw7 " * count)
        return time.process_time() - begun

    assert secs(8000) < 20 * max(secs(1000), 0.002)


TRACEBACK = """\
INFO Zk3vQ9mXw7 stands apart
ERROR login with Zk3vQ9mXw7 failed
Traceback (most recent call last):
  File "/app/a.py", line 3, in f
    login(password="Zk3vQ9mXw7")
ValueError: Zk3vQ9mXw7

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/a.py", line 9, in f
    retry("Zk3vQ9mXw7")
RuntimeError: not with Zk3vQ9mXw7
INFO Zk3vQ9mXw7 stands apart"""


def test_a_traceback_is_read_together_where_lines_are_no_records() -> None:
    lines = TRACEBACK.encode().split(b"\n")
    clean = redactor(NAMED).redact(lines).lines
    assert [at for at, line in enumerate(clean) if b"Zk3vQ9mXw7" in line] == [0, len(lines) - 1]


def test_lines_that_begin_tracebacks_without_end_take_no_time() -> None:
    started = time.perf_counter()
    redactor(NAMED).redact([b"Traceback (most recent call last):", b"  x"] * 20_000)
    assert time.perf_counter() - started < 2
