"""Lines that are made to be slow, and the lines that look like them and are results."""

from __future__ import annotations

import random
import zlib

import pytest

from benchmarks.hostile import UNITS, Lane, line, page, result
from sanitizer.records.assemble import Assembler

SHORT, TIMES = 24_000, 4
MOST_TIMES = 8
"""A cost that grows with the square of the length is 16 times as high; a line that grows in proportion, 4 times."""

UNMEASURABLE_SECS = 0.02

SOUGHT_AROUND = {"placeholders": "password = ?, ", "placeholders in lists": "password = ?, [", "leaders": "password....: "}
"""Lines of what is looked for on either side."""


@pytest.fixture(scope="module")
def lane() -> Lane:
    lane = Lane("raw")
    lane.seconds(result(10_000))
    return lane


@pytest.mark.parametrize("unit", (UNITS | SOUGHT_AROUND).values(), ids=(UNITS | SOUGHT_AROUND).keys())
def test_a_line_four_times_as_long_costs_about_four_times_as_much(lane: Lane, unit: str) -> None:
    short, long = line(unit, SHORT), line(unit, SHORT * TIMES)
    lane.seconds(line(unit, 2000))
    took = took_long = float("inf")
    for _ in range(4):  # time is noisy: the best of a few tells
        took, took_long = min(took, lane.seconds(short)), min(took_long, lane.seconds(long))
        if took_long < max(MOST_TIMES * took, UNMEASURABLE_SECS):
            return
    pytest.fail(f"{took:.3f} s became {took_long:.3f} s")


def written(lane: Lane, data: bytes) -> tuple[bytes, int]:
    """What becomes of *data*, and how many records were withheld."""
    assembler = Assembler(told=lane.told)
    batches = [lane.scrubber.scrub(taken, "lane") for taken in (assembler.feed(data), assembler.flush())]
    withheld = sum(count for batch in batches for count in batch.withheld.values())
    return b"\n".join(record for batch in batches for record in batch.records), withheld


@pytest.mark.parametrize(
    "row",
    [
        '{"id":1,"email":"","phone":null,"token":""},', "4111 5222 ", "1.25,-0.5,", "+0.73 +1.52 ", "2024-01-01T00:00:00Z ",
        "lodash@4.17.21 ", '{"prompt_tokens":12,"total_tokens":46},', "d670460b4b4aece5915caf5c68d12f560a9fe3e4 ",
        "the token of the client is a secret word ", "user.token = parse(token) ",
    ],
)  # fmt: skip
def test_a_big_result_is_read_and_stays_readable(lane: Lane, row: str) -> None:
    told, withheld = written(lane, line(row, 300_000))
    assert not withheld
    assert told.startswith(row.encode())


def test_a_dense_table_of_secrets_is_no_flood(lane: Lane) -> None:
    told, withheld = written(lane, line('{"email":"a@b.co","phone":"415-555-2671","pin":"1234"},', 300_000))
    assert not withheld
    assert told.startswith(b'{"email":"[REDACTED:email]","phone":"[REDACTED:phone]","pin":"[REDACTED:')


def test_a_flood_of_beginnings_is_withheld_and_said_to_be(lane: Lane) -> None:
    told, withheld = written(lane, line('"password":"password":', 300_000) + b"next\n")
    assert withheld == 1
    assert told.startswith(b"[withheld:flooderror] ")
    assert told.endswith(b"\nnext")


@pytest.mark.parametrize("data", [random.Random(7).randbytes(100_000), zlib.compress(random.Random(7).randbytes(100_000))])
def test_binary_is_told_by_what_it_is_and_not_read_in_every_way_it_could_be(lane: Lane, data: bytes) -> None:
    text = line("one %41 two =?x& three \\u0041 four", 100_000)
    assert min(lane.seconds(data) for _ in range(3)) < 20 * min(lane.seconds(text) for _ in range(3))
    told, withheld = written(lane, data)
    assert not withheld
    assert len(told) < len(data) / 2


@pytest.mark.parametrize("binary", [random.Random(7).randbytes(400).replace(b"\n", b""), b"\x01\x02" * 40])
@pytest.mark.parametrize(
    "secret",
    [b"password=%s%%33cr3tW0rd%%21", b"gh\x00p_\x00%s\x0038f7f4LR8e6Y0du\x00ZpW2wtFpGK0WtdT0mjoKO", b"\\u0070assword=%s3cr3tW0rd"],
)
def test_a_disguise_that_begins_or_ends_in_binary_does_not_pass(lane: Lane, binary: bytes, secret: bytes) -> None:
    for before, after in ((b"", binary), (binary, b""), (binary, binary)):
        for seam in (b"", b" "):
            told, _ = written(lane, b"got " + before + seam + secret.replace(b"%s", b"").replace(b"%%", b"%") + seam + after + b"\n")
            assert b"3cr3tW0rd" not in told
            assert b"ZpW2wt" not in told


@pytest.mark.parametrize("unit", ["client secret=", 'password=\\"', 'name="password"\\r\\n\\r\\n'])
def test_keys_within_the_values_of_others_are_a_flood(lane: Lane, unit: str) -> None:
    assert written(lane, line(unit, 300_000))[1] == 1


def test_a_page_in_five_disguises_is_read(lane: Lane) -> None:
    told, withheld = written(lane, page(60_000))
    assert not withheld
    assert told.count(b"plain text without anything that is odd in it") > 50


def test_a_flood_over_many_lines_is_none(lane: Lane) -> None:
    data = b"token: none\n" * 10_000
    assert written(lane, data) == (data[:-1], 0)


def test_a_prefix_within_a_long_word_that_was_no_token_takes_the_rest_of_it(lane: Lane) -> None:
    told, _ = written(lane, line("sk-ghp_AKIA", 5_000))
    assert len(told) < 100
