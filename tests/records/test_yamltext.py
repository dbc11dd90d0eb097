from __future__ import annotations

import pytest
from engines import scrubber

from sanitizer.records.assemble import Assembler
from sanitizer.records.yamltext import Item
from sanitizer.redaction.scrub import Format

V = "Kj4xqWm8zR"
STAMP = "2026-01-01T10:00:00.123456789Z stdout F "
ITEMS = {
    "a pair": f"- name: DB_PASSWORD\n  value: {V}\n- name: OTHER\n  value: plain",
    "a quoted pair": f'    env:\n    - "name": "DB_PASSWORD"\n      "value": "{V}"',
    "a pair within a list": f"  - - key: DB_PASSWORD\n      value: {V}",
    "the value first": f"    - value: {V}\n      name: API_TOKEN",
    "a pair with a block": f"- name: DB_PASSWORD\n  value: |-\n    {V}\n- name: N\n  value: 1",
    "a pair after a log line": f"2026-01-01 10:00:00 INFO env:\n- name: DB_PASSWORD\n  value: {V}\nINFO done",
    "a pair of a container": f"{STAMP}- name: DB_PASSWORD\n{STAMP}  value: {V}",
    "the line below": f"db:\n  password:\n    {V}\n  user: bob",
    "a quoted text below": f'password:\n  "{V} {V}"\nuser: bob',
    "a list below": f"passwords:\n  - {V}\n  - {V}2\nuser: bob",
    "a block": f"password: |\n  {V}\n  {V}2\nuser: bob",
    "a folded block": f"  db_password: >-  # folded\n    {V}\n  user: bob",
}


def output(pieces: list[bytes], form: Format) -> list[bytes]:
    scrub = scrubber(form).scrub
    assembler = Assembler(told=form != "raw")
    return [
        record
        for assembled in (*map(assembler.feed, pieces), assembler.flush())
        for record in scrub(assembled, "x").records
    ]


@pytest.mark.parametrize("form", ["raw", "ndjson"])
@pytest.mark.parametrize("text", ITEMS.values(), ids=ITEMS)
def test_the_value_of_an_item_is_gone_wherever_the_input_is_cut(text: str, form: Format) -> None:
    data = text.encode() + b"\n"
    whole = output([data], form)
    assert V.encode() not in b"".join(whole)
    assert b"REDACTED" in b"".join(whole)
    for kept in (b"bob", b"plain", b"done", b"OTHER"):
        assert b"".join(whole).count(kept) == data.count(kept)
    for cut in range(1, len(data)):
        assert output([data[:cut], data[cut:]], form) == whole


@pytest.mark.parametrize(
    "text",
    [
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password",
        "- name: LOG_LEVEL\n  value: debug",
        "Enter the password:\n    please do",
        "password:\n    min_length: 8\n    max_length: 20",
        "tokens:\n  used: 5",
        "invalid password\n  at line 5",
        "no such token",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert b"\n".join(output([text.encode() + b"\n"], "raw")) == text.rstrip().encode()


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        (["- name: A", "  value: b", "  more: c"], 2),
        (["- name: A", "value: b"], 1),
        (["- name: A", "    value: b"], 1),
        (["- name: A", "  value:", "    b", "  c: d"], 3),
        (["password:", "  user: b"], 1),
        (["password: |", "  user: b", "  more", "end"], 3),
    ],
)
def test_an_item_ends_where_its_value_does(lines: list[str], taken: int) -> None:
    item = Item.parse(lines[0].encode())
    assert item is not None
    count = 1
    for line in lines[1:]:
        answer = item.take(line.encode())
        count += bool(answer)
        if answer != 1:
            break
    assert count == taken


@pytest.mark.parametrize("line", ["env:", "Tools:", "- name", "name: x", "- title: x", "a: |", "INFO password reset:", ""])
def test_other_lines_begin_none(line: str) -> None:
    assert Item.parse(line.encode()) is None
