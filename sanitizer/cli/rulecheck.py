"""Every reason not to trust a rule. One checker behind `sanitizer rules check` and the test suite."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sanitizer import patterns
from sanitizer.detection.scan import BoundError, Scanner
from sanitizer.hashing import Keyring
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets.database import Compiled, compile_rules
from sanitizer.rulesets.rulefaults import faults
from sanitizer.rulesets.ruleset import Rule, RuleError, Rules, builtin, read, sources

PSEUDONYM = patterns.lazy(r"(?<=:)[0-9a-f]{12}(?=\])")
BLOB = patterns.lazy(r"\[blob:[a-z0-9]+:\d+B:[0-9a-f]{12}\]")
LINES = patterns.lazy(r"(\[(?:BLOB|REDACTED:[a-z0-9-]+)\])(?:\n[ \t]*\1)+")
HOSTILE_BYTES = 20_000
MOST_SECS = 0.25
TRIES = 3
"""For a hostile text of that size; a linear pattern takes a hundredth of it."""


def check(rule: Rule, *, shipped: bool = True) -> Iterator[str]:
    """Say what is wrong with *rule* by itself; *shipped* rules must have examples and a source, one's own may do without."""
    wrong = list(faults(rule))
    yield from wrong
    if shipped and not rule.source:
        yield "it links no source for its format"
    if shipped and not (rule.examples and rule.counterexamples):
        yield "it needs at least one example and one counterexample"
    if not wrong:
        try:
            yield from behaviour(rule)
        except RuleError as fault:
            yield str(fault)


def behaviour(rule: Rule) -> Iterator[str]:
    """Run the rule alone: its examples, on both engines; itself over its own output; a hostile text."""
    compiled = compile_rules(Rules((rule,), (), "check"))
    engines = ["vectorscan", "regex"] if compiled.everywhere.serialized else ["regex"]
    redactors = {name: redactor(compiled, name) for name in engines}
    for name, run in redactors.items():
        for example in rule.examples:
            got = run.text(example.before.encode()).decode("utf-8", "replace")
            if stable(got) != stable(example.after):
                yield f"an example gives another result ({name}): {stable(got)!r} instead of {stable(example.after)!r}"
            elif run.text(got.encode()).decode("utf-8", "replace") != got:
                yield f"it redacts its own output again: {stable(got)!r}"
        for text in rule.counterexamples:
            got = run.text(text.encode()).decode("utf-8", "replace")
            if got != text:
                yield f"a counterexample is redacted ({name}): {stable(got)!r}"
    run = redactors[engines[0]]
    for hostile_text in hostile(rule):
        if all(seconds(run, hostile_text) > MOST_SECS for _ in range(TRIES)):  # a busy machine is no fault of the rule
            yield f"it needs backtracking: {len(hostile_text)} hostile bytes take more than {MOST_SECS} s"
            break


def seconds(run: Redactor, text: bytes) -> float:
    """What *text* costs, of the processor's time."""
    begun = time.process_time()
    with suppress(BoundError):
        run.text(text)
    return time.process_time() - begun


def redactor(compiled: Compiled, engine: str | None = None) -> Redactor:
    keyring = Keyring({"check": b"rules check, no secret of anybody"}, "check")
    return Redactor(Scanner(compiled, engine), replacements(compiled.rules, keyring))


def stable(text: str) -> str:
    """*text* with pseudonyms as zeros, blobs as `[BLOB]`, and one mask for what goes over several lines."""
    return LINES.sub(r"\1", BLOB.sub("[BLOB]", PSEUDONYM.sub("000000000000", text)))


def hostile(rule: Rule) -> Iterator[bytes]:
    """Texts that make a pattern with nested or overlapping repetition slow: its own examples' beginnings, over and over."""
    seeds = {b"a", b"1", b"-", b" ", b"a.", b"=", b"\\"}
    for example in rule.examples:
        text = example.before.encode()
        seeds |= {text, text[: len(text) // 2], text[:8]}
    for seed in sorted(seeds):
        if seed:
            yield (seed * (HOSTILE_BYTES // len(seed) + 1))[:HOSTILE_BYTES]


def check_files(directories: Iterable[str | Path] = ()) -> tuple[int, list[str]]:
    """Check all rules of *directories* (default: the shipped ones): how many there are, and what is wrong, a line each."""
    given = list(directories)
    wrong: list[str] = []
    seen: dict[str, str] = {}
    rules: list[Rule] = []
    for file in sources(given or [builtin()]):
        try:
            parsed = read(file)
        except RuleError as fault:
            wrong.append(str(fault))
            continue
        for rule in parsed.rule:
            if rule.id in seen:
                wrong.append(f"{file.name}: rule {rule.id!r}: {seen[rule.id]} has a rule of this id, too")
            seen[rule.id] = file.name
            found = [f"{file.name}: rule {rule.id!r}: {fault}" for fault in check(rule, shipped=not given)]
            wrong += found
            if not found:
                rules.append(rule)
    if rules:
        wrong += together(rules)
    return len(seen), wrong


def together(rules: list[Rule]) -> Iterator[str]:
    """What shows only when all rules run at once: an example that no rule redacts any more, a mask that one takes for a secret."""
    try:
        compiled = compile_rules(Rules(tuple(rules), (), "check"))
    except RuleError as fault:
        yield str(fault)
        return
    run = redactor(compiled, "vectorscan" if compiled.everywhere.serialized else "regex")
    texts = [(rule, example.before.encode()) for rule in rules for example in rule.examples]
    once = run.texts([text for _, text in texts])
    for (rule, before), first, second in zip(texts, once, run.texts(once), strict=True):
        if first == before:
            yield f"{rule.file}: rule {rule.id!r}: among all rules, an example of it is not redacted"
        if first != second:
            again = stable(second.decode("utf-8", "replace"))
            yield f"{rule.file}: rule {rule.id!r}: among all rules, the redaction of an example is redacted again: {again!r}"
