"""For each candidate, why it was or was not redacted."""

from __future__ import annotations

import pytest
from engines import redactor, rule

from sanitizer.cli.explain import explain
from sanitizer.rulesets.ruleset import Rule


def told(line: str, one: Rule) -> list[tuple[str, str]]:
    """What is looked at in *line*, and the verdict."""
    made = redactor(one)
    text = line.encode()
    compiled = type("Compiled", (), {"rules": made.scanner.rules})
    return [(text[start:end].decode(), verdict) for start, end, _, verdict in explain(text, compiled, made)]  # type: ignore[arg-type] # its rules alone are read


@pytest.mark.parametrize(
    ("line", "one", "expected"),
    [
        ("key acme_abcd", rule("acme", "acme_[a-z]{4}"), [("acme_abcd", "matched")]),
        ("nothing", rule("acme", "acme_[a-z]{4}"), []),
        ("key acme_ab", rule("acme", "acme_[a-z]{2}[0-9]*x"), [("", "only its beginning matched")]),
        ("acme_abcd", rule("acme", "acme_[a-z]{4}", action="keep"), [("acme_abcd", "matched, and kept by its action")]),
        ("acme_abcd", rule("acme", "acme_[a-z]{4}", keywords=("token",)), [("", "keyword missing: none of token within 40 bytes before")]),
        ("token acme_abcd", rule("acme", "acme_[a-z]{4}", keywords=("token",)), [("acme_abcd", "matched")]),
        ("acme_aaaa", rule("acme", "acme_[a-z]{4}", entropy=3.5), [("acme_aaaa", "entropy below 3.5")]),
        ("4111111111111112", rule("card", "4[0-9]{15}", check="luhn"), [("4111111111111112", "check 'luhn' failed")]),
        ("4111111111111111", rule("card", "4[0-9]{15}", check="luhn"), [("4111111111111111", "matched")]),
        ("%61cme_abcd", rule("acme", "acme_[a-z]{4}"), [("%61cme_abcd", "matched in a decoded view")]),
        ("password=hunter2x", rule("password", fields=("password",)), [("hunter2x", "matched")]),
        ("password=changeme", rule("password", fields=("password",)), [("changeme", "a placeholder or a constant")]),
    ],
)  # fmt: skip
def test_every_candidate_has_its_reason(line: str, one: Rule, expected: list[tuple[str, str]]) -> None:
    assert told(line, one) == expected


def test_rules_that_share_a_lead_are_told_apart() -> None:
    two = [rule(name, f"[a-z]{{4}}{digit}", lead="acme:", needs="acme:[a-z]+[0-9]") for name, digit in (("one", 1), ("two", 2))]
    made = redactor(*two)
    compiled = type("Compiled", (), {"rules": made.scanner.rules})

    assert [(one.rule, one.verdict) for one in explain(b"acme:abcd2", compiled, made)] == [  # type: ignore[arg-type] # as above
        ("one", "only its beginning matched"),
        ("two", "matched"),
    ]
