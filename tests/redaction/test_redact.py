"""Lines in, as many lines out; JSON stays JSON of the same shape, whatever a finding touches."""

from __future__ import annotations

import json
import re

import pytest
from engines import KEYS, redactor, rule, shipped

from sanitizer.detection.scan import Scanner
from sanitizer.record import Join
from sanitizer.redaction import members
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor, rows_of

SECRET = rule("acme", "acme_[a-z]{4,}")
NUMBER = rule("card", r"\b4[0-9]{15}\b")


def text(line: str, *rules: object) -> str:
    return redactor(*(rules or (SECRET, NUMBER))).text(line.encode()).decode()  # type: ignore[arg-type] # rules


def test_lines_without_a_finding_are_as_they_were() -> None:
    lines = [b"a", b"", b" b "]
    found = redactor(SECRET).redact(lines)

    assert (found.lines, found.counts) == (lines, {})


def test_findings_are_counted_by_rule_and_told_with_their_rows() -> None:
    lines = [b"x", b"to=acme_abcd acme_efgh"]
    found = redactor(SECRET, NUMBER).redact(lines)

    assert found.lines == [b"x", b"to=[REDACTED:acme] [REDACTED:acme]"]
    assert sum(found.counts.values()) == 2
    assert [found.buffer[start:end] for start, end, _ in found.found] == [b"acme_abcd", b"acme_efgh"]
    assert rows_of(found.found, lines) == [1, 1]


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ('{"a":"acme_abcd"}', '{"a":"[REDACTED:acme]"}'),
        ('{"acme_abcd":1}', '{"[REDACTED:acme]":1}'),
        ('{"a":4111111111111111}', '{"a":"[REDACTED:card]"}'),
        ('{"a":[4111111111111111,2,"acme_abcd"],"b":null}', '{"a":["[REDACTED:card]",2,"[REDACTED:acme]"],"b":null}'),
        ('[4111111111111111]', '["[REDACTED:card]"]'),
        ('{"a":"\\u0061cme_abcd"}', '{"a":"[REDACTED:acme]"}'),
        ('{"a":"\\nacme_abcd\\n"}', '{"a":"\\n[REDACTED:acme]\\n"}'),
        ('{"a":"\\\\acme_abcd\\\\"}', '{"a":"\\\\[REDACTED:acme]\\\\"}'),
        ('{"a":"{\\"b\\":\\"acme_abcd\\"}"}', '{"a":"{\\"b\\":\\"[REDACTED:acme]\\"}"}'),
        ('{"a":"{\\"b\\":\\"{\\\\\\"c\\\\\\":\\\\\\"acme_abcd\\\\\\"}\\"}"}', '{"a":"{\\"b\\":\\"{\\\\\\"c\\\\\\":\\\\\\"[REDACTED:acme]\\\\\\"}\\"}"}'),
        ('{"a" : "acme_abcd" , "b":[ ]}', '{"a" : "[REDACTED:acme]" , "b":[ ]}'),
        ('{"a":"x","a":"acme_abcd"}', '{"a":"x","a":"[REDACTED:acme]"}'),
    ],
)  # fmt: skip
def test_json_stays_json(line: str, clean: str) -> None:
    assert text(line) == clean
    assert json.loads(clean) is not None


@pytest.mark.parametrize("pattern", ['acme_abcd"', '"acme_abcd', 'acme_abcd","b', "acme_abcd.{1,40}", '"a":"acme_abcd', 'acme_abcd","b":"x"}'])
def test_a_finding_over_the_edge_of_a_string_is_fitted_into_it(pattern: str) -> None:
    greedy = rule("acme", pattern, anchor="acme", reach=True)
    clean = json.loads(text('{"a":"acme_abcd","b":"x"}', greedy))

    assert len(clean) == 2
    assert "acme_abcd" not in clean.values()


def test_a_finding_that_ends_inside_an_escape_takes_all_of_it() -> None:
    greedy = rule("acme", r"acme_abcd\\u00")

    assert json.loads(text('{"a":"acme_abcd\\u0021 ok"}', greedy)) == {"a": "[REDACTED:acme] ok"}


@pytest.mark.parametrize("value", ['"hunter2x"', "8734563", '["hunter2x",8734563]', '{"one":"hunter2x","two":[8734563]}', "true", "null"])
def test_the_value_of_a_key_may_have_any_shape(value: str) -> None:
    clean = text('{"password":' + value + ',"ok":"yes"}', rule("password", fields=("password",)))

    assert json.loads(clean)["ok"] == "yes"
    assert "hunter2x" not in clean
    assert "8734563" not in clean
    assert list(json.loads(clean)) == ["password", "ok"]


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ('{"acme_abcd":1,"acme_efgh":2}', '{"[REDACTED:acme]":1,"[REDACTED:acme#2]":2}'),
        ('{"acme_abcd" : 1, "acme_efgh" : 2}', '{"[REDACTED:acme]" : 1, "[REDACTED:acme#2]" : 2}'),
        ('{"acme_abcd":{"acme_efgh":2}}', '{"[REDACTED:acme]":{"[REDACTED:acme]":2}}'),
        ('[{"acme_abcd":1},{"acme_efgh":2}]', '[{"[REDACTED:acme]":1},{"[REDACTED:acme]":2}]'),
        ('{"[REDACTED:acme]":0,"acme_abcd":1}', '{"[REDACTED:acme]":0,"[REDACTED:acme#2]":1}'),
        ('{"my acme_abcd key":1,"my acme_efgh key":2}', '{"my [REDACTED:acme] key":1,"my [REDACTED:acme#2] key":2}'),
        ('{"a":"{\\"acme_abcd\\":1,\\"acme_efgh\\":2}"}', '{"a":"{\\"[REDACTED:acme]\\":1,\\"[REDACTED:acme#2]\\":2}"}'),
    ],
)  # fmt: skip
def test_keys_that_become_equal_are_numbered_within_their_object(line: str, clean: str) -> None:
    assert text(line) == clean
    assert text(clean) == clean


def test_a_numbered_key_takes_no_number_that_is_taken() -> None:
    line = b'{"[REDACTED:x]":1,"[REDACTED:x#2]":2,"[REDACTED:x]":3}'

    assert members.distinct(line) == b'{"[REDACTED:x]":1,"[REDACTED:x#2]":2,"[REDACTED:x#3]":3}'


def test_keys_that_were_equal_already_are_not_touched() -> None:
    line = b'{"a":1,"a":{"b":"}","b":2}}'

    assert members.distinct(line) == line


def test_a_finding_over_several_lines_keeps_their_number() -> None:
    block = rule("block", r"(?s)BEGIN.*?END", multiline=True)
    found = redactor(block).redact([b"x", b"  BEGIN one", b"    two", b"", b"  END", b"y"])

    assert found.lines == [b"x", b"  [REDACTED:block]", b"    [REDACTED:block]", b"", b"  [REDACTED:block]", b"y"]


def test_texts_of_several_lines_are_redacted_each_by_itself() -> None:
    assert redactor(SECRET).texts([b"a\nacme_abcd", b"", b"acme_efgh\n"]) == [b"a\n[REDACTED:acme]", b"", b"[REDACTED:acme]\n"]


def test_what_is_broken_over_lines_is_redacted_on_each() -> None:
    join = Join(((0, 4, 11), (1, 2, 6)), (b"",))
    found = redactor(rule("acme", "acme_[a-z]{6}")).redact([b"key acme_ab", b"  cdef and more"], [join])

    assert found.lines == [b"key [REDACTED:acme]", b"  [REDACTED:acme] and more"]


@pytest.mark.parametrize("mask", ["[REDACTED:acme]", "[REDACTED:acme#2]", "[acme:0123456789ab]", "[EMAIL_REDACTED]", "***", "<EMAIL>"])
def test_masks_of_this_and_other_tools_are_left_alone(mask: str) -> None:
    made = Redactor(Scanner(shipped()), replacements(shipped().rules, KEYS))
    line = f'password={mask} {{"token": "{mask}"}} to {mask}'.encode()

    assert made.text(line) == line


def test_what_follows_a_mask_directly_is_still_redacted() -> None:
    assert text("[REDACTED:x]acme_abcd") == "[REDACTED:x][REDACTED:acme]"


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("k%3A%20%22eyJ0eXAiOiJK%22", "k%3A%20%22[REDACTED:run]%22"),
        ("k=100%25eyJ0eXAiOiJK", "k=100%25[REDACTED:run]"),
        ('{"m":"x\\neyJ0eXAiOiJK"}', '{"m":"x\\n[REDACTED:run]"}'),
        ("k=\x1b[33meyJ0eXAiOiJK\x1b[0m", "k=\x1b[33m[REDACTED:run]\x1b[0m"),
        ("k=\x1b[1;33meyJ0eXAiOiJK", "k=\x1b[1;33m[REDACTED:run]"),
        ('{"m":"\\u001b[33meyJ0eXAiOiJK"}', '{"m":"\\u001b[33m[REDACTED:run]"}'),
        ("k=[33meyJ0eXAiOiJK", "k=[[REDACTED:run]"),
    ],
)
def test_a_finding_begins_behind_the_escape_that_stands_before_it(line: str, clean: str) -> None:
    assert text(line, rule("run", r"[0-9A-Za-z]{12,}")) == clean


@pytest.mark.parametrize("token", ["ghp_" + "x" * 36, "sk-proj-" + "x" * 40, "AIzaSy" + "X" * 33, f"xoxb-{'x' * 12}-{'x' * 24}"])
def test_a_token_of_which_documentation_shows_the_prefix_alone_stays(token: str) -> None:
    made = Redactor(Scanner(shipped()), replacements(shipped().rules, KEYS))
    assert made.text(f"token: {token} in the docs".encode()).decode() == f"token: {token} in the docs"


@pytest.mark.parametrize("token", ["ghp_" + "x" * 30 + "3f9Kq2", "ghp_a8Fk20dkeL31sPq7" + "x" * 20])
def test_one_that_shows_more_of_itself_does_not(token: str) -> None:
    made = Redactor(Scanner(shipped()), replacements(shipped().rules, KEYS))
    assert token not in made.text(f"token: {token} in the docs".encode()).decode()


@pytest.mark.parametrize("line", ["client_secret={}", "POST /mcp api_key={} 200", "Login(user=bob, SERVER_TOKEN={}, n=1)", "/u?email={}&token={}"])
def test_a_name_that_could_be_read_as_encoded_stays(line: str) -> None:
    made = Redactor(Scanner(shipped()), replacements(shipped().rules, KEYS))
    values = ("65aeqbKH59G3I6VPIK2gGZbx",) if line.count("{}") == 1 else ("anna@example.com", "21a813b90a5f77413fec27556f5e09f2")
    clean = made.text(line.format(*values).encode()).decode()
    assert re.sub(r"\[REDACTED:[a-z-]+\]", "{}", clean) == line
