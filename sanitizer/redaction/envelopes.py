"""What framed records carry beside their values, as rows to redact: all of a batch together.

A header goes through the redaction as a JSON object of one member, so that its name says what its value is, whole, whatever is in
it; then its value by itself, as any text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import orjson

from sanitizer.model import Message

Redact = Callable[[Sequence[bytes]], list[bytes]]
"""Redacts texts, each by itself."""


def redacted(messages: Sequence[Message], redact: Redact) -> Iterator[tuple[bytes | None, list[tuple[str, bytes]]]]:
    """Yield key and headers of each of *messages*, redacted. Raises what *redact* raises, and `ValueError` for a header that is no
    longer one afterwards."""
    headers = [header for message in messages for header in message.headers]
    keys = [message.key or b"" for message in messages]
    rows = [orjson.dumps({name: _text(value)}) for name, value in headers]
    clean = redact([*keys, *rows])
    members = [_member(row, value) for row, (_, value) in zip(clean[len(keys) :], headers, strict=True)]
    values = iter(redact([value for _, value in members]))
    names = iter([name for name, _ in members])
    for message, key in zip(messages, clean, strict=False):
        yield key if message.key is not None else None, [(next(names), next(values)) for _ in message.headers]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")  # every byte a character of its own


def _member(row: bytes, value: bytes) -> tuple[str, bytes]:
    """Name and value of the header in *row*; where nothing of *value* was redacted it stays as it is."""
    ((name, text),) = orjson.loads(row).items()
    before = _text(value)
    if text == before:
        return name, value
    if not isinstance(text, str):
        raise ValueError("a header's value is no text any more")
    return name, text.encode() if before.encode() == value else text.encode("latin-1", "replace")
