"""What the audit trail is told of redacted rows: which credentials stood in them, and how much was redacted around a call."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sanitizer.detection import context
from sanitizer.finding import Finding
from sanitizer.protocol.mcp import Exposure, Frame
from sanitizer.redaction.redact import Redacted

_MAX_KNOWN = 4_096


class Sighting(NamedTuple):
    """A frame, the rows of the record that it was found in, and where that begins in its lane."""

    frame: Frame
    rows: range
    offset: int


class Witness:
    """Tells of findings by rule number: *ids*, the *kinds* they are counted by, and which rules find *credentials*.

    *digest* makes the keyed fingerprint of a text; *clean* redacts the name of a tool; *server* tells which one a record speaks of.
    """

    def __init__(
        self,
        ids: Sequence[str],
        kinds: Sequence[str],
        credentials: Sequence[bool],
        digest: Callable[[bytes], str],
        clean: Callable[[bytes], bytes],
        server: Callable[[bytes], str],
    ) -> None:
        self._ids = ids
        self._kinds = kinds
        self._credentials = credentials
        self._digest = digest
        self._clean = clean
        self._server = server
        self._known: dict[str, str] = {}

    def frames(self, seen: Iterable[Sighting], found: Sequence[Finding], at: Sequence[int]) -> list[Frame]:
        """The frames that were *seen*, each with its place, and with what was *found* (in the rows *at*) in its record, by kind."""
        frames = []
        for frame, rows, offset in seen:
            low = bisect_left(at, rows.start)
            frame.redactions, frame.offset = self._counted(found[low : bisect_left(at, rows.stop, low)]), offset
            frames.append(frame)
        return frames

    def exposures(self, rows: Sequence[bytes], seen: Iterable[Sighting], redacted: Redacted, at: Sequence[int]) -> list[Exposure]:
        """The credentials that were *redacted*: by which rule each was found, and its keyed digest, which tells it from others."""
        calls = [each for each in seen if each.frame.kind == "call" or each.frame.method == "tools/call"]
        tools = {row: frame.name for frame, those, _ in calls for row in those}
        servers = {row: server for frame, those, _ in seen if (server := frame.facts.get("server")) for row in those}
        credentials, ids, digest, buffer = self._credentials, self._ids, self._digest, redacted.buffer
        exposures = []
        last, server, tool = -1, "", ""
        for row, (start, end, rule) in zip(at, redacted.found, strict=True):
            if credentials[rule]:
                if row != last:
                    last, line = row, rows[row]
                    server = servers[row] if row in servers else self._server(line)
                    tool = tools[row] if row in tools else self._tool(line)
                exposures.append(Exposure(ids[rule], digest(buffer[start:end]), 1, server, tool))
        return exposures

    def _counted(self, found: Sequence[Finding]) -> dict[str, int] | None:
        if not found:
            return None
        counts = Counter([self._kinds[rule] for _, _, rule in found])
        return dict(counts) if len(counts) == 1 else dict(sorted(counts.items()))

    def _tool(self, row: bytes) -> str:
        if not (name := context.tool(row)):
            return ""
        if (known := self._known.get(name)) is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[name] = self._clean(name.encode()).decode("utf-8", "replace")
        return known

