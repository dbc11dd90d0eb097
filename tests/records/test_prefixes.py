"""What viewers of logs put before each line comes off: what a process broke over lines is read together, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sanitizer.records.prefixes import prefix_of
from tests.engines import sanitize, scrubber

WRAPPED = (Path(__file__).parents[1] / "captures" / "rich-wrap.log").read_bytes().split(b"\n")[:-1]
PREFIXES = [
    "crm-1  | ",
    "crm_2 | ",
    "0|crm  | ",
    "15:00:33 web.1   | ",
    "[pod/crm-7d9c5b8f6d-abcde/crm] ",
    "[pod/crm-7d9c5b8f6d-abcde/crm] 2026-11-20T15:00:33.836123456Z ",
    "2026-11-20T15:00:33.836123456Z ",
    "2026-11-20T15:00:33.8361234+01:00 ",
    "Nov 20 14:58:25 web crm[12]: ",
    "2026-11-20T14:58:25.123456+0000 web crm@1[12]: ",
]
FACTS = {
    "crm-1  | ": {"container": "crm-1"},
    "0|crm  | ": {"logger": "crm"},
    "[pod/crm-7d9c5b8f6d-abcde/crm] ": {"pod": "crm-7d9c5b8f6d-abcde", "container": "crm"},
    "2026-11-20T15:00:33.836123456Z ": {"timestamp": "2026-11-20T15:00:33.836123456Z"},
    "2026-11-20T14:58:25.123456+0000 web crm@1[12]: ": {
        "timestamp": "2026-11-20T14:58:25.123456Z", "host": "web", "logger": "crm@1", "pid": "12",
    },
}  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_what_a_console_broke_is_redacted_behind_a_prefix_as_without_one(prefix: str) -> None:
    plain = await sanitize(scrubber("raw"), [b"\n".join(WRAPPED) + b"\n"])
    behind = await sanitize(scrubber("raw"), [b"\n".join(prefix.encode() + line for line in WRAPPED) + b"\n"])
    assert behind == [prefix.encode() + line for line in plain]


@pytest.mark.parametrize(("prefix", "facts"), FACTS.items())
async def test_a_prefix_becomes_fields_and_a_line_of_json_an_object(prefix: str, facts: dict[str, str]) -> None:
    lines = [b"one word", b'{"tool": "search", "ms": 3}', b"Traceback (most recent call last):", b'  File "a.py", line 1', b"ValueError"]
    found = await sanitize(scrubber("json"), [b"\n".join(prefix.encode() + line for line in lines) + b"\n"])
    said = [json.loads(record) for record in found]
    assert said[0] == {**facts, "message": "one word"}
    assert said[1] == {"tool": "search", "ms": 3, **facts}
    assert [record["message"].count("\n") for record in said[2:]] == [2]


async def test_lines_of_several_processes_are_not_mixed_up() -> None:
    lines = [b"crm-1  | password:", b"web-1  |   not7this", b"crm-1  |   Haven5566!x", b"web-1  | done"]
    found = await sanitize(scrubber("json"), [b"\n".join(lines) + b"\n"])
    assert sorted(json.loads(record)["message"] for record in found) == ["  not7this", "done", "password:\n  [REDACTED:password]"]


async def test_a_row_of_a_table_is_no_line_of_a_container() -> None:
    table = [b"name | password", b"user-1 | Haven5566!x", b"user-2 | Haven5567!x"]
    found = await sanitize(scrubber("json"), [b"\n".join(table) + b"\n"])
    assert [json.loads(record) for record in found] == [
        {"message": "name | password"},
        {"message": "user-1 | [REDACTED:password]"},
        {"message": "user-2 | [REDACTED:password]"},
    ]


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-20T15:00:33.836Z [crm] [info] ready",
        "2026-11-20 15:00:33,219 - crm - INFO - ready",
        "2026-11-20T15:00:33.836123456Z stdout F ready",
        "Nov 20 was a day | of rest",
        "sha-256 and more",
        "12 | 13",
        "item-1 |x",
        "[pod] ready",
    ],
)
def test_other_lines_have_no_prefix(line: str) -> None:
    assert prefix_of(line.encode(), told=True) is None
