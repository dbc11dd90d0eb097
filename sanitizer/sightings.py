"""What the audit trail is told of redacted rows: which credentials stood in them, and how much was redacted around a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sanitizer import context
from sanitizer.mcp import Exposure, Frame
from sanitizer.redact import Place

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

    def frames(self, seen: Iterable[Sighting], places: Iterable[Place]) -> list[Frame]:
        """The frames that were *seen*, each with its place, and with what was redacted in its record, by kind."""
        seen = list(seen)
        found: dict[int, Counter[str]] = {row: Counter() for sighting in seen for row in sighting.rows}
        for place in places if found else ():
            if place[0] in found:
                found[place[0]][self._kinds[place[1]]] += 1
        frames = []
        for frame, rows, offset in seen:
            counts = [found[row] for row in rows if found[row]]
            total = dict(sorted((counts[0] if len(counts) == 1 else sum(counts, Counter())).items())) if counts else None
            frame.redactions, frame.offset = total, offset
            frames.append(frame)
        return frames

    def exposures(self, rows: Sequence[bytes], seen: Iterable[Sighting], places: Iterable[Place]) -> list[Exposure]:
        """The credentials among *places*: by which rule each was found, and which it is (by its keyed digest, never itself)."""
        tools = {row: frame.name for frame, rows, _ in seen for row in rows if frame.kind == "call" or frame.method == "tools/call"}
        servers = {row: server for frame, rows, _ in seen if (server := frame.facts.get("server")) for row in rows}
        credentials, ids, digest = self._credentials, self._ids, self._digest
        found = []
        for row, rule, _, text in places:
            if credentials[rule]:
                if (tool := tools.get(row)) is None:
                    tool = tools[row] = self._tool(rows[row])
                if (server := servers.get(row)) is None:
                    server = servers[row] = self._server(rows[row])
                found.append(Exposure(ids[rule], digest(text), 1, server, tool))
        return found

    def _tool(self, row: bytes) -> str:
        if not (name := context.tool(row)):
            return ""
        if (known := self._known.get(name)) is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[name] = self._clean(name.encode()).decode("utf-8", "replace")
        return known

