"""What rotation makes of a log's name is told from the name alone, whatever that is."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from sanitizer.sources.file.rotated import Decompressed, is_rotated, originals


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("a.log.1", "a.log"),
        ("a.log.2.gz", "a.log"),
        ("a.log-20260131.gz", "a.log"),
        ("a-2026-01-31.log", "a.log"),
        ("a.log.old", "a.log"),
        (".a.log.1", ".a.log"),
        ("_a.log.1", "_a.log"),
    ],
)
def test_the_log_of_a_rotated_file_is_found(name: str, log: str) -> None:
    assert log in originals(name)
    assert is_rotated(name, log)


@pytest.mark.parametrize(("name", "log"), [("a.log", "a.log"), ("a.error.log", "a.log"), ("ab.log", "a.log"), ("a.log.gz", "a.log")])
def test_another_file_is_not_taken_for_a_rotated_one(name: str, log: str) -> None:
    assert not is_rotated(name, log)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(lambda name: name.strip(".")))
@example("_a.log")
@example("-")
@example("..log")
@example("~.1")
def test_whatever_a_file_is_called_its_originals_can_stand_beside_it(name: str) -> None:
    for original in originals(name):
        assert Path("/logs", name).with_name(original).parent == Path("/logs")


def test_frames_before_damage_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.compress(b"one\n") + zstandard.compress(b"") + zstandard.compress(b"two\n") + b"no frame")
    with path.open("rb") as file:
        decompressed = Decompressed(file.fileno(), "zstd")
        assert decompressed.read(100) + decompressed.read(100) == b"one\ntwo\n"
        with pytest.raises(ValueError, match="damaged"):
            decompressed.read(100)
