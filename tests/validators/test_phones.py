from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.validators import phones

FORMATS = (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def examples(region: str) -> list[phonenumbers.PhoneNumber]:
    found = (phonenumbers.example_number_for_type(region, kind) for kind in phonenumbers.PhoneNumberType.values())
    return [number for number in found if number is not None]


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_kind_of_number_of_every_region_is_known(region: str) -> None:
    for number in examples(region):
        for form in FORMATS:
            written = phonenumbers.format_number(number, form)
            assert phones.international(written.encode()), written
            assert phones.international(b"00" + written[1:].encode()), written
        local = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert phones.keyed(local.encode()), local


@pytest.mark.parametrize("number", ["(202) 555-0771", "020 7946 0958", "06 12 34 56 78", "030/123456", "0171-1234567"])
def test_national_forms_are_known(number: str) -> None:
    assert phones.national(number.encode())


@pytest.mark.parametrize(
    "number",
    [
        "+1 (202) 555-0771",
        "+1.202.555.0771",
        "+1 [202] 555 0771",
        "001 202 555 0217",
        "+1-202-555-0995 ext. 12",
        "+44 (0)20 7946 0958",
    ],
)
def test_ways_to_write_an_international_number(number: str) -> None:
    assert phones.international(number.encode())


@pytest.mark.parametrize("text", ["+0100", "+05:30", "+12", "00 01 02 03", "+9999999999999999999", "+999 123 456"])
def test_offsets_and_bytes_are_no_international_numbers(text: str) -> None:
    assert not phones.international(text.encode())


@pytest.mark.parametrize("text", ["2025-03-14", "14.03.2025", "10.0.0.5", "true", "12"])
def test_dates_and_addresses_behind_a_word_for_a_telephone_are_none(text: str) -> None:
    assert not phones.labelled(text.encode())


@pytest.mark.parametrize("text", ["202 555 0376", "7012345", "200 16827"])
def test_a_number_that_is_to_be_called_is_one(text: str) -> None:
    assert phones.called(text.encode())


def test_area_codes_begin_with_two() -> None:
    assert phones.north_american(b"1-202-555-0771")
    assert not phones.north_american(b"102-555-0771")
    assert not phones.north_american(b"911-911-1911")


@given(st.binary(max_size=40) | st.text(alphabet="+0123456789 ()-./x", max_size=30).map(str.encode))
def test_any_bytes_give_an_answer(text: bytes) -> None:
    for check in (
        phones.international,
        phones.national,
        phones.north_american,
        phones.keyed,
        phones.labelled,
        phones.called,
        phones.exit_code,
    ):
        assert check(text) in (True, False)


@pytest.mark.parametrize("text", ["1.19.0", "12.5", "0.4.11"])
def test_a_version_in_a_field_named_after_a_telephone_is_none(text: str) -> None:
    assert not phones.keyed(text.encode())


@pytest.mark.parametrize("text", ["901.12.31.87", "06.90.123.364", "0800 1234551139 ext. 8121"])
def test_groups_that_are_no_address_and_an_extension_are_a_number(text: str) -> None:
    assert phones.labelled(text.encode())


@pytest.mark.parametrize("text", ["22.20.16.15", "1.2.300.4"])
def test_only_behind_words_that_say_so_what_may_be_an_address_or_a_version_is_a_number(text: str) -> None:
    assert not phones.labelled(text.encode())
    assert phones.said(text.encode())


@pytest.mark.parametrize("text", ["0033 6 12 34 56 78", "0044 7781 123453", "00227 20 20 17 63"])
def test_a_country_code_joined_to_the_exit_code(text: str) -> None:
    assert phones.exit_code_grouped(text.encode())


@pytest.mark.parametrize("text", ["0044 7781 1234 5312", "0012 34 56", "0099 7781 123453", "00442079460958"])
def test_a_dump_of_words_is_no_number(text: str) -> None:
    assert not phones.exit_code_grouped(text.encode())


@pytest.mark.parametrize("text", ["020 7946 0958", "06 12 34 56 78", "(11) 96123-4567", "0171 2345678", "06.12.34.56.78", "0712 345774"])
def test_a_national_number_in_its_countrys_groups(text: str) -> None:
    assert phones.national_written(text.encode())


@pytest.mark.parametrize("text", ["01 02 03 04 05", "0207 9460 95 8", "(12) 345 678", "01-02-2026", "03.14.2026", "0712-123456"])
def test_groups_that_no_country_writes_are_no_national_number(text: str) -> None:
    assert not phones.national_written(text.encode())


def test_an_address_before_an_extension_stays_one() -> None:
    assert not phones.labelled(b"10.0.0.12 ext. 12")
    assert phones.labelled(b"34 10 4979 ext. 9726")
