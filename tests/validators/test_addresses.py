from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.validators.addresses import CHECKS, keccak256

VALID = [
    ("base58check", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("bech32", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bech32", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"),
    ("bech32", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("ripple", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("eip-55", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("eip-55", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
]


@pytest.mark.parametrize(("check", "address"), VALID)
def test_addresses_of_the_specifications_hold(check: str, address: str) -> None:
    assert CHECKS[check](address.encode())


@pytest.mark.parametrize(("check", "address"), VALID[:6])
def test_a_mistyped_address_does_not(check: str, address: str) -> None:
    mistyped = address[:-1] + ("D" if address[-1] == "d" else "q" if address[-1] != "q" else "p")
    assert not CHECKS[check](mistyped.encode())


def test_keccak_of_nothing_is_the_published_one() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@given(st.binary(max_size=130))
def test_any_bytes_give_an_answer(text: bytes) -> None:
    for check in CHECKS.values():
        assert check(text) in (True, False)
