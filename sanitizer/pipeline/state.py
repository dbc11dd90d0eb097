"""What survives a restart, in one SQLite file (WAL, mode 0600): resume positions, dead letters, small facts (the chain's head).

Nothing in it was ever raw. A damaged file is put aside, what can be read of it is carried over, and work goes on.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from sanitizer.model import Clean, CleanBatch, Rejection

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS checkpoint (lane TEXT PRIMARY KEY, position BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letter (
    id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, sink TEXT NOT NULL, reason TEXT NOT NULL, kind TEXT NOT NULL,
    lane TEXT NOT NULL, position INTEGER NOT NULL, rules TEXT NOT NULL, record BLOB NOT NULL
);
"""
_TABLES = {"checkpoint": 2, "fact": 2, "dead_letter": 9}


class StateError(Exception):
    """Raised when a state folder cannot be used at all: taken by another process, not writable, or of a newer version."""


def _unusable(folder: Path, reason: object) -> str:
    return f"{folder}: the state folder cannot be used: {reason}; make room or give access, or name another with `state_dir`"


class DeadLetter(NamedTuple):
    """A redacted record that a sink refused for ever; without a record, a note that some were (see `State.mark`)."""

    id: int
    at_ms: int
    sink: str
    reason: str
    kind: str
    lane: str
    position: int
    rules: str
    record: Clean


class State:
    """The state in *folder*, created when missing. With *exclusive*, no other process may have it so at the same time.

    Positions and facts are taken at once and written by `flush`; until then a crash means reading again, never loss.
    `intact` is false when the file was found damaged and positions may be missing.
    """

    def __init__(self, folder: Path, *, exclusive: bool = True) -> None:
        self._lock: int | None = None
        self._changes: dict[tuple[str, str], bytes | None] = {}
        self._writing = asyncio.Lock()
        self.intact = True
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if exclusive:
                self._lock = _lock(folder / "lock")
            path = folder / "state.db"
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._db, self.intact = _open(path)
        except OSError as trouble:
            raise StateError(_unusable(folder, trouble.strerror)) from None
        except sqlite3.Error as trouble:
            raise StateError(_unusable(folder, trouble)) from None

    def load(self, prefix: str) -> Mapping[str, bytes]:
        """Every position saved under a lane that begins with *prefix*."""
        rows = self._db.execute("SELECT lane, position FROM checkpoint WHERE substr(lane, 1, ?) = ?", (len(prefix), prefix))
        found: dict[str, bytes] = dict(rows.fetchall())
        for (table, name), value in self._changes.items():
            if table == "checkpoint" and name.startswith(prefix):
                found.pop(name, None)
                if value is not None:
                    found[name] = value
        return found

    def save(self, lane: str, position: bytes) -> None:
        """Remember where *lane* goes on."""
        self._changes["checkpoint", lane] = position

    def forget(self, lane: str) -> None:
        """Drop the position of a lane that is gone."""
        self._changes["checkpoint", lane] = None

    def fact(self, name: str) -> bytes | None:
        """A small value kept under *name*."""
        if ("fact", name) in self._changes:
            return self._changes["fact", name]
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, name: str, value: bytes) -> None:
        """Keep a small value under *name*."""
        self._changes["fact", name] = value

    async def flush(self) -> None:
        """Write what changed, all of it or nothing. Raises `OSError` when the disk does not take it; then it is still due."""
        async with self._writing:
            changes = dict(self._changes)
            if not changes:
                return
            try:
                await asyncio.to_thread(self._write, changes)
            except sqlite3.Error as trouble:
                raise OSError(str(trouble)) from None
            for key, value in changes.items():  # what was changed meanwhile, by whatever thread, is due with the next flush
                if self._changes.get(key) is value:
                    del self._changes[key]

    async def bury(self, sink: str, batch: CleanBatch, rejections: Sequence[Rejection]) -> None:
        """Keep the rejected records as dead letters, durably. Raises `OSError` when the disk does not take them."""
        at_ms = time.time_ns() // 1_000_000
        rows = [
            (None, at_ms, sink, reason, batch.kind, batch.lane, batch.offsets[index], batch.rules, batch.records[index])
            for index, reason in ((rejection.index, rejection.reason) for rejection in rejections)
        ]
        await self._bury(rows)

    async def mark(self, sink: str, batch: CleanBatch, count: int) -> None:
        """Keep that the sink refused *count* records of *batch* and did not say which: a dead letter without a record, whose
        reason says where they are. Raises `OSError` likewise."""
        first, last = batch.record_id(0), batch.offsets[-1]
        reason = f"{count} of the {len(batch.records)} records {first} to {last} were rejected; the sink does not say which"
        at_ms = time.time_ns() // 1_000_000
        await self._bury([(None, at_ms, sink, reason, batch.kind, batch.lane, batch.offsets[0], batch.rules, b"")])

    async def _bury(self, rows: Sequence[tuple[object, ...]]) -> None:
        async with self._writing:
            try:
                await asyncio.to_thread(self._insert, rows)
            except sqlite3.Error as trouble:
                raise OSError(str(trouble)) from None

    def dead_letters(self, sink: str | None = None) -> Iterator[DeadLetter]:
        """Dead letters, oldest first; read as the iterator goes."""
        last = 0
        query = "SELECT * FROM dead_letter WHERE id > ? AND (? IS NULL OR sink = ?) ORDER BY id LIMIT 500"
        while rows := self._db.execute(query, (last, sink, sink)).fetchall():
            yield from map(DeadLetter._make, rows)
            last = rows[-1][0]

    def purge(self, ids: Sequence[int]) -> None:
        """Delete these dead letters."""
        with self._db:
            self._db.executemany("DELETE FROM dead_letter WHERE id = ?", [(number,) for number in ids])

    def close(self) -> None:
        """Give the folder back. What was not flushed is not kept."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)

    def _write(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        with self._db:
            for (table, name), value in changes.items():
                column = "lane" if table == "checkpoint" else "name"
                if value is None:
                    self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))  # noqa: S608 - both names are ours
                else:
                    self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", (name, value))  # noqa: S608

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        with self._db:
            self._db.executemany("INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _lock(path: Path) -> int:
    """A lock that ends with this process."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StateError(f"{path.parent}: another process uses this state folder; give each its own state_dir") from None
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA_VERSION:
            raise StateError(f"{path}: written by a newer version of this program (schema {found}, known {SCHEMA_VERSION})")
        db.executescript(_SCHEMA)
        if found != SCHEMA_VERSION:  # it begins on a full disk, too, where nothing need be written
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
    except BaseException:
        db.close()
        raise
    return db


def _open(path: Path) -> tuple[sqlite3.Connection, bool]:
    """The database at *path*, and whether it was as it should be."""
    try:
        return _connect(path), True
    except sqlite3.OperationalError:  # locked, no space, read-only: nothing is wrong with the data
        raise
    except sqlite3.DatabaseError:
        aside = path.with_name(f"state.db.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{path}{suffix}", f"{aside}{suffix}")
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        db = _connect(path)
        with suppress(sqlite3.Error), closing(sqlite3.connect(aside)) as damaged:
            damaged.text_factory = lambda text: text.decode(errors="replace")
            for table in _TABLES:
                _carry_over(damaged, db, table)
        return db, False


def _carry_over(damaged: sqlite3.Connection, db: sqlite3.Connection, table: str) -> None:
    """Copy what can still be read of *table*; a row of the wrong shape stays behind."""
    values = ", ".join("?" * _TABLES[table])
    with suppress(sqlite3.Error):
        for row in damaged.execute(f"SELECT * FROM {table}"):  # noqa: S608 - the name is ours
            with suppress(sqlite3.Error), db:
                db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({values})", row)  # noqa: S608
