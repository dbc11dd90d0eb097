"""Every match of a pattern begins where an anchor of it says."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sanitizer.rulesets import anchors

ALPHABET = "abcAB01_-. "
ATOMS = st.sampled_from(["a", "b", "A", "0", "_", "-", r"\d", r"\w", r"\s", "[ab]", "[^a]", "[0-9a-c]", ".", r"\."])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    counts = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{3,}", "+?"])
    return st.builds(lambda text, count: f"(?:{text}){count}", inner, counts)


PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        repeated(inner),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"(?i:{text})"),
        inner.map(lambda text: rf"\b{text}"),
    ),
    max_leaves=8,
)


def starts(pattern: bytes, text: bytes) -> set[int]:
    """Where in *text* the anchors of *pattern* say that a match may begin."""
    buffer = b"\n" + text + b"\n"
    found = set()
    for anchor in anchors.derive(pattern):
        expression = re.compile(b"(?s)(?=(" + anchor.expression + b"))")
        found |= {match.end(1) - anchor.width - 1 for match in expression.finditer(buffer)}
    return found


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.text(ALPHABET, max_size=24))
def test_every_match_begins_at_a_hit(pattern: str, text: str) -> None:
    raw = pattern.encode()
    try:
        hits = starts(raw, text.encode())
    except anchors.Undecidable:
        assume(False)
    matches = {at for at in range(len(text) + 1) if re.compile(raw).match(text.encode(), at)}

    assert matches <= hits


@settings(max_examples=300, deadline=None)
@given(PATTERNS)
def test_anchors_are_few_and_short_enough_to_scan_for(pattern: str) -> None:
    try:
        found = anchors.derive(pattern.encode())
    except anchors.Undecidable:
        return

    assert 0 < len(found) <= anchors.MOST_BRANCHES
    assert all(anchors.LEAST <= anchor.width <= anchors.WIDEST for anchor in found)


@pytest.mark.parametrize("pattern", [b".*abc", b"a", b"a?", b"[a-z]+@", b"a*bc", b"(?:abc|d)", b"\\b", b"(?=abc)"])
def test_a_pattern_that_begins_with_too_little_says_so(pattern: bytes) -> None:
    with pytest.raises(anchors.Undecidable, match="unknown width: give the rule an `anchor`"):
        anchors.derive(pattern)


@pytest.mark.parametrize(
    ("pattern", "widths"),
    [
        (b"abc", [3]),
        (b"ab?cd", [3, 4]),
        (b"(?:live|test)_x", [6, 6]),
        (b"acme_[A-Za-z0-9]{32}", [37]),
        (b"acme_[a-z]{8,}x", [13]),
        (b"x" * 100, [40]),
        (b"(?:abc|abcd)e*", [3]),
    ],
)
def test_what_may_be_left_out_is_spelled_out(pattern: bytes, widths: list[int]) -> None:
    assert sorted(anchor.width for anchor in anchors.derive(pattern)) == widths


def test_a_pattern_that_branches_without_end_is_cut_before_the_branch() -> None:
    branches = b"(?:" + b"|".join(b"%02d" % n for n in range(50)) + b")"

    assert [anchor.width for anchor in anchors.derive(b"ab" + branches + branches)] == [4] * 50
    assert [anchor.width for anchor in anchors.derive(b"ab" + branches[:-1] + b"|x" * anchors.MOST_BRANCHES + b")")] == [2]


def test_case_is_ignored_where_the_pattern_says_so() -> None:
    assert starts(b"(?i)acme-", b"ACME- acme- AcMe-") == {0, 6, 12}
    assert starts(b"ac(?i:me)", b"acME ACme") == {0}


def test_what_must_stand_before_narrows_the_anchor() -> None:
    assert starts(rb"\babc", b"abc xabc") == {0}
    assert starts(rb"(?<![a-z])abc", b"abc xabc") == {0}


def test_the_first_characters_of_a_pattern_are_known_or_it_says_so() -> None:
    assert re.fullmatch(anchors.first(b"[ab]c*"), b"b")
    with pytest.raises(anchors.Undecidable, match="begin it with a character"):
        anchors.first(b"a*b")
