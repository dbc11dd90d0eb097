"""An exemption covers the part that it matches, and never the rest of the value."""

from __future__ import annotations

import pytest
from engines import redactor, rule

from sanitizer.detection.exemptions import Exemptions
from sanitizer.rulesets.ruleset import Allow, RuleError

MAIL = rule("mail", r"[a-z]{1,20}@[a-z.]+", anchor="@[a-z]", before="abcdefghijklmnopqrstuvwxyz")
TOKEN = rule("token", "acme_[a-z]{4,}")


def text(line: str, *allow: Allow) -> str:
    return redactor(MAIL, TOKEN, allow=allow).text(line.encode()).decode()


def test_an_exempt_value_passes_and_others_do_not() -> None:
    allow = Allow(values=("support@acme.example",))

    assert text("support@acme.example and jane@acme.example", allow) == "support@acme.example and [REDACTED:mail]"


def test_only_the_part_that_matches_passes() -> None:
    assert text("acme_testsecret", Allow(patterns=("acme_test",))) == "acme_test[REDACTED:token]"
    assert text("acme_secrettest", Allow(values=("test",))) == "[REDACTED:token]test"


def test_an_exempt_value_is_text_and_no_pattern() -> None:
    assert text("jane@acmexexample", Allow(values=("jane@acme.example",))) == "[REDACTED:mail]"


def test_an_exemption_may_be_for_one_rule_alone() -> None:
    allow = Allow(patterns=(".*",), rules=("mail",))

    assert text("jane@acme.example acme_secret", allow) == "jane@acme.example [REDACTED:token]"


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ('{"owner":"jane@acme.example"}', True),
        ('{"recordOwner":"jane@acme.example"}', True),
        ("owner=jane@acme.example", True),
        ('{"user":"jane@acme.example"}', False),
        ("jane@acme.example", False),
    ],
)
def test_an_exemption_may_be_for_one_field_alone(line: str, passes: bool) -> None:
    assert (text(line, Allow(fields=("owner",))) == line) == passes


def test_an_exemption_may_be_for_one_tool_alone() -> None:
    allow = Allow(tools=("whois",))
    lines = ['{"tool":"whois","to":"jane@acme.example"}', '{"tool":"mail","to":"jane@acme.example"}']

    assert [text(line, allow) == line for line in lines] == [True, False]


def test_conditions_narrow_one_another() -> None:
    allow = Allow(values=("jane@acme.example",), rules=("mail",), fields=("owner",))

    assert text("owner=jane@acme.example", allow) == "owner=jane@acme.example"
    assert text("owner=john@acme.example", allow) == "owner=[REDACTED:mail]"


def test_several_exemptions_add_up() -> None:
    assert text("acme_onetwo", Allow(values=("acme_",)), Allow(values=("two",))) == "acme_[REDACTED:token]two"


def test_a_pattern_that_does_not_compile_is_an_error() -> None:
    with pytest.raises(RuleError, match=r"^allow: a pattern does not compile: "):
        Exemptions([Allow(patterns=("a(",))], [TOKEN])


def test_a_pattern_with_flags_stands_beside_others() -> None:
    assert text("acme_TEST".lower(), Allow(patterns=("(?i)ACME_.*", "x"))) == "acme_test"
    assert text("acme_test", Allow(patterns=("x", "(?i)ACME_.*"))) == "acme_test"
    assert text("acme_abcdx", Allow(patterns=("(?:y)|x",))) == "[REDACTED:token]x"


def test_an_exemption_that_matches_nothing_lets_nothing_through() -> None:
    assert text("jane@acme.example", Allow(patterns=("z*",))) == "[REDACTED:mail]"
