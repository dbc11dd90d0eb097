"""Questions to an audit trail: which events, and how often, how long and with what outcome."""

from __future__ import annotations

import gzip
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson

from sanitizer.audit.chain import Head, HeadFile
from sanitizer.audit.ledger import parts
from sanitizer.records.times import seconds

_DIGESTS = ("fingerprint", "params_hash")
_SEAL = frozenset(("chain", "seq", "prev", "hash"))


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What an event must be to be asked for; empty means anything. Times are RFC 3339 in UTC, as events write them.

    Of a fingerprint and of a params hash the beginning will do.
    """

    type: str = ""
    server: str = ""
    tool: str = ""
    method: str = ""
    outcome: str = ""
    user: str = ""
    session: str = ""
    fingerprint: str = ""
    params_hash: str = ""
    rule: str = ""
    since: str = ""
    until: str = ""

    def takes(self, event: dict[str, Any]) -> bool:
        """Whether *event* is asked for."""
        time = event.get("last_seen") or event.get("time", "")
        if (self.since and time < self.since) or (self.until and time >= self.until):
            return False
        if any(not str(event.get(name, "")).startswith(getattr(self, name)) for name in _DIGESTS):
            return False
        return all(event.get(name) == wanted for name, wanted in self._wanted() if wanted)

    def _wanted(self) -> Iterator[tuple[str, str]]:
        return ((name, getattr(self, name)) for name in self.__struct_fields__ if name not in ("since", "until", *_DIGESTS))


class Group(msgspec.Struct):
    """The calls of one tool, server or whatever they were grouped by."""

    calls: int = 0
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    latencies_ms: array[float] = msgspec.field(default_factory=lambda: array("d"))
    request_bytes: int = 0
    response_bytes: int = 0

    def percentile(self, share: float) -> float | None:
        """The latency in milliseconds that *share* (0 to 1) of the calls did not exceed; None where none is known."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def summary(self) -> dict[str, Any]:
        """What there is to say of the group, ready for JSON."""
        latencies = {name: self.percentile(share) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))}
        return {
            "calls": self.calls,
            "outcomes": dict(self.outcomes.most_common()),
            "latency_ms": latencies,
            "request_bytes": self.request_bytes,
            "response_bytes": self.response_bytes,
        }


def moment(text: str, now: datetime | None = None) -> str:
    """`24h`, `7d` (ago) or an ISO 8601 time as events write times. Raises `ValueError`."""
    if (ago := seconds(text)) is not None:
        when = (now or datetime.now(UTC)) - timedelta(seconds=ago)
    else:
        when = datetime.fromisoformat(text.strip())
        when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(paths: Sequence[Path], stdin: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Every line of the audit files at *paths*, their older parts first, with where it stands; `-` is *stdin*.

    A file may be gzipped, or one JSON array, as exports are. Raises `OSError`.
    """
    for given in paths:
        if str(given) == "-":
            yield from _numbered("stdin", stdin)
            continue
        for path in parts(given) or [given]:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                yield from _numbered(path.name, file)


def heads(paths: Sequence[Path]) -> list[Head]:
    """The heads stored beside the audit files at *paths*."""
    found = (HeadFile(path.with_name(f"{path.name}.head")).load_head() for path in paths if str(path) != "-")
    return [head for head in found if head is not None]


def select(lines: Iterable[tuple[str, bytes]], wanted: Filter) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The events that *wanted* takes, as they stand and read; what is no event is passed over, what came twice comes once.

    So does a call that is told again, of the same place in the same log, in another number or another chain.
    """
    seen: set[bytes] = set()
    for _, line in lines:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if not isinstance(event, dict) or "type" not in event or not wanted.takes(event):
            continue
        mark = _mark(event)
        if not mark or mark not in seen:
            seen.add(mark)
            yield line, event


def grouped(events: Iterable[dict[str, Any]], by: str = "tool") -> dict[str, Group]:
    """The calls among *events* by their *by* (a field; calls of no tool go by their method), the most frequent first."""
    groups: dict[str, Group] = {}
    for event in events:
        if event.get("type") != "call":
            continue
        name = str(event.get(by) or (event.get("method", "") if by == "tool" else ""))
        group = groups.setdefault(name, Group())
        group.calls += 1
        group.outcomes[event.get("outcome", "")] += 1
        group.request_bytes += event.get("request_bytes", 0)
        group.response_bytes += event.get("response_bytes", 0)
        if isinstance(latency := event.get("latency_ms"), int | float):
            group.latencies_ms.append(latency)
    return dict(sorted(groups.items(), key=lambda item: (-item[1].calls, item[0])))


def _mark(event: dict[str, Any]) -> bytes:
    """What an event shares with those that say the same; empty where nothing does."""
    if event.get("lane") and event.get("id") is not None:
        said = {name: value for name, value in event.items() if name not in _SEAL}
        return blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    text = event.get("hash")
    if isinstance(text, str) and len(text) == 64 and all(digit in "0123456789abcdef" for digit in text):
        return bytes.fromhex(text)[:16]
    return b""


def _numbered(name: str, file: Any) -> Iterator[tuple[str, bytes]]:
    first = file.readline()
    if first.lstrip().startswith(b"["):
        yield name, first + file.read()
        return
    number = 0
    while first:
        number += 1
        yield f"{name}:{number}", first.removesuffix(b"\n")
        first = file.readline()
