"""The hash chain of audit events, and the signatures that seal it.

Each event carries a sequence number, the hash of the one before it, and its own: SHA-256 over the event in RFC 8785 form
without `hash`. A checkpoint is an event like any other that also carries an Ed25519 signature (RFC 8032) over itself in that
form without `signature`, and by the hash before it over everything before.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sanitizer.audit.event import AuditEvent, encode, timestamp
from sanitizer.model import Clean

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNING_KEY_NAME = "SANITIZER_AUDIT_KEY"
GENESIS = "0" * 64
_CONTEXT = b"mcp-log-sanitizer audit checkpoint\n"

_HASH_BYTES = len(',"hash":""}') + 64

_SHA256 = hashlib.sha256()
_encode = msgspec.json.Encoder().encode


class SigningKeyError(ValueError):
    """Raised when a signing or public key cannot be used. The text names where it came from and the mend, never the key."""


class Head(msgspec.Struct, frozen=True):
    """Where a chain ends: the sequence number and hash of its last event."""

    chain: str
    seq: int
    hash: str


class HeadFile:
    """A head in a file of its own. What was sealed must be durable before its head is, or an event may be numbered twice."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load_head(self) -> Head | None:
        """The head in the file; None where there is no file or it holds none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Head)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def store_head(self, head: Head) -> None:
        """Replace the file. Raises `OSError`."""
        replace_file(self._path, _encode(head) + b"\n")


def replace_file(path: Path, data: bytes) -> None:
    """Have *data* in the file at *path* (mode 0600), all of it or what was there: written beside, synced, renamed over. Raises
    `OSError`."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(beside, path)


class Signer:
    """Signs checkpoints with one Ed25519 key. Its repr shows the key's id only."""

    __slots__ = ("_key", "key_id")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id(key.public_key())

    def __repr__(self) -> str:
        return f"Signer(key_id={self.key_id!r})"

    @classmethod
    def load(cls, key_file: str | os.PathLike[str] | None = None, environment: Mapping[str, str] = os.environ) -> Signer | None:
        """The key in *key_file*, else in the environment (PEM, or its 32 bytes in base64), else None. Raises `SigningKeyError`."""
        if key_file is not None:
            path = os.fspath(key_file)
            try:
                return cls(_private_key(Path(path).read_bytes(), path))
            except OSError as error:
                raise SigningKeyError(f"{path}: the signing key cannot be read: {error.strerror}") from None
        if (text := environment.get(SIGNING_KEY_NAME)) is not None:
            return cls(_private_key(text.encode(), SIGNING_KEY_NAME))
        return None

    def sign(self, body: bytes) -> str:
        """The signature over an event in RFC 8785 form, base64."""
        return base64.b64encode(self._key.sign(_CONTEXT + body)).decode()


class Chain:
    """Seals events one after the other; continues after *head*, or begins a chain with an id of its own.

    A checkpoint falls due every *every_events* events and every *every_secs* seconds in which there were any.
    """

    def __init__(
        self, head: Head | None = None, signer: Signer | None = None, every_events: int = 1_000, every_secs: float = 60.0
    ) -> None:
        self._chain, self._seq, self._hash = (head.chain, head.seq, head.hash) if head else (secrets.token_hex(8), 0, GENESIS)
        self._signer = signer
        self._every_events = every_events
        self._every_ns = int(every_secs * 1e9)
        self._unsealed = 0
        self._sealed_ns = 0

    @property
    def head(self) -> Head:
        """The chain's end as of the last event sealed."""
        return Head(self._chain, self._seq, self._hash)

    def seal(self, event: AuditEvent) -> Clean:
        """*event* as the next of the chain: one line of JSON, without its end."""
        self._unsealed += 1
        return self._link(event)

    def checkpoint(self, now_ns: int, *, closing: bool = False) -> Clean:
        """A checkpoint over everything so far; *closing* says that nothing follows until the writer is started again."""
        event = AuditEvent(type="checkpoint", time=timestamp(now_ns), closing=closing)
        self._unsealed, self._sealed_ns = 0, now_ns
        return self._link(event, self._signer)

    def is_due(self, now_ns: int) -> bool:
        """Whether it is time for a checkpoint."""
        if not self._unsealed:
            return False
        self._sealed_ns = self._sealed_ns or now_ns
        return self._unsealed >= self._every_events or now_ns - self._sealed_ns >= self._every_ns

    def _link(self, event: AuditEvent, signer: Signer | None = None) -> Clean:
        self._seq = event.seq = self._seq + 1
        event.chain, event.prev = self._chain, self._hash
        if signer is not None:
            event.key = signer.key_id
            event.signature = signer.sign(encode(event))
        body = encode(event)
        state = _SHA256.copy()  # in half the time that beginning anew takes
        state.update(body)
        self._hash = digest = state.hexdigest()
        return Clean(b'%b,"hash":"%b"}' % (body[:-1], digest.encode()))


def sealed(line: bytes) -> Clean | None:
    """*line* if it is an event just as `Chain` wrote it: its hash, which stands last, is that of the rest."""
    is_whole = hashlib.sha256(b"%b}" % line[:-_HASH_BYTES]).hexdigest().encode() == line[-_HASH_BYTES + 9 : -2]
    return Clean(line) if is_whole else None


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of SHA-256 over the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def is_signed_by(key: Ed25519PublicKey, body: bytes, signature: str) -> bool:
    """Whether *signature* (base64) over *body*, an event in RFC 8785 form, was made with the private half of *key*."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy, and only for verifying

    try:
        key.verify(base64.b64decode(signature, validate=True), _CONTEXT + body)
    except (InvalidSignature, ValueError):
        return False
    return True


def generate_key() -> tuple[bytes, bytes]:
    """A new key pair in PEM: private (PKCS #8), public (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - heavy, and only here
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as heavy

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return private, key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)


def load_public_key(path: str | os.PathLike[str]) -> Ed25519PublicKey:
    """The Ed25519 public key in the PEM file at *path*. Raises `SigningKeyError`."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - heavy, and only for verifying
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as heavy
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as heavy

    try:
        key = load_pem_public_key(Path(path).read_bytes())
    except OSError as error:
        raise SigningKeyError(f"{path}: the public key cannot be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError(
            f"{path}: no Ed25519 public key in PEM form; `sanitizer audit keygen` writes one beside the private key"
        )
    return key


def _private_key(data: bytes, origin: str) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - heavy, and only where a chain is signed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as heavy
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as heavy

    try:
        if data.lstrip().startswith(b"-----"):
            key = load_pem_private_key(data, password=None)
        else:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(data.strip(), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(
            f"{origin}: no Ed25519 private key (PEM without a passphrase, or 32 bytes in base64); "
            "make one with `sanitizer audit keygen`"
        )
    return key
