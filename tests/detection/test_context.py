"""The field and the tool that a report names beside a finding."""

from __future__ import annotations

import pytest

from sanitizer.detection import context


@pytest.mark.parametrize(
    ("before", "name"),
    [
        (b'{"user":{"mail":"', "mail"),
        (b'{"to": ["', "to"),
        (b"to=", "to"),
        (b"db.password: ", "db.password"),
        (b"{'to': b'", "to"),
        (b"name => '", "name"),
        (b'{\\"to\\": \\"', "to"),
        (b"2026-11-21 10:00:00 INFO login of ", ""),
        (b"ERROR: no such user ", ""),
        (b"plain text ", ""),
    ],
)
def test_the_field_is_the_key_before_the_finding(before: bytes, name: str) -> None:
    assert context.field(b"\n" + before + b"jane@example.com\n", len(before) + 1) == name


def test_a_field_is_looked_for_on_its_own_line() -> None:
    assert context.field(b"\nto:\njane@example.com\n", 5) == ""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'{"tool":"mail","to":"x"}', "mail"),
        (b'{"gen_ai.tool.name":"a/b"}', "a/b"),
        (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"search"}}', "search"),
        (b'{"name":"search"}', ""),
        (b'{"msg":"the tool: \'x\' is used","toolName":"y"}', "y"),
        (b'{\\"tool_name\\": \\"z\\"}', "z"),
        (b'{"gen_ai.tool.id":"1","TOOL":"w"}', "w"),
        (b'{"stool":"no","tool_id":"no"}', ""),
    ],
)
def test_the_tool_is_the_one_that_the_record_names(line: bytes, name: str) -> None:
    assert context.tool(line) == name
