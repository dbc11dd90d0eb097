"""What stands around a finding: the name of its field, and the tool that its record speaks of. For reports and exemptions only."""

from __future__ import annotations

from sanitizer import patterns

FIELD = patterns.lazy(
    rb"(?<![\w.\-\x80-\xff])(?![\d.\-]+[\x22'`:= \t])(?!(?i:trace|debug|info|warn(?:ing)?|error|critical|fatal)\b)"
    rb"([\w.\-\x80-\xff]{1,64})"
    rb"[\x22'`\\\])]{0,6}[ \t]{0,3}(?:=>|[:=])[ \t]{0,3}(?:[\[{(][ \t]{0,3}){0,4}[\\\x22'`bru(]{0,8}[^\x22'=:,{}]{0,64}\Z"
)
# Tried where `tool` stands, which is found sooner than a pattern is.
TOOL = patterns.lazy(
    rb"(?i)(?:(?<=[\x22'])tool(?:_?name)?|(?<=[\x22']gen_ai\.)tool\.name)"
    rb"\\*[\x22'][ \t]{0,3}:[ \t]{0,3}\\*[\x22']([\w.:/\-]{1,128})"
)
BEFORE_TOOL = b"\"'."
CALLED = patterns.lazy(
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
    if line.find(b'"') < 0 and line.find(b"'") < 0:
        return ""
    low = line.lower()
    at = low.find(b"tool")
    if at < 0:
        return ""
    while at >= 0:
        if line[at - 1] in BEFORE_TOOL and (found := TOOL.match(line, at)):
            return found[1].decode("utf-8", "replace")
        at = low.find(b"tool", at + 4)
    found = CALLED.search(line) if line.find(b"tools/call") >= 0 else None
    return found[1].decode("utf-8", "replace") if found else ""
