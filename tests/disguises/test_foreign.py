"""Text that is not all ASCII is told from chance within base64 and hex, whole or cut."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.disguises.foreign import foreign

LETTERS = st.text("aä öß@.пр好🎉1", min_size=8, max_size=24)


@given(LETTERS.filter(lambda text: len(text.encode()) > 14 and not text.isascii()), st.sampled_from([b64encode, urlsafe_b64encode]))
def test_text_with_a_character_beyond_ascii_is_found_in_base64(text: str, encode: object) -> None:
    run = encode(text.encode()).rstrip(b"=")  # type: ignore[operator]  # both take and give bytes
    assert foreign(b" %b " % run, 1, 1 + len(run)) == 1


@given(LETTERS.filter(lambda text: len(text.encode()) > 18 and not text.isascii()), st.integers(1, 3))
def test_behind_a_sign_of_base64_a_run_may_begin_at_any_place_of_a_group(text: str, more: int) -> None:
    run = b"x" * more + b64encode("ä".encode() + text.encode()).rstrip(b"=")
    assert foreign(b"/%b " % run, 1, 1 + len(run)) >= 1


@given(LETTERS.filter(lambda text: len(text.encode()) > 14 and not text.isascii()))
def test_text_with_a_character_beyond_ascii_is_found_in_hex(text: str) -> None:
    run = text.encode().hex().encode()
    assert foreign(b" %b " % run, 1, 1 + len(run)) == 1


@pytest.mark.parametrize("before", [b"0x", b"200x"])
def test_hex_may_stand_behind_its_mark_and_a_blank_in_quoted_printable(before: bytes) -> None:
    run = before + "ｇｈｐ＿ｋ７Ｑｐ".encode().hex().encode()
    assert foreign(b"=%b " % run, 1, 1 + len(run)) == 1 + len(before)


@pytest.mark.parametrize(
    "run",
    [
        b"4f1c9a42d0b36e8a7c5d",
        b"getUserAccountDetails",
        b"ConfigurationManagerFactoryBean",
        b"Zq8xLw2VtRk93mNpYb7cJd",
        b"SGVsbG8sIHdvcmxkISBJIGFtIHBsYWluLg",
    ],
)
def test_words_identifiers_and_encoded_ascii_are_none(run: bytes) -> None:
    assert foreign(b" %b " % run, 1, 1 + len(run)) == -1
