"""What the audit trail is told of redacted records, through the whole redaction."""

from __future__ import annotations

import json

import pytest
from engines import FORMATS, KEYS, scrubber

from sanitizer.model import Raw
from sanitizer.protocol.mcp import Exposure, Frame
from sanitizer.protocol.surroundings import FactPaths
from sanitizer.records.assemble import Assembler
from sanitizer.redaction.scrub import Format

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


def frames(form: Format, *lines: str, **options: object) -> list[Frame | Exposure]:
    made, assembler = scrubber(form, audit=True, **options), Assembler()
    pieces = [assembler.feed(Raw("".join(f"{line}\n" for line in lines).encode())), assembler.flush()]
    found = [frame for piece in pieces if piece.lines for frame in made.scrub(piece, "-").frames]
    return [frame for frame in found if isinstance(frame, Frame | Exposure)]


def call(number: int, name: str = "push") -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": {"to": "x@example.com"}}}


@pytest.mark.parametrize("form", FORMATS)
def test_a_frame_knows_what_was_redacted_around_it(form: Format) -> None:
    around = {"by": "jane.doe@example.com", "cc": ["a@example.com"], "auth": TOKEN, "rpc": call(1)}
    first, second, exposure = frames(form, json.dumps(around), "by jane.doe@example.com", json.dumps(call(2)))
    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert (first.redactions or {})["email"] >= 2
    assert sum((first.redactions or {}).values()) >= 3
    assert isinstance(exposure, Exposure)
    assert second.redactions in (None, {"email": 1})  # raw output keeps params, and redacts them


@pytest.mark.parametrize("form", FORMATS)
def test_a_credential_is_told_with_the_tool_that_its_record_speaks_of(form: Format) -> None:
    lines = [json.dumps({"auth": TOKEN, "rpc": call(1)}), f'{{"tool":"mail","token":"{TOKEN}"}}', f"token {TOKEN} of jane@example.com"]
    exposures = [frame for frame in frames(form, *lines) if isinstance(frame, Exposure)]
    assert [(each.rule, each.tool) for each in exposures] == [("github-pat", "push"), ("github-pat", "mail"), ("github-pat", "")]
    assert {each.fingerprint for each in exposures} == {KEYS.digest(TOKEN.encode())}


@pytest.mark.parametrize("form", FORMATS)
def test_a_credential_is_told_with_the_server_that_its_record_speaks_of(form: Format) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": TOKEN}]}})
    lines = [
        f"2026-11-21T10:00:00.100Z [crm] [info] Message from server: {answer}",
        json.dumps({"server": "billing", "message": f"token {TOKEN}"}),
        f"token {TOKEN}",
    ]
    exposures = [frame for frame in frames(form, *lines) if isinstance(frame, Exposure)]
    assert [each.server for each in exposures] == ["crm", "billing", ""]


@pytest.mark.parametrize(
    ("record", "transport"),
    [
        ({"transport": "streamable-http", "rpc": call(1)}, "http"),
        ({"transport": "stdio", "rpc": call(1)}, "stdio"),
        ({"transport": "pigeon", "rpc": call(1)}, ""),
        ({"transport": "SSE", "tool": "push", "arguments": {"to": "x"}}, "http"),
    ],
)
def test_a_frame_knows_what_it_travelled_by_where_its_record_says_so(record: dict[str, object], transport: str) -> None:
    (frame,) = frames("ndjson", json.dumps(record))
    assert isinstance(frame, Frame)
    assert frame.transport == transport


@pytest.mark.parametrize("form", FORMATS)
def test_a_frame_knows_where_its_record_begins(form: Format) -> None:
    lines = ["plain", json.dumps(call(1)), 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: x', json.dumps(call(2))]
    text = "".join(f"{line}\n" for line in lines)
    first, second = (frame for frame in frames(form, *lines) if isinstance(frame, Frame))
    assert [first.offset, second.offset] == [text.index(lines[1]), text.index(lines[3])]


def test_the_name_of_a_tool_is_redacted_too() -> None:
    (exposure,) = frames("ndjson", f'{{"tool":"{TOKEN}","level":"info"}}')
    assert isinstance(exposure, Exposure)
    assert TOKEN not in exposure.tool


def test_facts_are_found_where_the_configuration_says() -> None:
    paths = FactPaths(user=("record.user.id",), project=("record.project",), subject_id=("arguments.to",), kept=("project",))
    record = {"user": {"id": "usr_123"}, "project": "apollo", "rpc": call(1)}
    (frame,) = frames("ndjson", json.dumps(record), facts=paths)
    assert isinstance(frame, Frame)
    assert frame.facts["project"] == "apollo"
    assert frame.facts["user"] == f"[user:{KEYS.pseudonym(b'user', b'usr_123').decode()}]"
    assert frame.facts["subject_id"].startswith("[subject_id:")
