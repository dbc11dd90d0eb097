from __future__ import annotations

import hashlib
import hmac
import json
import math
import pickle
from pathlib import Path

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.hashing import ENVIRONMENT_NAME, HashKeyError, Keyring, canonical, plain_hash

SECRET = "correct-horse-battery-staple"
OTHER = "a-second-secret-of-enough-length"

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_canonical_form_is_that_of_the_reference_library(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(texts, numbers | texts, max_size=6), st.randoms())
def test_key_order_and_spacing_do_not_change_the_canonical_form(value: dict[str, object], random: object) -> None:
    shuffled = dict(sorted(value.items(), key=lambda _: random.random()))  # type: ignore[attr-defined]
    assert canonical(json.loads(json.dumps(shuffled, indent=3))) == canonical(value)


@pytest.mark.parametrize("spelling", ["1", "1.0", "1e0", "10E-1", "1.000", "0.1e+1"])
def test_spellings_of_one_number_are_one(spelling: str) -> None:
    assert canonical(json.loads(f'{{"n":{spelling}}}')) == b'{"n":1}'


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("-0.0", b"0"),
        ("9007199254740993", b"9007199254740992"),
        ("9007199254740993.0", b"9007199254740992"),
        ("18446744073709551616", b"18446744073709552000"),
        ("1e21", b"1e+21"),
        ("100000000000000000000000", b"1e+23"),
        ("1" + "0" * 400, b"null"),
        ("-1e400", b"null"),
        ("NaN", b"null"),
        ('"\\ud800"', b'"\\ud800"'),
        ('"\\u2028\\u007f\\u0007\\n"', b'"\xe2\x80\xa8\x7f\\u0007\\n"'),
    ],
)
def test_what_the_rfc_leaves_open_goes_as_in_ecmascript(text: str, form: bytes) -> None:
    assert canonical(json.loads(text)) == form
    assert canonical([json.loads(text)]) == b"[" + form + b"]"


def test_whichever_parser_read_a_big_number_its_form_is_the_same() -> None:
    text = '{"n":18446744073709551616}'
    assert canonical(orjson.loads(text)) == canonical(json.loads(text))


def test_keys_are_sorted_by_utf_16_units() -> None:
    assert canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_nesting_of_any_depth_has_a_canonical_form() -> None:
    value: object = 1
    for _ in range(20_000):
        value = [value]
    assert canonical(value) == b"[" * 20_000 + b"1" + b"]" * 20_000


@given(st.floats() | st.integers())
def test_no_number_raises(number: float) -> None:
    form = canonical({"n": number})
    assert form == b'{"n":null}' if math.isinf(number) or math.isnan(number) else form.startswith(b'{"n":')


def test_a_digest_names_its_key_and_can_be_recomputed_with_any_tool() -> None:
    keyring = Keyring.load(environment={ENVIRONMENT_NAME: f"prod:{SECRET}"})
    expected = hmac.new(SECRET.encode(), b'{"a":1}', hashlib.sha256).hexdigest()
    assert keyring.params_hash({"a": 1.0}) == f"hmac-sha256:prod:{expected}"
    assert plain_hash({"a": 1}) == "sha256:" + hashlib.sha256(b'{"a":1}').hexdigest()


@given(st.binary(min_size=16, max_size=200), st.binary(max_size=300))
def test_a_digest_is_the_hmac_of_the_standard_library(key: bytes, data: bytes) -> None:
    assert Keyring({"k": key}, "k").digest(data) == "hmac-sha256:k:" + hmac.digest(key, data, "sha256").hex()


def test_pseudonyms_are_stable_short_and_differ_by_kind() -> None:
    first, second = (Keyring.load(environment={ENVIRONMENT_NAME: SECRET}) for _ in range(2))
    assert first.pseudonym(b"uuid", b"x") == second.pseudonym(b"uuid", b"x")
    assert first.pseudonym(b"uuid", b"x") != first.pseudonym(b"email", b"x")
    assert len(bytes.fromhex(first.pseudonym(b"uuid", b"x").decode())) == 6


def test_without_a_key_each_process_has_its_own_and_the_id_says_so() -> None:
    first, second = Keyring.load(environment={}), Keyring.load(environment={})
    assert first.is_ephemeral
    assert first.active_id.startswith("ephemeral-")
    assert first.digest(b"x") != second.digest(b"x")


def test_an_unnamed_key_has_an_id_derived_from_it_and_shared_by_hosts() -> None:
    first, second = (Keyring.load(environment={ENVIRONMENT_NAME: SECRET}) for _ in range(2))
    assert first.active_id == second.active_id
    assert len(first.active_id) == 8
    assert first.active_id != Keyring.load(environment={ENVIRONMENT_NAME: OTHER}).active_id


def test_a_key_file_holds_several_keys_and_old_ones_still_look_up(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# rotated in autumn\nold:{SECRET}\n* new:hex:{OTHER.encode().hex()}\n\nspare:base64:{'QUJD' * 6}\n")
    keyring = Keyring.load(file)
    assert keyring.ids == ("new", "old", "spare")
    assert keyring.params_hash({}) == "hmac-sha256:new:" + hmac.new(OTHER.encode(), b"{}", hashlib.sha256).hexdigest()
    assert keyring.params_hash({}, "old") == "hmac-sha256:old:" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    with pytest.raises(HashKeyError, match="no hash key has the id 'gone'; there are: new, old, spare"):
        keyring.params_hash({}, "gone")


def test_a_file_that_is_no_text_is_one_key(tmp_path: Path) -> None:
    key = bytes(range(200, 232))
    (tmp_path / "key").write_bytes(key)
    assert Keyring.load(tmp_path / "key").digest(b"x").endswith(hmac.new(key, b"x", hashlib.sha256).hexdigest())


def test_rotation_needs_no_restart_and_a_broken_file_keeps_the_old_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"old:{SECRET}\n")
    keyring = Keyring.load(file)
    assert keyring.refreshed() is keyring
    file.write_text(f"* new:{OTHER}\nold:{SECRET}\n")
    rotated = keyring.refreshed()
    assert rotated.ids == ("new", "old")
    file.write_text("short\n")
    with pytest.raises(HashKeyError):
        rotated.refreshed()
    file.unlink()
    with pytest.raises(HashKeyError, match="cannot be read"):
        rotated.refreshed()
    assert rotated.digest(b"x", "old") == keyring.digest(b"x")


def test_a_keyring_crosses_process_boundaries() -> None:
    keyring = Keyring.load(environment={ENVIRONMENT_NAME: f"prod:{SECRET}"})
    assert pickle.loads(pickle.dumps(keyring)).digest(b"x") == keyring.digest(b"x")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tiny-secret", "has 11 bytes and needs at least 16"),
        ("prod:tiny-secret", "has 11 bytes and needs at least 16"),
        ("hex:tiny-secret-tiny-secret", "marked hex and is not valid hex"),
        ("prod:base64:tiny-secret-tiny-secret!", "marked base64 and is not valid base64"),
        (f"a:{SECRET}\na:{OTHER}", "line 2: the key id 'a' is used twice"),
        (f"*a:{SECRET}\n*b:{OTHER}", "line 2: a second key is marked active"),
        ("# nothing\n", "no hash key in it"),
        ("", "no hash key in it"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_without_being_shown(text: str, complaint: str) -> None:
    with pytest.raises(HashKeyError, match=complaint) as caught:
        Keyring.load(environment={ENVIRONMENT_NAME: text})
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert ENVIRONMENT_NAME in shown
    assert not any(secret in shown for secret in ("tiny-secret", SECRET, OTHER))


def test_a_keyring_never_shows_its_keys() -> None:
    keyring = Keyring.load(environment={ENVIRONMENT_NAME: f"prod:{SECRET}"})
    assert SECRET not in f"{keyring} {keyring!r} {keyring.ids}"
    assert not hasattr(keyring, "__dict__")
