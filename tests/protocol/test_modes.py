from __future__ import annotations

import pytest

from sanitizer.protocol.modes import Modes


@pytest.mark.parametrize(
    ("method", "tool", "mode"),
    [
        ("tools/call", "read_file", "sanitize"),
        ("tools/call", "read_secret", "remove"),
        ("tools/call", "other", "shape"),
        ("resources/read", "", "hash"),
        ("", "", "hash"),
    ],
)
def test_the_first_glob_that_matches_decides_tools_before_methods(method: str, tool: str, mode: str) -> None:
    modes = Modes("hash", {"tools/*": "shape"}, {"read_secret": "remove", "read_*": "sanitize"})
    assert modes.of(method, tool) == mode
    assert modes.of(method, tool) == mode


def test_what_is_remembered_is_bounded() -> None:
    modes = Modes("hash", {"a*": "shape"}, None)
    assert {modes.of(f"a{number}", "") for number in range(10_000)} == {"shape"}
    assert len(modes._known) <= 4_096
