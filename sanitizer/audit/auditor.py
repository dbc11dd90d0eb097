"""From frames and findings to the audit trail: pairs them, knows who is connected, and hands out sealed events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sanitizer.audit.chain import Chain, Head
from sanitizer.audit.event import AuditEvent, call_event, timestamp
from sanitizer.audit.exposures import Exposures
from sanitizer.audit.pairing import Exchange, Pairing
from sanitizer.audit.retellings import Retellings
from sanitizer.model import Clean, CleanBatch
from sanitizer.protocol.mcp import Exposure, Frame, Transport

_MAX_CONNECTIONS = 4_096
OBSERVED = (Frame, Exposure)
"""What an auditor takes of what a batch tells."""


class _Peer(msgspec.Struct, frozen=True):
    client_name: str = ""
    client_version: str = ""
    protocol: str = ""
    server: str = ""


class Auditor:
    """The trail of one process. Feed it what was seen, in order; it gives back the events to write, sealed.

    *server* and *transport* describe the source where records do not say. The same credential is reported once, then at most
    every *repeat_secs* with its count; where more than *max_exposures* are about in that time, the others are counted by rule,
    without a fingerprint. What is among *told* is not told again. Nothing here does I/O: whoever writes the events stores the
    chain's `head` after them.
    """

    def __init__(
        self,
        chain: Chain,
        server: str = "",
        transport: Transport = "log",
        pairing: Pairing | None = None,
        repeat_secs: float = 3_600.0,
        max_exposures: int = 10_000,
        told: Retellings | None = None,
    ) -> None:
        self._chain = chain
        self._server = server
        self._transport: Transport = transport
        self._pairing = Pairing() if pairing is None else pairing
        self._told = told or Retellings()
        self._peers: dict[tuple[str, str], _Peer] = {}
        self.exposures = Exposures(repeat_secs, max_exposures)
        """What is known of credentials: whoever stores the head may store this, too."""
        self.is_full = False
        """Whether nobody takes events: what happens meanwhile is not sealed, and counted as `missed`."""
        self.missed = 0

    @property
    def head(self) -> Head:
        """The chain's end as of the last event handed out."""
        return self._chain.head

    def observe(self, frames: Sequence[Frame | Exposure], now_ns: int, lane: str, log: str = "") -> list[Clean]:
        """The events of the calls that *frames*, seen at *now_ns* on *lane*, bring to an end, and of credentials exposed.

        A call may begin on one lane of a *log* and end on another.
        """
        events: list[Clean] = []
        if log and log != lane:
            for frame in frames:
                if isinstance(frame, Frame):
                    frame.lane = lane
            lane = log
        pair, see, is_due, server = self._pairing.observe, self.exposures.see, self._chain.is_due, self._server
        for frame in frames:
            sealed = len(events)
            if isinstance(frame, Exposure):
                for event in see(frame, server, now_ns):
                    self._seal(event, events)
            else:
                for exchange in pair(frame, now_ns, lane):
                    self._call(exchange, events)
            if len(events) > sealed and is_due(now_ns):
                self._checkpoint(now_ns, events)
        return events

    def drop(self, reason: str, count: int, now_ns: int) -> list[Clean]:
        """The event that *count* records did not make it, and why."""
        return self.record(
            AuditEvent(type="records_dropped", time=timestamp(now_ns), reason=reason, count=count, server=self._server)
        )

    def record(self, event: AuditEvent) -> list[Clean]:
        """Any other *event* about the trail itself."""
        events: list[Clean] = []
        self._seal(event, events)
        return events

    def tick(self, now_ns: int) -> list[Clean]:
        """What time brings: calls given up, a checkpoint that is due. Call it about once a second."""
        events: list[Clean] = []
        for exchange in self._pairing.expire(now_ns):
            self._call(exchange, events)
        if self._chain.is_due(now_ns):
            self._checkpoint(now_ns, events)
        return events

    def close(self, now_ns: int) -> list[Clean]:
        """What is left to say: calls without an answer, counts not yet told, and the closing checkpoint."""
        events: list[Clean] = []
        for exchange in self._pairing.close():
            self._call(exchange, events)
        for event in self.exposures.rest():
            self._seal(event, events)
        self._checkpoint(now_ns, events, closing=True)
        return events

    def batch(self, events: Sequence[Clean], findings: Mapping[str, int] | None = None) -> CleanBatch:
        """*events* (those handed out last, all of them) as a batch for sinks; a record's id is `audit:CHAIN:SEQ`."""
        head = self._chain.head
        offsets = range(head.seq - len(events) + 1, head.seq + 1)
        return CleanBatch(
            lane=f"audit:{head.chain}", records=events, offsets=offsets, upto=head.seq, kind="audit", findings=findings or {}
        )

    def _seal(self, event: AuditEvent, events: list[Clean]) -> None:
        if self.is_full:
            self.missed += 1
        else:
            events.append(self._chain.seal(event))

    def _checkpoint(self, now_ns: int, events: list[Clean], *, closing: bool = False) -> None:
        if not self.is_full:
            events.append(self._chain.checkpoint(now_ns, closing=closing))

    def _call(self, exchange: Exchange, events: list[Clean]) -> None:
        event = call_event(exchange, self._server, self._transport)
        connection = (exchange.lane, event.session)
        if event.method in ("initialize", "server/discover"):
            if exchange.outcome == "ok":
                known = self._peers.pop(connection, _Peer())
                if event.method == "initialize":
                    known = _Peer()
                self._peers[connection] = _Peer(
                    event.client_name or known.client_name,
                    event.client_version or known.client_version,
                    event.protocol or known.protocol,
                    event.server or known.server,
                )
                if len(self._peers) > _MAX_CONNECTIONS:
                    del self._peers[next(iter(self._peers))]
        elif (peer := self._peers.get(connection)) is not None:
            event.client_name = event.client_name or peer.client_name
            event.client_version = event.client_version or peer.client_version
            event.protocol = event.protocol or peer.protocol
            event.server = event.server or peer.server
        if event.client_name:
            event.client_self_reported = True
        if not self._told.take(event):
            self._seal(event, events)
