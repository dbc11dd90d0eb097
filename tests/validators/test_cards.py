from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.validators.cards import card, card_grouped, card_keyed, card_told, luhn

PREFIXES = {
    "4": (13, 16, 19),
    "51": (16,),
    "2221": (16,),
    "2720": (16,),
    "34": (15,),
    "37": (15,),
    "300": (14, 16, 19),
    "36": (14, 19),
    "6011": (16, 19),
    "644": (16,),
    "65": (16, 19),
    "3528": (16, 19),
    "3589": (16,),
    "62": (16, 17, 18, 19),
    "81": (16,),
    "5018": (12, 13, 16, 19),
    "6759": (12, 19),
    "2200": (16, 19),
    "9792": (16,),
    "506099": (16, 18, 19),
    "606282": (16,),
    "6362": (16,),
    "8600": (16,),
}


def with_check_digit(body: str) -> str:
    return next(number for digit in "0123456789" if luhn((number := body + digit).encode()))


@pytest.mark.parametrize(("prefix", "length"), [(prefix, length) for prefix, lengths in PREFIXES.items() for length in lengths])
def test_a_card_of_every_network_and_length_is_one(prefix: str, length: int) -> None:
    number = with_check_digit((prefix + "1234567890123456789")[: length - 1])
    assert card(f"{number[:4]} {number[4:]}".encode())
    assert not card((number[:-1] + str((int(number[-1]) + 1) % 10)).encode())


@pytest.mark.parametrize("separator", [" ", "  ", "-", ".", "_", ",", "/", "\n"])
def test_separators_do_not_hide_a_card(separator: str) -> None:
    assert card(separator.join(("4111", "1111", "1111", "1111")).encode())


@pytest.mark.parametrize(
    "number", ["1741944413589", "1741944413589123", "1741944413589123456", "20250314092653589", "0000000000000000"]
)
def test_times_and_zeros_are_no_cards(number: str) -> None:
    assert not card(number.encode())


def test_in_one_run_only_ranges_of_long_cards_count() -> None:
    assert card(with_check_digit("622202123456789012").encode())
    assert card(with_check_digit("67591234567").encode())
    assert not card(with_check_digit("57043961831").encode())
    assert not card(with_check_digit("570439618317123456").encode())


def test_a_grouped_number_may_be_of_uatp() -> None:
    number = with_check_digit("10001234567890")
    assert card_grouped(f"{number[:4]} {number[4:9]} {number[9:]}".encode())
    assert not card(number.encode())


@pytest.mark.parametrize("digits", ["62123456789002", "621234567890123"])
def test_cards_of_unionpay_may_be_shorter(digits: str) -> None:
    assert card(with_check_digit(digits[:-1]).encode())


def test_a_named_card_needs_no_check_digit() -> None:
    assert card_keyed(b"6222 0212 3456 7890 123")
    assert not card_keyed(b"basic")


def test_a_fingerprint_is_no_card_whatever_its_field_is_named() -> None:
    assert not card_keyed(b"18:2f:70:de:87:3f:e0:43:a6:d9:1b:b6")
    assert not card_keyed(b"2d40:8c68:4c87:09a8:468c:bcef")


@given(st.binary(max_size=60))
def test_any_bytes_give_an_answer(text: bytes) -> None:
    for check in (luhn, card, card_grouped, card_keyed):
        assert check(text) in (True, False)


@pytest.mark.parametrize("number", ["869918894588469", "2149 600428 26781", "8699-0539-0536-8418-349"])
def test_behind_a_word_for_a_card_the_check_digit_suffices(number: str) -> None:
    fits = next(number[:-1] + last for last in "0123456789" if luhn((number[:-1] + last).encode()))

    assert card_told(fits.encode())
    assert not card(fits.encode())


@pytest.mark.parametrize("text", ["2149, 6004, 2826, 7819", "[2149][6004][2826][781]", "17419444135"])
def test_a_list_of_numbers_behind_the_word_is_no_card(text: str) -> None:
    assert not any(card_told((text[:-1] + last).encode()) for last in "0123456789")


@pytest.mark.parametrize("number", ["676770648971831947", "8171999900000000021", "5641824178673230250", "6153200420391359"])
def test_ranges_that_are_issued(number: str) -> None:
    fits = next(number[:-1] + last for last in "0123456789" if luhn((number[:-1] + last).encode()))
    assert card(fits.encode())
