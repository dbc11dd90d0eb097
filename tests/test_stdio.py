"""Standard input and output: nothing is lost on slow pipes, the loop is never blocked, and the last words are heard."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from pathlib import Path

import pytest
from fakes import batch, until

from sanitizer.model import Batch
from sanitizer.sources.options import Reading
from sanitizer.sources.stdin import StdinSource
from sinks.stdout import StdoutSink


async def test_a_slow_reader_gets_everything_while_the_loop_goes_on() -> None:
    read, write = os.pipe()
    sink = StdoutSink(write)
    records = [b"%06d" % n * 20 for n in range(5000)]
    received = bytearray()

    def slowly() -> None:
        while data := os.read(read, 50_000):
            received.extend(data)
            time.sleep(0.002)

    reader = threading.Thread(target=slowly)
    reader.start()
    ticks = 0
    sending = asyncio.create_task(sink.send(batch(*records)))
    while not sending.done():
        await asyncio.sleep(0.001)
        ticks += 1
    await sending
    sink.close()
    os.close(write)
    reader.join()
    os.close(read)
    assert bytes(received).splitlines() == records
    assert ticks > 3


async def test_our_way_of_writing_is_not_forced_on_who_shares_the_pipe() -> None:
    read, write = os.pipe()
    sink = StdoutSink(write)
    await sink.send(batch(b"x"))
    assert not fcntl.fcntl(write, fcntl.F_GETFL) & os.O_NONBLOCK
    sink.close()
    os.close(read)
    os.close(write)


async def test_a_reader_that_is_gone_is_told_as_such() -> None:
    read, write = os.pipe()
    sink = StdoutSink(write)
    os.close(read)
    with pytest.raises(BrokenPipeError):
        await sink.send(batch(b"x"))
    sink.close()
    os.close(write)


async def test_a_full_disk_is_waited_for_as_long_as_there_is_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.stdout._ROOM_SECS", 0.001)
    write, room = os.write, [7]

    def limited(fd: int, data: bytes) -> int:
        if not room[0]:
            room[0] = 7
            raise OSError(28, "No space left on device")
        taken = write(fd, data[: room[0]])
        room[0] -= taken
        return taken

    path = tmp_path / "out"
    with path.open("wb") as file:
        sink = StdoutSink(file.fileno(), float("inf"))
        monkeypatch.setattr("sinks.stdout.os.write", limited)
        await sink.send(batch(*[b"%04d" % number for number in range(50)]))
        sink.patient_until = 0.0
        with pytest.raises(OSError, match="No space left on device"):
            await sink.send(batch(*[b"%04d" % number for number in range(50, 100)]))
        sink.close()
    assert path.read_bytes().split()[:50] == [b"%04d" % number for number in range(50)]


async def test_a_line_that_was_cut_is_completed_before_the_next() -> None:
    read, write = os.pipe()
    sink = StdoutSink(write)
    sending = asyncio.create_task(sink.send(batch(*[b"y" * 1000] * 2000)))
    await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    received = bytearray()
    reader = threading.Thread(target=lambda: [received.extend(data) for data in iter(lambda: os.read(read, 1 << 16), b"")])
    reader.start()
    await sink.send(batch(b"next"))
    sink.close()
    os.close(write)
    reader.join()
    os.close(read)
    assert set(bytes(received).splitlines()) == {b"y" * 1000, b"next"}


async def collect(source: StdinSource, found: list[Batch]) -> None:
    async for each in source.batches():
        found.append(each)  # noqa: PERF401 - as they come


async def test_a_regular_file_is_read_to_its_end_in_large_pieces(tmp_path: object) -> None:
    read = os.memfd_create("input")
    os.write(read, b"z" * 1_000_000)
    os.lseek(read, 0, os.SEEK_SET)
    found: list[Batch] = []
    source = StdinSource(read, Reading())
    await collect(source, found)
    source.close()
    os.close(read)
    assert sum(len(each.data) for each in found) == 1_000_000
    assert len(found) <= 5


async def test_input_comes_at_once_when_it_pauses() -> None:
    read, write = os.pipe()
    found: list[Batch] = []
    reading = Reading()
    source = StdinSource(read, reading)
    running = asyncio.create_task(collect(source, found))
    for n in range(5):
        begun = time.monotonic()
        os.write(write, b"line\n")
        await until(lambda n=n: len(found) == n + 1)  # type: ignore[misc]
        assert time.monotonic() - begun < 0.05
    os.close(write)
    await asyncio.wait_for(running, 5)
    source.close()
    os.close(read)


async def test_a_writer_that_never_ends_does_not_keep_us() -> None:
    read, write = os.pipe()
    reading = Reading()
    source = StdinSource(read, reading)
    done = threading.Event()

    def write_on() -> None:
        while not done.is_set():
            try:
                os.write(write, b"and on\n" * 100)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write_on)
    writer.start()
    running = asyncio.create_task(collect(source, []))
    await asyncio.sleep(0.05)
    reading.stop.set()
    await asyncio.wait_for(running, 10)
    done.set()
    source.close()
    os.close(read)
    writer.join()
    os.close(write)
