from __future__ import annotations

import re
from re import _parser as parser  # type: ignore[attr-defined]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.rulesets.keys import Keys, shortest, triggers, words
from sanitizer.rulesets.ruleset import Rule

RULES = [
    Rule(id="secret", fields=("client secret", "password", "токен", "pin"), exempt_fields=("reset password",)),
    Rule(id="token", fields=("token",), exempt_fields=("max tokens",)),
]
KEYS = Keys(RULES)


@pytest.mark.parametrize(
    "key",
    [
        "client_secret", "clientSecret", "CLIENT-SECRET", "x-client-secret", "db.client_secret", "clientsecret", "client_secret_2", "Токен",
        "PGPASSWORD", "passwords", "password_confirmation", "password_prod", "user.pin",
    ],
)  # fmt: skip
def test_a_key_is_claimed_however_it_is_spelled(key: str) -> None:
    assert KEYS.verdict(key.encode()) == 0


@pytest.mark.parametrize(
    "key", ["reset_password", "max_tokens", "secretary", "spin", "client", "", "passwordless_mode", "token_url"]
)
def test_other_keys_are_left_alone(key: str) -> None:
    assert KEYS.verdict(key.encode()) == -1


def test_the_words_of_a_key_do_not_depend_on_what_joins_them() -> None:
    assert words(b"xClient-secretID_2") == ("x", "client", "secret", "id", "2")


def test_every_trigger_is_of_one_width_but_for_names_with_a_qualifier() -> None:
    widths = {one: parser.parse(one).getwidth() for one in triggers(RULES)}
    assert [one for one, (least, most) in widths.items() if least != most and b"password|" not in one] == []


@pytest.mark.parametrize(
    "text", ["client_secret=", '"client secret": ', "Токен：", "токен:", "-pin ", 'PASSWORD"  :', "password -> x", "setenv "]
)
def test_a_trigger_fires_right_behind_a_key(text: str) -> None:
    assert any(re.search(one, b"\n" + text.encode()) for one in triggers(RULES))


def test_a_name_that_ends_as_another_is_found_with_that_one() -> None:
    assert shortest([b"token", rb"access[_\-. ]token", b"accesstoken", rb"[^A-Za-z]pin", b"spin"]) == [b"token", rb"[^A-Za-z]pin", b"spin"]


def test_no_rule_with_fields_means_no_trigger() -> None:
    assert triggers([Rule(id="a", pattern="abc")]) == []


@given(st.binary(max_size=300))
def test_any_bytes_give_a_verdict(key: bytes) -> None:
    assert KEYS.verdict(key) in (-1, 0, 1)
