"""Why something was, or was not, redacted: every candidate of a text, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sanitizer.detection.extents import extent_of, whole
from sanitizer.detection.scan import Pass
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets.database import DUMP, KEY, SHARED, TOKEN, Compiled
from sanitizer.rulesets.ruleset import Rule
from sanitizer.syntax import values


class Candidate(NamedTuple):
    """`text[start:end]` of the line looked at, which rule looked at it, and what came of it."""

    start: int
    end: int
    rule: str
    verdict: str


def explain(text: bytes, compiled: Compiled, redactor: Redactor) -> Iterator[Candidate]:
    """Every place of *text* (one line) where an anchor stands, in order, then what only a decoded view shows."""
    scanner = redactor.scanner
    buffer = b"\n" + text + b"\n"
    told: set[tuple[int, int, str, str]] = set()
    plain = set()
    runs, in_runs = scanner.run_hits(buffer, ())
    places = [
        (hit >> scan.bits, owner)
        for scan, hits in ((scanner.everywhere, scanner.everywhere.hits(buffer)), (scanner.in_runs, in_runs))
        for hit in hits
        for owner in owners(scan, hit)
    ]
    for at, owner in sorted(places):
        if DUMP <= owner <= TOKEN:
            continue
        found = list(key_candidates(buffer, at, redactor)) if owner == KEY else [rule_candidate(buffer, at, compiled.rules[owner])]
        for candidate in found:
            if candidate.verdict == "matched":
                plain.add((candidate.start, candidate.end))
            key = (candidate.start - 1, candidate.end - 1, candidate.rule, candidate.verdict)
            if key not in told:
                told.add(key)
                yield Candidate(*key)
    for start, end, number in runs:
        yield Candidate(start - 1, end - 1, compiled.rules[number].id, "matched")
        plain.add((start, end))
    shown = scanner.find(buffer)
    for start, end, number in redactor.disguises.find(buffer, [text], (), scanner.signs, shown):
        if (start, end) not in plain:
            plain.add((start, end))
            yield Candidate(start - 1, end - 1, compiled.rules[number].id, "matched in a decoded view")


def owners(scan: Pass, hit: int) -> tuple[int, ...]:
    """Who looks for what stands there."""
    owner = scan.owners[hit & ((1 << scan.bits) - 1)]
    return scan.groups[SHARED - owner] if owner <= SHARED else (owner,)


def rule_candidate(buffer: bytes, at: int, rule: Rule) -> Candidate:
    """What *rule* says of its anchor at *at*."""
    span = extent_of(rule)(buffer, at, 0)
    if span is not None:
        return Candidate(*span, rule.id, "matched" if rule.action != "keep" else "matched, and kept by its action")
    if rule.keywords:
        near = buffer[max(0, at - rule.within) : at].lower()
        if not any(word.lower().encode() in near for word in rule.keywords):
            return Candidate(
                at, at, rule.id, f"keyword missing: none of {', '.join(rule.keywords)} within {rule.within} bytes before"
            )
    pattern = re.compile(whole(rule), re.DOTALL if rule.multiline else 0)
    match = pattern.search(buffer, max(0, at - 320)) if rule.anchor else pattern.match(buffer, at)
    if match is None:
        return Candidate(at, at, rule.id, "only its beginning matched")
    span = match.span("secret" if "secret" in pattern.groupindex else 0)
    if rule.entropy:
        from sanitizer.text.words import entropy  # noqa: PLC0415

        if entropy(buffer[span[0] : span[1]]) < rule.entropy:
            return Candidate(*span, rule.id, f"entropy below {rule.entropy}")
    return Candidate(*span, rule.id, f"check {rule.check!r} failed")


def key_candidates(buffer: bytes, at: int, redactor: Redactor) -> Iterator[Candidate]:
    """What the key before *at* claims."""
    keyed = redactor.scanner.keyed
    found = keyed.find(buffer, at)
    for start, end, number in found:
        yield Candidate(start, end, keyed.rules[number].id, "matched")
    if found:
        return
    number, _ = keyed.owner(buffer[max(0, at - 128) : at])
    spans = values.value(buffer, at) if number >= 0 else []
    if number >= 0 and spans:
        start, end = spans[0]
        check = keyed.rules[number].check
        reason = f"a placeholder or a constant, or check {check!r} failed" if check else "a placeholder or a constant"
        yield Candidate(start, end, keyed.rules[number].id, reason)
