"""A text line's head: time, level, logger and the like, in the usual forms; the rest is its message.

Known forms: stdlib logging, uvicorn, Rich, structlog, loguru, logback, Spring, log4j, Serilog, zap, slog, Go's log, klog, tracing,
winston, nginx, Apache, syslog (RFC 3164 and 5424), logfmt, bracketed tags, and what MCP clients write (`clients`).
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo

from sanitizer import patterns
from sanitizer.records.clients import arrow, describe
from sanitizer.records.times import rfc3339
from sanitizer.text.masks import MASK

LEVEL = (
    rb"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|SEVERE|SUCCESS|EMERG|ALERT|CRIT|"
    rb"[Tt]race|[Dd]ebug|[Ii]nfo(?:rmation)?|[Nn]otice|[Ww]arn(?:ing)?|[Ee]rror|[Cc]ritical|[Ff]atal|silly|verbose|emerg|alert|crit|"
    rb"TRC|DBG|INF|WRN|ERR|CRT|FTL)"
)
TAG_BEGINS = rb"(?!" + MASK.pattern + rb")\["
"""How a tag begins, and no mask: that is a part of the message."""

DATE = rb"\d{4}[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])"
CLOCK = rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?"
TIME = patterns.lazy(
    rb"(?P<open>[\[(<])?(?P<time>" + DATE + rb"[T _]" + CLOCK + rb"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    rb"|(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01])/\d\d " + CLOCK
    + rb"|\d{10}(?:\d{3})?(?:\.\d{1,9})?(?=[ \]])|(?<=[\[(])" + CLOCK + rb")(?(open)[\])>]?|(?=[\s|,;:]|$))"
)
PLAIN_TIME = patterns.lazy(
    rb"(\d{4}[-/](?:0[1-9]|1[0-2])[-/](?:0[1-9]|1\d|2[0-8]))[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:[.,](\d{1,9}))?(Z)?(?=[ \t])"
    rb"(?! [+-]\d\d| UTC)"
)
"""What needs no calendar: a time in UTC on a day that every month has."""
TOKEN = patterns.lazy(
    rb"(?P<gap>[ \t]*(?:(?:\||-{1,3}|:|\xe2\x80\x94)[ \t]+)?)(?:"
    rb"(?P<level>" + LEVEL + rb")(?![\w.\-/=])(?::(?=[\s\w])|)"
    rb"|[\[(<](?P<tagged>" + LEVEL + rb") *[\])>]:?"
    rb"|" + TAG_BEGINS + rb"(?P<bracket>[^\[\]\r\n]{1,64})\]:?"
    rb"|(?P<dashed>[\w.$/@:<>\-]{1,128}+) ++(?:-|\|) "
    rb"|(?P<pid>\d{1,7})(?=[ \t]+(?:---|\[|" + LEVEL + rb"\b))"
    rb"|(?P<dotted>[A-Za-z_$][\w$]*+(?:(?:\.|::)[\w$]++)++|(?<=  )[a-z_]\w++)(?:\{[^{}]{0,256}\})?(?: +:|:)(?= )"
    rb")"
)
COMMON = patterns.lazy(
    rb" - (?P<name>[^\s\[\]]{1,128}) - (?P<level>[A-Z]{4,8}) - "
    rb"| " + TAG_BEGINS
    + rb"(?!" + LEVEL + rb" *\])(?P<tag>[\w.@/\-][\w.@/ \-]{0,63})\] \[(?P<tagged>" + LEVEL + rb")\] (?=[A-Z][a-z]+ [a-z])"
    rb"| \[(?P<padded>debug|info|warning|error|critical|exception) *\] (?=[^\[:\s])(?![\w.\-]+:)"
    rb"|[ \t]+(?P<plain>TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)(?=[ \t])"
)
"""The forms that most lines have: those of stdlib logging, of Claude Desktop and of structlog whole, and a bare level."""
MESSAGE = patterns.lazy(rb"[ \t](?=[A-Za-z][\w.$/@<>\-]*+ [A-Za-z0-9])")
"""Two words after a level: no token that `TOKEN` knows, but a message."""
STDLIB = patterns.lazy(rb"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.\-$/]{1,128}):(?!\d)")
BARE = patterns.lazy(
    rb"(?P<level>(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|SEVERE|SUCCESS)(?=:|[ \t])"
    rb"|(?:info|warn(?:ing)?|error|debug|notice|verbose|trace|fatal)(?=: ))"
    rb"(?::[ \t]*|[ \t]+)(?=\S)(?![=.])"
    rb"|[\[(<](?P<tagged>" + LEVEL + rb")[\])>]:?[ \t]*"
)
SAID = patterns.lazy(rb"(?P<level>Error|Warning|Info|Debug|Fatal): ")
KLOG = patterns.lazy(rb"(?P<level>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<clock>" + CLOCK + rb") +\d+ (?P<caller>[\w./\-]+:\d+)\] ")
SYSLOG = patterns.lazy(
    rb"<(?P<priority>\d{1,3})>(?:1 (?P<time5>\S{1,40}) (?P<host5>\S{1,255}) (?P<app5>\S{1,48}) (?P<pid5>\S{1,128}) \S{1,32} "
    rb"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+) ?|)"
)
BSD = patterns.lazy(
    rb"(?P<time>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d " + CLOCK + rb")(?: (?P<host>[\w.\-:]{1,255}))?"
    rb" (?P<app>[\w./\-]{1,64}(?:\([\w.\-]+\))?)(?:\[(?P<pid>\d{1,10})\])?: "
)
ACCESS = patterns.lazy(rb"\S{1,255} \S{1,64} [^\[\"]{1,128} \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] \"")
TAG = patterns.lazy(TAG_BEGINS + rb"(?P<logger>[A-Za-z@][\w .:/@\-]{0,62})\] ")
LOGFMT = patterns.lazy(
    rb"(?:^|[ \t])(?P<key>time|ts|timestamp|level|lvl|severity|logger|component)="
    rb"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"|(?P<bare>\S*))"
)
LOGFMT_START = patterns.lazy(rb"(?:time|ts|timestamp|level|lvl|severity|msg)=[\S]")
RICH_PATH = patterns.lazy(rb" +(?P<path>(?:[\w.\-]+\.pyx?|<[\w ]+>):\d+) *\r?$")
ANSI = patterns.lazy(rb"\x1b(?:(?=" + MASK.pattern + rb")|\[[0-?]*[!-/]*[@-\[\]-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\))")
LEVEL_LETTERS = {b"I": "INFO", b"W": "WARNING", b"E": "ERROR", b"F": "FATAL"}
INSIDE = patterns.lazy(rb" (" + LEVEL + rb")\] ")
LEVEL_WORD = patterns.lazy(LEVEL + rb" *$")
DIGITS = frozenset(b"0123456789")
MOST_TOKENS = 5
MOST_PATH = 256


def parse_text(line: bytes, assume_tz: tzinfo = UTC) -> dict[str, object]:
    """The fields of a text line; always `message`, as they occur timestamp, level, logger and those of `clients.describe`.

    A time whose zone is unknown is read in *assume_tz* and kept as it stood under `timestamp_text`.
    """
    plain = line if line.find(b"\x1b") < 0 else ANSI.sub(b"", line)
    if plain[-1:] == b"\r":
        plain = plain[:-1]
    fields: dict[str, object] = {}
    end = _head(plain, fields, assume_tz)
    if said := describe(plain, end):
        if "direction" in said and "logger" in fields:
            fields["server"] = fields["logger"]
        fields.update(said)
    message = plain[end:].decode("utf-8", "replace")
    path = fields.get("path")
    fields["message"] = message if path is None else message.rstrip().removesuffix(str(path)).rstrip()
    return fields


def _head(line: bytes, fields: dict[str, object], assume_tz: tzinfo) -> int:
    """Read the head of *line* into *fields*; where the message starts."""
    first = line[0] if line else 0
    if first in DIGITS or (first in b"[(<" and line[1:2].isdigit()):
        if assume_tz is UTC and (found := PLAIN_TIME.match(line)):
            date, clock, fraction, zone = found.groups()
            day = date.replace(b"/", b"-")
            stamp = b"%bT%b.%bZ" % (day, clock, fraction) if fraction else b"%bT%bZ" % (day, clock)
            fields["timestamp"] = stamp.decode()
            if not zone:
                fields["timestamp_text"] = found[0].decode()
            return _tokens(line, found.end(), fields)
        if found := TIME.match(line):
            return _after_time(line, found, fields, assume_tz)
        if found := SYSLOG.match(line) or ACCESS.match(line):
            return _syslog(line, found, fields, assume_tz) if first == 60 else _access(found, fields, assume_tz)
        return 0
    if 65 <= first <= 90:
        return _capital(line, fields, assume_tz)
    if first == 32:
        return _indented(line, fields)
    if found := BARE.match(line):
        return _bare(line, found, fields)
    if first == 91 and TAG.match(line):
        return _tokens(line, 0, fields)
    return _logfmt(line, fields, assume_tz) if LOGFMT_START.match(line) else 0


def _capital(line: bytes, fields: dict[str, object], assume_tz: tzinfo) -> int:
    if found := STDLIB.match(line):
        level, logger = found.groups()
        fields["level"], fields["logger"] = level.decode(), logger.decode()
        return found.end()
    if found := BARE.match(line):
        return _bare(line, found, fields)
    if found := KLOG.match(line):
        return _klog(found, fields)
    if found := BSD.match(line):
        return _bsd(found, fields, assume_tz)
    if found := SAID.match(line):
        fields["level"] = found["level"].decode()
    return 0


def _bare(line: bytes, found: re.Match[bytes], fields: dict[str, object]) -> int:
    fields["level"] = (found["level"] or found["tagged"]).decode()
    tag = TAG.match(line, found.end())
    if tag is None:
        return found.end()
    fields["logger"] = tag["logger"].decode()
    return tag.end()


def _indented(line: bytes, fields: dict[str, object]) -> int:
    """A row of Rich's whose time is that of the row before."""
    bare = line.lstrip()
    level, path = BARE.match(bare), RICH_PATH.search(line, max(0, len(line) - MOST_PATH))
    if level is None or path is None or not level["level"]:
        return 0
    fields["level"], fields["path"] = level["level"].decode(), path["path"].decode()
    return len(line) - len(bare) + level.end()


def _time(fields: dict[str, object], text: str, assume_tz: tzinfo) -> None:
    stamp = rfc3339(text, assume_tz)
    if stamp is None:
        return
    fields["timestamp"] = stamp
    if not ZONED.search(text):
        fields["timestamp_text"] = text


ZONED = patterns.lazy(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$|^\d{10}", re.ASCII)


def _after_time(line: bytes, found: re.Match[bytes], fields: dict[str, object], assume_tz: tzinfo) -> int:
    _time(fields, found["time"].decode(), assume_tz)
    end = found.end()
    if "timestamp" not in fields:
        # a clock without a date (Serilog): nothing to normalise
        fields["timestamp_text"] = found["time"].decode()
    if found["open"] and line[end - 1 : end] not in (b"]", b")", b">"):
        level = INSIDE.match(line, end)
        if level:
            fields["level"] = level[1].decode()
            return level.end()
    return _tokens(line, end, fields)


def _tokens(line: bytes, at: int, fields: dict[str, object]) -> int:  # noqa: PLR0912 - one for each kind of token
    """Take level, tags, logger and process off the line from *at* on; where the message starts."""
    if found := COMMON.match(line, at):
        name, level, tag, tagged, padded, plain = found.groups()
        fields["level"] = (level or tagged or padded or plain).decode()
        if name or tag:
            fields["logger"] = (name or tag.rstrip()).decode("utf-8", "replace")
        at = found.end()
        if plain is None and (tag is None or line[:1] != b"["):
            return at
        if plain is not None and line[:1] != b"[" and (gap := MESSAGE.match(line, at)):
            return gap.end()
    brackets: list[bytes] = []
    for _ in range(MOST_TOKENS):
        found = TOKEN.match(line, at)
        if not found:
            break
        kind = found.lastgroup
        text = found[kind] if kind else b""
        if kind in ("level", "tagged"):
            if "level" in fields:
                break
            fields["level"] = text.decode()
        elif kind == "bracket":
            if "level" not in fields and LEVEL_WORD.match(text):
                fields["level"] = text.strip().decode()
            elif (way := arrow(text)) is not None:
                fields["direction"] = way
            elif len(brackets) < 2 and "logger" not in fields:
                brackets.append(text)
            else:
                break
        elif kind == "pid":
            fields["pid"] = text.decode()
        elif "logger" in fields:
            break
        elif kind == "dashed" and LEVEL_WORD.match(text):
            fields["level"] = text.decode()
        else:
            fields["logger"] = text.decode("utf-8", "replace")
        at = found.end()
    for text in brackets:
        fields["thread" if "logger" in fields else "logger"] = text.strip().decode("utf-8", "replace")
    if line[:1] == b"[" and (path := RICH_PATH.search(line, max(at, len(line) - MOST_PATH))):
        fields["path"] = path["path"].decode()
    while line[at : at + 1] in (b" ", b"\t"):
        at += 1
    if line[at : at + 2] in (b"- ", b"| ", b": "):
        at += 2
    return at


def _klog(found: re.Match[bytes], fields: dict[str, object]) -> int:
    month = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[(int(found["month"]) - 1) % 12].decode()
    _time(fields, f"{month} {found['day'].decode()} {found['clock'].decode()}", UTC)
    fields["level"] = LEVEL_LETTERS[found["level"]]
    fields["caller"] = found["caller"].decode()
    return found.end()


def _bsd(found: re.Match[bytes], fields: dict[str, object], assume_tz: tzinfo) -> int:
    _time(fields, found["time"].decode(), assume_tz)
    for name, group in (("host", "host"), ("logger", "app"), ("pid", "pid")):
        if found[group]:
            fields[name] = found[group].decode()
    return found.end()


def _syslog(line: bytes, found: re.Match[bytes], fields: dict[str, object], assume_tz: tzinfo) -> int:
    fields["level"] = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")[int(found["priority"]) & 7]
    if found["time5"] is None:
        bsd = BSD.match(line, found.end())
        return _bsd(bsd, fields, assume_tz) if bsd else found.end()
    _time(fields, found["time5"].decode("utf-8", "replace"), assume_tz)
    for name, group in (("host", "host5"), ("logger", "app5"), ("pid", "pid5")):
        if found[group] != b"-":
            fields[name] = found[group].decode("utf-8", "replace")
    return found.end()


def _access(found: re.Match[bytes], fields: dict[str, object], assume_tz: tzinfo) -> int:
    _time(fields, found["time"].decode(), assume_tz)
    return 0


def _logfmt(line: bytes, fields: dict[str, object], assume_tz: tzinfo) -> int:
    """The known keys of a logfmt line; its message stays the whole line, since pairs have no other place."""
    for found in LOGFMT.finditer(line):
        key = found["key"].decode()
        value = (found["quoted"] if found["bare"] is None else found["bare"]).decode("utf-8", "replace")
        if key in ("time", "ts", "timestamp"):
            if "timestamp" not in fields:
                _time(fields, value, assume_tz)
        elif key in ("level", "lvl", "severity"):
            fields.setdefault("level", value)
        elif key in ("logger", "component"):
            fields.setdefault("logger", value)
    return 0
