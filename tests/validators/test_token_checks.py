from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.rulesets.ruleset import Rule, load
from sanitizer.validators import token_checks
from sanitizer.validators.token_checks import BASE58, BASE62, CHECKS, RIPPLE58

GITHUB = b"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"  # the example of a checksum that GitHub's format is explained with


def base58(payload: bytes, alphabet: bytes = BASE58) -> bytes:
    whole = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    value, out = int.from_bytes(whole, "big"), b""
    while value:
        value, digit = divmod(value, 58)
        out = alphabet[digit : digit + 1] + out
    return alphabet[:1] * (len(whole) - len(whole.lstrip(b"\x00"))) + out


def swapped(token: bytes, at: int) -> bytes:
    """*token* with another letter or digit at *at*."""
    other = b"b" if token[at : at + 1] != b"b" else b"c"
    return token[:at] + other + token[at + 1 :]


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in load().rules}


def planted(rule: Rule) -> bytes:
    """The token in the first example of *rule*: what its mask took the place of."""
    example = rule.examples[0]
    before, _, after = example.after.partition(f"[REDACTED:{rule.label}]")
    return example.before[len(before) : len(example.before) - len(after)].encode()


def test_a_github_token_carries_the_crc_of_its_body() -> None:
    assert token_checks.crc32_base62(GITHUB)
    assert not token_checks.crc32_base62(swapped(GITHUB, 10))
    assert not token_checks.crc32_base62(b"ghp_short")
    assert not token_checks.crc32_base62(b"ghp_" + b"-" * 36)


@given(st.binary(min_size=1, max_size=40).map(lambda body: base64.b32encode(body).rstrip(b"=")))
def test_any_body_with_its_crc_behind_it_holds(body: bytes) -> None:
    value, tail = zlib.crc32(body), b""
    for _ in range(6):
        value, digit = divmod(value, 62)
        tail = BASE62[digit : digit + 1] + tail
    assert token_checks.crc32_base62(b"npm_" + body + tail)


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        ("github-pat", "crc32-base62"),
        ("github-oauth-token", "crc32-base62"),
        ("github-user-token", "crc32-base62"),
        ("github-installation-token", "crc32-base62"),
        ("npm-access-token", "crc32-base62"),
        ("grafana-service-account-token", "crc32-hex"),
        ("age-secret-key", "bech32"),
        ("nostr-secret-key", "bech32"),
        ("cardano-secret-key", "bech32"),
        ("bitcoin-extended-private-key", "base58check"),
        ("tezos-secret-key", "base58check"),
        ("onepassword-service-account-token", "json-base64"),
        ("pypi-api-token", "pypi-macaroon"),
    ],
)
def test_planted_tokens_have_the_checksum_of_their_format(rules: dict[str, Rule], rule: str, check: str) -> None:
    assert CHECKS[check](planted(rules[rule]))


def test_a_grafana_token_carries_the_crc_of_all_before_it(rules: dict[str, Rule]) -> None:
    token = planted(rules["grafana-service-account-token"])
    assert token_checks.crc32_hex(token)
    assert not token_checks.crc32_hex(swapped(token, 8))


@pytest.mark.parametrize("text", [b"Xk9fQ2mZ7vL1pT4cR8wN", b"pa-aZ3kQ9xV2mB7nL4cT8wR1yU6"])
def test_random_text_is_mixed(text: bytes) -> None:
    assert token_checks.mixed_token(text)


@pytest.mark.parametrize(
    "text", [b"notificationservicehandler", b"NotificationServiceHandler", b"5f8d7c6b5f8d7c6b5f8d7c6b", b"THE_NAME_OF_A_CONSTANT"]
)
def test_names_and_digests_are_not_mixed(text: bytes) -> None:
    assert not token_checks.mixed_token(text)


def test_a_prefix_is_a_word() -> None:
    assert token_checks.prefixed_token(b"acme_live_Zk3vQ9mXw7LpRt2YbN8sHdF4")
    assert not token_checks.prefixed_token(b"e3aQNzs-wyOwc7PL_WSxbhJBJiWI3snYSGN9Qio6xQk")
    assert not token_checks.prefixed_token(b"d8_GdWsBO-n7FU4qg9SLo06hD2O2NaijsRpshSxRCAo")
    assert not token_checks.prefixed_token(b"Nxzx-kARM7-NjKi69znPTMC3e2pfh6zT6ahyCtF1V7M")


def test_what_may_be_a_digest_needs_more_of_a_name_than_key() -> None:
    assert not token_checks.after_name(b"7D707260A0FEB43B", b"gpg: key")
    assert token_checks.after_name(b"f0b951bd76365a15ddbc7c68f43186ff", b"using the API key")


def test_a_constant_in_capitals_has_no_digits() -> None:
    assert token_checks.letters_and_digits(b"A2B")
    assert not token_checks.letters_and_digits(b"ABCDEF")
    assert not token_checks.letters_and_digits(b"123456")


def test_a_discord_token_begins_with_the_id_of_its_bot() -> None:
    bot = base64.b64encode(b"123456789012345678")
    assert token_checks.discord_bot_token(bot + b".aaaaaa." + b"a" * 38)
    assert token_checks.discord_bot_token(b"MTSqDxHovgEEWGsqsZ6q4DhQ.-KxP0n.gg3T8-HAjnJgaALprKFcqecWCb")
    assert not token_checks.discord_bot_token(b"NotificationServiceHandler.handle.processIncomingMessages")


def test_a_json_token_opens_an_object() -> None:
    assert token_checks.json_base64(b"ops_" + base64.urlsafe_b64encode(b'{"signInAddress": "example.com"}'))
    assert not token_checks.json_base64(b"ops_eyJ")
    assert not token_checks.json_base64(b"ops_nothing")


def test_a_pypi_token_names_its_index() -> None:
    macaroon = base64.urlsafe_b64encode(b"\x02\x01\x08pypi.org\x02\x24" + b"x" * 60)
    assert token_checks.pypi_macaroon(b"pypi-" + macaroon)
    assert not token_checks.pypi_macaroon(b"pypi-" + base64.urlsafe_b64encode(b"\x02\x01\x08else.org\x02\x24" + b"x" * 60))


@given(st.binary(min_size=32, max_size=32), st.booleans(), st.integers(0, 50))
def test_a_wallet_key_is_known_by_its_checksum(key: bytes, compressed: bool, at: int) -> None:
    token = base58(b"\x80" + key + (b"\x01" if compressed else b""))
    assert token_checks.wif_private_key(token)
    assert token_checks.base58check(token)
    assert not token_checks.wif_private_key(swapped(token, at))


def test_an_address_is_no_wallet_key() -> None:
    assert not token_checks.wif_private_key(base58(b"\x00" + bytes(range(20))))


def test_an_xrp_seed_is_written_in_its_own_alphabet() -> None:
    seed = base58(b"\x21" + bytes(range(16)), RIPPLE58)
    assert token_checks.xrp_seed(seed)
    assert not token_checks.base58check(seed)
    assert not token_checks.xrp_seed(swapped(seed, 5))


def test_a_stellar_seed_carries_a_crc() -> None:
    body = bytes([18 << 3]) + bytes(range(32))
    seed = base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little"))
    assert token_checks.stellar_seed(seed)
    assert not token_checks.stellar_seed(swapped(seed.lower(), 20).upper())
    assert not token_checks.stellar_seed(b"not base32!")


@pytest.mark.parametrize(
    "text",
    [
        b"A12UEL5L",  # BIP-173, test vectors
        b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        b"A1LQFN3A",  # BIP-350, test vectors
        b"split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    ],
)
def test_the_vectors_of_bech32_hold(text: bytes) -> None:
    assert token_checks.bech32(text)
    assert not token_checks.bech32(swapped(text, len(text) - 1) if text[-1:] not in b"bc" else text[:-1] + b"q")


def test_text_without_a_separator_is_no_bech32() -> None:
    assert not token_checks.bech32(b"qpzry9x8gf2tvdw0s3jn")


@given(st.binary(max_size=200))
def test_no_check_fails_on_any_bytes(text: bytes) -> None:
    for name, check in CHECKS.items():
        assert check(text) in (True, False), name
