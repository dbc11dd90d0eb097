"""What stands around a finding: the name of its field, and the tool that its record speaks of. For reports and exemptions only."""

from __future__ import annotations

import re

FIELD = re.compile(
    rb"(?<![\w.\-\x80-\xff])(?![\d.\-]+[\x22'`:= \t])(?!(?i:trace|debug|info|warn(?:ing)?|error|critical|fatal)\b)"
    rb"([\w.\-\x80-\xff]{1,64})"
    rb"[\x22'`\\\])]{0,6}[ \t]{0,3}(?:=>|[:=])[ \t]{0,3}(?:[\[{(][ \t]{0,3}){0,4}[\\\x22'`bru(]{0,8}[^\x22'=:,{}]{0,64}\Z"
)
TOOL = re.compile(
    rb"(?i)\\*[\x22'](?:tool_name|toolname|tool|gen_ai\.tool\.name)\\*[\x22'][ \t]{0,3}:[ \t]{0,3}\\*[\x22']([\w.:/\-]{1,128})"
)
CALLED = re.compile(
    rb"\\*[\x22']method\\*[\x22']\s{0,3}:\s{0,3}\\*[\x22']tools/call.{0,4096}?"
    rb"\\*[\x22']name\\*[\x22']\s{0,3}:\s{0,3}\\*[\x22']([\w.:/\-]{1,128})"
)
REACH = 160


def field(buffer: bytes, start: int) -> str:
    """The key before *start* on its line, or nothing."""
    line = buffer.rfind(b"\n", 0, start) + 1
    found = FIELD.search(buffer, max(line, start - REACH), start)
    return found[1].decode("utf-8", "replace") if found else ""


def tool(line: bytes) -> str:
    """The tool that a record names, or nothing."""
    found = TOOL.search(line) or CALLED.search(line)
    return found[1].decode("utf-8", "replace") if found else ""
