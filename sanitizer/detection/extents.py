"""From a hit to what is redacted: a rule's own pattern, matched where its anchor stands, and the rule's checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from sanitizer import patterns
from sanitizer.finding import BETWEEN_TEXTS
from sanitizer.rulesets.ruleset import Rule, RuleError

Extent = Callable[[bytes, int, int], "tuple[int, int] | None"]
"""(buffer, where the hit is, where the last finding ended) → what to redact."""

FEW = 4
"""Places that are tried one by one before it costs less to have all of them tried by a pattern."""

BEFORE = 320
"""Bytes looked at before an anchor for the start of its match (RFC 5321 allows a mailbox 64 and a domain 255)."""


LONG = 512
"""A candidate of more bytes is tried once: no rule's match is as long by the shape that it is published with."""

WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
REST = patterns.lazy(rb"(?:_*[A-Za-z0-9]+)*")
SPACE = patterns.lazy(rb"\s")
LINE_BEGIN = patterns.lazy(rb"\n(?![ \t])")


class Refused:
    """Where the last long candidates end that a check refused, by rule, in one buffer.

    A prefix over and over, in one word of great length, would be matched to the word's end from each place where it stands. Where
    it stands again within what was refused, all that follows is taken for a secret: no text is written so.
    """

    __slots__ = ("buffer", "ends")

    def __init__(self) -> None:
        self.buffer = b""
        self.ends: dict[str, int] = {}

    def add(self, buffer: bytes, rule: str, end: int) -> None:
        if buffer is not self.buffer:
            self.buffer, self.ends = buffer, {}
        self.ends[rule] = end


def extent_of(rule: Rule, refused: Refused | None = None) -> Extent:
    """How a hit of *rule* becomes a span. Compiled at its first hit: most rules never have one.

    A match that ends inside a word takes the rest of the word: what is glued to a secret is taken for a part of it.
    """
    try:
        pattern = re.compile(whole(rule), re.DOTALL if rule.multiline else 0)
        quick = re.compile(rule.quick.encode()) if rule.quick else None
    except re.error as fault:
        raise RuleError(f"{rule.file}: rule {rule.id!r}: its pattern does not compile: {fault}") from None
    group = "secret" if "secret" in pattern.groupindex else 0
    if rule.reach:
        find = around(pattern)
    elif rule.before or rule.anchor:
        find = reaching_back(rule, pattern, quick)
    else:
        find = within_lines(pattern) if rule.multiline else pattern.match
        if rule.scan_lead:
            alone = re.compile(scoped(rule.pattern or "").encode())
            find, group = alone.match, "secret" if "secret" in alone.groupindex else 0
    if rule.check or rule.entropy or rule.keywords:
        return judged(rule, find, group, quick, refused or Refused())
    rest = REST.match

    def extent(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        found = find(buffer, at, done) if back else find(buffer, at)
        if found is None:
            return None
        start, end = found.span(group)
        if buffer[end] in WORD and buffer[end - 1] in WORD:
            end = rest(buffer, end).end()  # type: ignore[union-attr]  # matches the empty string
        if buffer[end - 1] in b"xX" and stand_in(buffer, start, end):
            return None
        return start, end

    back = bool(rule.before or rule.anchor or rule.reach)
    return extent


stand_in = re.compile(rb"(?:[A-Za-z]{1,10}\d{0,2}[_\-.]){0,4}(?:AIza(?:Sy)?|A[KS]IA)?[xX_\-.]{8,}").fullmatch
"""A token of which documentation shows the prefix alone: `ghp_xxxxxxxxxxxxxxxx`."""

FLAGS = patterns.lazy(r"\s*\(\?([aimsx]+)\)")


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


def within_lines(pattern: re.Pattern[bytes]) -> Callable[..., re.Match[bytes] | None]:
    """A match that does not take the line feed that every buffer ends with."""
    return lambda buffer, at: pattern.match(buffer, at, len(buffer) - 1)


AROUND = 400


def around(pattern: re.Pattern[bytes]) -> Callable[..., re.Match[bytes] | None]:
    """A match on the anchor's line that goes over the anchor, wherever it begins."""

    def find(buffer: bytes, at: int, _done: int = 0) -> re.Match[bytes] | None:
        start = max(buffer.rfind(b"\n", 0, at) + 1, at - AROUND)
        found = pattern.search(buffer, start, at + 2 * AROUND)
        return found if found and found.start() <= at < found.end() else None

    return find


def reaching_back(rule: Rule, pattern: re.Pattern[bytes], quick: re.Pattern[bytes] | None) -> Callable[..., re.Match[bytes] | None]:
    """A match that begins with any number of `before` characters ahead of its anchor.

    The `quick` pattern says that of the usual form in a fraction of the time; where it does not match, the whole one decides. Both
    have the secret in their group of that name. What `needs` says is asked once, where the whole pattern would be tried from each
    place before the anchor; behind a colon may stand the password of a URL, whose host needs no name.
    """
    before = rule.before.encode() + (bytes(range(0x80, 0x100)) if "\\x80-\\xff" in (rule.pattern or "") else b"")
    ahead = frozenset(before)
    match = pattern.match

    @cache
    def begins() -> re.Pattern[bytes]:
        """What stands before the first match."""
        return re.compile(rb"[%b]{0,%d}?(?=%b)" % (re.escape(before), BEFORE, scoped(whole(rule).decode()).encode()), pattern.flags)

    usual = quick.match if quick else None
    needs = re.compile(rule.needs.encode()).match if rule.needs else None

    def find(buffer: bytes, at: int, done: int = 0) -> re.Match[bytes] | None:
        start = at
        if buffer[at - 1] in ahead:
            window = buffer[max(done, at - BEFORE) : at]
            start -= len(window) - len(window.rstrip(before))
        found = usual(buffer, start) if usual else None
        if found is None:
            if needs is not None and needs(buffer, at) is None and b":" not in buffer[start - 1 : at + 1]:
                return None
            found = match(buffer, start)
        # A match goes over its anchor, so it begins at most one byte after it.
        if found is None and at - start > FEW:
            later = begins().match(buffer, start)
            start = min(later.end() if later else at + 1, at + 1)
            found = match(buffer, start)
        while found is None and start <= at:
            start += 1
            found = match(buffer, start)
        return found if found is not None and found.end() > at else None

    return find


def told(buffer: bytes, at: int, within: int) -> bytes:
    """What stands up to *within* bytes before *at*, in small letters: on its line, or above it where that is indented."""
    text = buffer[max(0, at - within) : at]
    if b"\n" in text:
        text = text.rpartition(BETWEEN_TEXTS)[2]
        text = text[max((begin.start() for begin in LINE_BEGIN.finditer(text)), default=0) :]
    return text.lower()


def judged(
    rule: Rule, find: Callable[..., re.Match[bytes] | None], group: str | int, quick: re.Pattern[bytes] | None, refused: Refused
) -> Extent:
    """The same, if keyword, entropy and validator agree."""
    from sanitizer.text.words import entropy  # noqa: PLC0415
    from sanitizer.validators.checks import CHECKS  # noqa: PLC0415 - loaded with the first rule that needs it

    keywords = re.compile(b"|".join(re.escape(word.lower().encode()) for word in rule.keywords)) if rule.keywords else None
    check = CHECKS[rule.check] if rule.check else None
    within, least = rule.within, rule.entropy
    back = bool(rule.before or rule.anchor or rule.reach)
    rest = REST.match
    name, is_word = rule.id, not rule.multiline

    def extent(buffer: bytes, at: int, done: int) -> tuple[int, int] | None:
        if refused.buffer is buffer and at < (stop := refused.ends.get(name, 0)):
            return at, stop
        if keywords is not None and keywords.search(told(buffer, at, within)) is None:
            return None
        found = find(buffer, at, done) if back else find(buffer, at)
        if found is None:
            return None
        start, end = found.span(group)
        if found.re is not quick:  # the usual form needs no further proof
            text = buffer[start:end]
            if (least and entropy(text) < least) or (check is not None and not check(text)):
                if end - start > LONG and is_word and not SPACE.search(text):
                    refused.add(buffer, name, end)
                return None
        if buffer[end] in WORD and buffer[end - 1] in WORD:
            end = rest(buffer, end).end()  # type: ignore[union-attr]  # matches the empty string
        return start, end

    return extent
