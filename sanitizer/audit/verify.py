"""Whether an audit trail is what was written: offline, from our files or from a SIEM's export, in any order, with duplicates."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sanitizer import patterns
from sanitizer.audit.chain import GENESIS, Head, is_signed_by, key_id
from sanitizer.audit.evidence import Evidence, Link, Run, Unsound, digest, gather
from sanitizer.hashing import canonical
from sanitizer.protocol.payload import parse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_MAX_TRIED = 1_000
_KEY_ID = patterns.lazy("[0-9a-f]{16}")


class Fault(NamedTuple):
    """What is wrong (`altered`, `missing`, `inserted`, `reordered`, `cut off`, `unsigned`, `unreadable`), and with which events."""

    kind: str
    seq: int
    """The first event concerned; 0 where that is not known."""
    detail: str


class Verdict(msgspec.Struct):
    """What is known of one chain: its events run from *first* to *last*."""

    chain: str
    first: int = 0
    last: int = 0
    intact_to: int = 0
    """Nothing is wrong up to here; 0 when already the first is, or what is wrong has no place in the chain."""
    signed_to: int = 0
    """The last event that a valid signature covers; 0 without a public key."""
    events: int = 0
    duplicates: int = 0
    displaced: int = 0
    """Events that stand before one with a lower number: no fault, for a store gives back in any order."""
    retired_to: int = 0
    """What is not there up to here was deleted on schedule, as an event says."""
    faults: list[Fault] = []

    @property
    def is_intact(self) -> bool:
        """Whether every event is as it was written, and none is missing."""
        return not self.faults


class _Stretch(NamedTuple):
    """Events without a gap or a fault between them."""

    first: int
    last: int
    head: Link
    tail: Link


def verify(
    lines: Iterable[tuple[str, bytes]],
    keys: Sequence[Ed25519PublicKey] = (),
    heads: Iterable[Head] = (),
    *,
    excerpt: bool = False,
) -> list[Verdict]:
    """Verdicts on the chains found in *lines* (where each stands, and its text), the longest first; one on nothing for no events.

    With public *keys*, checkpoints must be signed with one of them. *heads* are where chains are known to end. An *excerpt* may
    begin and end anywhere. Events may be wrapped in other JSON, as stores do; JSON without one is passed over, its absence shows.
    """
    chains, unread = gather(lines)
    ends = {head.chain: head for head in heads}
    for name in ends:
        chains.setdefault(name, Evidence())
    _adopt_strays(chains)
    verdicts = [_judge(name, chain, keys, ends.get(name), excerpt) for name, chain in chains.items()] or [
        Verdict("", faults=[Fault("missing", 0, "no audit event is there")])
    ]
    verdicts.sort(key=lambda verdict: -verdict.events)
    if unread:
        verdicts[0].intact_to = 0 if verdicts[0].is_intact else verdicts[0].intact_to
        verdicts[0].faults += [Fault("unreadable", 0, f"{where} is no JSON") for where in unread]
    return verdicts


def _adopt_strays(chains: dict[str, Evidence]) -> None:
    """An event whose chain's name was altered stands alone: it is the longest chain's, where there is one."""
    longest = max(chains.values(), key=lambda chain: chain.size, default=None)
    if longest is not None and longest.size:
        for name in [name for name, chain in chains.items() if not chain.size and chain.unsound]:
            longest.unsound += chains.pop(name).unsound


def _judge(name: str, chain: Evidence, keys: Sequence[Ed25519PublicKey], end: Head | None, excerpt: bool) -> Verdict:
    faults: list[Fault] = []
    stretches, rejected = _stretches(chain, faults)
    _check_order(stretches, faults)
    first, last = (stretches[0].first, stretches[-1].last) if stretches else (0, 0)
    upto = max(last, end.seq if end else 0)
    told = [(seq, parse(text)) for (seq, hashed), text in sorted(chain.kept.items()) if (seq, hashed) not in rejected]
    gone = max((_whole(body.get("last_seq")) for _, body in told if body.get("type") == "records_retired"), default=0)
    gaps = _gaps([(each.first, each.last) for each in stretches], first - 1 if excerpt else gone, upto)
    explained = _explain(chain.unsound, stretches, gaps, faults)
    for start, stop in gaps:
        accounted = sorted(seq for seq in explained if start <= seq <= stop)
        for low, high in _gaps([(seq, seq) for seq in accounted], start - 1, stop):
            faults.append(Fault("cut off" if low > max(last, *explained, 0) else "missing", low, _span(low, high)))
    checkpoints = [(seq, body) for seq, body in told if body.get("type") == "checkpoint"]
    signed_to = _check_signatures(checkpoints, first, keys, faults) if keys else 0
    if end is not None and (here := chain.at(end.seq)) and end.hash not in [link.hash.hex() for link in here]:
        faults.append(Fault("altered", end.seq, f"{end.seq}: not the event that the stored head names"))
    closes = bool(checkpoints) and checkpoints[-1][0] == last and checkpoints[-1][1].get("closing") is True
    if stretches and end is None and not closes and not excerpt:
        faults.append(Fault("cut off", last + 1, f"after {last}: no closing checkpoint, and no stored head says that it ends here"))
    if not stretches:
        faults.append(Fault("missing", 0, "no event of it is there"))
    faults = sorted(set(faults), key=lambda fault: (fault.seq, fault.kind, fault.detail))
    intact_to = max(0, faults[0].seq - 1) if faults else last
    count = sum(each.last - each.first + 1 for each in stretches)
    return Verdict(name, first, last, min(intact_to, last), signed_to, count, chain.duplicates, chain.displaced, gone, faults)


def _stretches(chain: Evidence, faults: list[Fault]) -> tuple[list[_Stretch], set[tuple[int, bytes]]]:
    """One event for each number, in order: where several claim one, that which the next event follows; and those rejected."""
    loose = sorted(chain.loose)
    pieces: list[tuple[int, int, Run | None]] = [(seq, seq, None) for seq in loose]
    for each in chain.runs:
        first = each.first
        for seq in loose[bisect_left(loose, each.first) : bisect_right(loose, each.last)]:
            pieces += [(first, seq - 1, each)] if seq > first else []
            first = seq + 1
        pieces += [(first, each.last, each)] if first <= each.last else []
    pieces.sort(key=itemgetter(0))
    stretches: list[_Stretch] = []
    rejected: set[tuple[int, bytes]] = set()
    for first, last, run in pieces:
        before = stretches[-1].tail if stretches and stretches[-1].last == first - 1 else None
        if run is not None:
            head, tail = run.link(first), run.link(last)
        else:
            head = tail = _choose(chain, first, before)
            for link in chain.at(first):
                if link.hash != head.hash:
                    rejected.add((first, link.hash))
                    faults.append(Fault("inserted", first, f"{first} ({link.where}): not the event that the chain goes on from"))
        if before is not None and head.prev == before.hash:
            stretches[-1] = stretches[-1]._replace(last=last, tail=tail)
        else:
            stretches.append(_Stretch(first, last, head, tail))
    return stretches, rejected


def _choose(chain: Evidence, seq: int, before: Link | None) -> Link:
    candidates = chain.at(seq)
    if len(candidates) == 1:
        return candidates[0]
    followed = {link.prev for link in chain.at(seq + 1)}
    return max(candidates, key=lambda link: (link.hash in followed, before is not None and link.prev == before.hash))


def _check_order(stretches: Sequence[_Stretch], faults: list[Fault]) -> None:
    if stretches and stretches[0].first == 1 and stretches[0].head.prev != bytes.fromhex(GENESIS):
        faults.append(Fault("altered", 1, f"1 ({stretches[0].head.where}): does not begin a chain"))
    for one, other in pairwise(stretches):
        if other.first == one.last + 1:
            reason = f"{one.last} ({one.tail.where}): {other.first} was written after another event"
            faults.append(Fault("altered", one.last, reason))


def _explain(
    unsound: Iterable[Unsound], stretches: Sequence[_Stretch], gaps: Sequence[tuple[int, int]], faults: list[Fault]
) -> set[int]:
    """Say of each event that is not sound what it was; the numbers accounted for."""
    candidates = [seq for start, stop in gaps for seq in range(start, min(stop, start + _MAX_TRIED) + 1)][:_MAX_TRIED]
    explained: set[int] = set()
    for claimed, body, hashed, where in unsound:
        original = next((seq for seq in candidates if body is not None and digest({**body, "seq": seq}) == hashed), 0)
        if original:
            faults.append(Fault("reordered", original, f"{original} ({where}): given out as {claimed}"))
        elif not claimed:
            faults.append(Fault("altered", 0, f"{where}: an event without its number"))
        else:
            is_within = any(start <= claimed <= stop for start, stop in gaps) or _is_there(claimed, stretches)
            faults.append(Fault("altered", claimed, f"{claimed} ({where}){'' if is_within else ': beyond the end'}"))
        explained.add(original or claimed)
    return explained


def _is_there(seq: int, stretches: Sequence[_Stretch]) -> bool:
    at = bisect_right(stretches, seq, key=itemgetter(0)) - 1
    return at >= 0 and stretches[at].first <= seq <= stretches[at].last


def _check_signatures(
    checkpoints: Iterable[tuple[int, Mapping[str, Any]]], first: int, keys: Sequence[Ed25519PublicKey], faults: list[Fault]
) -> int:
    """The last number that a good signature covers."""
    by_id = {key_id(key): key for key in keys}
    signed_to = 0
    for seq, body in checkpoints:
        key = by_id.get(str(body.get("key")))
        unsigned = {name: item for name, item in body.items() if name not in ("signature", "hash")}
        if key is not None and is_signed_by(key, canonical(unsigned), str(body.get("signature"))):
            signed_to = seq
        else:
            named = f", it names {body['key']}" if _KEY_ID.fullmatch(str(body.get("key"))) else ""
            reason = f"{_span(signed_to + 1, seq)}: checkpoint {seq} is not signed with this key{named}"
            faults.append(Fault("unsigned", signed_to + 1, reason))
    if first and not signed_to:
        faults.append(Fault("unsigned", first, "no checkpoint is signed with this key"))
    return signed_to


def _gaps(spans: Iterable[tuple[int, int]], above: int, upto: int) -> list[tuple[int, int]]:
    """What is missing between *above* and *upto* (included) where ascending *spans* are, as first and last of each run."""
    gaps: list[tuple[int, int]] = []
    for first, last in spans:
        if first > above + 1:
            gaps.append((above + 1, first - 1))
        above = max(above, last)
    return [*gaps, (above + 1, upto)] if above < upto else gaps


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _span(start: int, stop: int) -> str:
    return str(start) if start == stop else f"{start} to {stop}"
