"""What real MCP servers wrote, end to end: not one of the planted secrets is left in any spelling, and frames stay JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from engines import sanitize, scrubber

CAPTURES = Path(__file__).with_name("captures")
FILES = sorted(path for path in CAPTURES.rglob("*") if path.is_file())
PLANTED = (
    "jane.doe@example.com",
    "+442079460958",
    "+1(415)555-0123",
    "4111111111111111",
    "378282246310005",
    "sk_test_4eC39Hq",
    "ghp_16C7e42F",
    "mpt_live_42_s3cr3t",
    "hunter2",
    "token=abc123def456",
    "s3cr3tPW",
    "123e4567-e89b-12d3-a456-426614174000",
)
LAYOUT = re.compile(r"[\s│║|]+|\\n")


def spellings(text: str) -> list[str]:
    """*text* as it stands, decoded, and both without what breaks lines; the column of source places on the right is layout, too."""
    columns = re.sub(r" {2,}\w[\w.]*\.py:\d+ *$", "", text, flags=re.MULTILINE)
    plain = [text, unquote(text), columns]
    return [spelling for each in plain for spelling in (each, LAYOUT.sub("", each))]


def left(output: str) -> list[str]:
    """The planted secrets that can still be read in *output*."""
    return [secret for secret in PLANTED if any(secret.lower() in text.lower() for text in spellings(output))]


def source(path: Path) -> bytes:
    """The server's and client's bytes: those of a capture of frames are its lines."""
    data = path.read_bytes()
    if path.suffix != ".jsonl":
        return data
    return b"".join(json.loads(line)["line"].encode().rstrip(b"\n") + b"\n" for line in data.splitlines() if "line" in json.loads(line))


def name(path: Path) -> str:
    return path.relative_to(CAPTURES).as_posix()


def test_every_planted_secret_is_in_a_capture() -> None:
    everything = "\n".join(source(path).decode("utf-8", "replace") for path in FILES)

    assert set(left(everything)) == set(PLANTED)


@pytest.mark.parametrize("path", FILES, ids=name)
async def test_no_planted_secret_is_left_in_raw_output(path: Path) -> None:
    data = source(path)
    records = await sanitize(scrubber("raw"), [data])

    assert left(b"\n".join(records).decode("utf-8", "replace")) == []
    assert len(records) == len(data.splitlines() if data.endswith(b"\n") else data.split(b"\n"))


@pytest.mark.parametrize("path", FILES, ids=name)
async def test_no_planted_secret_is_left_in_records(path: Path) -> None:
    records = await sanitize(scrubber(), [source(path)])
    parsed = [json.loads(record) for record in records]

    assert all(isinstance(record, dict) for record in parsed)
    assert left("\n".join(record.decode() for record in records)) == []
    assert left("\n".join(record["message"] for record in parsed if isinstance(record.get("message"), str))) == []


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".jsonl"], ids=name)
async def test_frames_stay_frames(path: Path) -> None:
    lines = [line for line in source(path).splitlines() if line.startswith(b"{")]
    records = await sanitize(scrubber(params="sanitize"), [b"\n".join(lines) + b"\n"])

    assert [shape(json.loads(record)) for record in records] == [shape(json.loads(line)) for line in lines]


def shape(value: object) -> object:
    """Names and kinds: what redaction leaves as it is in a frame; a number may become the text of a mask."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return isinstance(value, bool) or value is None


@pytest.mark.parametrize("path", [path for path in FILES if "pii" in path.name], ids=name)
@pytest.mark.parametrize("form", ["raw", "ndjson"])
async def test_a_second_pass_changes_nothing(path: Path, form: str) -> None:
    once = await sanitize(scrubber(form), [source(path)])  # type: ignore[arg-type] # one of the two
    again = await sanitize(scrubber(form), [b"".join(record + b"\n" for record in once)])  # type: ignore[arg-type] # likewise

    assert again == once
