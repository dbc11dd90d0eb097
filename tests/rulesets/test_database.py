"""Which probes are made of rules, and what of two hits at one place is found."""

from __future__ import annotations

import pytest
from engines import KEYS

from sanitizer.detection.scan import Scanner
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets import database
from sanitizer.rulesets.cache import compiled
from sanitizer.rulesets.ruleset import Rule, RuleError


def test_what_vectorscan_refuses_is_named() -> None:
    probe = database.Probe(b"[", 1, 0)

    with pytest.raises(RuleError, match=r"own\.toml: rule 'acme': Vectorscan cannot compile its anchor: "):
        database.serialize([probe], [Rule(id="acme", file="own.toml")])


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("{} is here", "stripe-secret-key"),
        ("the key {}", "stripe-secret-key"),
        ("api_key={}", "stripe-secret-key"),
        ('{{"token": "{}"}}', "stripe-secret-key"),
    ],
)
def test_a_token_is_called_by_its_provider_whatever_it_stands_under(line: str, kind: str) -> None:
    run = Redactor(Scanner(compiled()), replacements(compiled().rules, KEYS)).text

    assert run(line.format("sk_live_GhAmvGJ6vRdLmXHL8dkfbztJ").encode()) == line.format(f"[REDACTED:{kind}]").encode()


def test_what_has_a_name_is_called_by_it_rather_than_by_a_form_that_many_share() -> None:
    run = Redactor(Scanner(compiled()), replacements(compiled().rules, KEYS)).text

    assert run(b"password=anna@example.com") == b"password=[REDACTED:password]"
    assert run(b"password=a9b3c1d2-1111-4222-8333-123456789abc") == b"password=[REDACTED:password]"
    assert run(b"mcp-session-id: a9b3c1d2-1111-4222-8333-123456789abc").startswith(b"mcp-session-id: [session:")
