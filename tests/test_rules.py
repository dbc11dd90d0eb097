"""Every rule keeps its promises: its examples and counterexamples, on both engines, alone and among all the others."""

from __future__ import annotations

import pytest
from engines import rule

from sanitizer.cli import rulecheck
from sanitizer.rulesets.ruleset import Example, RuleFile, builtin, read

FILES = {path.stem: read(path) for path in sorted(builtin().glob("*.toml"))}
GOOD = {"examples": (Example("key acme_abcd", "key [REDACTED:acme]"),), "counterexamples": ("acme",), "source": "https://acme.example"}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_nothing_speaks_against_a_shipped_rule(file: RuleFile) -> None:
    assert [f"{one.id}: {fault}" for one in file.rule for fault in rulecheck.check(one)] == []


def test_rules_keep_their_promises_together() -> None:
    assert list(rulecheck.together([one for file in FILES.values() for one in file.rule])) == []


def test_no_two_shipped_rules_share_an_id() -> None:
    ids = [one.id for file in FILES.values() for one in file.rule]

    assert len(set(ids)) == len(ids)


def test_a_good_rule_has_no_faults() -> None:
    assert list(rulecheck.check(rule("acme", "acme_[a-z]{4}", **GOOD))) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"examples": (Example("acme_abcd", "x"),)}, "an example gives another result (vectorscan): '[REDACTED:acme]' instead of 'x'"),
        ({"counterexamples": ("acme_abcd",)}, "a counterexample is redacted (vectorscan): '[REDACTED:acme]'"),
        ({"source": ""}, "it links no source for its format"),
        ({"examples": ()}, "it needs at least one example and one counterexample"),
        ({"id": "Acme"}, "its id is not kebab-case (a-z, 0-9 and hyphens, at most 64)"),
        ({"pattern": "x*"}, "its pattern matches the empty string"),
    ],
)
def test_every_reason_not_to_trust_a_rule_is_said(wrong: dict[str, object], said: str) -> None:
    fields = {"id": "acme", "pattern": "acme_[a-z]{4}", **GOOD, **wrong}
    name, pattern = str(fields.pop("id")), str(fields.pop("pattern"))

    assert any(fault.startswith(said) for fault in rulecheck.check(rule(name, pattern, **{"kind": "acme", **fields})))


def test_ones_own_rules_need_no_examples() -> None:
    assert list(rulecheck.check(rule("acme", "acme_[a-z]{4}"), shipped=False)) == []
