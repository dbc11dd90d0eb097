"""A finding over a seam counts if its pieces look as if they belonged together; a reading that none could count in is not scanned."""

from __future__ import annotations

from itertools import accumulate

import pytest
from engines import rule
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sanitizer.detection.seams import Seams

SHAPED, KEYED = 0, 1
RULES = (rule("acme", "acme_[a-z]{6}"), rule("key", fields=("key",)))
PIECE = st.lists(
    st.sampled_from(
        [
            "acme_sec",
            "ret",
            " ",
            "key=",
            "k7Qp2ZxVb9Lw4Tn1",
            "Jm3R",
            "call",
            "4111 11",
            "11",
            "}",
            '"',
            "\\",
            "=",
            "a1b2",
            "hello.world",
            "é",
        ]
    ),
    min_size=1,
    max_size=4,
).map("".join)


@settings(deadline=None)  # the first that is looked at loads what tells words
@given(st.lists(PIECE, min_size=2, max_size=3), st.data())
@example(["key=k7Qp2ZxVb9Lw4Tn1", "Jm3Rk7Qp2ZxVb9Lw4"], None)
@example(["acme_sec\\", "4111 11"], None)
def test_what_holds_is_never_ruled_out_beforehand(texts: list[str], data: st.DataObject | None) -> None:
    lines = [text.encode() for text in texts]
    buffer = b"\n" + b"\n".join(lines) + b"\n"
    starts = list(accumulate((len(line) + 1 for line in lines), initial=1))[:-1]
    cut = [len(line.removesuffix(b"\\").removesuffix(b"=")) if len(line) > 1 else len(line) for line in lines]
    whole = [(start, start + len(line)) for start, line in zip(starts, lines, strict=True)]
    bare = [(start, start + size) for start, size in zip(starts, cut, strict=True)]
    marks = sorted({place for span in whole for place in span})
    known = data.draw(st.lists(st.sampled_from(marks), max_size=3)) if data else marks[2:3]
    seams = Seams(buffer, [(at, at + 4, SHAPED) for at in known] + [(at - 4, at, KEYED) for at in known], RULES)

    for pieces in (whole, bare):
        (first, before), *middle, (start, end) = pieces
        for begin in range(first, before):
            for stop in range(start + 1, end + 1):
                spans = [(begin, before), *middle, (start, stop)]
                held = [seams.hold(spans, number, 0) for number in (SHAPED, KEYED)]
                assert seams.may_hold(pieces) or not any(held)
                assert seams.may_hold_decoded(pieces) or not seams.hold(spans, KEYED, 1)


def pieces(buffer: bytes) -> list[tuple[int, int]]:
    after = buffer.index(b"\n", 1)
    return [(1, after), (after + 1, len(buffer) - 1)]


@pytest.mark.parametrize(
    ("buffer", "found", "expected"),
    [
        (b"\nname acme_sec\nret later\n", [], True),  # a shape may have been broken there
        (b"\nname acme_sec\nretry now\n", [(6, 14, SHAPED)], False),  # it ends with its line, and words go on
        (b"\nname acme_sec\nk7Qp2ZxVb9Lw4Tn1\n", [(6, 14, SHAPED)], True),  # what goes on looks like the rest of a token
        (b"\nname k7Qp2ZxVb9Lw4Tn1\nacme_secret\n", [(23, 34, SHAPED)], True),  # what was found may have begun before
        (b"\nname is\nacme_secret\n", [(9, 20, SHAPED)], False),
    ],
)
def test_a_reading_may_hold_something_or_not(buffer: bytes, found: list[tuple[int, int, int]], expected: bool) -> None:
    assert Seams(buffer, found, RULES).may_hold(pieces(buffer)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "k = 'acme_sec' +\n    'ret'",
        "k = ('acme_sec'\n     'ret')",
        '$k = "acme_sec" .\n  "ret";',
    ],
)
def test_strings_that_a_program_puts_together_over_lines_are_one(text: str) -> None:
    buffer = b"\n" + text.encode() + b"\n"
    head, rest = buffer.index(b"acme_sec"), buffer.rindex(b"ret")
    assert Seams(buffer, [], RULES).hold([(head, head + 8), (rest, rest + 3)], SHAPED, 0)


def test_nothing_goes_on_behind_a_bracket_that_closes() -> None:
    buffer = b"\nuser[key=acme_sec]\nHibernate: user\n"
    head, rest = buffer.index(b"acme_sec"), buffer.index(b"Hibernate")
    assert not Seams(buffer, [], RULES).hold([(head, head + 9), (rest, rest + 9)], SHAPED, 0)


def test_strings_with_a_comma_between_them_are_two() -> None:
    buffer = b"\nk = ['acme_sec',\n     'ret']\n"
    head, rest = buffer.index(b"acme_sec"), buffer.rindex(b"ret")
    assert not Seams(buffer, [], RULES).hold([(head, head + 8), (rest, rest + 3)], SHAPED, 0)


@pytest.mark.parametrize(
    ("width", "rest", "goes_on"),
    [
        (80, '-harbor-lane64"}', True),
        (80, '-harbor-lane64", "n": 3}', True),
        (81, '-harbor-lane64"}', False),
        (80, "-harbor-lane64", False),
    ],
    ids=["to its end", "and what follows", "of no console's width", "that nothing closes"],
)
def test_a_string_of_json_that_a_console_broke_goes_on_to_its_quote(width: int, rest: str, goes_on: bool) -> None:
    line = '{"key": "granite'.rjust(width, ".").encode()
    buffer = b"\n" + line + b"\n" + rest.encode() + b"\n"
    head, start = buffer.index(b"granite"), buffer.index(b"-harbor")
    pieces = [(head, head + 7), (start, start + len("-harbor-lane64"))]
    seams = Seams(buffer, [(head, head + 7, KEYED)], RULES)
    assert (len(seams.hold(pieces, KEYED, 0)) == 2) is goes_on
    assert seams.may_hold([(1, head + 7), (start, len(buffer) - 1)]) or not goes_on
