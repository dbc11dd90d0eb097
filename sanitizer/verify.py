"""Whether an audit trail is what was written: offline, from our files or from a SIEM's export, in any order, with duplicates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sanitizer.chain import GENESIS, Head, is_signed_by, key_id
from sanitizer.event import AuditEvent
from sanitizer.hashing import canonical
from sanitizer.payload import UnreadableError, parse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_FIELDS = frozenset(field.name for field in msgspec.structs.fields(AuditEvent))
_MARKS = ("chain", "seq", "prev", "hash")
_MAX_WRAPPERS = 6
_MAX_TRIED = 1_000


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
    retired_to: int = 0
    """What is not there up to here was deleted on schedule, as an event says."""
    faults: list[Fault] = []

    @property
    def is_intact(self) -> bool:
        """Whether every event is as it was written, and none is missing."""
        return not self.faults


class _Link(NamedTuple):
    """An event as the chain sees it; `body` only where more than the chain has to be looked at."""

    prev: str
    hash: str
    where: str
    body: Mapping[str, Any] | None


class _Chain(msgspec.Struct):
    sound: dict[int, list[_Link]] = {}
    """By sequence number; the hash of each is that of its content."""
    unsound: list[tuple[int, _Link]] = []
    duplicates: int = 0


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
    chains: dict[str, _Chain] = {}
    unreadable: list[Fault] = []
    for where, line in lines:
        try:
            found = list(_events(parse(line), 0)) if line else []
        except UnreadableError:
            unreadable.append(Fault("unreadable", 0, f"{where} is no JSON"))
            continue
        for event in found:
            _take(chains.setdefault(str(event.get("chain")), _Chain()), event, where)
    ends = {head.chain: head for head in heads}
    for name in ends:
        chains.setdefault(name, _Chain())
    _adopt_strays(chains)
    verdicts = [_judge(name, chain, keys, ends.get(name), excerpt) for name, chain in chains.items()] or [
        Verdict("", faults=[Fault("missing", 0, "no audit event is there")])
    ]
    verdicts.sort(key=lambda verdict: -verdict.events)
    verdicts[0].faults += unreadable
    if unreadable:
        verdicts[0].intact_to = 0 if verdicts[0].is_intact else verdicts[0].intact_to
    return verdicts


def _events(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The audit events in *value*, whatever they are wrapped in."""
    if isinstance(value, dict):
        if sum(mark in value for mark in _MARKS) >= len(_MARKS) - 1:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list) and depth < _MAX_WRAPPERS:
        for item in value:
            yield from _events(item, depth + 1)
    elif isinstance(value, str) and value.startswith("{") and '"prev"' in value:
        try:
            yield from _events(parse(value.encode()), depth + 1)
        except UnreadableError:
            return


def _take(chain: _Chain, event: dict[str, Any], where: str) -> None:
    seq = event.get("seq")
    number = seq if isinstance(seq, int) and not isinstance(seq, bool) and seq > 0 else 0
    stated = event.pop("hash", None)
    body = event
    is_sound = stated == _hash(body)
    if not is_sound and body.keys() - _FIELDS:
        # A store may have added fields beside ours.
        body = {name: item for name, item in event.items() if name in _FIELDS}
        is_sound = stated == _hash(body)
    keep = body if not is_sound or body.get("type") in ("checkpoint", "records_retired") else None
    link = _Link(str(event.get("prev")), str(stated), where, keep)
    if not is_sound or not number:
        chain.unsound.append((number, link))
    elif any(other.hash == link.hash for other in chain.sound.setdefault(number, [])):
        chain.duplicates += 1
    else:
        chain.sound[number].append(link)


def _adopt_strays(chains: dict[str, _Chain]) -> None:
    """An event whose chain's name was altered stands alone: it is the longest chain's, where there is one."""
    longest = max(chains.values(), key=lambda chain: len(chain.sound), default=None)
    if longest is not None and longest.sound:
        for name in [name for name, chain in chains.items() if not chain.sound and chain.unsound]:
            longest.unsound += chains.pop(name).unsound


def _judge(name: str, chain: _Chain, keys: Sequence[Ed25519PublicKey], end: Head | None, excerpt: bool) -> Verdict:
    faults: list[Fault] = []
    links = _choose(chain.sound, faults)
    _check_order(links, faults)
    first, last = min(links, default=0), max(links, default=0)
    upto = max(last, end.seq if end else 0)
    told = [body for link in links.values() if (body := link.body) and body.get("type") == "records_retired"]
    gone = max((body["last_seq"] for body in told if isinstance(body.get("last_seq"), int)), default=0)
    gaps = _gaps(links, first - 1 if excerpt else gone, upto)
    explained = _explain(chain.unsound, links, gaps, faults)
    for start, stop in gaps:
        accounted = sorted(seq for seq in explained if start <= seq <= stop)
        for low, high in _gaps(accounted, start - 1, stop):
            faults.append(Fault("cut off" if low > max(last, *explained, 0) else "missing", low, _span(low, high)))
    signed_to = _check_signatures(links, keys, faults) if keys else 0
    if end is not None and end.seq in links and links[end.seq].hash != end.hash:
        faults.append(Fault("altered", end.seq, f"{end.seq}: not the event that the stored head names"))
    closes = bool(links) and bool((links[last].body or {}).get("closing"))
    if links and end is None and not closes and not excerpt:
        faults.append(Fault("cut off", last + 1, f"after {last}: no closing checkpoint, and no stored head says that it ends here"))
    if not links:
        faults.append(Fault("missing", 0, "no event of it is there"))
    faults = sorted(set(faults), key=lambda fault: fault.seq)
    intact_to = max(0, faults[0].seq - 1) if faults else last
    return Verdict(name, first, last, min(intact_to, last), signed_to, len(links), chain.duplicates, gone, faults)


def _choose(sound: Mapping[int, list[_Link]], faults: list[Fault]) -> dict[int, _Link]:
    """One event for each number: where several claim one, that which the next event follows."""
    links: dict[int, _Link] = {}
    for seq in sorted(sound):
        candidates = sound[seq]
        followed = {link.prev for link in sound.get(seq + 1, ())}
        preceding = links.get(seq - 1)
        chosen = max(candidates, key=lambda link: (link.hash in followed, preceding is not None and link.prev == preceding.hash))
        links[seq] = chosen
        faults += [
            Fault("inserted", seq, f"{seq} ({link.where}): not the event that the chain goes on from")
            for link in candidates
            if link is not chosen
        ]
    return links


def _check_order(links: Mapping[int, _Link], faults: list[Fault]) -> None:
    if 1 in links and links[1].prev != GENESIS:
        faults.append(Fault("altered", 1, f"1 ({links[1].where}): does not begin a chain"))
    for (seq, link), (following, after) in pairwise(links.items()):
        if following == seq + 1 and after.prev != link.hash:
            faults.append(Fault("altered", seq, f"{seq} ({link.where}): {following} was written after another event"))


def _explain(
    unsound: Iterable[tuple[int, _Link]], links: Mapping[int, _Link], gaps: Sequence[tuple[int, int]], faults: list[Fault]
) -> set[int]:
    """Say of each event that is not sound what it was; the numbers accounted for."""
    candidates = [seq for start, stop in gaps for seq in range(start, min(stop, start + _MAX_TRIED) + 1)][:_MAX_TRIED]
    explained: set[int] = set()
    for claimed, link in unsound:
        original = next((seq for seq in candidates if _hash({**(link.body or {}), "seq": seq}) == link.hash), 0)
        if original:
            faults.append(Fault("reordered", original, f"{original} ({link.where}): given out as {claimed}"))
        elif not claimed:
            faults.append(Fault("altered", 0, f"{link.where}: an event without its number"))
        else:
            beyond = "" if claimed in links or any(start <= claimed <= stop for start, stop in gaps) else ": beyond the end"
            faults.append(Fault("altered", claimed, f"{claimed} ({link.where}){beyond}"))
        explained.add(original or claimed)
    return explained


def _check_signatures(links: Mapping[int, _Link], keys: Sequence[Ed25519PublicKey], faults: list[Fault]) -> int:
    """The last number that a good signature covers."""
    by_id = {key_id(key): key for key in keys}
    signed_to = 0
    for seq, link in links.items():
        body = link.body
        if body is None or body.get("type") != "checkpoint":
            continue
        key = by_id.get(str(body.get("key")))
        unsigned = {name: item for name, item in body.items() if name != "signature"}
        if key is not None and is_signed_by(key, canonical(unsigned), str(body.get("signature"))):
            signed_to = seq
        else:
            faults.append(
                Fault("unsigned", signed_to + 1, f"{_span(signed_to + 1, seq)}: checkpoint {seq} is not signed with this key")
            )
    if links and not signed_to:
        faults.append(Fault("unsigned", min(links), "no checkpoint is signed with this key"))
    return signed_to


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _gaps(numbers: Iterable[int], above: int, upto: int) -> list[tuple[int, int]]:
    """What is missing between *above* and *upto* (included) in ascending *numbers*, as first and last of each run."""
    gaps: list[tuple[int, int]] = []
    for number in numbers:
        if number > above + 1:
            gaps.append((above + 1, number - 1))
        above = max(above, number)
    return [*gaps, (above + 1, upto)] if above < upto else gaps


def _span(start: int, stop: int) -> str:
    return str(start) if start == stop else f"{start} to {stop}"
