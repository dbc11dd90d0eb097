"""The files that the command line names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.test_main import CLEAN, LINE, run, said


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(LINE)
    return path


@pytest.mark.parametrize("option", ["--output", "--audit-file"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_that_is_read_is_not_written(log: Path, option: str, linked: bool) -> None:
    written = log.with_name("link.log") if linked else log
    if linked:
        os.link(log, written)
    done = run("run", str(log), option, str(written))

    assert done.returncode == 2
    assert said(done) == f"sanitizer: {written}: is a file that is read; write to another one\n"
    assert log.read_bytes() == LINE


@pytest.mark.parametrize("redirected", [False, True])
def test_an_output_that_grows_what_is_read_is_refused(log: Path, redirected: bool) -> None:
    with log.open("ab") as out, log.open("rb") as given:
        done = run("run", *([] if redirected else [str(log)]), stdout=out, **({"stdin": given} if redirected else {}))

    assert done.returncode == 2
    assert said(done) == "sanitizer: standard output: is a file that is read; write to another one\n"
    assert log.read_bytes() == LINE


def test_another_file_with_the_same_bytes_is_written(log: Path) -> None:
    other = log.with_name("other.log")
    other.write_bytes(LINE)

    assert run("run", str(log), "-o", str(other)).returncode == 0
    assert other.read_bytes() == CLEAN


def test_a_dash_is_standard_input() -> None:
    assert run("run", "-", given=LINE).stdout == CLEAN
    assert b'"email":1' in run("scan", "--json", "-", given=LINE).stderr


def test_a_dash_among_files_is_refused(log: Path) -> None:
    done = run("run", str(log), "-", given=LINE)

    assert (done.returncode, done.stdout) == (2, b"")
    assert said(done) == "sanitizer: -: standard input is read alone; leave out the other files\n"
