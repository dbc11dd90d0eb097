"""From frames and findings to the audit trail: pairs them, knows who is connected, and hands out sealed events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from sanitizer.chain import Chain, Head
from sanitizer.event import AuditEvent, Transport, call_event, timestamp
from sanitizer.mcp import Exposure, Frame
from sanitizer.model import Clean, CleanBatch
from sanitizer.pairing import Exchange, Pairing

_MAX_CONNECTIONS = 4_096
_MAX_EXPOSURES = 10_000


class _Peer(msgspec.Struct, frozen=True):
    client_name: str = ""
    client_version: str = ""
    protocol: str = ""
    server: str = ""


class _Exposure(msgspec.Struct):
    first_ns: int
    last_ns: int
    told_ns: int
    count: int = 1
    told: int = 1


class Auditor:
    """The trail of one process. Feed it what was seen, in order; it gives back the events to write, sealed.

    *server* and *transport* describe the source where records do not say. The same credential is reported once, then at most
    every *repeat_secs* with its count. Nothing here does I/O: whoever writes the events stores the chain's `head` after them.
    """

    def __init__(
        self,
        chain: Chain,
        server: str = "",
        transport: Transport = "log",
        pairing: Pairing | None = None,
        repeat_secs: float = 3_600.0,
    ) -> None:
        self._chain = chain
        self._server = server
        self._transport: Transport = transport
        self._pairing = Pairing() if pairing is None else pairing
        self._repeat_ns = int(repeat_secs * 1e9)
        self._peers: dict[tuple[str, str], _Peer] = {}
        self._exposures: dict[tuple[str, str, str, str], _Exposure] = {}

    @property
    def head(self) -> Head:
        """The chain's end as of the last event handed out."""
        return self._chain.head

    def observe(self, frames: Iterable[Frame | Exposure], now_ns: int, lane: str) -> list[Clean]:
        """The events of the calls that *frames*, seen at *now_ns* on *lane*, bring to an end, and of credentials exposed."""
        events: list[Clean] = []
        for frame in frames:
            if isinstance(frame, Exposure):
                told = {"server": frame.server, "tool": frame.tool}
                events += self.expose(frame.rule, frame.fingerprint, now_ns, **told, count=frame.count)
                continue
            for exchange in self._pairing.observe(frame, now_ns, lane):
                events.append(self._call(exchange, lane))
                if self._chain.is_due(now_ns):
                    events.append(self._chain.checkpoint(now_ns))
        return events

    def expose(self, rule: str, fingerprint: str, now_ns: int, *, server: str = "", tool: str = "", count: int = 1) -> list[Clean]:
        """What to write of a credential that *rule* found *count* times; *fingerprint* is its keyed digest, never itself."""
        key = (rule, fingerprint, server or self._server, tool)
        seen = self._exposures.pop(key, None)
        if seen is None:
            seen = _Exposure(now_ns, now_ns, now_ns, count, count)
            events = [self._exposure(key, seen)]
        else:
            seen.last_ns = now_ns
            seen.count += count
            events = []
            if now_ns - seen.told_ns >= self._repeat_ns:
                seen.told, seen.told_ns = seen.count, now_ns
                events = [self._exposure(key, seen)]
        self._exposures[key] = seen
        if len(self._exposures) > _MAX_EXPOSURES:
            oldest = next(iter(self._exposures))
            events += self._untold(oldest, self._exposures.pop(oldest))
        return events

    def drop(self, reason: str, count: int, now_ns: int) -> list[Clean]:
        """The event that *count* records did not make it, and why."""
        return [
            self._seal(AuditEvent(type="records_dropped", time=timestamp(now_ns), reason=reason, count=count, server=self._server))
        ]

    def record(self, event: AuditEvent) -> list[Clean]:
        """Any other *event* about the trail itself."""
        return [self._seal(event)]

    def tick(self, now_ns: int) -> list[Clean]:
        """What time brings: calls given up, a checkpoint that is due. Call it about once a second."""
        events = [self._call(exchange, "") for exchange in self._pairing.expire(now_ns)]
        if self._chain.is_due(now_ns):
            events.append(self._chain.checkpoint(now_ns))
        return events

    def close(self, now_ns: int) -> list[Clean]:
        """What is left to say: calls without an answer, counts not yet told, and the closing checkpoint."""
        events = [self._call(exchange, "") for exchange in self._pairing.close()]
        for key, seen in self._exposures.items():
            events += self._untold(key, seen)
        self._exposures.clear()
        return [*events, self._chain.checkpoint(now_ns, closing=True)]

    def batch(self, events: Sequence[Clean], findings: Mapping[str, int] | None = None) -> CleanBatch:
        """*events* (those handed out last, all of them) as a batch for sinks; a record's id is `audit:CHAIN:SEQ`."""
        head = self._chain.head
        offsets = range(head.seq - len(events) + 1, head.seq + 1)
        return CleanBatch(
            lane=f"audit:{head.chain}", records=events, offsets=offsets, upto=head.seq, kind="audit", findings=findings or {}
        )

    def _seal(self, event: AuditEvent) -> Clean:
        return self._chain.seal(event)

    def _call(self, exchange: Exchange, lane: str) -> Clean:
        event = call_event(exchange, self._server, self._transport)
        connection = (lane, event.session)
        if event.method in ("initialize", "server/discover"):
            if exchange.outcome == "ok":
                self._peers.pop(connection, None)
                self._peers[connection] = _Peer(event.client_name, event.client_version, event.protocol, event.server)
                if len(self._peers) > _MAX_CONNECTIONS:
                    del self._peers[next(iter(self._peers))]
        elif (peer := self._peers.get(connection)) is not None:
            event.client_name = event.client_name or peer.client_name
            event.client_version = event.client_version or peer.client_version
            event.protocol = event.protocol or peer.protocol
            event.server = event.server or peer.server
        event.client_self_reported = bool(event.client_name)
        return self._chain.seal(event)

    def _exposure(self, key: tuple[str, str, str, str], seen: _Exposure) -> Clean:
        rule, fingerprint, server, tool = key
        return self._chain.seal(
            AuditEvent(
                type="credential_exposure",
                time=timestamp(seen.last_ns),
                rule=rule,
                fingerprint=fingerprint,
                server=server,
                tool=tool,
                first_seen=timestamp(seen.first_ns),
                last_seen=timestamp(seen.last_ns),
                count=seen.count,
            )
        )

    def _untold(self, key: tuple[str, str, str, str], seen: _Exposure) -> list[Clean]:
        return [self._exposure(key, seen)] if seen.count > seen.told else []
