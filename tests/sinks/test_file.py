# ruff: noqa: ASYNC240 - a test may block its loop for as long as a small write takes
"""The file sink writes whole batches, rotates, and follows who rotates for it."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pytest
import zstandard
from fakes import batch

from sanitizer.model import Retry
from sinks.file import FileConfig


async def send(config: FileConfig, *batches: tuple[bytes, ...]) -> None:
    async with config.open() as sink:
        for records in batches:
            await sink.send(batch(*records))
            await sink.sync()


async def test_appends_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "out"
    await send(FileConfig(path=str(path)), (b"1", b"2"))
    await send(FileConfig(path=str(path)), (b"3",))
    assert path.read_bytes() == b"1\n2\n3\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_may_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old\n")
    await send(FileConfig(path=str(path), append=False), (b"new",))
    assert path.read_bytes() == b"new\n"


async def test_a_line_that_a_crash_cut_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"whole\n" + b"x" * 200_000)
    await send(FileConfig(path=str(path)), (b"next",))
    assert path.read_bytes() == b"whole\nnext\n"


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
async def test_rotates_by_size_and_keeps_the_newest(tmp_path: Path, how: str) -> None:
    config = FileConfig(path=str(tmp_path / "out.log"), max_file_bytes=60, max_files=3, compression=how)  # type: ignore[arg-type]
    await send(config, *[(b"record number %d, which is long" % n,) for n in range(8)])
    parts = sorted(tmp_path.iterdir())
    assert len(parts) == 4
    unpack = {"none": bytes, "gzip": gzip.decompress, "zstd": zstandard.decompress}[how]
    texts = [unpack(part.read_bytes()) for part in parts]
    assert b"".join(texts).splitlines() == [
        b"record number %d, which is long" % n for n in range(8 - len(b"".join(texts).splitlines()), 8)
    ]


async def test_rotates_by_age_whatever_the_clock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("sinks.file.time.time", lambda: now[0])
    async with FileConfig(path=str(tmp_path / "out"), max_file_secs=100.0).open() as sink:
        for at in (0.0, 50.0, 151.0, -5000.0, 400.0):
            now[0] = 1_000_000.0 + at
            await sink.send(batch(b"at %d" % at))
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert sorted(text.splitlines()) == sorted([b"at 0", b"at 50", b"at 151", b"at -5000", b"at 400"])
    assert len(list(tmp_path.iterdir())) >= 2


async def test_follows_a_rename_and_a_deletion(tmp_path: Path) -> None:
    path = tmp_path / "out"
    async with FileConfig(path=str(path)).open() as sink:
        await sink.send(batch(b"1"))
        path.rename(tmp_path / "out.1")
        await sink.send(batch(b"2"))
        path.unlink()
        await sink.reopen()
        assert path.exists()
        await sink.send(batch(b"3"))
    assert (tmp_path / "out.1").read_bytes() == b"1\n"
    assert path.read_bytes() == b"3\n"


async def test_a_full_disk_is_transient_and_leaves_no_half_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    write, room = os.write, [10]

    def limited(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        n = write(fd, data[: room[0]])
        room[0] -= n
        return n

    async with FileConfig(path=str(path)).open() as sink:
        monkeypatch.setattr("sinks.file.os.write", limited)
        with pytest.raises(Retry, match="No space left on device"):
            await sink.send(batch(b"a record", b"another"))
        assert path.read_bytes() == b""
        room[0] = 1000
        await sink.send(batch(b"a record", b"another"))
    assert path.read_bytes() == b"a record\nanother\n"


@pytest.mark.parametrize("policy", ["batch", "checkpoint", "never"])
async def test_syncs_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    synced: list[int] = []
    monkeypatch.setattr("sinks.file.os.fsync", synced.append)
    async with FileConfig(path=str(tmp_path / "out"), fsync=policy).open() as sink:  # type: ignore[arg-type]
        await sink.send(batch(b"1"))
        after_send = len(synced)
        await sink.sync()
        await sink.sync()
        assert (after_send, len(synced)) == {"batch": (1, 1), "checkpoint": (0, 1), "never": (0, 0)}[policy]


class Disk:
    """Syncs files, or fails to, and then has thrown away what was not on it: as Linux does."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.failures = path, 0
        self.safe = 0
        monkeypatch.setattr("sinks.file.os.fsync", self.sync)

    def sync(self, _fd: int) -> None:
        size = self.path.stat().st_size
        if not self.failures:
            self.safe = size
            return
        self.failures -= 1
        with self.path.open("r+b") as file:
            file.seek(self.safe)
            file.write(bytes(size - self.safe))
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_what_a_failed_sync_threw_away_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    path = tmp_path / "out"
    disk = Disk(path, monkeypatch)
    async with FileConfig(path=str(path)).open() as sink:
        await sink.send(batch(b"1"))
        await sink.sync()
        await sink.send(batch(b"2"))
        await sink.send(batch(b"3"))
        disk.failures = failures
        for _ in range(failures):
            with pytest.raises(OSError, match="Input/output"):
                await sink.sync()
        await sink.send(batch(b"4"))
        await sink.sync()
        assert path.read_bytes() == b"1\n2\n3\n4\n"


async def test_a_batch_that_could_not_be_synced_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    disk = Disk(path, monkeypatch)
    async with FileConfig(path=str(path), fsync="batch").open() as sink:
        await sink.send(batch(b"1"))
        disk.failures = 2
        for _ in range(2):
            with pytest.raises(Retry, match="Input/output error"):
                await sink.send(batch(b"2", b"3"))
        await sink.send(batch(b"2", b"3"))
    assert path.read_bytes() == b"1\n2\n3\n"


async def test_a_file_is_not_left_before_everything_is_safe_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.log"
    disk = Disk(path, monkeypatch)
    async with FileConfig(path=str(path), max_file_bytes=12).open() as sink:
        await sink.send(batch(b"a record"))
        disk.failures = 1
        with pytest.raises(Retry, match="Input/output error"):
            await sink.send(batch(b"another"))
        await sink.send(batch(b"another"))
        disk.safe = 0
    texts = sorted(part.read_bytes() for part in tmp_path.iterdir())
    assert texts == [b"a record\n", b"another\n"]


async def test_what_waits_for_a_sync_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.file._MOST_KEPT", 1000)
    synced: list[int] = []
    monkeypatch.setattr("sinks.file.os.fsync", synced.append)
    async with FileConfig(path=str(tmp_path / "out")).open() as sink:
        for _ in range(50):
            await sink.send(batch(b"x" * 99))
        assert 4 <= len(synced) <= 5
