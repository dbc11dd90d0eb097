# ruff: noqa: ASYNC240 - a test may block its loop for as long as a small write takes
"""Following files: nothing of them is left out, whatever rotation does, and nothing is read twice without need."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import zstandard
from fakes import Memory

from sanitizer.sources import FileConfig
from sanitizer.sources.options import Reading


class Reader:
    """Collects what a source yields, lane by lane, and commits it as it comes."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.stop = stop
        self.lanes: dict[str, bytes] = {}
        self.logs: dict[str, bytes] = {}
        self.failed: BaseException | None = None
        self._news = asyncio.Event()

    @property
    def text(self) -> bytes:
        return b"".join(self.lanes.values())

    def lines(self) -> list[bytes]:
        return sorted(self.text.splitlines())

    async def collect(self, source: object, *, commit: bool) -> None:
        async for batch in source.batches():  # type: ignore[attr-defined]
            held = self.lanes.get(batch.lane, b"")
            assert batch.upto == batch.offset + len(batch.data)
            self.lanes[batch.lane] = held + batch.data
            self.logs[batch.log] = self.logs.get(batch.log, b"") + batch.data
            self._news.set()
            if commit:
                await source.commit(batch.lane, batch.upto)  # type: ignore[attr-defined]

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not met():
                self._news.clear()
                await self._news.wait()

    async def until_lines(self, *lines: bytes) -> None:
        await self.until(lambda: set(lines) <= set(self.text.splitlines()))


@asynccontextmanager
async def following(config: FileConfig, state: Memory, *, commit: bool = True) -> AsyncIterator[Reader]:
    stop = asyncio.Event()
    reader = Reader(stop)
    async with config.open(Reading(stop=stop, checkpoints=state)) as source:
        task = asyncio.create_task(reader.collect(source, commit=commit))
        try:
            yield reader
        finally:
            stop.set()
            await asyncio.wait_for(task, 20)


def config(*paths: Path, **options: object) -> FileConfig:
    return FileConfig(paths=tuple(map(str, paths)), **{"poll_secs": 0.02, "linger_secs": 0.2, **options})  # type: ignore[arg-type]


async def once(*paths: Path, state: Memory | None = None, **options: object) -> Reader:
    reader = Reader(asyncio.Event())
    async with config(*paths, **options).open(Reading(once=True, checkpoints=state or Memory())) as source:
        await reader.collect(source, commit=True)
    return reader


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"2026-11-21T10:00:00Z line %06d of the log\n" % n for n in range(first, last))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


async def test_reads_once_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    for name in "b", "a":
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    reader = await once(tmp_path / "b", tmp_path / "a")
    assert reader.text == b"b\na\n"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
async def test_reads_compressed_files_whatever_their_name(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "old"
    path.write_bytes(compress(numbered(0, 20_000)) + compress(numbered(20_000, 20_010)))
    assert (await once(path)).text == numbered(0, 20_010)


async def test_a_damaged_compressed_file_gives_what_is_whole_and_stops_nothing(tmp_path: Path) -> None:
    whole = gzip.compress(numbered(0, 5000))
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2] + bytes(50))
    (tmp_path / "b.log").write_bytes(b"after\n")
    reader = await once(tmp_path / "a.gz", tmp_path / "b.log")
    assert reader.text.endswith(b"after\n")
    assert reader.text.startswith(numbered(0, 100))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
async def test_a_compressed_file_that_ends_too_early_is_told_and_counted(
    tmp_path: Path, compress: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    whole = compress(numbered(0, 5000)) + compress(numbered(5000, 200_000))
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) * 3 // 4])
    counted: list[tuple[str, int]] = []
    reader = Reader(asyncio.Event())
    reading = Reading(once=True, checkpoints=Memory(), count=lambda name, count: counted.append((name, count)))
    async with config(tmp_path / "a.gz").open(reading) as source:
        await reader.collect(source, commit=True)

    assert reader.text.startswith(numbered(0, 100))
    assert counted == [("files_damaged", 1)]
    assert "its compressed data end too early" in caplog.text


async def test_a_file_that_is_called_like_the_pattern_hides_no_other(tmp_path: Path) -> None:
    for name in ("*.log", "a.log"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")

    assert (await once(tmp_path / "*.log")).lines() == [b"*.log", b"a.log"]


async def test_a_file_whose_name_is_no_text_is_followed_like_any_other(tmp_path: Path) -> None:
    log = tmp_path / os.fsdecode(b"a\xff.log")
    state = Memory()
    log.write_bytes(numbered(0, 100))
    assert (await once(tmp_path / "*.log", state=state)).text == numbered(0, 100)
    log.rename(log.with_name(log.name + ".1"))
    log.write_bytes(numbered(100, 103))

    assert (await once(tmp_path / "*.log", state=state)).text == numbered(100, 103)


@pytest.mark.parametrize("name", ["_a.log", ".a.log", "-a.log", "~", "..log", "-", "a..1", "\u00fc.log.1.gz"])
async def test_reads_a_file_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(numbered(0, 3))

    assert (await once(tmp_path / name)).text == numbered(0, 3)


async def test_reads_what_a_shell_substitutes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = asyncio.create_task(asyncio.to_thread(pipe.write_bytes, b"from a pipe\n"))
    assert (await once(pipe)).text == b"from a pipe\n"
    await writing


async def test_follows_what_is_appended_and_finds_new_files(tmp_path: Path, log: Path) -> None:
    log.write_bytes(b"one\n")
    async with following(config(tmp_path / "*.log"), Memory()) as reader:
        await reader.until_lines(b"one")
        with log.open("ab") as file:
            file.write(b"two\n")
        (tmp_path / "other.log").write_bytes(b"three\n")
        await reader.until_lines(b"one", b"two", b"three")
    assert reader.lines() == [b"one", b"three", b"two"]


async def test_goes_on_where_the_last_run_ended(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    with log.open("ab") as file:
        file.write(numbered(100, 110))
    async with following(config(log), state) as again:
        await again.until(lambda: again.text == numbered(100, 110))
    assert list(reader.lanes) == list(again.lanes)


async def test_what_was_not_committed_is_read_again_under_the_same_lane(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state, commit=False) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    async with following(config(log), state) as again:
        await again.until(lambda: again.text == numbered(0, 100))
    assert list(reader.lanes) == list(again.lanes)


async def test_lag_is_what_is_not_safe_yet(log: Path) -> None:
    log.write_bytes(numbered(0, 100))
    stop = asyncio.Event()
    async with config(log, name="logs").open(Reading(stop=stop, checkpoints=Memory())) as source:
        batches = source.batches()
        batch = await anext(batches)
        assert source.lag() == {"logs": log.stat().st_size}
        await source.commit(batch.lane, 40)
        assert source.lag() == {"logs": log.stat().st_size - 40}
        await source.commit(batch.lane, batch.upto)
        assert source.lag() == {"logs": 0}
        await batches.aclose()


async def test_start_at_the_end_leaves_out_what_is_there_but_not_what_comes(tmp_path: Path, log: Path) -> None:
    log.write_bytes(b"old\n")
    async with following(config(tmp_path / "*.log", start="end"), Memory()) as reader:
        await asyncio.sleep(0.1)
        with log.open("ab") as file:
            file.write(b"new\n")
        (tmp_path / "later.log").write_bytes(b"all of it\n")
        await reader.until_lines(b"new", b"all of it")
    assert reader.lines() == [b"all of it", b"new"]


async def test_start_at_the_end_leaves_out_nothing_that_came_between_two_runs(tmp_path: Path, log: Path) -> None:
    state = Memory()
    log.write_bytes(b"old\n")
    async with following(config(tmp_path / "*.log", start="end"), state):
        await asyncio.sleep(0.1)
    with log.open("ab") as file:
        file.write(b"meanwhile\n")
    (tmp_path / "new.log").write_bytes(b"new\n")
    async with following(config(tmp_path / "*.log", start="end"), state) as again:
        await again.until_lines(b"meanwhile", b"new")
    assert again.lines() == [b"meanwhile", b"new"]


async def test_the_clock_may_jump_as_it_likes(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(b"at 0\n")
    now = time.time
    async with following(config(log), Memory()) as reader:
        await reader.until_lines(b"at 0")
        for jump in (86_400 * 400, -86_400 * 400, 3600):
            monkeypatch.setattr("time.time", lambda jump=jump: now() + jump)
            rename(log) if jump == 3600 else None
            with log.open("ab") as file:
                file.write(b"at %d\n" % jump)
            await reader.until_lines(b"at %d" % jump)
    assert len(reader.lines()) == 4


async def test_start_at_the_beginning_reads_everything_again(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    for _ in range(2):
        async with following(config(log, start="beginning"), state) as reader:
            await reader.until(lambda: reader.text == numbered(0, 100))


def rename(log: Path) -> None:
    log.rename(log.with_name("server.log.1"))


def copy_and_truncate(log: Path) -> None:
    shutil.copyfile(log, log.with_name("server.log.1"))
    os.truncate(log, 0)


def compress_and_delete(log: Path) -> None:
    log.with_name("server.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()


ROTATIONS = [rename, copy_and_truncate, compress_and_delete]


@pytest.mark.parametrize("pattern", ["server.log", "server.log*"], ids=["the log alone", "rotated ones too"])
@pytest.mark.parametrize("rotate", ROTATIONS)
async def test_rotation_while_running_loses_and_repeats_nothing(
    tmp_path: Path, log: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    log.write_bytes(numbered(0, 200))
    async with following(config(tmp_path / pattern), Memory()) as reader:
        await reader.until(lambda: reader.text == numbered(0, 200))
        with log.open("ab") as file:
            file.write(numbered(200, 300))
        rotate(log)
        with log.open("ab") as file:
            file.write(numbered(300, 310))
        await reader.until(lambda: len(reader.lines()) >= 310)
        await asyncio.sleep(0.5)
    assert reader.lines() == numbered(0, 310).splitlines()


@pytest.mark.parametrize("rotate", ROTATIONS)
async def test_files_of_one_path_are_one_log_and_come_in_its_order(log: Path, rotate: Callable[[Path], None]) -> None:
    log.write_bytes(numbered(0, 2_000))
    other = log.with_name("other.log")
    other.write_bytes(b"other\n")
    async with following(config(log, other), Memory()) as reader:
        await reader.until(lambda: len(reader.lines()) == 2_001)
        for first in (2_000, 4_000):
            with log.open("ab") as file:
                file.write(numbered(first, first + 1_900))
            for older in log.parent.glob("server.log.1*"):
                older.rename(log.with_name("server.log.2"))
            rotate(log)
            with log.open("ab") as file:
                file.write(numbered(first + 1_900, first + 2_000))
            await reader.until(lambda upto=first: len(reader.lines()) == upto + 2_001)  # type: ignore[misc]
    assert len(reader.lanes) == 4
    assert sorted(filter(None, reader.logs.values())) == [numbered(0, 6_000), b"other\n"]


@pytest.mark.parametrize("pattern", ["server.log", "server.log*"], ids=["the log alone", "rotated ones too"])
@pytest.mark.parametrize("rotate", ROTATIONS)
async def test_rotation_during_a_restart_loses_and_repeats_nothing(
    tmp_path: Path, log: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 200))
    async with following(config(tmp_path / pattern), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 200))
    with log.open("ab") as file:
        file.write(numbered(200, 300))
    rotate(log)
    with log.open("ab") as file:
        file.write(numbered(300, 310))
    async with following(config(tmp_path / pattern), state) as again:
        await again.until(lambda: len(again.lines()) >= 110)
        await asyncio.sleep(0.3)
    assert again.lines() == numbered(200, 310).splitlines()


@pytest.mark.parametrize("again", range(3))
async def test_files_that_came_and_were_rotated_while_nobody_looked_are_read(tmp_path: Path, log: Path, again: int) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
        log.rename(tmp_path / "server.log.1")
        log.write_bytes(numbered(100, 200))
        await reader.until(lambda: reader.text == numbered(0, 200))
    for n in range(2, 6):
        log.rename(tmp_path / f"server.log.{n}")
        log.write_bytes(numbered(n * 100, n * 100 + 100))
    async with following(config(log), state) as later:
        await later.until(lambda: len(later.lines()) >= 400)
    assert later.lines() == numbered(200, 600).splitlines()


async def test_a_truncated_file_that_has_grown_past_the_old_place_is_read_from_its_start(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    log.write_bytes(numbered(1000, 1300))
    async with following(config(log), state) as again:
        await again.until(lambda: again.text == numbered(1000, 1300))
        log.write_bytes(numbered(2000, 2900))
        await again.until(lambda: again.text == numbered(1000, 1300) + numbered(2000, 2900))


async def test_an_inode_that_is_used_again_is_another_file(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    with log.open("r+b") as file:  # the same inode, all else new: what reuse looks like, made certain
        file.write(numbered(500, 700))
    async with following(config(log), state) as again:
        await again.until(lambda: again.text == numbered(500, 700))
    assert list(again.lanes) != list(reader.lanes)


async def test_two_files_with_the_same_content_are_both_read(tmp_path: Path) -> None:
    for name in "a.log", "b.log":
        (tmp_path / name).write_bytes(numbered(0, 100))
    async with following(config(tmp_path / "*.log"), Memory()) as reader:
        await reader.until(lambda: len(reader.lines()) == 200)
    assert len(reader.lanes) == 2


async def test_a_new_log_that_begins_like_the_rotated_one_is_read(log: Path) -> None:
    log.write_bytes(b"started\n")
    async with following(config(log), Memory()) as reader:
        await reader.until_lines(b"started")
        rename(log)
        log.write_bytes(b"started\n")
        await reader.until(lambda: reader.lines() == [b"started", b"started"])


async def test_a_deleted_file_is_read_to_its_end(log: Path) -> None:
    log.write_bytes(b"one\n")
    async with following(config(log, linger_secs=0.5), Memory()) as reader:
        await reader.until_lines(b"one")
        with log.open("ab") as file:
            log.unlink()
            file.write(b"last words\n")
        await reader.until_lines(b"last words")


async def test_a_file_that_vanishes_for_a_while_goes_on_where_it_was(tmp_path: Path, log: Path) -> None:
    state, away = Memory(), tmp_path / "away"
    away.mkdir()
    log.write_bytes(numbered(0, 100))
    async with following(config(log, linger_secs=0.05), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
        shutil.move(log, away / "server.log")
        await asyncio.sleep(0.3)
        shutil.move(away / "server.log", log)
        with log.open("ab") as file:
            file.write(b"back\n")
        await reader.until_lines(b"back")
    assert reader.text == numbered(0, 100) + b"back\n"


async def test_symbolic_links_are_followed_through_their_rotation(tmp_path: Path) -> None:
    pods, containers = tmp_path / "pods", tmp_path / "containers"
    pods.mkdir()
    containers.mkdir()
    (pods / "0.log").write_bytes(b"zero\n")
    link = containers / "mcp.log"
    link.symlink_to(pods / "0.log")
    async with following(config(containers / "*.log"), Memory()) as reader:
        await reader.until_lines(b"zero")
        (pods / "1.log").write_bytes(b"one\n")
        (containers / "new").symlink_to(pods / "1.log")
        (containers / "new").rename(link)
        with (pods / "0.log").open("ab") as file:
            file.write(b"late\n")
        await reader.until_lines(b"one", b"late")


async def test_a_file_reached_by_two_names_is_read_once(tmp_path: Path, log: Path) -> None:
    log.write_bytes(b"once\n")
    (tmp_path / "link.log").symlink_to(log)
    async with following(config(tmp_path / "*.log"), Memory()) as reader:
        await reader.until_lines(b"once")
        await asyncio.sleep(0.1)
    assert reader.text == b"once\n"


async def test_a_compressed_file_that_is_still_being_written_is_read_as_it_grows(tmp_path: Path) -> None:
    path, whole = tmp_path / "server.log.gz", gzip.compress(numbered(0, 50_000))
    path.write_bytes(whole[: len(whole) // 2])
    async with following(config(tmp_path / "*.gz", linger_secs=5), Memory()) as reader:
        await reader.until(lambda: len(reader.text) > 1000)
        with path.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        await reader.until(lambda: reader.text == numbered(0, 50_000))


async def test_a_hole_left_by_a_writer_that_kept_its_place_is_no_data(log: Path) -> None:
    log.write_bytes(numbered(0, 4000))
    async with following(config(log), Memory()) as reader:
        await reader.until(lambda: reader.text == numbered(0, 4000))
        os.truncate(log, 0)
        with log.open("r+b") as file:
            file.seek(1 << 20)
            file.write(b"after the hole\n")
        await reader.until_lines(b"after the hole")
    assert b"\0" * 4096 not in reader.text


async def test_a_thousand_files_are_followed(tmp_path: Path) -> None:
    for n in range(1000):
        (tmp_path / f"{n}.log").write_bytes(b"first of %d\n" % n)
    async with following(config(tmp_path / "*.log"), Memory()) as reader:
        await reader.until(lambda: len(reader.lines()) == 1000)
        for n in range(0, 1000, 100):
            with (tmp_path / f"{n}.log").open("ab") as file:
                file.write(b"second of %d\n" % n)
        await reader.until(lambda: len(reader.lines()) == 1010)


async def test_positions_of_files_that_are_gone_are_forgotten(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    log.unlink()
    async with following(config(log, forget_secs=0.0), state):
        await asyncio.sleep(0.1)
    assert [lane for lane in state.saved if lane.startswith("file:")] == []


async def test_a_damaged_position_costs_reading_again_and_nothing_else(log: Path) -> None:
    state = Memory()
    log.write_bytes(numbered(0, 100))
    async with following(config(log), state) as reader:
        await reader.until(lambda: reader.text == numbered(0, 100))
    for lane in state.load("file:"):
        state.saved[lane] = state.saved[lane][:7] + b"\xff"
    async with following(config(log), state) as again:
        await again.until(lambda: again.text == numbered(0, 100))


async def test_told_to_stop_it_still_reads_the_last_lines(log: Path) -> None:
    log.write_bytes(b"one\n")
    async with following(config(log, poll_secs=60.0), Memory()) as reader:
        await reader.until_lines(b"one")
        with log.open("ab") as file:
            file.write(b"dying\n")
    assert reader.text == b"one\ndying\n"


async def test_polling_alone_finds_everything(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object, **__: object) -> Iterator[None]:
        raise OSError("inotify limit reached")

    monkeypatch.setattr("watchfiles.awatch", unavailable)
    log.write_bytes(b"one\n")
    async with following(config(log), Memory()) as reader:
        await reader.until_lines(b"one")
        await asyncio.sleep(0.1)
        with log.open("ab") as file:
            file.write(b"two\n")
        await reader.until_lines(b"two")
