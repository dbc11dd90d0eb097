"""The two engines report the same findings: on every example of every rule, and on what real servers wrote."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from engines import KEYS, redactor, rule, shipped

from sanitizer.detection.scan import Scanner
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets.database import TOKEN
from sanitizer.rulesets.ruleset import builtin, read

CAPTURES = Path(__file__).parents[1] / "captures"


@pytest.fixture(scope="module")
def engines() -> tuple[Scanner, Scanner]:
    return Scanner(shipped("strict"), "vectorscan"), Scanner(shipped("strict"), "regex")


def agree(engines: tuple[Scanner, Scanner], text: bytes) -> int:
    """How much both engines find in *text*: plainly, and with all that its views show."""
    lines = text.strip(b"\n").split(b"\n")
    buffer = b"\n" + b"\n".join(lines) + b"\n"
    vectorscan, regex = (engine.find(buffer) for engine in engines)
    assert vectorscan == regex
    replace = replacements(engines[0].rules, KEYS)
    vectorscan, regex = (Redactor(engine, replace).redact(lines) for engine in engines)
    assert vectorscan == regex
    return sum(vectorscan.counts.values())


def test_the_engines_agree_on_every_example_and_counterexample(engines: tuple[Scanner, Scanner]) -> None:
    rules = [one for file in sorted(builtin().glob("*.toml")) for one in read(file).rule]
    texts = [text.encode() for one in rules for text in (*(example.before for example in one.examples), *one.counterexamples)]

    assert agree(engines, b"\n".join(texts)) > len(rules)


@pytest.mark.parametrize("path", sorted(path for path in CAPTURES.rglob("*") if path.is_file()), ids=lambda path: path.name)
def test_the_engines_agree_on_what_real_servers_wrote(engines: tuple[Scanner, Scanner], path: Path) -> None:
    agree(engines, path.read_bytes())


def test_findings_are_in_order_and_do_not_overlap(engines: tuple[Scanner, Scanner]) -> None:
    found = engines[0].find(b"\ntoken=ghp_0123456789012345678901234567890123AB jane@example.com password: jane@example.com\n")

    assert found
    assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_a_finding_tells_its_rule_and_its_place() -> None:
    scanner = redactor(rule("acme", "acme_[a-z]{4}")).scanner

    assert [tuple(one) for one in scanner.find(b"\nkey acme_abcd ok\n")] == [(5, 14, 0)]


def test_what_is_glued_to_a_secret_is_taken_for_a_part_of_it() -> None:
    assert redactor(rule("acme", "acme_[a-z]{4}")).text(b"acme_abcdEFG acme_abcd.x") == b"[REDACTED:acme] [REDACTED:acme].x"


def test_places_of_encoded_tokens_are_no_findings(engines: tuple[Scanner, Scanner]) -> None:
    scanner = engines[0]
    found = scanner.find(b"\nauth amFuZS5kb2VAZXhhbXBsZS5jb20gYW5kIHNvIG9u\n")

    assert TOKEN not in {one.rule for one in found}


def test_rules_that_look_for_the_same_are_asked_together() -> None:
    needs = "acme:[a-z]+[0-9]"
    two = [
        rule("one", "[a-z]{4}1", lead="acme:", needs=needs),
        rule("two", "(?P<secret>[a-z]{4})[2-9]", lead="acme:", needs=needs),
    ]
    scanner = redactor(*two, rule("three", "[a-z]{4}", lead="acme:")).scanner

    assert scanner.everywhere.groups == ((0, 1),)
    assert [tuple(one) for one in scanner.find(b"\nacme:abcd1 acme:abcd2 acme:abcd\n")] == [(6, 11, 0), (17, 22, 1), (28, 32, 2)]
    assert scanner.find(b"\nacme:abc acme:\n") == []
    assert scanner.vain > 0


def test_what_is_looked_at_around_a_long_run_ends_with_its_line() -> None:
    """Else what the end of one line shows would depend on the line that follows."""
    first, second = b"5C753033" * 8, b"ImIxMjM0MDY2IiwgIm4iOiAz"
    _, texts = Scanner(shipped()).runs.find(b"\n[%b]\nx=%b\n" % (first, second), [])

    assert texts.pieces == [b"\n[%b]\n" % first, b"\nx=%b\n" % second]
