"""Keys, keyed digests, and the RFC 8785 form that params are hashed in.

A `Keyring` holds several keys with ids, one of them active. Hashes name the key they were made with
(`hmac-sha256:KEYID:HEX`), so that a call logged under an old key can still be looked up while the old key is kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sanitizer import patterns

ENVIRONMENT_NAME = "SANITIZER_HASH_KEY"
MIN_KEY_BYTES = 16

_KEY_ID = patterns.lazy(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_LARGEST_EXACT = 2**53
# orjson's compact form is that of the RFC but for numbers with a fraction or an exponent: they follow one of these signs, and
# ECMAScript may spell them otherwise. A string that looks the same merely takes the slower way.
_DOUBTFUL_NUMBER = patterns.lazy(rb"[:\[,]-?[0-9]+[.e]")
_IN_ORDER = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# Sorting by UTF-8 and by UTF-16 differ only where characters beyond the BMP are present.
_BEYOND_BMP = patterns.lazy(rb"[\xf0-\xf4]")


class HashKeyError(ValueError):
    """Raised when a hash key cannot be used. The text names where it came from and the mend, never the key."""


def canonical(value: object, *, may_hold_floats: bool = True) -> bytes:
    """*value* (as a JSON parser gives it) in the form of RFC 8785, UTF-8; never raises.

    Numbers are IEEE 754 doubles as the RFC has it, so `1`, `1.0` and `10E-1` are one, and integers beyond 2^53 round.
    Where the RFC makes no promise, ECMAScript's `JSON.stringify` decides: NaN and numbers beyond a double are `null`,
    a lone surrogate is its escape (`\\ud800`). Whoever knows that there are no floats saves the search for them.
    """
    if not isinstance(value, dict | list):
        return _write(value)
    try:
        form = orjson.dumps(value, option=_IN_ORDER)
    except (TypeError, RecursionError):  # lone surrogate, integer beyond 53 bits, nested too deeply for orjson
        return _write(value)
    if may_hold_floats and _DOUBTFUL_NUMBER.search(form):
        return _write(value)
    return form if form.isascii() or not _BEYOND_BMP.search(form) else _write(value)


def _write(value: object) -> bytes:
    """RFC 8785 without recursion, so that nesting costs memory and not the stack."""
    written: list[bytes] = []
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        if type(item) is bytes:
            written.append(item)
        elif isinstance(item, dict):
            parts: list[Any] = [b"{"]
            for key in sorted(item, key=_utf16):
                parts += (b"," if len(parts) > 1 else b"", _string(str(key)), b":", item[key])
            parts.append(b"}")
            todo.extend(reversed(parts))
        elif isinstance(item, list | tuple):
            parts = [b"["]
            for element in item:
                parts += (b"," if len(parts) > 1 else b"", element)
            parts.append(b"]")
            todo.extend(reversed(parts))
        else:
            written.append(_scalar(item))
    return b"".join(written)


def _utf16(key: object) -> bytes:
    return str(key).encode("utf-16-be", "surrogatepass")


def _string(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _scalar(item: object) -> bytes:
    if item is None or item is True or item is False:
        return {None: b"null", True: b"true", False: b"false"}[item]
    if not isinstance(item, int | float):
        return _string(str(item))
    if isinstance(item, int) and -_LARGEST_EXACT < item < _LARGEST_EXACT:
        return str(item).encode()
    try:
        number = float(item)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return b"null"
    import rfc8785  # noqa: PLC0415 - most calls hold no such number

    return bytes(rfc8785.dumps(number))


class Running:
    """`Keyring.digest` of data that comes in pieces."""

    __slots__ = ("_inner", "_key_id", "_outer")

    def __init__(self, key_id: str, inner: hashlib._Hash, outer: hashlib._Hash) -> None:
        self._key_id, self._inner, self._outer = key_id, inner, outer

    def update(self, data: bytes, /) -> None:
        self._inner.update(data)

    def hexdigest(self) -> str:
        """`hmac-sha256:KEYID:HEX` of all that was given; only once."""
        self._outer.update(self._inner.digest())
        return f"hmac-sha256:{self._key_id}:{self._outer.hexdigest()}"


class Keyring:
    """Hash keys by id, one active; immutable and picklable. Its repr shows ids only."""

    __slots__ = ("_file", "_inner", "_keys", "_label", "_outer", "_stamp", "active_id")

    def __init__(self, keys: Mapping[str, bytes], active_id: str, file: str = "", stamp: tuple[int, ...] = ()) -> None:
        self._keys = dict(keys)
        self.active_id = active_id
        self._label = f"hmac-sha256:{active_id}:"
        self._inner, self._outer = _prepared(self._keys[active_id])
        self._file = file
        self._stamp = stamp

    def __reduce__(self) -> tuple[object, ...]:
        return Keyring, (self._keys, self.active_id, self._file, self._stamp)

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self._keys)}, active={self.active_id!r})"

    @classmethod
    def ephemeral(cls) -> Keyring:
        """One random key that lives as long as the process; its id says so."""
        key = secrets.token_bytes(32)
        return cls({(name := f"ephemeral-{_derived_id(key)}"): key}, name)

    @classmethod
    def load(cls, key_file: str | os.PathLike[str] | None = None, environment: Mapping[str, str] = os.environ) -> Keyring:
        """The keys of *key_file*, else of the environment, else an ephemeral one.

        One key a line: `SECRET`, or `ID:SECRET`; the secret is text, or `hex:...` or `base64:...`. The first line is active,
        or the one that begins with `*`; empty lines, `#` comments and a byte order mark are passed over. A file that is not
        UTF-8 text is one binary key. Raises `HashKeyError`.
        """
        if key_file is not None:
            path = os.fspath(key_file)
            try:
                stamp = _stamp(path)
                content = Path(path).read_bytes()
            except OSError as error:
                raise HashKeyError(f"{path}: the hash key file cannot be read: {error.strerror}") from None
            keys, active = _parse(content, path)
            return cls(keys, active, path, stamp)
        if (text := environment.get(ENVIRONMENT_NAME)) is not None:
            keys, active = _parse(os.fsencode(text), ENVIRONMENT_NAME)
            return cls(keys, active)
        return cls.ephemeral()

    def refreshed(self) -> Keyring:
        """This keyring, or the one its file holds now if the file has changed. Raises `HashKeyError`; then keep this one."""
        if not self._file:
            return self
        try:
            unchanged = _stamp(self._file) == self._stamp
        except OSError as error:
            raise HashKeyError(f"{self._file}: the hash key file cannot be read: {error.strerror}") from None
        return self if unchanged else Keyring.load(self._file)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the active one first."""
        return (self.active_id, *(name for name in self._keys if name != self.active_id))

    @property
    def is_from_file(self) -> bool:
        """Whether `refreshed` may ever give another one."""
        return bool(self._file)

    @property
    def is_ephemeral(self) -> bool:
        """Whether hashes mean nothing once the process is gone."""
        return self.active_id.startswith("ephemeral-")

    def pseudonym(self, kind: bytes, value: bytes) -> bytes:
        """12 hex digits that stand for *value* wherever the same key is used; the same value of another kind has others."""
        return self._hex(kind + b"\0" + value)[:12].encode()

    def digest(self, data: bytes, key_id: str | None = None) -> str:
        """`hmac-sha256:KEYID:HEX` of *data* under the active key, or the one named. Raises `HashKeyError` for an unknown id."""
        if key_id is None:
            return f"{self._label}{self._hex(data)}"
        return f"hmac-sha256:{key_id}:{self.using(key_id)._hex(data)}"

    def using(self, key_id: str) -> Keyring:
        """The same keys with the one named active. Raises `HashKeyError` for an unknown id."""
        if key_id not in self._keys:
            raise HashKeyError(f"no hash key has the id {key_id!r}; there are: {', '.join(self.ids)}")
        return Keyring(self._keys, key_id, self._file, self._stamp)

    def _hex(self, data: bytes) -> str:
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def running(self) -> Running:
        """A digest that is fed piece by piece, for what is too large to hold."""
        return Running(self.active_id, self._inner.copy(), self._outer.copy())

    def params_hash(self, params: object, key_id: str | None = None, *, may_hold_floats: bool = True) -> str:
        """The digest of *params* in canonical form: HMAC-SHA-256 over RFC 8785, nothing added."""
        form = canonical(params, may_hold_floats=may_hold_floats)
        return f"{self._label}{self._hex(form)}" if key_id is None else self.digest(form, key_id)


def plain_hash(params: object, *, may_hold_floats: bool = True) -> str:
    """`sha256:HEX` of *params* in canonical form: no key, so that short params can be guessed. For systems that compare it."""
    return f"sha256:{hashlib.sha256(canonical(params, may_hold_floats=may_hold_floats)).hexdigest()}"


def _prepared(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two halves of HMAC (RFC 2104) with *key* taken in: copying them is half as dear as beginning anew."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _derived_id(key: bytes) -> str:
    return hashlib.sha256(b"mcp-log-sanitizer key id\0" + key).hexdigest()[:8]


def _stamp(path: str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _parse(content: bytes, origin: str) -> tuple[dict[str, bytes], str]:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return {(name := _derived_id(_long_enough(content, origin))): content}, name
    keys: dict[str, bytes] = {}
    active = ""
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        where = f"{origin}, line {number}" if len(lines) > 1 else origin
        name, key = _entry(line.removeprefix("*").strip(), where)
        if name in keys:
            raise HashKeyError(f"{where}: the key id {name!r} is used twice; give each key its own")
        keys[name] = key
        if line.startswith("*"):
            if active:
                raise HashKeyError(f"{where}: a second key is marked active with '*'; mark one")
            active = name
    if not keys:
        raise HashKeyError(f"{origin}: no hash key in it; give at least {MIN_KEY_BYTES} bytes, as from `openssl rand -hex 32`")
    return keys, active or next(iter(keys))


def _entry(text: str, where: str) -> tuple[str, bytes]:
    name, colon, secret = text.partition(":")
    if not colon or name in ("hex", "base64") or not _KEY_ID.fullmatch(name):
        name, secret = "", text
    scheme, colon, encoded = secret.partition(":")
    try:
        if colon and scheme == "hex":
            key = bytes.fromhex(encoded)
        elif colon and scheme == "base64":
            key = base64.b64decode(encoded, validate=True)
        else:
            key = secret.encode()
    except (ValueError, binascii.Error):
        raise HashKeyError(f"{where}: the hash key is marked {scheme} and is not valid {scheme}") from None
    return name or _derived_id(key), _long_enough(key, where)


def _long_enough(key: bytes, where: str) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise HashKeyError(
            f"{where}: the hash key has {len(key)} bytes and needs at least {MIN_KEY_BYTES}; make one with `openssl rand -hex 32`"
        )
    return key
