from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from engines import shipped

from sanitizer.hashing import Keyring
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.rotation import follow_keys
from sanitizer.redaction.scrub import Scrubber


async def until_called(lanes: Lanes, write: str, keys: Path) -> bool:
    """Whether the keys that were written came into force."""
    changed = asyncio.Event()
    following = asyncio.create_task(follow_keys([lanes], changed.set, 0.01))
    await asyncio.sleep(0.05)
    keys.write_text(write)  # noqa: ASYNC240 - a few bytes
    try:
        await asyncio.wait_for(changed.wait(), 1.0)
    except TimeoutError:
        return False
    finally:
        following.cancel()
    return True


async def test_a_changed_key_file_comes_into_force(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("old:a key of enough length\n")
    lanes = Lanes(Scrubber(shipped(), Keyring.load(keys)))
    assert await until_called(lanes, "*new:another key of enough length\nold:a key of enough length\n", keys)
    assert lanes.scrubber.keyring.ids == ("new", "old")


async def test_a_faulty_key_file_changes_nothing_and_shows_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = tmp_path / "keys"
    keys.write_text("old:a key of enough length\n")
    lanes = Lanes(Scrubber(shipped(), Keyring.load(keys)))
    with caplog.at_level(logging.ERROR):
        assert not await until_called(lanes, "new:hunter2\n", keys)
    assert lanes.scrubber.keyring.ids == ("old",)
    assert caplog.text.count("are refused") == 1
    assert "hunter2" not in caplog.text


async def test_keys_from_no_file_are_not_looked_for() -> None:
    await asyncio.wait_for(follow_keys([Lanes(Scrubber(shipped(), Keyring.ephemeral()))]), 1.0)
