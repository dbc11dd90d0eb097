"""What Vectorscan scans for, compiled from the rules.

A *probe* is one expression of the database. Its number orders the rules: of two hits at one place, the lower one is the more
specific.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from sanitizer.rulesets.ruleset import Allow, Rule, RuleError, Rules

KEY, TOKEN, MARK, DUMP, SHARED = -1, -2, -3, -4, -5
"""Owners of probes that no rule owns: of a key's name, of what may be an encoded token, of what may be spelled otherwise, and
of what may be a row of a dump. From SHARED downwards, one each: of the rules of a group (`Probes.groups`)."""


class Probe(NamedTuple):
    """One expression: a hit starts `width` bytes before the end that is reported.

    `rule` may be one of the owners above instead; `also` are further rules that look for the same.
    """

    expression: bytes
    width: int
    rule: int
    also: tuple[int, ...] = ()


class Probes(msgspec.Struct, frozen=True, array_like=True):
    """What one scan looks for, probe by probe, and, where Vectorscan is installed, its serialized database.

    `expressions` are read only where there is none: they stay packed, which is what start-up would pay for.
    """

    owners: tuple[int, ...]
    widths: tuple[int, ...]
    expressions: bytes
    serialized: bytes
    groups: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, probes: Sequence[Probe], rules: Sequence[Rule]) -> Probes:
        """Compile *probes*, which are of *rules*."""
        packed = msgspec.msgpack.encode([probe.expression for probe in probes])
        groups = list(dict.fromkeys((probe.rule, *probe.also) for probe in probes if probe.also))
        owners = tuple([SHARED - groups.index((probe.rule, *probe.also)) if probe.also else probe.rule for probe in probes])
        return cls(owners, tuple([probe.width for probe in probes]), packed, serialize(probes, rules), tuple(groups))

    def unpacked(self) -> list[bytes]:
        """The expressions, in order."""
        return msgspec.msgpack.decode(self.expressions, type=list[bytes])


class Compiled(msgspec.Struct, frozen=True, array_like=True):
    """Rules in force, and the probes for them: of everything that is read, and of the long runs in it (`sanitizer.detection.runs`).

    `of_calls` are the signs of a call (`sanitizer.protocol.calls`), `of_frames` these and those of a frame, whatever the rules.
    """

    rules: tuple[Rule, ...]
    allow: tuple[Allow, ...]
    digest: str
    everywhere: Probes
    in_runs: Probes
    of_calls: Probes
    of_frames: Probes


def compile_rules(rules: Rules) -> Compiled:
    """Compile without a cache. Raises `RuleError` naming the rule that cannot be used, and why."""
    from sanitizer.protocol import calls  # noqa: PLC0415 - needed only when the cache is cold
    from sanitizer.rulesets.rulefaults import faults  # noqa: PLC0415 - likewise

    for rule in rules.rules:
        for fault in faults(rule):
            raise RuleError(f"{rule.file}: rule {rule.id!r}: {fault}")
    chosen = tuple(
        msgspec.structs.replace(rule, examples=(), counterexamples=(), finds="", source="") for rule in ordered(rules.rules)
    )
    found = probes(chosen)
    everywhere, in_runs = ([probe for probe, in_run in found if in_run is wanted] for wanted in (False, True))
    signs = ([Probe(sign, 0, KEY) for sign in some] for some in (calls.SIGNS, calls.SIGNS + calls.SIGNS_OF_FRAMES))
    return Compiled(chosen, rules.allow, rules.digest, *(Probes.of(part, chosen) for part in (everywhere, in_runs, *signs)))


def ordered(rules: Sequence[Rule]) -> list[Rule]:
    """Provider tokens before names of keys before general kinds before runs before leads, so that a token is called by its name.

    What is followed by its pseudonym keeps the order of its rules: a session's id is called so by the name before it.
    """

    def rank(rule: Rule) -> tuple[bool, ...]:
        general = "general" in rule.tags
        return (
            rule.lead is not None,
            bool(rule.run),
            general or bool(rule.before or rule.anchor),
            not rule.check and rule.action != "mask",
            bool(rule.fields) and rule.action == "mask",
        )

    return sorted(rules, key=rank)


def probes(rules: Sequence[Rule]) -> list[tuple[Probe, bool]]:
    """The probes of *rules*, each with whether it is to be looked for in runs alone."""
    from sanitizer.disguises import hexdump, views  # noqa: PLC0415 - needed only when the cache is cold
    from sanitizer.rulesets import anchors, keys  # noqa: PLC0415 - needed only when the cache is cold

    found: list[tuple[Probe, bool]] = []
    for index, rule in enumerate(rules):
        try:
            if rule.lead and rule.scan_lead:
                found.append((Probe(rule.lead.encode() + anchors.first((rule.pattern or "").encode()), 1, index), False))
            elif rule.pattern is not None and not rule.run:
                derived = anchors.derive((rule.anchor or rule.lead or rule.pattern).encode())
                found += [(Probe(anchor.expression, anchor.width, index), anchor.in_run) for anchor in derived]
        except (anchors.Undecidable, re.error) as fault:
            raise RuleError(f"{rule.file}: rule {rule.id!r}: its {'lead' if rule.lead else 'pattern'}: {fault}") from None
    found = shared(found, rules)
    found += [(Probe(expression, 0, KEY), False) for expression in keys.triggers(rules)]
    found += [(Probe(expression, 1, MARK), False) for expression in views.MARKS]
    found += [(Probe(expression, 1, DUMP), False) for expression in hexdump.ANCHORS]
    return found + [(Probe(expression, 1, TOKEN), expression in views.IN_RUNS) for expression in views.ANCHORS]


def shared(found: Sequence[tuple[Probe, bool]], rules: Sequence[Rule]) -> list[tuple[Probe, bool]]:
    """*found*, with one probe for the rules that look for the same, and need the same from there on: that is asked once."""
    kept: dict[object, tuple[Probe, bool]] = {}
    for number, (probe, in_run) in enumerate(found):
        rule = rules[probe.rule]
        is_alike = rule.needs is not None and not (rule.anchor or rule.before)
        key = (probe.expression, probe.width, rule.needs, in_run) if is_alike else number
        first = kept[key][0] if key in kept else None
        kept[key] = (first._replace(also=(*first.also, probe.rule)) if first else probe, in_run)
    return list(kept.values())


def serialize(found: Sequence[Probe], rules: Sequence[Rule]) -> bytes:
    try:
        import hyperscan  # noqa: PLC0415 - slow to load, and absent where it has no wheel
    except ImportError:
        return b""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[probe.expression for probe in found],
            ids=list(range(len(found))),
            elements=len(found),
            flags=[hyperscan.HS_FLAG_DOTALL] * len(found),
        )
    except hyperscan.HyperscanError as fault:
        raise RuleError(blame(found, rules, fault)) from None
    return bytes(hyperscan.dumpb(database))


def blame(found: Sequence[Probe], rules: Sequence[Rule], fault: Exception) -> str:
    """Find the one expression that Vectorscan refuses, to name its rule."""
    import hyperscan  # noqa: PLC0415

    for probe in found:
        try:
            hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(expressions=[probe.expression], ids=[0], elements=1, flags=[0])
        except hyperscan.HyperscanError as single:
            rule = rules[probe.rule]
            return f"{rule.file}: rule {rule.id!r}: Vectorscan cannot compile its anchor: {single}"
    return f"the rules do not compile together: {fault}"
