"""`sanitizer exec` as a process between a small server and this test as its client."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECRET = b"ghp_" + b"a1B2" * 9
ECHO = """
import json, sys
for line in sys.stdin.buffer:
    message = json.loads(line)
    if "id" in message:
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": message.get("params", {})}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\\n")
        sys.stdout.buffer.flush()
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@contextmanager
def wrapped(command: list[str], *options: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """*command* behind `exec`, with pipes where *streams* do not say otherwise; killed when the block is left."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    process = subprocess.Popen(
        [sys.executable, "-m", "sanitizer", "exec", *options, "--", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        bufsize=0,
        **pipes,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream and not stream.closed:
                stream.close()


def ran(command: list[str], *options: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
    """The exit code, standard output and standard error of *command* behind `exec`."""
    with wrapped(command, *options) as process:
        out, err = process.communicate(given, timeout=60)
    return process.returncode, out, err


def request(number: int | str, method: str = "tools/call", **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    return process.stdout.readline()


def until(condition: Callable[[], object], secs: float = 30.0) -> None:
    deadline = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_bytes_pass_in_both_directions_as_they_are() -> None:
    given = os.urandom(3 << 20)

    code, out, _ = ran(["cat"], given=given)

    assert (code, out) == (0, given)


def test_half_lines_and_noise_reach_the_client_before_the_server_ends(tmp_path: Path) -> None:
    server = python("import os, sys; os.write(1, b'not json, half a li'); sys.stdin.read()")

    with wrapped(server, "--audit-file", str(tmp_path / "audit.ndjson")) as process:
        assert process.stdout
        assert process.stdout.read(19) == b"not json, half a li"
        assert process.stdin
        process.stdin.close()
        assert process.wait(30) == 0


def test_standard_error_is_redacted_and_stays_text() -> None:
    server = python(f"import sys; sys.stderr.write('INFO mail jane.doe@example.com\\ntoken {SECRET.decode()}\\nplain')")

    _, out, err = ran(server)

    assert out == b""
    assert err.splitlines() == [b"INFO mail [REDACTED:email]", b"token [REDACTED:github-pat]", b"plain"]


def test_a_call_and_its_answer_are_one_event_and_the_chain_is_whole(tmp_path: Path) -> None:
    from sanitizer.audit.verify import verify

    path = tmp_path / "audit.ndjson"
    given = request(1, name="find", arguments={"mail": "jane.doe@example.com"}) + request("1", name="other")

    ran(python(ECHO), "--name", "crm", "--audit-file", str(path), given=given)

    calls = [event for event in events(path) if event["type"] == "call"]
    assert [(call["tool"], call["id"], call["id_type"], call["outcome"]) for call in calls] == [
        ("find", 1, "integer", "ok"),
        ("other", "1", "string", "ok"),
    ]
    assert {(call["server"], call["transport"], call["direction"]) for call in calls} == {("crm", "stdio", "client_to_server")}
    assert all(call["latency_ms"] > 0 and call["params_hash"].startswith("hmac-sha256:") for call in calls)
    assert b"jane.doe" not in path.read_bytes()
    assert [verdict.is_intact for verdict in verify([("audit", line) for line in path.read_bytes().splitlines()])] == [True]


def test_a_call_has_one_hash_on_every_host_that_has_the_key_and_wherever_it_is_seen(tmp_path: Path) -> None:
    key = "k1:a key of enough length"
    (tmp_path / "keys").write_bytes(f"\ufeff# mounted\r\nold:another key of enough length\r\n*{key}\r\n".encode())
    called = {"n": 1.0, "zażółć": "\U0001f600", "big": 10**17, "list": [1e-7, None, True]}
    spelled = json.dumps(dict(reversed(called.items())), ensure_ascii=False, indent=1).replace("\n", " ").replace("1.0", "1")
    message = f'{{"id":1,"method":"tools/call","jsonrpc":"2.0","params":{{"arguments":{spelled},"name":"find"}}}}'
    (tmp_path / "client.log").write_text(f"2026-11-21T10:00:00Z [crm] [info] Message from client: {message}\n", encoding="utf-8")

    ran(python(ECHO), "--audit-file", str(tmp_path / "a"), "--key-file", str(tmp_path / "keys"), given=request(1, name="find", arguments=called))
    program = [sys.executable, "-m", "sanitizer"]
    for seed, command in (
        ("1", ["run", "--audit-file", str(tmp_path / "b"), str(tmp_path / "client.log")]),
        ("2", ["hash", json.dumps(called)]),
    ):
        env = {**os.environ, "SANITIZER_HASH_KEY": key, "PYTHONHASHSEED": seed}
        looked_up = subprocess.run([*program, *command], cwd=ROOT, env=env, capture_output=True, check=True).stdout

    hashes = {event["params_hash"] for name in "ab" for event in events(tmp_path / name) if event["type"] == "call"}
    assert hashes == {looked_up.decode().strip()}
    assert next(iter(hashes)).startswith("hmac-sha256:k1:")


def test_a_call_without_an_answer_is_an_event_when_the_server_dies(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"

    code, _, _ = ran(
        python("import sys; sys.stdin.readline(); sys.exit(7)"), "--audit-file", str(path), given=request(1, name="find")
    )

    assert code == 7
    assert [event["outcome"] for event in events(path) if event["type"] == "call"] == ["no_response"]


def test_a_credential_in_the_log_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"

    ran(python(f"import sys; sys.stderr.write('token {SECRET.decode()}\\n')"), "--audit-file", str(path))

    assert [event["rule"] for event in events(path) if event["type"] == "credential_exposure"] == ["github-pat"]
    assert SECRET not in path.read_bytes()


def test_frames_that_the_log_repeats_are_not_calls_again(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    server = python(ECHO.replace("message = json.loads(line)", "message = json.loads(line); sys.stderr.buffer.write(line)"))

    ran(server, "--audit-file", str(path), given=request(1, name="find"))

    assert len([event for event in events(path) if event["type"] == "call"]) == 1


def test_a_frame_of_sixty_kilobytes_passes_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    given = request(1, name="find", arguments={"text": "x" * 60_000})

    _, out, _ = ran(python(ECHO), "--audit-file", str(path), given=given)

    assert json.loads(out)["result"]["arguments"]["text"] == "x" * 60_000
    assert events(path)[0]["request_bytes"] == len(given) - 1


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_servers(code: int) -> None:
    assert ran(python(f"raise SystemExit({code})"))[0] == code


def test_a_server_killed_by_a_signal_looks_killed_by_it() -> None:
    assert ran(python("import os; os.kill(os.getpid(), 9)"))[0] == -signal.SIGKILL
    assert ran(python("import os; os.abort()"))[0] == -signal.SIGABRT


def test_a_command_that_is_not_there_and_one_that_cannot_run_end_as_in_a_shell(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")

    code, _, err = ran(["no-such-command-here"])
    assert (code, err) == (127, b"sanitizer: no-such-command-here: command not found\n")
    assert ran([str(plain)])[0] == 126


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo $1\n")
    script.chmod(0o755)

    assert ran([str(script), "word"])[:2] == (0, b"word\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_reach_the_server_once(number: signal.Signals) -> None:
    server = python(
        "import signal, sys, time\n"
        f"def heard(n, _): print(n, flush=True)\n"
        f"signal.signal({number.value}, heard)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with wrapped(server) as process:
        assert read_line(process) == b"ready\n"
        process.send_signal(number)
        assert read_line(process) == b"%d\n" % number
        assert process.poll() is None
        out, _ = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, b"")


def test_a_signal_to_the_process_group_reaches_the_server_once() -> None:
    server = python(
        "import signal, sys\n"
        "def heard(n, _): print(n, flush=True)\n"
        "signal.signal(15, heard)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with wrapped(server, start_new_session=True) as process:
        assert read_line(process) == b"ready\n"
        for kill in (os.killpg, os.kill, os.killpg):
            kill(process.pid, signal.SIGTERM)
            assert read_line(process) == b"15\n"
            time.sleep(0.05)  # a second one would come at once
        out, _ = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, b"")


def test_the_default_action_of_a_signal_ends_both() -> None:
    with wrapped(python("import sys; print('ready', flush=True); sys.stdin.read()")) as process:
        read_line(process)
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM


def test_the_server_inherits_no_blocked_or_ignored_signal() -> None:
    server = python(
        "for line in open('/proc/self/status'):\n"
        "    if line.startswith(('SigBlk', 'SigIgn')): print(int(line.split()[1], 16) & 0x7fffffff)\n"
    )  # signals 32 and 33 are the C library's own

    assert ran(server)[1] == subprocess.run(server, capture_output=True, check=True).stdout


def test_the_server_sees_the_same_process_group_and_session_as_without_us() -> None:
    with wrapped(python("import os; print(os.getpgid(0), os.getsid(0))")) as process:
        out, _ = process.communicate(timeout=30)

    assert out.split() == [b"%d" % os.getpgid(0), b"%d" % os.getsid(0)]


def test_a_server_does_not_outlive_us_when_we_are_killed() -> None:
    server = python("import os, signal, sys, time; print(os.getpid(), flush=True); time.sleep(600)")  # does not look at its input
    with wrapped(server) as process:
        pid = int(read_line(process))
        process.kill()
        until(lambda: not is_alive(pid))


def test_that_we_were_killed_is_told_in_the_trail(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    with wrapped(python("import time; print('here', flush=True); time.sleep(600)"), "--audit-file", str(path)) as process:
        read_line(process)
        process.kill()
        until(lambda: path.exists() and any(event.get("closing") for event in events(path)))
    (told,) = [event for event in events(path) if event["type"] == "records_dropped"]
    assert told["reason"].startswith("the process that passes bytes on was killed")
    assert "count" not in told, "nobody knows how many"


def test_the_end_of_input_reaches_the_server_and_its_last_words_the_client() -> None:
    assert ran(python("import sys; sys.stdin.read(); print('last words')"))[:2] == (0, b"last words\n")


def test_a_client_that_vanishes_is_a_broken_pipe_for_the_server() -> None:
    code = (
        "import os, sys, time\n"
        "try:\n"
        "    while True: os.write(1, b'x' * 1000); time.sleep(0.001)\n"
        "except BrokenPipeError: os._exit(42)\n"
    )
    with wrapped(python(code)) as process:
        assert process.stdout
        process.stdout.read(1)
        process.stdout.close()
        assert process.wait(30) == 42


def test_a_server_that_closes_its_input_is_a_broken_pipe_for_the_client() -> None:
    with wrapped(python("import os, time; os.close(0); os.write(1, b'closed'); time.sleep(600)")) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.read(6)
        writing = process.stdin.fileno()
        poll = select.poll()
        poll.register(writing, 0)
        assert poll.poll(30_000)
        with pytest.raises(BrokenPipeError):
            os.write(writing, b"x")


def test_a_server_goes_on_when_nobody_reads_its_log(tmp_path: Path) -> None:
    count = 200_000  # far more than pipes hold
    server = python(
        f"import sys\nfor n in range({count}): sys.stderr.write('INFO a line of the log, number %d\\n' % n)\nprint('done')"
    )
    reader, writer = os.pipe()
    try:
        with wrapped(server, stderr=writer) as process:
            assert read_line(process) == b"done\n"
    finally:
        os.close(reader)
        os.close(writer)


def test_what_nobody_reads_in_time_is_kept_on_disk_clean_and_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    count = 60_000
    line = f"INFO jane.doe@example.com used {SECRET.decode()} for number %d {'x' * 60}"
    server = python(
        f"import sys\nfor n in range({count}): sys.stderr.write('{line}\\n' % n)\nprint('done', flush=True)\nsys.stdin.read()"
    )
    with wrapped(server) as process:
        assert read_line(process) == b"done\n"
        until(lambda: any(path.stat().st_size for path in tmp_path.rglob("*.segment")))
        _, err = process.communicate(timeout=60)

    numbers = [int(line.split()[6]) for line in err.splitlines() if line.startswith(b"INFO")]
    assert numbers == list(range(count))
    assert SECRET not in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".segment"]


def test_a_listener_that_is_killed_costs_the_log_and_nothing_else() -> None:
    with wrapped(python(ECHO.replace("message =", "sys.stderr.write('a secret\\n'); sys.stderr.flush(); message ="))) as process:
        assert process.stdin
        process.stdin.write(request(1))
        assert json.loads(read_line(process))["id"] == 1
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (listener,) = [pid for pid in map(int, children) if b"exec" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(listener, signal.SIGKILL)
        assert process.stderr
        until(lambda: not is_alive(listener))
        for number in range(2, 2_000):
            process.stdin.write(request(number))
            assert json.loads(read_line(process))["id"] == number
        _, err = process.communicate(timeout=30)

    assert process.returncode == 0
    assert err.count(b"withheld from here on") == 1


def test_an_audit_file_on_a_full_disk_is_told_once_and_the_calls_go_on(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    path = tmp_path / "audit.ndjson"
    with wrapped(python(ECHO), "--audit-file", str(path), preexec_fn=limit) as process:
        assert process.stdin
        for number in range(100):
            process.stdin.write(request(number, name="find"))
            assert json.loads(read_line(process))["id"] == number
        _, err = process.communicate(timeout=30)

    assert process.returncode == 0
    assert err.count(os.strerror(errno.EFBIG).encode()) == 1
    assert path.stat().st_size <= 4096


def test_a_second_instance_writes_its_trail_beside_the_first(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    with wrapped(python(ECHO), "--audit-file", str(path)) as first:
        assert first.stdin
        first.stdin.write(request(1, name="find"))
        read_line(first)
        code, _, err = ran(python(ECHO), "--audit-file", str(path), given=request(2, name="other"))

    assert code == 0
    assert b"beside it" in err
    assert [event["tool"] for event in events(tmp_path / "audit.2.ndjson") if event["type"] == "call"] == ["other"]


def test_an_audit_file_that_cannot_begin_is_said_before_the_server_starts(tmp_path: Path) -> None:
    code, out, err = ran(["echo", "started"], "--audit-file", str(tmp_path / "missing/audit.ndjson"))

    assert (code, out) == (2, b"")
    assert b"missing/audit.ndjson" in err


def test_a_configuration_takes_the_log_and_the_trail_to_its_sinks(tmp_path: Path) -> None:
    config = tmp_path / "sanitizer.toml"
    config.write_text(
        f'state_dir = "{tmp_path}/state"\n[audit]\n[[sinks]]\ntype = "file"\n'
        f'path = "{tmp_path}/out.ndjson"\nreceives = ["logs", "audit"]\n'
    )
    server = python(ECHO + f"sys.stderr.write('token {SECRET.decode()}\\n')")

    code, _, err = ran(server, "--name", "crm", "--config", str(config), given=request(1, name="find"))

    sent = events(tmp_path / "out.ndjson")
    assert (code, err) == (0, b"token [REDACTED:github-pat]\n")
    assert {"message": "token [REDACTED:github-pat]"} in sent
    assert [(event["server"], event["tool"]) for event in sent if event.get("type") == "call"] == [("crm", "find")]


def test_a_sink_that_is_down_is_the_logs_trouble_only(tmp_path: Path) -> None:
    config = tmp_path / "sanitizer.toml"
    config.write_text(
        f'state_dir = "{tmp_path}/state"\ndrain_secs = 0.5\n[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:9/logs"\n'
    )

    code, out, err = ran(python(ECHO + "sys.stderr.write('INFO over\\n')"), "--config", str(config), given=request(1))

    assert (code, json.loads(out)["id"]) == (0, 1)
    assert b"INFO over\n" in err
    assert any(path.stat().st_size for path in (tmp_path / "state").rglob("*.segment"))


def test_a_wrong_configuration_is_said_before_the_server_starts(tmp_path: Path) -> None:
    config = tmp_path / "sanitizer.toml"
    config.write_text("[[sinks]]\ntype = 'nowhere'\n")

    code, out, err = ran(["echo", "started"], "--config", str(config))

    assert (code, out) == (2, b"")
    assert b"$.sinks[0]" in err


def test_a_client_that_closes_standard_error_costs_the_server_nothing() -> None:
    writing = "for n in range(20_000): sys.stderr.write('INFO a line of the log, number %d\\n' % n)"
    server = python(f"import sys\nsys.stdin.readline()\n{writing}\nprint('done')")
    with wrapped(server) as process:
        assert process.stderr
        assert process.stdin
        process.stderr.close()
        process.stdin.write(b"\n")

        assert read_line(process) == b"done\n"
        assert process.wait(30) == 0


def test_the_server_is_not_given_our_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from sanitizer.audit.chain import SIGNING_KEY_NAME
    from sanitizer.hashing import ENVIRONMENT_NAME

    monkeypatch.setenv(ENVIRONMENT_NAME, "k:a key of enough length")
    monkeypatch.setenv("OTHER", "stays")
    code, out, _ = ran(python("import json, os; print(json.dumps(dict(os.environ)))"))

    assert code == 0
    assert json.loads(out)["OTHER"] == "stays"
    assert not {ENVIRONMENT_NAME, SIGNING_KEY_NAME} & json.loads(out).keys()


def test_keys_are_exchanged_while_the_server_runs(tmp_path: Path) -> None:
    path, keys = tmp_path / "audit.ndjson", tmp_path / "keys"
    keys.write_text("old:a key of enough length\n")
    with wrapped(python(ECHO), "--audit-file", str(path), "--key-file", str(keys)) as process:
        assert process.stdin
        process.stdin.write(request(0, name="find"))
        read_line(process)
        until(path.exists)
        until(lambda: len(events(path)) == 1)
        keys.write_text("*new:another key of enough length\nold:a key of enough length\n")
        for number in range(1, 60):
            process.stdin.write(request(number, name="find"))
            read_line(process)
            time.sleep(0.1)
            if b":new:" in path.read_bytes():
                break
        process.communicate(timeout=30)

    hashes = [event["params_hash"].rpartition(":")[0] for event in events(path) if event["type"] == "call"]
    assert hashes[0] == "hmac-sha256:old"
    assert hashes[-1] == "hmac-sha256:new"
    assert hashes == sorted(hashes, reverse=True)
