from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.audit.chain import (
    GENESIS,
    SIGNING_KEY_NAME,
    Chain,
    Head,
    HeadFile,
    Signer,
    SigningKeyError,
    generate_key,
    load_public_key,
)
from sanitizer.audit.event import AuditEvent, encode, timestamp
from sanitizer.hashing import canonical
from sanitizer.protocol.mcp import printable

NOW = 1_795_186_552_123_456_789


def event() -> AuditEvent:
    return AuditEvent(type="call", time=timestamp(NOW), tool="t")


def test_each_event_carries_its_number_its_hash_and_the_hash_before() -> None:
    chain = Chain()
    first, second = json.loads(chain.seal(event())), json.loads(chain.seal(event()))
    assert (first["seq"], second["seq"]) == (1, 2)
    assert (first["prev"], second["prev"]) == (GENESIS, first["hash"])
    stated = second.pop("hash")
    assert stated == hashlib.sha256(canonical(second)).hexdigest() == chain.head.hash


def test_a_chain_continues_where_its_head_says() -> None:
    chain = Chain()
    last = json.loads(chain.seal(event()))
    following = json.loads(Chain(chain.head).seal(event()))
    assert (following["chain"], following["seq"], following["prev"]) == (last["chain"], 2, last["hash"])


def test_chains_have_ids_of_their_own() -> None:
    assert Chain().head.chain != Chain().head.chain


def test_checkpoints_fall_due_by_events_and_by_time_but_not_over_nothing() -> None:
    chain = Chain(every_events=3, every_secs=10)
    assert not chain.is_due(NOW)
    chain.seal(event())
    assert not chain.is_due(NOW)
    assert chain.is_due(NOW + 10 * 10**9)
    chain.checkpoint(NOW)
    assert not chain.is_due(NOW + 60 * 10**9)
    for _ in range(3):
        chain.seal(event())
    assert chain.is_due(NOW)


texts = st.text(max_size=10).map(printable).map(lambda text: text.encode("utf-8", "replace").decode())


@given(
    texts,
    st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    st.dictionaries(st.from_regex(r"[a-z_-]{1,8}", fullmatch=True), st.integers(0, 2**31), max_size=4),
    st.integers(0, 10**9).map(lambda number: number + 0.125),
)
def test_the_encoding_of_an_event_is_its_canonical_form(text: str, name: int | str, counts: dict[str, int], latency: float) -> None:
    made = AuditEvent(type="call", time=text, tool=text, id=name, redactions=counts, latency_ms=latency, user=text, server=text)
    assert encode(made) == canonical(json.loads(encode(made)))


def test_a_head_file_is_replaced_whole_and_survives_what_is_left_beside_it(tmp_path: Path) -> None:
    store = HeadFile(tmp_path / "audit.head")
    assert store.load_head() is None
    (tmp_path / "audit.head.new").write_bytes(b"torn")
    store.store_head(Head("c", 7, "h"))
    assert store.load_head() == Head("c", 7, "h")
    assert (tmp_path / "audit.head").stat().st_mode & 0o777 == 0o600
    (tmp_path / "audit.head").write_bytes(b'{"chain":')
    assert store.load_head() is None


def test_a_generated_key_signs_and_its_public_half_is_no_secret(tmp_path: Path) -> None:
    private, public = generate_key()
    (tmp_path / "key").write_bytes(private)
    (tmp_path / "key.pub").write_bytes(public)
    signer = Signer.load(tmp_path / "key")
    assert signer is not None
    assert "PRIVATE" not in public.decode()
    checkpoint = json.loads(Chain(signer=signer).checkpoint(NOW))
    assert checkpoint["key"] == signer.key_id
    load_public_key(tmp_path / "key.pub").verify(
        base64.b64decode(checkpoint.pop("signature")),
        b"mcp-log-sanitizer audit checkpoint\n" + canonical({name: item for name, item in checkpoint.items() if name != "hash"}),
    )


def test_a_signing_key_may_come_from_the_environment() -> None:
    private, _ = generate_key()
    from_pem = Signer.load(environment={SIGNING_KEY_NAME: private.decode()})
    from_bytes = Signer.load(environment={SIGNING_KEY_NAME: base64.b64encode(bytes(32)).decode()})
    assert from_pem is not None
    assert from_bytes is not None
    assert Signer.load(environment={}) is None


@pytest.mark.parametrize(
    "text", ["secret-secret", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "c2VjcmV0", ""]
)
def test_a_signing_key_that_is_none_is_refused_without_being_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    for load in (
        lambda: Signer.load(environment={SIGNING_KEY_NAME: text}),
        lambda: Signer.load(tmp_path / "key"),
        lambda: load_public_key(tmp_path / "key"),
    ):
        with pytest.raises(SigningKeyError, match="Ed25519") as caught:
            load()
        assert "secret" not in str(caught.value)
        assert "c2Vj" not in str(caught.value)
    with pytest.raises(SigningKeyError, match="cannot be read"):
        Signer.load(tmp_path / "gone")


def test_a_signer_never_shows_its_key() -> None:
    seed = b"a seed of thirty-two bytes......"
    signer = Signer.load(environment={SIGNING_KEY_NAME: base64.b64encode(seed).decode()})
    assert repr(signer) == f"Signer(key_id={signer.key_id!r})" if signer else False
