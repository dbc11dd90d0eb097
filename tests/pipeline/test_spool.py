"""The spool gives back every whole batch in order, whatever happened to the file, and keeps to its bounds."""

from __future__ import annotations

import os
import random
import resource
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import batch
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.model import Clean, Envelope
from sanitizer.pipeline.spool import HEADER, Spool, SpoolFullError


def numbered(n: int) -> bytes:
    return b'{"n":%d,"text":"%s"}' % (n, random.Random(n).randbytes(40).hex().encode())


def fill(spool: Spool, count: int, *, droppable: bool = False) -> None:
    for n in range(count):
        spool.append(batch(numbered(n), first=n), droppable=droppable)


def drain(spool: Spool) -> list[int]:
    numbers = []
    while found := spool.first():
        numbers.append(found.offsets[0])
        assert found.records == [numbered(found.offsets[0])]
        spool.forget_first()
    return numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def test_gives_back_everything_in_order(folder: Path) -> None:
    spool = Spool(folder, 1 << 20, segment_bytes=500)
    fill(spool, 50)
    assert drain(spool) == list(range(50))
    assert spool.size == 0


def test_keeps_every_fact_of_a_batch(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    kept = batch(b"a", b"b", lane="x", first=7, kind="audit", rules="r", findings={"f": 2}, withheld={"w": 1})
    kept.envelopes = [Envelope(Clean(b"key"), [("header", Clean(b"value"))], tombstone=True)] * 2
    spool.append(kept)
    assert repr(spool.first()) == repr(replace(kept, frames=[])).replace("(('header', b'value'),)", "[('header', b'value')]")


def test_facts_of_calls_never_reach_the_disk(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    spool.append(batch(b"a", frames=[{"tool": "planted-name"}]))
    found = spool.first()
    assert found is not None
    assert list(found.frames) == []


def test_goes_on_after_a_restart_with_what_was_not_forgotten(folder: Path) -> None:
    spool = Spool(folder, 1 << 20, segment_bytes=500)
    fill(spool, 20)
    for _ in range(5):
        spool.first()
        spool.forget_first()
    spool.first()
    assert drain(Spool(folder, 1 << 20, segment_bytes=500)) == list(range(5, 20))


def test_without_its_cursor_batches_are_sent_again_and_none_is_left_out(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    fill(spool, 20)
    spool.first()
    spool.forget_first()
    (folder / "cursor").write_bytes(b"damaged")
    assert drain(Spool(folder, 1 << 20)) == list(range(20))


def test_space_is_given_back(folder: Path) -> None:
    spool = Spool(folder, 1 << 20, segment_bytes=500)
    fill(spool, 50)
    drain(spool)
    assert sum(path.stat().st_size for path in folder.glob("*.segment")) <= 700


def test_files_are_for_their_owner_alone(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    fill(spool, 3)
    spool.first()
    spool.forget_first()
    for path in [folder, *folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_torn_end_costs_nothing_that_was_whole(folder: Path) -> None:
    fill(Spool(folder, 1 << 20), 10)
    (segment,) = folder.glob("*.segment")
    os.truncate(segment, segment.stat().st_size - 3)
    again = Spool(folder, 1 << 20)
    again.append(batch(numbered(10), first=10))
    assert drain(again) == [*range(9), 10]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damage_costs_only_the_batches_it_hits(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, 1 << 20)
    ends = []
    for n in range(12):
        spool.append(batch(numbered(n), first=n))
        ends.append(spool.size)
    (segment,) = folder.glob("*.segment")
    start = data.draw(st.integers(0, ends[-1] - 1))
    stop = min(ends[-1], start + data.draw(st.integers(1, 60)))
    content = bytearray(segment.read_bytes())
    content[start:stop] = data.draw(st.binary(min_size=stop - start, max_size=stop - start))
    changed = bytes(content) != segment.read_bytes()
    segment.write_bytes(content)
    hit = {n for n, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)) if begin < stop and start < end}
    again = Spool(folder, 1 << 20)
    found = []
    while kept := again.first():
        found.append(kept.offsets[0])
        again.forget_first()
    assert set(range(12)) - hit <= set(found)
    assert found == sorted(found)
    assert not changed or again.damaged <= len(hit)


def test_random_rubbish_in_the_folder_is_passed_over_and_counted(folder: Path) -> None:
    folder.mkdir()
    (folder / "000000000001.segment").write_bytes(random.Random(1).randbytes(10_000))
    (folder / "notes.segment").write_bytes(b"not ours")
    spool = Spool(folder, 1 << 20)
    fill(spool, 3)
    assert drain(spool) == [0, 1, 2]
    assert spool.damaged == 1


def test_the_bound_holds(folder: Path) -> None:
    spool = Spool(folder, 3000)
    with pytest.raises(SpoolFullError):
        fill(spool, 1000)
    assert spool.size <= 3000
    taken = len(drain(spool))
    assert taken > 5
    fill(spool, taken)


def test_the_oldest_is_dropped_but_not_what_is_on_its_way(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    fill(spool, 5, droppable=True)
    lent = spool.first()
    assert lent is not None
    assert spool.drop_oldest() == 1
    spool.forget_first()
    assert (lent.offsets[0], drain(spool)) == (0, [2, 3, 4])


def test_what_may_not_be_dropped_is_not(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    fill(spool, 2)
    assert spool.drop_oldest() is None
    assert drain(spool) == [0, 1]


@pytest.mark.parametrize("room", range(0, 400, 7))
def test_a_disk_that_is_full_at_any_byte_leaves_no_trace(folder: Path, room: int) -> None:
    spool = Spool(folder, 1 << 20)
    spool.append(batch(numbered(0)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size + room, hard))
    written = 1
    try:
        while True:
            spool.append(batch(numbered(written), first=written))
            written += 1
    except OSError:
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.append(batch(numbered(written), first=written))
    assert drain(Spool(folder, 1 << 20)) == list(range(written + 1))


def test_a_header_says_how_many_records_a_batch_has(folder: Path) -> None:
    spool = Spool(folder, 1 << 20)
    spool.append(batch(b"a", b"b", b"c"))
    (segment,) = folder.glob("*.segment")
    assert HEADER.unpack(segment.read_bytes()[: HEADER.size])[2] == 3
