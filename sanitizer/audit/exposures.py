"""Credentials that stood in records: told of when seen first, then at most every so often, with how often they were seen.

What is known of them outlives the process: a credential that leaked last week is not seen first today.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import msgspec

from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.protocol.mcp import Exposure

Key = tuple[str, str, str, str]
"""Rule, fingerprint, server and tool."""

_OF_A_RANDOM_KEY = "hmac-sha256:ephemeral-"


class Seen(msgspec.Struct, gc=False, array_like=True):
    """When a credential was seen, and how often; `told` of these times it was told."""

    first_ns: int
    last_ns: int
    told_ns: int
    count: int
    told: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[Key, Seen]]).decode


class Exposures:
    """At most *most* credentials, by how long they were not seen; each is told of once in *repeat_secs*.

    Where more are about in that time, the others are counted by rule, without a fingerprint.
    """

    def __init__(self, repeat_secs: float, most: int) -> None:
        self._repeat_ns = int(repeat_secs * 1e9)
        self._most = most
        self._seen: OrderedDict[Key, Seen] = OrderedDict()
        self._crowded_until_ns = 0
        self.changed = False
        """Whether anything was seen since the last `dump`."""

    def see(self, found: Exposure, server: str, now_ns: int) -> Sequence[AuditEvent]:
        """*found*, on *server*, now; the events that this brings about."""
        server = found.server or server
        key = (found.rule, found.fingerprint, server, found.tool)
        self.changed = True
        seen = self._seen.get(key)
        forgotten: Sequence[AuditEvent] = ()
        if seen is None and len(self._seen) >= self._most:
            if now_ns >= self._crowded_until_ns:
                forgotten = list(self._forget(now_ns))
            if len(self._seen) >= self._most:
                key = (found.rule, "", server if len(self._seen) < 2 * self._most else "", "")
                seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = Seen(now_ns, now_ns, now_ns, found.count)
            return [*forgotten, *_told(key, seen)] if forgotten else _told(key, seen)
        self._seen.move_to_end(key)
        seen.last_ns = now_ns
        seen.count += found.count
        if now_ns - seen.told_ns < self._repeat_ns:
            return forgotten
        seen.told_ns = now_ns
        return [*forgotten, *_told(key, seen)]

    def rest(self) -> Iterator[AuditEvent]:
        """What was not told yet."""
        for key, seen in self._seen.items():
            yield from _told(key, seen)

    def dump(self) -> bytes:
        """All that is known, for `load`."""
        self.changed = False
        return _encode(list(self._seen.items()))

    def load(self, kept: bytes) -> None:
        """Go on from what `dump` gave. What it is not is passed over, and so are fingerprints whose key is gone."""
        try:
            known = _decode(kept)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        self._seen.update((key, seen) for key, seen in known if not key[1].startswith(_OF_A_RANDOM_KEY))

    def _forget(self, now_ns: int) -> Iterator[AuditEvent]:
        """Forget the credentials that were not seen for long, the longest unseen first."""
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if now_ns - seen.last_ns < self._repeat_ns:
                self._crowded_until_ns = seen.last_ns + self._repeat_ns
                return
            del self._seen[key]
            yield from _told(key, seen)


def _told(key: Key, seen: Seen) -> Sequence[AuditEvent]:
    """What was not told yet of a credential, if anything was not."""
    if seen.count == seen.told:
        return ()
    seen.told = seen.count
    rule, fingerprint, server, tool = key
    last_seen = timestamp(seen.last_ns)
    event = AuditEvent(
        type="credential_exposure",
        time=last_seen,
        rule=rule,
        fingerprint=fingerprint,
        server=server,
        tool=tool,
        first_seen=last_seen if seen.first_ns == seen.last_ns else timestamp(seen.first_ns),
        last_seen=last_seen,
        count=seen.count,
        reason="" if fingerprint else "more credentials than are told one by one",
    )
    return (event,)
