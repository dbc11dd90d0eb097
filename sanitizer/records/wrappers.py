"""What a container runtime, journald or a viewer of logs puts around a line: recognised, taken off, kept as fields.

CRI: `<RFC3339Nano> <stdout|stderr> <tag[:tag...]> <content>`, first tag `F` (full) or `P` (partial: the next line of the same
stream goes on without a line end). Docker json-file: `{"log": "text\\n", "stream": ..., "time": ...}`; a `log` without its line
end is a partial. journald: `-o json` (one object a line, byte arrays for what is not UTF-8) and the export format
(https://systemd.io/JOURNAL_EXPORT_FORMATS/). Text before each line: `sanitizer.records.prefixes`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import orjson

from sanitizer import patterns
from sanitizer.records.levels import level_of_priority
from sanitizer.records.prefixes import prefix_of
from sanitizer.records.times import rfc3339

Wrapper = Literal["auto", "plain", "cri", "docker", "journald", "journald-export"]

WRAPPED = frozenset([b"%c" % byte for byte in b"0123456789{_[abcdefghijklmnopqrstuvwxyzADFJMNOS"])
"""What a line in a wrapper begins with."""

CRI = patterns.lazy(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)) (stdout|stderr) ([FP])(?::[^ ]*)?(?: |$)")
DOCKER = patterns.lazy(rb'\{\s*"log"\s*:\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*[,}]', re.S)
JOURNAL_MESSAGE = patterns.lazy(rb'"MESSAGE"\s*:\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.S)
ESCAPE = patterns.lazy(rb'\\(?:u[0-9a-fA-F]{4}|.)', re.S)
PODS = patterns.lazy(r"/pods/([^_/]+)_([^_/]+)_([0-9a-fA-F-]+)/([^/]+)/")
CONTAINERS = patterns.lazy(r"/containers/(?:([^_/]+)_([^_/]+)_(.+)-([0-9a-f]{64})\.log|([0-9a-f]{64})/)")

JOURNAL_NAMES = {
    "_SYSTEMD_UNIT": "unit",
    "_SYSTEMD_USER_UNIT": "unit",
    "SYSLOG_IDENTIFIER": "logger",
    "_HOSTNAME": "host",
    "_PID": "pid",
    "_CMDLINE": "cmdline",
    "_EXE": "exe",
    "_COMM": "comm",
    "CONTAINER_NAME": "container",
    "CONTAINER_ID": "container_id",
    "_TRANSPORT": "transport",
}


class Unwrapped(NamedTuple):
    """One physical line without its wrapper.

    `text` is the content; `start` and `end` say where it stands in the line, JSON-escaped when `escaped`. `partial` means that
    the next line of the same `stream` goes on where this one stops. `family` is the wrapper's name.
    """

    family: str
    stream: str
    text: bytes
    start: int
    end: int
    fields: dict[str, object]
    partial: bool = False
    escaped: bool = False


@dataclass(slots=True)
class Partial:
    """A line under construction, begun at `first` when `begun` bytes had been looked at."""

    spans: list[tuple[int, int, int, int]]
    parts: list[bytes]
    escaped: bool
    fields: dict[str, object]
    first: int
    begun: int


UNWRAPPED = tuple.__new__
"""Makes an `Unwrapped` of a tuple in a third of the time: there is one for every line of a container."""
STREAMS = {b"stdout": ("cri:stdout", "stdout"), b"stderr": ("cri:stderr", "stderr")}


def unwrap(line: bytes, wrapper: Wrapper, told: bool = True, before: bytes = b"") -> Unwrapped | None:
    """Take the wrapper off *line*, or return None when it has none (or not the one asked for).

    Unless its fields are to be *told*, a container's line has no time. Behind the line *before* it some are rows of a table.
    """
    head = line[:1]
    if head.isdigit() and wrapper in ("auto", "cri") and (unwrapped := _cri(line, told)) is not None:
        return unwrapped
    if head != b"{":
        return _prefixed(line, told, before) if wrapper == "auto" else None
    if wrapper in ("auto", "docker") and (found := DOCKER.match(line)):
        return _docker(line, found, told)
    if wrapper == "journald" or (wrapper == "auto" and line.find(b'"__REALTIME_TIMESTAMP"') >= 0):
        return _journald(line)
    return None


def _cri(line: bytes, told: bool) -> Unwrapped | None:
    found = CRI.match(line)
    if not found:
        return None
    time, of, tag = found.groups()
    end = found.end()
    key, stream = STREAMS[of]
    fields: dict[str, object] = {"stream": stream}
    if told:
        stamp = time.decode()
        fields = {"timestamp": rfc3339(stamp) or stamp, "stream": stream}
    return UNWRAPPED(Unwrapped, ("cri", key, line[end:], end, len(line), fields, tag == b"P", False))


def _prefixed(line: bytes, told: bool, before: bytes) -> Unwrapped | None:
    found = prefix_of(line, told, before)
    return None if found is None else Unwrapped("prefix", found.stream, line[found.start :], found.start, len(line), found.fields)


def _docker(line: bytes, found: re.Match[bytes], told: bool) -> Unwrapped | None:
    try:
        record = json.loads(line) if line.find(b"\\ud") >= 0 or line.find(b"\\uD") >= 0 else orjson.loads(line)
    except (ValueError, RecursionError):
        return None
    stream, time = record.get("stream"), record.get("time")
    if not isinstance(stream, str) or not isinstance(time, str):
        return None
    text = record["log"].encode("utf-8", "surrogatepass")
    start, end = found.span(1)
    whole = text.endswith(b"\n")
    if whole:
        text = text[:-1]
        end = _without_line_end(line, start, end)
    fields: dict[str, object] = {"timestamp": rfc3339(time) or time, "stream": stream} if told else {"stream": stream}
    attributes = record.get("attrs")
    if isinstance(attributes, dict):
        fields["attributes"] = attributes
    return UNWRAPPED(Unwrapped, ("docker", f"docker:{stream}", text, start, end, fields, not whole, True))


def _without_line_end(line: bytes, start: int, end: int) -> int:
    for spelling in (b"\\n", b"\\u000a", b"\\u000A"):
        if line.endswith(spelling, start, end):
            return end - len(spelling)
    return end


def _journald(line: bytes) -> Unwrapped | None:
    try:
        record = orjson.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or "MESSAGE" not in record:
        return None
    text, fields = octets(record["MESSAGE"]), journal_fields(record)
    found = JOURNAL_MESSAGE.search(line) if isinstance(record["MESSAGE"], str) else None
    start, end = found.span(1) if found else (0, len(line))
    return Unwrapped("journald", _journal_stream(record), text, start, end, fields, escaped=found is not None)


def _journal_stream(record: dict[str, object]) -> str:
    return f"journald:{record.get('_STREAM_ID') or record.get('_SYSTEMD_UNIT') or ''}:{record.get('_PID') or ''}"


def octets(value: object) -> bytes:
    """A journald value as bytes: text, an array of bytes, or (a repeated field) the first of several."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, list):
        if all(type(item) is int and 0 <= item < 256 for item in value):
            return bytes(value)
        return b"\n".join(octets(item) for item in value if isinstance(item, str | list))
    return b"" if value is None else str(value).encode()


def journal_fields(record: dict[str, object]) -> dict[str, object]:
    """Time, level, unit and process of a journald entry, under this program's names."""
    fields: dict[str, object] = {}
    stamp = record.get("_SOURCE_REALTIME_TIMESTAMP") or record.get("__REALTIME_TIMESTAMP")
    if isinstance(stamp, str) and stamp.isdigit():
        time = rfc3339(int(stamp) * 1000 if len(stamp) < 18 else int(stamp))
        if time:
            fields["timestamp"] = time
    level = level_of_priority(record.get("PRIORITY"))
    if level:
        fields["level"] = level
    for name, ours in JOURNAL_NAMES.items():
        value = record.get(name)
        if value is not None and ours not in fields:
            fields[ours] = value if isinstance(value, str) else octets(value).decode("utf-8", "replace")
    return fields


class ExportEntry:
    """One entry of the journald export format, fed line by line; `take` says when it is whole.

    A field is `NAME=value` or `NAME`, a line end, a 64-bit little-endian length, the data, a line end; data may hold line ends.
    """

    __slots__ = ("_name", "_need", "_parts", "_size", "values")

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._name = ""
        self._parts: list[bytes] = []
        self._size = 0
        self._need = 0

    def take(self, line: bytes) -> bool:
        """Add one physical line; True when *line* was the blank one that ends the entry."""
        if self._name:
            self._take_binary(line)
            return False
        if not line:
            return True
        name, equals, value = line.partition(b"=")
        if equals:
            self.values.setdefault(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
        else:
            self._name = name.decode("utf-8", "replace")
            self._parts, self._size, self._need = [], 0, 8
        return False

    def _take_binary(self, line: bytes) -> None:
        self._parts.append(line + b"\n")
        self._size += len(line) + 1
        if self._size < self._need:
            return
        if self._need == 8:
            data = b"".join(self._parts)
            self._parts = [data]
            self._need = 8 + int.from_bytes(data[:8], "little") + 1
            if self._size < self._need:
                return
        data = b"".join(self._parts)[8 : self._need - 1]
        self.values.setdefault(self._name, data.decode("utf-8", "replace"))
        self._name = ""


def lane_fields(path: str) -> dict[str, object]:
    """Namespace, pod and container from the path that the kubelet or Docker gives a log file; empty for any other path."""
    if found := PODS.search(path):
        return {"namespace": found[1], "pod": found[2], "pod_uid": found[3], "container": found[4]}
    if found := CONTAINERS.search(path):
        if found[5]:
            return {"container_id": found[5]}
        return {"pod": found[1], "namespace": found[2], "container": found[3], "container_id": found[4]}
    return {}


def escaped_offset(raw: bytes, offset: int) -> int:
    """Where in the JSON-escaped *raw* the byte stands that is at *offset* of its decoded UTF-8 form."""
    shift = 0
    for found in ESCAPE.finditer(raw):
        if found.start() - shift >= offset:
            break
        code = found.group()
        width = 1 if len(code) == 2 else len(chr(int(code[2:], 16)).encode("utf-8", "surrogatepass"))
        if 0xD800 <= (int(code[2:], 16) if len(code) > 2 else 0) < 0xE000:
            width = 2  # half of a surrogate pair: four bytes of UTF-8 for two escapes
        shift += len(code) - width
    return min(len(raw), offset + shift)
