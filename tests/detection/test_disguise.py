"""A finding in a decoded view redacts what carries it in the original, and nothing around it."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from engines import redactor, rule

from sanitizer.detection.disguise import DEEPEST, NestingError, line_starts
from sanitizer.detection.scan import Signs
from sanitizer.disguises.layers import Decoded, Root
from sanitizer.disguises.views import DECODERS, View
from sanitizer.record import Join

RUN = redactor(rule("acme", "acme_[a-z]{6}"))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("to %61cme_secret ok", "to [REDACTED:acme] ok"),
        ("to %2561cme_secret ok", "to [REDACTED:acme] ok"),
        (f"to {quote('x acme_secret y')} ok", "to x%20[REDACTED:acme]%20y ok"),
        ("to &#97;cme_secret; ok", "to [REDACTED:acme]; ok"),
        ("to \\u0061cme_secret ok", "to [REDACTED:acme] ok"),
        ('{"a":"\\u0061cme_secret ok"}', '{"a":"[REDACTED:acme] ok"}'),
        ("to acme\u200b_sec\u200bret ok", "to [REDACTED:acme] ok"),
        ("to \uff41\uff43\uff4d\uff45_secret ok", "to [REDACTED:acme] ok"),
        ("to ac\x1b[31mme_sec\x1b[0mret ok", "to [REDACTED:acme] ok"),
    ],
)
def test_what_is_disguised_is_found_and_what_stands_beside_it_stays(line: str, clean: str) -> None:
    assert RUN.text(line.encode()).decode() == clean


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_encodings_within_one_another_are_followed(depth: int) -> None:
    text = "the key is acme_secret today"
    for _ in range(depth):
        text = b64(text)
    clean = RUN.text(f"payload {text} ok".encode())

    assert b"[REDACTED:acme]" in clean
    assert clean.startswith(b"payload ")
    assert clean.endswith(b" ok")
    assert text.encode() not in clean


def test_what_is_nested_more_deeply_than_is_followed_does_not_pass() -> None:
    deep = b"to %" + b"25" * (DEEPEST - 2) + b"61cme_secret ok"
    assert RUN.text(deep) == b"to [REDACTED:acme] ok"

    with pytest.raises(NestingError):
        RUN.text(deep.replace(b"%", b"%2525"))


def test_a_line_without_a_disguise_is_not_decoded() -> None:
    lines = [b"plain text acme_secre", b'{"a":1}']

    assert RUN.disguises.find(b"\n" + b"\n".join(lines) + b"\n", lines, (), Signs([], [], []), ()) == []


def test_what_hides_in_one_line_leaves_the_others_alone() -> None:
    found = RUN.redact([b"a %41 b", b"x %61cme_secret y", b"c %42 d"])

    assert found.lines == [b"a %41 b", b"x [REDACTED:acme] y", b"c %42 d"]


@pytest.mark.parametrize(
    ("above", "line"),
    [("=?utf-8?Q?note?=", "=?utf-8?Q?=61cme=5fsecret?="), ("\x1b]0;title", "acme_\0secret\x07")],
)
def test_what_two_lines_say_is_not_read_as_one(above: str, line: str) -> None:
    bounded = redactor(rule("acme", r"\bacme_[a-z]{6}"))

    assert b"REDACTED" in bounded.redact([above.encode(), line.encode()]).lines[1]


def test_a_sure_join_redacts_both_halves() -> None:
    join = Join(((0, 0, 5), (1, 4, 10)), (b"",))

    assert RUN.redact([b"acme_", b"    secret"], [join]).lines == [b"[REDACTED:acme]", b"    [REDACTED:acme]"]


def test_what_one_join_shows_goes_no_further_than_its_text() -> None:
    open_ended = redactor(rule("block", r"(?s)begin_block.{0,400}", multiline=True))
    joins = [Join(((0, 0, 6), (1, 0, 6)), (b"",)), Join(((2, 0, 6), (3, 0, 6)), (b"",))]

    assert open_ended.redact([b"begin_", b"block1", b"level=", b"info 1"], joins).lines[2:] == [b"level=", b"info 1"]


def test_a_doubtful_join_of_words_is_left_alone() -> None:
    lines = [b"name acme_sec", b"retry later"]
    fields = redactor(rule("name", fields=("name",), action="mask"))
    join = Join(((0, 0, 13), (1, 0, 11)), (b"",), doubtful=True)

    assert fields.redact(lines, [join]).lines[1] == b"retry later"


def test_a_hostile_line_of_encodings_ends_in_time() -> None:
    text = b"%25" * 4000 + b"61cme_secret"

    assert len(RUN.redact([text, text * 2]).lines) == 2


def test_the_way_back_through_two_views_ends_in_the_root() -> None:
    source = b"x %2561cme_secret y"
    percent = next(decoder for decoder in DECODERS if decoder.suspects(b"%61 ") and decoder.decode(b"%2561") == b"%61")
    first = percent.decode(source) or b""
    second = percent.decode(first) or b""
    outer = Decoded(Root(source), [(0, len(source))], View(source, first, percent))
    inner = Decoded(outer, [(0, len(first))], View(first, second, percent))

    assert second == b"x acme_secret y"
    assert inner.locate([(2, 13, 7)]) == [(2, 17, 7)]


def test_lines_know_where_they_stand() -> None:
    assert line_starts([b"a", b"", b"bc"]) == [1, 3, 4]
    assert line_starts([]) == []
