"""What is wrong with a rule as it is written, said before the first byte is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sanitizer import patterns
from sanitizer.rulesets import anchors, keys
from sanitizer.rulesets.ruleset import Rule

ID = patterns.lazy(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


def faults(rule: Rule) -> Iterator[str]:
    """Why *rule* cannot be used, with the mend; nothing if it can. Its behaviour is `sanitizer.cli.rulecheck`'s business."""
    for name, text in (("id", rule.id), ("kind", rule.label)):
        if not ID.match(text) or len(text) > 64:
            yield f"its {name} is not kebab-case (a-z, 0-9 and hyphens, at most 64)"
    if rule.pattern is None and not rule.fields:
        yield "it has neither a `pattern` nor `fields`, so it finds nothing"
    if rule.lead is not None and rule.pattern is None:
        yield "it has a `lead` but no `pattern` for what follows it"
    for phrase in (*rule.fields, *rule.exempt_fields):
        if not keys.words(phrase.encode()):
            yield f"the field name {phrase!r} holds no word"
    if rule.check:
        from sanitizer.validators.checks import CHECKS  # noqa: PLC0415 - slow to load, and most rules have none

        if rule.check not in CHECKS:
            yield f"no check is called {rule.check!r}; there are {', '.join(sorted(CHECKS))}"
    yield from pattern_faults(rule)


def pattern_faults(rule: Rule) -> Iterator[str]:
    """What is wrong with the patterns of *rule*."""
    sound = True
    for name in ("pattern", "lead", "anchor", "quick", "needs"):
        text = getattr(rule, name)
        if text is None:
            continue
        try:
            compiled = re.compile(text.encode())
        except re.error as fault:
            sound = False
            yield f"its {name} does not compile: {fault}"
        else:
            if name != "lead" and compiled.match(b""):
                sound = False
                yield f"its {name} matches the empty string"
    if sound and rule.pattern is not None and not rule.run:
        try:
            anchors.derive((rule.anchor or rule.lead or rule.pattern).encode())
        except anchors.Undecidable as fault:
            yield str(fault)
