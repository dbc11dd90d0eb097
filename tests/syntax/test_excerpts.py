"""Source that a trace shows is told from what a program says."""

from __future__ import annotations

import json

import pytest

from sanitizer.cli.rulecheck import redactor
from sanitizer.rulesets.cache import compiled

RUN = redactor(compiled())

FRAME = '  File "/app/x.py", line 3, in load\n    '


def raw(text: str) -> str:
    return b"\n".join(RUN.redact(text.encode().split(b"\n")).lines).decode()


@pytest.mark.parametrize(
    "line",
    [
        "fullname = entry.path",
        "pw = pw[:-1]",
        "credentials = _creds",
        "password += string.digits",
        "secret: FakeSecret | ReplicaSecret, names: list[str]) -> bool:",
    ],
)
def test_what_a_line_of_source_computes_stays(line: str) -> None:
    text = f"Traceback (most recent call last):\n{FRAME}{line}\nValueError: bad"
    assert raw(text) == text
    nested = f'{{"error":{json.dumps(text)}}}'
    assert raw(nested) == nested


def test_so_does_a_regular_expression() -> None:
    text = "tokens = {'root': [(r'(//.*?)(\\n)', Comment), (r'[?+*/&!~]', Operator)]}"
    assert raw(text) == text


@pytest.mark.parametrize("line", ["  12 | password = config.password", "> 12 | const apiKey = process.env.API_KEY;", "   7 │ pw = self.pw"])
def test_so_does_a_line_with_its_number(line: str) -> None:
    assert raw(line) == line


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        (f'{FRAME}cmd = "mysql --password hunter"', f'{FRAME}cmd = "mysql --password [REDACTED:password]"'),
        (f"{FRAME}password = 'hunter'", f"{FRAME}password = '[REDACTED:password]'"),
        (f"{FRAME}password = hunter2!", f"{FRAME}password = [REDACTED:password]"),
        ("   1 │ DB_PASSWORD=hunter", "   1 │ DB_PASSWORD=[REDACTED:password]"),
        ("token = r'k7Qp2ZxVb9Lw4Tn1'", "token = r'[REDACTED:token]'"),
        ("   3 │ DB_PASSWORD=correct.horse", "   3 │ DB_PASSWORD=[REDACTED:password]"),
        (f"{FRAME}connect(password=r'pa$$w0rd*')", f"{FRAME}connect(password=r'[REDACTED:password]')"),
        ("fullname = entry.path", "fullname = [REDACTED:personal]"),
    ],
)
def test_a_literal_does_not(line: str, clean: str) -> None:
    assert raw(line) == clean
