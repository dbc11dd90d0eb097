"""Whatever arrives gives a well-defined sanitized record or a clear error; memory stays bounded, and nothing is lost silently."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from engines import sanitize, scrubber

from sanitizer.redaction.scrub import Format

ROOT = Path(__file__).parents[1]
SECRET = b"jane.doe@example.com"
FORMATS: tuple[Format, ...] = ("ndjson", "raw")
HOSTILE = {
    "invalid UTF-8": b"\xff\xfe bad \xc3 bytes jane.doe@example.com\n",
    "invalid UTF-8 in JSON": b'{"a":"\xff jane.doe@example.com"}\n',
    "NUL": b"a\x00b jane.doe@example.com\x00\n",
    "NUL in JSON": b'{"a":"\x00 jane.doe@example.com"}\n',
    "escaped NUL": b'{"a":"\\u0000 jane.doe@example.com"}\n',
    "BOM": b"\xef\xbb\xbfINFO jane.doe@example.com\n",
    "BOM before JSON": b'\xef\xbb\xbf{"a":"jane.doe@example.com"}\n',
    "UTF-16": "INFO jane.doe@example.com\n".encode("utf-16"),
    "CRLF": b"INFO jane.doe@example.com\r\n",
    "CRLF after JSON": b'{"a":"jane.doe@example.com"}\r\n',
    "lone CR": b"INFO jane.doe@example.com\rforged\n",
    "lone surrogate escaped": b'{"a":"\\ud800 jane.doe@example.com"}\n',
    "lone surrogate encoded": b'{"a":"\xed\xa0\x80 jane.doe@example.com"}\n',
    "duplicate keys": b'{"a":1,"a":"jane.doe@example.com"}\n',
    "truncated JSON": b'{"a":{"b":["jane.doe@example.com"\n',
    "truncated in a string": b'{"a":"jane.doe@example.com\n',
    "truncated in an escape": b'{"a":"jane.doe@example.com\\u00\n',
    "bad escape": b'{"a":"\\x jane.doe@example.com"}\n',
    "raw tab in a string": b'{"a":"\tjane.doe@example.com"}\n',
    "NaN": b'{"a":NaN,"b":Infinity,"c":"jane.doe@example.com"}\n',
    "big numbers": b'{"a":123456789012345678901234567890,"b":1e999,"c":-9223372036854775809,"d":"jane.doe@example.com"}\n',
    "long number": b'{"a":' + b"9" * 6000 + b',"b":"jane.doe@example.com"}\n',
    "odd numbers": b'{"a":01,"b":.5,"c":+1,"d":"jane.doe@example.com"}\n',
    "trailing comma": b'{"a":"jane.doe@example.com",}\n',
    "text after JSON": b'{"a":1} jane.doe@example.com\n',
    "two objects": b'{"a":1}{"b":"jane.doe@example.com"}\n',
    "JSON array": b'["jane.doe@example.com",1]\n',
    "JSON string": b'"jane.doe@example.com"\n',
    "nested 10,000 levels": b'{"a":' * 10_000 + b'"jane.doe@example.com"' + b"}" * 10_000 + b"\n",
    "nested 10,000 arrays": b"[" * 10_000 + b'"jane.doe@example.com"' + b"]" * 10_000 + b"\n",
    "only opened 10,000 times": b'{"a":[' * 10_000 + b"jane.doe@example.com\n",
    "spaces": b"   \t  \n",
    "empty lines": b"\n\n\n",
    "vertical tab and form feed": b"a\x0bb\x0cjane.doe@example.com\n",
    "line separators": "a\u2028jane.doe@example.com\u2029b\x85c\n".encode(),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_every_oddity_gives_clean_records(data: bytes, form: Format) -> None:
    made = scrubber(form)
    data = data.removesuffix(b"\n") + b"\n"
    records = await sanitize(made, [data, b"next line\n"])

    assert SECRET not in b"\n".join(records)
    assert not any(b"\n" in record for record in records)
    if form == "raw":
        assert records[-1].endswith(b"next line")
        assert len(records) == (data + b"next line\n").count(b"\n")
        return
    assert all(isinstance(orjson.loads(record.replace(b"1e999", b"1")), dict) for record in records if not nested(record))
    assert all(isinstance(json.loads(record), dict) for record in records if not nested(record))
    assert "next line" in json.loads(records[-1])["message"]


def nested(record: bytes) -> bool:
    """Deeper than parsers go."""
    return record.count(b"{") + record.count(b"[") > 900


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_second_pass_over_an_oddity_changes_nothing(data: bytes, form: Format) -> None:
    once = await sanitize(scrubber(form), [data])
    again = await sanitize(scrubber(form), [b"".join(record + b"\n" for record in once)])

    assert again == once


async def test_nothing_of_an_odd_record_is_lost() -> None:
    (record,) = await sanitize(scrubber(), [b'{"a":NaN,"kept":"yes"}\n'])

    assert "kept" in record.decode()


@pytest.mark.parametrize("form", FORMATS)
async def test_a_last_line_without_its_end_is_a_record(form: Format) -> None:
    (record,) = await sanitize(scrubber(form), [b"INFO jane.doe@", b"example.com"])

    assert b"[REDACTED:email]" in record


async def test_blank_lines_say_nothing_in_json_and_stay_in_raw_output() -> None:
    assert await sanitize(scrubber(), [b"  \n\na\n"]) == [b'{"message":"a"}']
    assert await sanitize(scrubber("raw"), [b"  \n\na\n"]) == [b"  ", b"", b"a"]


async def test_numbers_beyond_64_bits_keep_their_digits() -> None:
    line = b'{"a":12345678901234567890123,"b":1.10,"c":1E5}'

    assert await sanitize(scrubber(), [line + b"\n"]) == [line]


@pytest.mark.parametrize("form", FORMATS)
async def test_a_record_that_is_too_long_is_cut_and_marked(form: Format) -> None:
    line = b"{" + b'"text":"' + b"word " * 2000 + SECRET + b'"}'
    first, second = await sanitize(scrubber(form), [line[:3000], line[3000:] + b"\nnext\n"], max_record_bytes=4096)

    mark = re.search(rb"\[cut: (\d+) bytes, (hmac-sha256:k:[0-9a-f]{64})\]", first)
    assert mark
    assert int(mark[1]) == len(line)
    assert mark[2].decode() == scrubber(form).keyring.digest(line)
    assert 3000 < len(first) < 4300
    assert b"next" in second
    if form == "ndjson":
        assert json.loads(first)["message"].startswith('{"text":"word')


@pytest.mark.parametrize("at", range(1, 21))
async def test_half_a_secret_does_not_stand_before_a_cut(at: int) -> None:
    line = b"x " * 1024
    (record,) = await sanitize(scrubber("raw"), [line[: 2048 - at] + SECRET + b" and more of it\n"], max_record_bytes=2048)

    assert b"jane" not in record
    assert b"[cut: " in record


async def test_the_records_after_a_cut_one_keep_their_offsets() -> None:
    from sanitizer.model import Batch, Raw
    from sanitizer.redaction.lanes import Lanes

    data = b"y" * 5000 + b"\nTraceback (most recent call last):\n  File\nValueError: z\nlast\n"
    lanes = Lanes(scrubber(), max_record_bytes=1024)
    found = [*await lanes.feed(Batch("-", Raw(data), 0, len(data))), *await lanes.flush("-", end=True)]
    offsets = [offset for clean in found for offset in clean.offsets]

    assert offsets[:2] == [0, 5001]
    assert offsets[-1] == data.rindex(b"last")


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "sanitizer", *arguments], cwd=ROOT, capture_output=True, check=False, **more)  # type: ignore[call-overload,no-any-return] # passed on


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    done = run("run", str(path))

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("command", ["run", "scan"])
def test_a_file_that_is_gone_is_named(command: str, tmp_path: Path) -> None:
    done = run(command, str(tmp_path / "gone.log"))

    assert done.returncode == 2
    assert done.stderr.decode() == f"sanitizer: {tmp_path / 'gone.log'}: no such file\n"


@pytest.mark.timeout(60)
def test_a_hundred_megabytes_without_a_line_end_stay_in_bounds(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    piece = b"word jane.doe@example.com " * 40_000
    with path.open("wb") as file:
        for _ in range(100):
            file.write(piece)
    # A process counts what the one that started it weighed, so a light one stands between this and the one that is weighed.
    weigh = (
        "import resource, subprocess, sys; done = subprocess.run([sys.executable, '-m', 'sanitizer', 'run']); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(done.returncode)"
    )
    with path.open("rb") as source:
        done = subprocess.run([sys.executable, "-c", weigh], cwd=ROOT, stdin=source, capture_output=True, check=False)
    output = done.stdout

    assert done.returncode == 0
    assert int(done.stderr) < 250 * 1024  # kibibytes on Linux
    assert SECRET not in output
    assert f"[cut: {100 * len(piece)} bytes, ".encode() in output
