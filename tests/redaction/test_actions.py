"""What takes a finding's place is recognised and left alone the next time, and tells no more than its action allows."""

from __future__ import annotations

import re

import pytest
from engines import KEYS, redactor, rule
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.hashing import Keyring
from sanitizer.redaction.actions import replacement
from sanitizer.text.masks import MASK

OTHER = Keyring({"other": b"1" * 32}, "other")
ACTIONS = ("mask", "hash", "partial", "remove", "blob", "keep")


def replaced(action: str, text: bytes, kind: str = "acme", keyring: Keyring = KEYS) -> bytes:
    return replacement(rule("x", "abc", kind=kind, action=action), keyring)(text)


def test_a_mask_says_the_kind_and_nothing_else() -> None:
    assert replaced("mask", b"anything") == b"[REDACTED:acme]"
    assert replacement(rule("the-id", "abc"), KEYS)(b"x") == b"[REDACTED:the-id]"


def test_a_pseudonym_is_the_same_for_the_same_value_and_key_alone() -> None:
    first = replaced("hash", b"value")

    assert re.fullmatch(rb"\[acme:[0-9a-f]{12}\]", first)
    assert replaced("hash", b"value") == first
    assert len({first, replaced("hash", b"values"), replaced("hash", b"value", "other"), replaced("hash", b"value", keyring=OTHER)}) == 4


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("uuid", [b"123e4567-e89b-42d3-a456-426614174000", b"{123E4567-E89B-42D3-A456-426614174000}", b"urn:uuid:123e4567e89b42d3a456426614174000"]),
        ("email", [b"Jane@Example.com", b" jane@example.com"]),
    ],
)  # fmt: skip
def test_spellings_of_one_value_have_one_pseudonym(kind: str, spellings: list[bytes]) -> None:
    assert len({replaced("hash", text, kind) for text in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"4111 1111 1111 1234", b"[acme:*1234]"),
        (b"jane@example.com", b"[acme:@example.com]"),
        (b"jane@b\xc3\xbccher.example", b"[acme:@b\xc3\xbccher.example]"),
        (b"short 1234", b"[REDACTED:acme]"),
        (b"jane@exa mple]", b"[REDACTED:acme]"),
        (b"hunter2", b"[REDACTED:acme]"),
    ],
)
def test_partial_shows_four_digits_or_a_domain_or_nothing(text: bytes, shown: bytes) -> None:
    assert replaced("partial", text) == shown


def test_removed_is_gone_and_kept_stays() -> None:
    assert replaced("remove", b"value") == b""
    assert replaced("keep", b"value") == b"value"


@pytest.mark.parametrize(("text", "form"), [(b"00ff" * 8, b"hex"), (b"00f", b"base64"), (b"QUJD/+==", b"base64"), (b"\x00\x01", b"binary")])
def test_a_blob_says_its_type_its_size_and_its_digest(text: bytes, form: bytes) -> None:
    assert re.fullmatch(rb"\[blob:%b:%dB:[0-9a-f]{12}\]" % (form, len(text)), replaced("blob", text))


@given(st.binary(min_size=1, max_size=60), st.sampled_from(["mask", "hash", "partial", "blob"]), st.sampled_from(["acme", "a-2-b", "uuid", "email"]))
def test_every_replacement_is_a_mask_and_can_stand_in_any_string(text: bytes, action: str, kind: str) -> None:
    shown = replaced(action, text, kind)

    assert MASK.fullmatch(shown)
    assert not set(shown) & set(b"\"'\\\r\n\t<>&")
    assert not any(byte < 0x20 for byte in shown)


@pytest.mark.parametrize("mask", [b"[REDACTED:email#2]", b"[uuid:0123456789ab#12]", b"[withheld:valueerror]", b"[blob:hex:12B:0123456789ab]"])
def test_numbered_masks_and_markers_are_masks(mask: bytes) -> None:
    assert MASK.fullmatch(mask)


@pytest.mark.parametrize("text", [b"[REDACTED]", b"[REDACTED:a b]", b"[note: jane@example.com]", b"[uuid:nothex]", b"[a:*12345]"])
def test_other_brackets_are_no_masks(text: bytes) -> None:
    assert not MASK.fullmatch(text)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_second_pass_changes_nothing_whatever_the_action(action: str) -> None:
    run = redactor(rule("acme", r"[a-z]+-secret|REDACTED:\w+|[0-9a-f]{12}", anchor="secret|REDA|[0-9a-f]{12}", before="-abcdefghijklmnopqrstuvwxyz", action=action))
    once = run.text(b"first some-secret, then other-secret")

    assert run.text(once) == once
