from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.protocol.embedded import rewrite_text


def marked(text: str) -> tuple[str, list[bytes]]:
    """*text* with each piece of JSON in it replaced by its number, and the pieces."""
    pieces: list[bytes] = []

    def number(piece: bytes) -> bytes:
        pieces.append(piece)
        return b"<%d>" % len(pieces)

    return rewrite_text(text.encode("utf-8", "surrogateescape"), number).decode("utf-8", "surrogateescape"), pieces


@pytest.mark.parametrize(
    ("text", "left", "pieces"),
    [
        ('a {"b": 1} c [{"d": 2}] e', "a <1> c <2> e", [b'{"b": 1}', b'[{"d": 2}]']),
        ('x="{\\"a\\": \\"q\\\\\\"\\"}" y', 'x="<1>" y', [b'{"a": "q\\""}']),
        ("no [brackets] {here} of (note)", "no [brackets] {here} of (note)", []),
        ('[2026-01-01] [info] ["a"]', "[2026-01-01] [info] <1>", [b'["a"]']),
        ('{ metadata: undefined } {"a":1}', "{ metadata: undefined } <1>", [b'{"a":1}']),
        ('ünï {"a":"ü"} \udcff {"b":1}', "ünï <1> \udcff <2>", [b'{"a":"\xc3\xbc"}', b'{"b":1}']),
        ('broken {"a": and then {"b":1}', 'broken {"a": and then <1>', [b'{"b":1}']),
    ],
)
def test_each_piece_of_json_is_found_and_the_text_between_stays(text: str, left: str, pieces: list[bytes]) -> None:
    assert marked(text) == (left, pieces)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('x {"method":"m","params":{"a":"sec', 'x {"method":"m","params_withheld":"truncated"}'),
        ('[{"x":{"method":"m","args":["sec', '[{"x":{"method":"m","params_withheld":"truncated"}}]'),
        ('x {"params":"sec', 'x {"params_withheld":"truncated"}'),
        ('x {"a":1,"args":["kept', 'x {"a":1,"args":["kept'),
        ('half","arguments":{"a":"sec"}},"id":1}', 'half","params_withheld":"fragment"},"id":1}'),
        ('{"params":{"a":1},"method":"m", oops', '{"params_withheld":"truncated"}'),
        ('b="{\\"a\\":\\"cut', 'b="<1>'),
    ],
)
def test_broken_json_is_cut_at_its_params(text: str, left: str) -> None:
    assert marked(text)[0] == left


def test_no_change_gives_the_same_object() -> None:
    text = b'a {"b":1} c'
    assert rewrite_text(text, lambda piece: piece) is text


@given(st.binary(max_size=80))
def test_what_is_no_text_passes_unharmed(noise: bytes) -> None:
    assert rewrite_text(noise, lambda piece: piece) == noise or b"params" in noise
