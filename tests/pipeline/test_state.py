# ruff: noqa: ASYNC240 - a test may block its loop for as long as a small write takes
"""State survives a crash, keeps to itself, and comes back from damage with what can be read."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from fakes import batch

from sanitizer.model import Rejection
from sanitizer.pipeline.state import SCHEMA_VERSION, State, StateError


async def test_positions_and_facts_survive(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.save("file:a", b"1")
    state.save("file:a", b"2")
    state.save("other:b", b"3")
    state.keep("head", b"x")
    await state.flush()
    state.forget("other:b")
    await state.flush()
    state.close()
    again = State(tmp_path)
    assert again.load("file:") == {"file:a": b"2"}
    assert again.load("other:") == {}
    assert again.fact("head") == b"x"
    assert again.intact
    again.close()


def test_what_is_not_flushed_yet_is_seen_already(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.save("file:a", b"1")
    state.keep("head", b"x")
    assert (state.load("file:"), state.fact("head"), state.fact("none")) == ({"file:a": b"1"}, b"x", None)
    state.close()


async def test_dead_letters_keep_record_reason_and_sink(tmp_path: Path) -> None:
    state = State(tmp_path)
    await state.bury("siem", batch(b"a", b"b", b"c", first=10), [Rejection(1, "status 400"), Rejection(2, "mapping")])
    await state.bury("other", batch(b"d", kind="audit"), [Rejection(0, "no")])
    letters = list(state.dead_letters())
    assert [(letter.sink, letter.record, letter.reason, letter.position, letter.kind) for letter in letters] == [
        ("siem", b"b", "status 400", 11, "logs"),
        ("siem", b"c", "mapping", 12, "logs"),
        ("other", b"d", "no", 0, "audit"),
    ]
    state.purge([letters[0].id])
    assert [letter.record for letter in state.dead_letters("siem")] == [b"c"]
    state.close()


async def test_a_rejection_that_names_no_record_is_a_letter_without_one(tmp_path: Path) -> None:
    state = State(tmp_path)
    await state.mark("otlp", batch(b"a", b"b", b"c", first=10), 2)
    (letter,) = state.dead_letters()
    assert letter.record == b""
    assert letter.reason == "2 of the 3 records lane:10 to 12 were rejected; the sink does not say which"
    state.close()


async def test_many_dead_letters_are_read_in_portions(tmp_path: Path) -> None:
    state = State(tmp_path)
    await state.bury("sink", batch(*[b"%d" % n for n in range(1200)]), [Rejection(n, "no") for n in range(1200)])
    assert [letter.position for letter in state.dead_letters()] == list(range(1200))
    state.close()


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    state = State(folder)
    state.save("a", b"1")
    await state.flush()
    for path in [folder, *folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
    state.close()


def test_one_process_has_it_at_a_time_but_others_may_look(tmp_path: Path) -> None:
    state = State(tmp_path)
    with pytest.raises(StateError, match="another process uses this state folder"):
        State(tmp_path)
    State(tmp_path, exclusive=False).close()
    state.close()
    State(tmp_path).close()


def test_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    State(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(StateError, match="newer version"):
        State(tmp_path)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"file/state: the state folder cannot be used: Not a directory; .* `state_dir`"):
        State(tmp_path / "file" / "state")


async def test_rubbish_is_put_aside_and_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database, whatever its name says" * 100)
    state = State(tmp_path)
    assert not state.intact
    state.save("a", b"1")
    await state.flush()
    assert len(list(tmp_path.glob("state.db.damaged-*"))) == 1
    state.close()


async def test_a_damaged_page_costs_what_is_on_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    for n in range(2000):
        state.save(f"file:{n:05}", b"%0100d" % n)
    await state.bury("sink", batch(b"letter"), [Rejection(0, "no")])
    await state.flush()
    state.close()
    path = tmp_path / "state.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    again = State(tmp_path)
    assert not again.intact
    kept = again.load("file:")
    assert all(position == b"%0100d" % int(lane[5:]) for lane, position in kept.items())
    again.save("file:new", b"x")
    await again.flush()
    again.close()


async def test_what_the_disk_does_not_take_is_due_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    write = state._write

    def full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(state, "_write", full)
    state.save("a", b"1")
    with pytest.raises(OSError, match="disk is full"):
        await state.flush()
    monkeypatch.setattr(state, "_write", write)
    await state.flush()
    state.close()
    again = State(tmp_path)
    assert again.load("a") == {"a": b"1"}
    again.close()
