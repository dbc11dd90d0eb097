"""From a hit to what is redacted: a rule's own pattern, matched where its anchor stands, and the rule's checks."""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer.ruleset import Rule, RuleError

Extent = Callable[[bytes, int, int], "tuple[int, int] | None"]
"""(buffer, where the hit is, where the last finding ended) → what to redact."""

BEFORE = 320
"""Bytes looked at before an anchor for the start of its match (RFC 5321 allows a mailbox 64 and a domain 255)."""


def extent_of(rule: Rule) -> Extent:
    """How a hit of *rule* becomes a span. Compiled at its first hit: most rules never have one."""
    try:
        pattern = re.compile(whole(rule), re.DOTALL if rule.multiline else 0)
    except re.error as fault:
        raise RuleError(f"{rule.file}: rule {rule.id!r}: its pattern does not compile: {fault}") from None
    group = "secret" if "secret" in pattern.groupindex else 0
    match = pattern.match
    if rule.scan_lead:
        match = re.compile(scoped(rule.pattern or "").encode()).match
    if rule.reach:
        extent = around(pattern, group)
    elif rule.before or rule.anchor:
        extent = reaching_back(rule, pattern, group)
    elif group and not rule.scan_lead:

        def extent(buffer: bytes, at: int, _done: int) -> tuple[int, int] | None:
            found = match(buffer, at)
            return found.span(group) if found else None
    else:

        def extent(buffer: bytes, at: int, _done: int) -> tuple[int, int] | None:
            found = match(buffer, at)
            return found.span() if found else None

    if rule.check or rule.entropy or rule.keywords:
        extent = judged(rule, extent)
    return to_the_end(extent)


WORD = re.compile(rb"[A-Za-z0-9_]+")


def to_the_end(extent: Extent) -> Extent:
    """The same, and the rest of the word if the match ended inside one: what is glued to a secret is taken for a part of it."""
    rest = WORD.match

    def extended(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        span = extent(buffer, at, done)
        if span is None:
            return None
        more = rest(buffer, span[1])
        return (span[0], more.end()) if more and rest(buffer, span[1] - 1) else span

    return extended


FLAGS = re.compile(r"\s*\(\?([aimsx]+)\)")


def scoped(pattern: str) -> str:
    """*pattern* with its global flags put around it, so that it can stand beside another."""
    flags = FLAGS.match(pattern)
    if flags is None:
        return f"(?:{pattern})"
    end = "\n)" if "x" in flags[1] else ")"
    return f"(?{flags[1]}:{pattern[flags.end() :]}{end}"


def whole(rule: Rule) -> bytes:
    """The pattern of *rule*, with its lead before it."""
    if rule.lead is None or rule.pattern is None:
        return (rule.pattern or "").encode()
    value = scoped(rule.pattern) if "(?P<secret>" in rule.pattern else f"(?P<secret>{scoped(rule.pattern)})"
    return (scoped(rule.lead) + value).encode()


AROUND = 400


def around(pattern: re.Pattern[bytes], group: str | int) -> Extent:
    """A match on the anchor's line that goes over the anchor, wherever it begins."""

    def extent(buffer: bytes, at: int, _done: int) -> tuple[int, int] | None:
        start = max(buffer.rfind(b"\n", 0, at) + 1, at - AROUND)
        found = pattern.search(buffer, start, at + 2 * AROUND)
        return found.span(group) if found and found.start() <= at < found.end() else None

    return extent


def reaching_back(rule: Rule, pattern: re.Pattern[bytes], group: str | int) -> Extent:
    """A match that begins with any number of `before` characters ahead of its anchor."""
    before = rule.before.encode() + (bytes(range(0x80, 0x100)) if "\\x80-\\xff" in (rule.pattern or "") else b"")
    search = pattern.search

    def extent(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        window = buffer[max(done, at - BEFORE) : at]
        start = at - (len(window) - len(window.rstrip(before)))
        found = search(buffer, start, at + 2 * BEFORE)
        if found is None or found.start() > at + 1 or found.end() <= at:
            return None
        return found.span(group)

    return extent


def judged(rule: Rule, extent: Extent) -> Extent:
    """The same, if keyword, entropy and validator agree."""
    from sanitizer.checks import CHECKS  # noqa: PLC0415 - loaded with the first rule that needs it
    from sanitizer.words import entropy  # noqa: PLC0415

    keywords = [word.lower().encode() for word in rule.keywords]
    check = CHECKS[rule.check] if rule.check else None
    within, least = rule.within, rule.entropy

    def with_checks(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        if keywords:
            near = buffer[max(0, at - within) : at].lower()
            if not any(word in near for word in keywords):
                return None
        span = extent(buffer, at, done)
        if span is None:
            return None
        text = buffer[span[0] : span[1]]
        if (least and entropy(text) < least) or (check is not None and not check(text)):
            return None
        return span

    return with_checks
