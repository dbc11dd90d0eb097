"""The command line as a person meets it: a process, its streams and its exit code."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINE = b"2026-11-21 10:00:00 INFO login of jane.doe@example.com\n"
CLEAN = (
    b'{"timestamp":"2026-11-21T10:00:00Z","timestamp_text":"2026-11-21 10:00:00","level":"INFO","message":"login of [REDACTED:email]"}\n'
)
ENVIRONMENT = {**os.environ, "SANITIZER_HASH_KEY": "0123456789abcdef0123456789abcdef", "NO_COLOR": "1"}


def run(*arguments: str, given: bytes = b"", **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "sanitizer", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **({} if "stdin" in more else {"input": given}), **more},
    )
    assert b"Traceback" not in (done.stderr or b"")
    return done


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    return str(done.stderr.decode())


@pytest.fixture
def pipe() -> Iterator[subprocess.Popen[bytes]]:
    """`sanitizer run` that has begun, with an open standard input."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "sanitizer", "run"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream and not stream.closed:
            stream.close()


def test_standard_input_comes_out_clean() -> None:
    done = run("run", given=LINE)

    assert (done.returncode, done.stdout, done.stderr) == (0, CLEAN, b"")


def test_raw_output_keeps_lines_as_they_are() -> None:
    assert run("run", "--format", "raw", given=LINE + b"\nplain\n").stdout == LINE.replace(
        b"jane.doe@example.com", b"[REDACTED:email]"
    ) + b"\nplain\n"


def test_json_keeps_its_shape_and_the_order_of_its_keys() -> None:
    line = b'{"b":1,"a":{"user":"jane.doe@example.com","n":[1,2.50]},"ok":true}\n'

    assert run("run", given=line).stdout == line.replace(b"jane.doe@example.com", b"[REDACTED:email]")


def test_params_of_a_call_give_way_to_their_hash_and_the_hash_can_be_looked_up() -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"q": "who is jane"}}}
    record = json.loads(run("run", given=json.dumps(call).encode() + b"\n").stdout)
    looked_up = run("hash", '{"q": "who is jane"}')

    assert "params" not in record
    assert record["tool_name"] == "search"
    assert record["params_hash"] == looked_up.stdout.decode().strip()
    assert re.fullmatch(r"hmac-sha256:[\w.-]+:[0-9a-f]{64}", record["params_hash"])


def test_files_are_read_one_after_another_compressed_ones_too(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(LINE)
    with gzip.open(tmp_path / "b.log.gz", "wb") as file:
        file.write(LINE * 2)
    done = run("run", str(tmp_path / "a.log"), str(tmp_path / "b.log.gz"), "-o", str(tmp_path / "out.ndjson"))

    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "out.ndjson").read_bytes() == CLEAN * 3
    assert (tmp_path / "out.ndjson").stat().st_mode & 0o777 == 0o600


def test_annotations_count_findings_by_kind() -> None:
    record = json.loads(run("run", "--annotate", given=b"from a@example.com to b@example.com\n").stdout)

    assert record["redactions"] == {"email": 2}


def test_stats_are_a_table_for_people_and_json_for_programs() -> None:
    table = said(run("run", "--stats", given=LINE))
    told = json.loads(said(run("run", "--json", given=LINE)))

    assert re.search(r"1 records, .* MB in .* s", table)
    assert re.search(r"redacted by rule\n  email +1\n", table)
    assert (told["records"], told["written"], told["findings"], told["withheld"]) == (1, 1, {"email": 1}, {})
    assert told["key"] in table


def test_a_scan_writes_nothing_and_says_what_would_be_redacted() -> None:
    given = LINE + b'{"tool":"mail","to":"jane.doe@example.com"}\n'
    done = run("scan", "--json", given=given)
    told = json.loads(said(done))

    assert (done.returncode, done.stdout) == (0, b"")
    assert told["findings"] == {"email": 2}
    assert told["by field"] == {"(no field)": 1, "to": 1}
    assert told["by tool"] == {"(no tool)": 1, "mail": 1}


@pytest.mark.parametrize(("limit", "code"), [("any", 1), ("1", 1), ("2", 1), ("3", 0)])
def test_a_scan_can_gate_a_job(limit: str, code: int) -> None:
    assert run("scan", "--fail-on", limit, given=LINE * 2).returncode == code


def test_a_clean_input_passes_the_gate() -> None:
    assert run("scan", "--fail-on", "any", given=b"nothing here\n").returncode == 0


def test_rules_are_listed_shown_checked_and_explained(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('[[rule]]\nid = "acme-token"\npattern = "acme_[a-z]{8}"\n')
    (tmp_path / "bad.toml").write_text('[[rule]]\nid = "bad"\npattern = "x*"\n')

    assert "acme-token" in run("rules", "list", "--rules", str(tmp_path / "acme.toml")).stdout.decode()
    assert json.loads(run("rules", "show", "email").stdout)["id"] == "email"
    assert run("rules", "check", str(tmp_path / "acme.toml")).returncode == 0
    refused = run("rules", "check", str(tmp_path))
    assert refused.returncode == 1
    assert "bad.toml: rule 'bad': its pattern matches the empty string" in refused.stdout.decode()
    explained = run("rules", "explain", "mail jane@example.com card 4111111111111112").stdout.decode()
    assert re.search(r"email: matched\n", explained)
    assert re.search(r"check '[a-z-]+' failed", explained)


def test_three_lines_of_ones_own_are_a_rule(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[[rule]]\nid = \"acme-token\"\npattern = '''\\bacme_[A-Za-z0-9_]{8,}'''\n")

    assert json.loads(run("run", "--rules", str(tmp_path), given=b"have acme_live_1234\n").stdout)["message"] == "have [REDACTED:acme-token]"


def test_rules_are_imported_and_what_is_left_behind_is_said(tmp_path: Path) -> None:
    (tmp_path / "gitleaks.toml").write_text('[[rules]]\nid = "acme"\nregex = "acme_[a-z]{8}"\n[[rules]]\nid = "paths"\npath = "x"\n')
    done = run("rules", "import", str(tmp_path / "gitleaks.toml"), "-o", str(tmp_path / "rules.toml"))

    assert done.returncode == 0
    assert "1 of 2 rules carried over" in said(done)
    assert run("rules", "check", str(tmp_path / "rules.toml")).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--nope"], "No such option"),
        (["run", "--format", "xml"], "'ndjson', 'raw'"),
        (["run", "--disable", "nope"], "no rule is called 'nope'; `sanitizer rules list` shows the ids"),
        (["run", "--pack", "nope"], "no pack is called 'nope'; there are "),
        (["run", "--action", "email=shred"], "write ID=mask, ID=hash, ID=partial or ID=remove"),
        (["run", "--rules", "/nonexistent"], "/nonexistent: no rule files (*.toml) there; name a folder that holds some"),
        (["run", "--key-file", "/nonexistent"], "/nonexistent"),
        (["run", "gone.log"], "gone.log: no such file"),
        (["run", "/"], "/: a folder; name the files in it, as in /*.log"),
        (["scan", "/"], "/: a folder"),
        (["run", "--config", "gone.toml"], "gone.toml"),
        (["run", "--config", "x.toml", "a.log"], "leave out FILES and --output"),
        (["run", "--config", "x.toml", "--pack", "papers", "--stats"], "leave out --stats, --pack, or write it there"),
        (["run", "--config", "x.toml", "--audit-file", "a"], "leave out --audit-file, or write it there"),
        (["scan", "--fail-on", "few"], "--fail-on takes a number above 0, or `any`; 'few' is neither"),
        (["rules", "show", "nope"], "no rule is called 'nope'"),
        (["nope"], "No such command"),
    ],
)
def test_what_is_wrong_ends_the_program_before_the_first_byte(arguments: list[str], words: str) -> None:
    done = run(*arguments, given=LINE)

    assert done.returncode == 2
    assert words in said(done)
    assert done.stdout == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["rules", "list"], ["rules", "explain", "jane.doe@example.com"]])
def test_a_full_disk_behind_what_is_printed_is_told(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*arguments, stdout=full)

    assert (done.returncode, said(done)) == (1, "sanitizer: standard output: No space left on device\n")


def test_a_broken_rule_is_named_with_its_file_and_id_and_the_reason(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nid = "x"\npattern = ".*abc"\n')
    done = run("run", "--rules", str(tmp_path), given=LINE)

    assert (done.returncode, done.stdout) == (2, b"")
    assert said(done) == "sanitizer: own.toml: rule 'x': it begins with a piece of unknown width: give the rule an `anchor`\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_was_read_is_written(pipe: subprocess.Popen[bytes], number: signal.Signals) -> None:
    assert pipe.stdin
    assert pipe.stdout
    pipe.stdin.write(LINE)
    pipe.stdin.flush()
    assert pipe.stdout.readline() == CLEAN
    pipe.stdin.write(b"INFO held back by jane.doe@example.com\nTraceback (most recent call last):\n  File \"a.py\", line 1, in x\n")
    pipe.stdin.flush()
    time.sleep(0.05)
    pipe.send_signal(number)
    rest, errors = pipe.communicate(timeout=20)

    assert pipe.returncode == 128 + number
    assert b"held back by [REDACTED:email]" in rest
    assert b"Traceback (most recent call last):" in rest
    assert errors == b""


def test_a_closed_output_ends_it_as_it_ends_others(pipe: subprocess.Popen[bytes]) -> None:
    assert pipe.stdin
    assert pipe.stdout
    assert pipe.stderr
    pipe.stdin.write(LINE)
    pipe.stdin.flush()
    assert pipe.stdout.readline() == CLEAN
    pipe.stdout.close()
    pipe.stdin.write(LINE)
    pipe.stdin.flush()

    assert pipe.wait(timeout=20) == 128 + signal.SIGPIPE
    assert pipe.stderr.read() == b""


def test_a_reader_that_needs_only_the_beginning_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "long.log").write_bytes(LINE * 20_000)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m sanitizer run {tmp_path / 'long.log'} | head -2"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (141, CLEAN * 2, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_said_and_fails(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE)
    with open("/dev/full", "wb") as full:
        done = run("run", str(tmp_path / "log"), stdout=full)

    assert done.returncode == 1
    assert said(done).startswith("sanitizer: standard output: No space left on device; ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
def test_what_a_pipe_brings_waits_for_a_full_disk_and_is_counted_at_the_end() -> None:
    with open("/dev/full", "wb") as full:
        done = run("run", "--json", given=LINE, stdout=full)

    assert done.returncode == 1
    assert said(done).startswith("sanitizer: standard output takes nothing (No space left on device); it is tried again\n")
    assert "1 records were dropped" in said(done)
    assert json.loads(said(done).splitlines()[-1])["dropped"] == 1


def test_an_output_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    done = run("run", "-o", str(tmp_path / "no" / "folder"), given=LINE)

    assert done.returncode == 2
    assert said(done) == f"sanitizer: {tmp_path / 'no' / 'folder'}: cannot be written: No such file or directory\n"


def test_a_complete_line_is_out_at_once(pipe: subprocess.Popen[bytes]) -> None:
    assert pipe.stdin
    assert pipe.stdout
    latencies = []
    for number in range(21):
        begun = time.perf_counter()
        pipe.stdin.write(b'{"n":%d,"to":"jane.doe@example.com"}\n' % number)
        pipe.stdin.flush()
        assert json.loads(pipe.stdout.readline()) == {"n": number, "to": "[REDACTED:email]"}
        latencies.append(time.perf_counter() - begun)

    assert statistics.median(latencies[1:]) < 0.05


def test_the_audit_trail_of_a_run_verifies(tmp_path: Path) -> None:
    frames = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"q": "x"}}},
        {"jsonrpc": "2.0", "id": 1, "result": {"content": []}},
    ]
    trail = tmp_path / "audit.ndjson"
    done = run("run", "--audit-file", str(trail), given=b"".join(json.dumps(frame).encode() + b"\n" for frame in frames))
    assert done.returncode == 0
    verified = run("audit", "verify", str(trail))

    assert trail.read_bytes()
    assert verified.returncode == 0, said(verified)


def test_the_key_is_named_and_pseudonyms_hold_across_runs() -> None:
    line = b"id 123e4567-e89b-42d3-a456-426614174000\n"
    once, again = run("run", "--stats", given=line), run("run", given=line)

    assert once.stdout == again.stdout
    assert re.search(rb"\[uuid:[0-9a-f]{12}\]", once.stdout)
    assert "(your key)" in said(once)


def test_the_demo_shows_before_and_after() -> None:
    done = run("demo")

    assert done.returncode == 0
    before, _, after = done.stdout.decode().partition("after: sanitizer run")
    assert "@" in before
    assert "[REDACTED:email]" in after


def test_facts_that_are_asked_for_are_in_the_trail_as_pseudonyms_that_can_be_looked_up(tmp_path: Path) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"deal": 7}}}
    record = {"user": {"id": "usr_123"}, "project": "apollo", "remote_addr": "203.0.113.7", "request": call}
    trail, key = tmp_path / "audit.ndjson", tmp_path / "key"
    key.write_text("k:a key of enough length\n")
    facts = ("--fact", "user=record.user.id", "--fact", "project=record.project", "--fact", "subject_id=arguments.deal")
    options = ("--key-file", str(key), "--audit-file", str(trail), *facts, "--keep-fact", "project")
    done = run("run", *options, given=json.dumps(record).encode() + b"\n")
    assert done.returncode == 0, said(done)
    event = json.loads(trail.read_bytes().splitlines()[0])
    looked_up = run("hash", "--key-file", str(key), "--fact", "user", "usr_123").stdout.decode().strip()
    assert event["user"] == looked_up != "usr_123"
    assert (event["project"], event["client_ip"], event["subject_id"][:12]) == ("apollo", "203.0.113.7", "[subject_id:")
    assert run("audit", "query", "--user", looked_up, str(trail), "--json").stdout.count(b"\n") == 1


def test_wrong_audit_options_are_told_with_the_mend(tmp_path: Path) -> None:
    for options, mend in ((("--fact", "user=name"), "write NAME=PATH"), (("--audit-keep", "soon"), "write 90d, 12h")):
        done = run("run", "--audit-file", str(tmp_path / "a"), *options, given=b"")
        assert done.returncode == 2
        assert mend in said(done)
