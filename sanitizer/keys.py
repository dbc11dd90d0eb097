"""Key names: is this the name of something secret?

A rule lists key names as words (`client secret`). A key from a log (`clientSecret`, `x-client-secret`, `db.CLIENT_SECRET`,
`clientsecret2`) is split into words, and matches when its last words are the rule's. The verdict on each spelling is
remembered, so a key costs one dictionary look-up from the second time on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sanitizer.ruleset import Rule

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

QUALIFIERS = frozenset(
    "value val prod production dev development test staging stage live new old current confirm confirmation repeat again verify plain "
    "plaintext text raw string str env base encoded b64 base64 enc encrypted default primary secondary main backup temp tmp in for".split()
)
"""Words after a secret's name that leave it a secret's name: `password_confirmation`, `api_key_prod`."""

WHOLE = 5
"""A name of so many letters is found at the end of a longer run, too: `PGPASSWORD`, `authtoken`."""

MOST_REMEMBERED = 20_000


def words(key: bytes) -> tuple[str, ...]:
    """The lower-case words of *key*, whatever joins them."""
    return tuple(word.casefold() for word in WORDS.findall(key.decode("utf-8", "replace")))


class Keys:
    """The key names of all rules with `fields`; `verdict(key)` is the index of the rule that claims it, or -1."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.phrases: dict[str, tuple[int, int]] = {}
        self.exempt: dict[str, int] = {}
        for index, rule in enumerate(rules):
            for phrase in rule.fields:
                parts = words(phrase.encode())
                self.phrases.setdefault("".join(parts), (index, len(parts)))
            for phrase in rule.exempt_fields:
                parts = words(phrase.encode())
                self.exempt["".join(parts)] = len(parts)
        self.longest = max(map(len, [*self.phrases, *self.exempt]), default=0)
        self.verdicts: dict[bytes, int] = {}

    def verdict(self, key: bytes) -> int:
        found = self.verdicts.get(key)
        if found is None:
            if len(self.verdicts) >= MOST_REMEMBERED:  # keys are the outside's: what they cost stays bounded
                self.verdicts.clear()
            found = self.verdicts[key] = self.judge(words(key[-128:]))
        return found

    def judge(self, parts: tuple[str, ...]) -> int:
        if self.claims(parts, self.exempt) >= 0:
            return -1
        while parts:
            found = self.claims(parts, self.phrases)
            if found >= 0:
                return found
            if not (parts[-1].isdigit() or parts[-1] in QUALIFIERS):
                return -1
            parts = parts[:-1]
            if self.claims(parts, self.exempt) >= 0:
                return -1
        return -1

    def claims(self, parts: tuple[str, ...], names: dict[str, tuple[int, int]] | dict[str, int]) -> int:
        """The rule whose name ends *parts*, the longest name first; -1 if none."""
        joined = ""
        found = -1
        for part in reversed(parts[-8:]):
            joined = part + joined
            if len(joined) > self.longest + 1:
                break
            for spelled in (joined, joined[:-1] if joined.endswith("s") else joined + "\0"):
                hit = names.get(spelled)
                if hit is not None:
                    found = hit[0] if isinstance(hit, tuple) else 0
        if found < 0 and parts and len(parts[-1]) > WHOLE:
            last = parts[-1]
            for cut in range(1, len(last) - WHOLE + 1):
                hit = names.get(last[cut:])
                if hit is not None:
                    return hit[0] if isinstance(hit, tuple) else 0
        return found


def triggers(rules: Sequence[Rule]) -> list[bytes]:
    """Vectorscan expressions that report where a value may start: right after a key's last word, its closing marks and a separator.

    What the key is, and whether it is one, is judged at the hit.
    """
    last = {spelled for rule in rules for phrase in rule.fields for spelled in endings(phrase)}
    qualifier = rb"[\w.\-]{0,16}"  # wider than QUALIFIERS: cheaper to scan for, and the key is judged at the hit
    marks = rb"[\x22'`\\\])*_]{0,6}"
    # An ordinary separator; a space after a command-line flag; an attribute `name="x" value=`.
    tails = (
        qualifier + marks + rb"[ \t]{0,3}[:=,;({}<>|\xef]",
        rb"[\x22'\\]{1,4} {1,3}(?:value|content)",
    )
    flags = [rb"-" + word + qualifier + rb"[ \t]" for word in sorted(last)]
    plain = [word + tail for word in sorted(last) for tail in tails]
    told = [word + rb"[\x22'`]{0,2} (?:is|was|are)[ :]" for word in sorted(last)]
    return [rb"(?i)" + expression for expression in plain + flags + told]


def endings(phrase: str) -> set[bytes]:
    """How a key that ends in *phrase* may end in a log: its last word, in the cases that a caseless ASCII scan does not cover."""
    last = phrase.split()[-1]
    if last.isascii():
        return {re.escape(last.encode())}
    return {re.escape(spelled.encode()) for spelled in (last, last.lower(), last.upper(), last.capitalize())}
