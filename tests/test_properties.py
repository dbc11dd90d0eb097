"""What must hold for anything: a planted secret is gone, JSON stays JSON, a second pass and the cuts of the input change nothing."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from engines import sanitize, scrubber
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.redaction.scrub import Format, Scrubber

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
ALNUM = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def luhn(digits: str) -> str:
    """*digits* with their check digit."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


EMAILS = st.builds(lambda name, host: f"{name}.x{len(host)}@{host}.example.com", WORDS, WORDS)
CARDS = st.text("0123456789", min_size=14, max_size=14).filter(lambda digits: len(set(digits)) > 4).map(lambda digits: luhn("4" + digits))
TOKENS = st.text(ALNUM, min_size=24, max_size=24).filter(lambda text: len(set(text)) > 10).map(lambda text: "sk_live_" + text)
KEYS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=16).filter(lambda text: len(set(text)) > 8).map(lambda text: "AKIA" + text)
SECRETS = st.one_of(EMAILS, CARDS, TOKENS, KEYS)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 2)),
    WORDS,
    st.lists(WORDS, max_size=4).map(" ".join),
)
NAMES = WORDS.map(lambda word: "n_" + word)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


def escaped(text: str) -> str:
    """*text* with every character as a JSON escape."""
    return "".join(f"\\u{ord(char):04x}" for char in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "sentence": lambda text: f"failed for {text}, again",
    "percent": lambda text: quote(text, safe=""),
    "all percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice percent": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(f"value {text} end".encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(f"value {text} end".encode()).decode().rstrip("="),
    "html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html names": html.escape,
    "nested": lambda text: json.dumps({"inner": text}),
    "nested twice": lambda text: json.dumps({"inner": json.dumps([{"deep": text}])}),
}


def planted(inside: Any, secret: str, path: list[int]) -> Any:
    """*inside* with *secret* at the place that *path* leads to, as a value or (where it ends in 1) as a key."""
    for step in path[:-1]:
        inside = {"n_here": inside, "n_more": [step]} if step % 2 else [step, inside]
    value = {secret: inside} if path[-1] % 2 else [inside, secret]
    for step in path:
        value = {"n_outer": value} if step % 2 else [value, step]
    return {"n_top": value}


DOCUMENTS = st.tuples(JSON, SECRETS, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.sampled_from(sorted(ENCODINGS)), st.booleans())


def line_of(document: tuple[Any, str, list[int], str, bool]) -> bytes:
    inside, secret, path, encoding, as_escapes = document
    dressed = ENCODINGS[encoding](secret)
    text = json.dumps(planted(inside, dressed, path))
    if as_escapes and encoding in ("plain", "sentence"):
        text = text.replace(secret, escaped(secret))
    return text.encode()


def shown(made: Scrubber, data: bytes) -> list[bytes]:
    return asyncio.run(sanitize(made, [data]))


def readings(record: bytes, secret: str, encoding: str) -> bool:
    """Whether *secret* can be read in *record*, as it was dressed, plainly or with escapes undone."""
    text = record.decode()
    dressed = ENCODINGS[encoding](secret) if not encoding.startswith("nested") else secret
    return any(each in text for each in (secret, dressed, escaped(secret), json.dumps(dressed)[1:-1]))


def shape(value: Any) -> Any:
    """What redaction keeps: the shape of objects and arrays and the number of their members."""
    if isinstance(value, dict):
        return ["object", *(shape(item) for item in value.values())]
    if isinstance(value, list):
        return ["array", *(shape(item) for item in value)]
    return "scalar"


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS)
def test_a_planted_secret_is_gone_at_any_depth_under_any_escaping(document: tuple[Any, str, list[int], str, bool]) -> None:
    line = line_of(document)
    for form in ("ndjson", "raw"):
        (record,) = shown(scrubber(form), line + b"\n")  # type: ignore[arg-type] # one of the two
        assert not readings(record, document[1], document[3]), record
        assert shape(json.loads(record)) == shape(json.loads(line))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["password", "clientSecret", "API_KEY", "db.password", "cookie_secret", "authorization"]), st.text(ALNUM, min_size=14, max_size=20).filter(lambda text: len(set(text)) > 10), JSON)
def test_a_value_is_gone_because_of_its_key(key: str, value: str, inside: Any) -> None:
    secret = f"{value}7x"
    line = json.dumps({"n_a": inside, "n_b": [{key: secret}]}).encode()
    for form in ("ndjson", "raw"):
        (record,) = shown(scrubber(form), line + b"\n")  # type: ignore[arg-type] # one of the two
        assert secret not in record.decode()
        assert list(json.loads(record)["n_b"][0]) == [key]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(DOCUMENTS.map(line_of), SECRETS.map(lambda text: f"INFO it is {text}".encode())), min_size=1, max_size=4))
def test_a_second_pass_changes_nothing(lines: list[bytes]) -> None:
    for form in ("ndjson", "raw"):
        made = scrubber(form)  # type: ignore[arg-type] # one of the two
        once = shown(made, b"\n".join(lines) + b"\n")
        assert shown(made, b"\n".join(once) + b"\n") == once


@settings(max_examples=80, deadline=None)
@given(JSON, st.lists(EMAILS, min_size=2, max_size=4, unique=True))
def test_names_stay_apart_when_they_are_redacted(inside: Any, names: list[str]) -> None:
    line = json.dumps({"n_a": inside, **dict.fromkeys(names, 1)}).encode()
    (record,) = shown(scrubber(), line + b"\n")

    assert len(json.loads(record)) == len(names) + 1


STREAM = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail","arguments":{"to":"jane.doe@example.com"}}}\n'
    b"2026-11-21 10:00:00,123 ERROR app: failed for jane.doe@example.com\r\n"
    b'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f("jane.doe@example.com")\n'
    b"ValueError: no such user jane.doe@example.com\n"
    b"{\n  \"user\": \"jane.doe@example.com\",\n  \"n\": 1\n}\n\n"
    b"2026-11-21T10:00:00.1Z stdout P half of jane.doe@exa\n2026-11-21T10:00:00.2Z stdout F mple.com here\n"
    b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"
    b"\xff\xfe not text jane.doe@example.com\nno end jane.doe@example.com"
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.sampled_from(["ndjson", "raw"]))
def test_output_does_not_depend_on_where_the_input_is_cut(places: list[int], form: Format) -> None:
    made = scrubber(form)
    cuts = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(cuts)]

    assert asyncio.run(sanitize(made, pieces)) == asyncio.run(sanitize(made, [STREAM]))


def test_the_stream_that_is_cut_shows_no_secret() -> None:
    for form in ("ndjson", "raw"):
        output = b"\n".join(shown(scrubber(form), STREAM))  # type: ignore[arg-type] # one of the two
        assert b"jane" not in output
        assert b"MIIEvQ" not in output
