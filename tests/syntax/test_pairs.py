"""Keys and values that stand apart."""

from __future__ import annotations

import pytest

from sanitizer.syntax import pairs


def beside(before: bytes, after: bytes) -> list[bytes]:
    """What the object between *before* and *after* its secret's name holds."""
    buffer = b"\n" + before + b"password" + after + b"\n"
    key_at = 1 + len(before)
    found = pairs.beside(buffer, key_at + len(b'password"'), b"password", key_at)
    return [buffer[slice(*span)] for span in found or ()]


@pytest.mark.parametrize("far", [b"", b"x, ", b'"a":1,'])
def test_the_value_stands_before_or_behind_the_name(far: bytes) -> None:
    assert beside(b'{"name":"', b'",%b"value":"Zk3vQ9"}' % far) == [b"Zk3vQ9"]
    assert beside(b'{"value":"Zk3vQ9",%b"name":"' % far, b'"}') == [b"Zk3vQ9"]


@pytest.mark.parametrize("between", [b"\n", b"x, " * 300, b"\n" + b"x, " * 300])
def test_it_stands_in_the_same_object(between: bytes) -> None:
    assert beside(b'{"type":"text","text":"payload of a thing"}' + between + b'"typ":"', b'","al') == []
