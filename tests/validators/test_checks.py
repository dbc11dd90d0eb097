from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.validators.checks import CHECKS

HEADER = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")


def accepts(check: str, *texts: str) -> list[bool]:
    return [CHECKS[check](text.encode()) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "gb29nwbk60161331926819",
    ],
)
def test_an_iban_has_its_countrys_length_and_check_digits(text: str) -> None:
    assert CHECKS["iban"](text.encode())
    assert not CHECKS["iban"](text.encode()[:-1])
    assert not CHECKS["iban"](text.encode().replace(b"1", b"2", 1))


def test_every_serial_of_a_social_security_number_but_zero_counts() -> None:
    serials = [CHECKS["us-ssn"](b"123-45-%04d" % serial) for serial in range(10_000)]
    assert serials == [False] + [True] * 9_999


@pytest.mark.parametrize("text", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567"])
def test_areas_and_groups_that_are_never_issued_do_not(text: str) -> None:
    assert not CHECKS["us-ssn"](text.encode())


def test_a_jwt_names_its_algorithm_in_its_first_part() -> None:
    assert accepts("jwt", f"{HEADER}.e30.", f"{HEADER}.e30.c2ln", f"{HEADER}..aXY.Y3Q.dGFn") == [True] * 3
    assert accepts("jwt", "eyJhZnRlciI6IDU4NTEsICJsaW1pdCI6IDUwfQ.e30.x", "not.a.jwt", "....", "eyJ.") == [False] * 4


def test_basic_credentials_are_a_user_and_a_password() -> None:
    assert accepts("basic", "YTpi", "YWxhZGRpbjpvcGVu", "dXNlcjpww6Rzcw") == [True] * 3
    assert accepts("basic", "auth", "authentication", "information") == [False] * 3


def test_what_follows_bearer_in_a_sentence_is_no_token() -> None:
    assert accepts("bearer", "abc123def", "mF_9.B5f-4.1JqM", "dish-orange-cloud94") == [True] * 3
    assert accepts("bearer", "token", "realm=", "authentication", "<token>", "${TOKEN}") == [False] * 5


def test_a_password_in_a_sentence_has_letters_and_digits() -> None:
    assert accepts("told-password", "hunter2!", "Tr0ub4dor&3") == [True] * 2
    assert accepts("told-password", "RAqhdlsoDbGe", "NbjLtzETxkXG") == [True] * 2
    assert accepts("told-password", "StreamEndToken", "invalidOrExpired", "PasswordReset") == [False] * 3
    assert accepts("told-password", "sha256", "required", "10.0.0.1", "for", "bcrypt2b") == [False] * 5


def test_a_blob_is_neither_a_path_nor_hexadecimal_nor_a_name() -> None:
    blob = base64.b64encode(bytes(range(256))).decode()
    assert CHECKS["base64-blob"](blob.encode())
    assert (
        accepts("base64-blob", "a/path/of/many/folders" * 8, "0123456789abcdef" * 9, "a_long_identifier_in_snake_case" * 5)
        == [False] * 3
    )


def test_a_byte_array_holds_bytes_in_no_order() -> None:
    assert CHECKS["byte-array"](b", ".join(b"%d" % (i * i * 37 % 251) for i in range(64)))
    assert not CHECKS["byte-array"](b", ".join(b"%d" % i for i in range(64)))
    assert not CHECKS["byte-array"](b", ".join(b"%d" % (i * 370) for i in range(64)))


def test_a_session_id_cannot_be_guessed() -> None:
    assert accepts("session-id", "fKd8d3-JQnRZfNRaVW3pDmpSY0JshNUaywpuYzn5AMP", "8f14e45fceea167a") == [True] * 2
    assert accepts("session-id", "none", "42", "0x14f05578bd80001", "initialized") == [False] * 4


def test_a_one_time_code_holds_a_digit() -> None:
    assert accepts("one-time-code", "060859", "AB12-CD34", "a1b2c-d3e4f") == [True] * 3
    assert accepts("one-time-code", "REQUIRED", "true", "") == [False] * 3


def test_recovery_codes_come_in_lists() -> None:
    assert accepts("one-time-code", "qc0s1-sbqiv, qc3jh-pkclx, dzssr-157bh") == [True]
    assert accepts("one-time-code", "see, below, please") == [False]


def test_a_pin_is_of_three_to_twelve_digits() -> None:
    assert accepts("pin", "4821", "82537236") == [True] * 2
    assert accepts("pin", "4", "GPIO17", "off") == [False] * 3


def test_behind_a_mark_digits_alone_are_a_password() -> None:
    assert accepts("told-code", "7065717422", "hunter2!") == [True] * 2
    assert accepts("told-code", "12", "changed") == [False] * 2


def test_ipv6_addresses_and_times_are_told_apart() -> None:
    assert accepts("ipv6", "2001:db8::1", "fe80::1ff:fe23:4567:890a", "1:2:3:4:5:6:7:8") == [True] * 3
    assert accepts("ipv6", "12:34:56", "::", "a::b::c", "dead::beef:") == [False, False, False, False]


@given(st.binary(max_size=300) | st.text(max_size=80).map(str.encode))
def test_any_bytes_give_every_check_an_answer(text: bytes) -> None:
    for name, check in CHECKS.items():
        assert check(text) in (True, False), name
