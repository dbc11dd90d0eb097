from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from engines import FORMATS, sanitize, scrubber
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.record import Assembled, Record
from sanitizer.records.assemble import Assembler
from sanitizer.redaction.scrub import Format

CAPTURES = Path(__file__).parents[1] / "captures"
KEY_BODY = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "A" * 64, "b" * 63 + "/", "kL0w9d2Q7A=="]
PEM = ["-----BEGIN PRIVATE KEY-----", *KEY_BODY, "-----END PRIVATE KEY-----"]
TIME = "2025-03-14T09:26:53.589793Z"

PYTHON = """\
Traceback (most recent call last):
  File "/app/srv.py", line 88, in call
    client.login(user_email='zoe@acme.io')
ValueError: bad user

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/srv.py", line 90, in call
    raise Failed
Failed: no luck"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/srv.py", line 1, in <module>
  | ExceptionGroup: two of them (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: one
    +---------------- 2 ----------------
    | KeyError: 'two'
    +------------------------------------"""
PYDANTIC = """\
Traceback (most recent call last):
  File "/app/srv.py", line 88, in call
    Args(**data)
pydantic_core._pydantic_core.ValidationError: 1 validation error for Args
user.phone
  Input should be a valid integer [type=int_parsing, input_value='+33612345678', input_type=str]
    For further information visit https://errors.pydantic.dev/2.12/v/int_parsing"""
NODE = """\
TypeError: Cannot read properties of undefined (reading 'id')
    at lookup (/srv/app/index.js:10:15)
    at async Server.<anonymous> (file:///srv/app/server.mjs:3:1) {
  code: 'E_LOOKUP',
  [cause]: Error: inner
      at other (/srv/app/index.js:1:1)
}"""
JAVA = """\
java.lang.IllegalStateException: cannot charge
\tat com.acme.Billing.charge(Billing.java:42)
\tat com.acme.Main.main(Main.java:7)
Caused by: java.io.IOException: declined
\tat com.acme.Gateway.post(Gateway.java:99)
\t... 12 more"""
GO = """\
panic: runtime error: index out of range [3] with length 2

goroutine 1 [running]:
main.charge(...)
\t/srv/app/main.go:12
main.main()
\t/srv/app/main.go:20 +0x1d
exit status 2"""
RUST = """\
thread 'main' panicked at src/main.rs:2:5:
called `Option::unwrap()` on a `None` value
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:652:5
   1: app::main
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: cannot charge
 ---> System.IO.IOException: declined
   at Acme.Gateway.Post(String body) in /src/Gateway.cs:line 99
   --- End of inner exception stack trace ---
   at Acme.Program.Main(String[] args) in /src/Program.cs:line 7"""
RUBY = """\
app.rb:12:in `charge': declined (RuntimeError)
\tfrom app.rb:20:in `<main>'"""
INSPECT = """\
2025-04-07T07:49:40.581Z [whatsapp] [info] Using MCP server command with args and path: {
  metadata: {
    args: [ '-y', 'server', '--token', 'abc' ],
    paths: [ '/usr/bin' ]
  }
} %o"""
PRETTY = """\
{
  "message": "tool call",
  "metadata": {
    "level": "INFO"
  }
}"""
LOGBACK = """\
2025-03-14 09:26:53,589 ERROR [main] c.a.Tool - failed
java.lang.IllegalStateException: cannot charge
\tat com.acme.Billing.charge(Billing.java:42)"""
STDLIB = """\
2026-11-20 15:00:32,219 - crm - ERROR - failed
Traceback (most recent call last):
  File "/srv/shapes.py", line 9, in <module>
    try: {}["jane.doe@example.com"]
         ~~^^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'jane.doe@example.com'"""
WARNED = """\
/srv/app/pii_body.py:8: MCPDeprecationWarning: The logging capability is deprecated.
  try: await ctx.info(f"lookup for {email}")"""
ONE_RECORD_EACH = {
    "python": PYTHON, "group": GROUP, "pydantic": PYDANTIC, "node": NODE, "java": JAVA, "go": GO, "rust": RUST, "dotnet": DOTNET,
    "ruby": RUBY, "inspect": INSPECT, "pretty": PRETTY, "logback": LOGBACK, "stdlib": STDLIB, "warning": WARNED,
    "pem": "\n".join(PEM),
}  # fmt: skip


def docker(text: str, stream: str = "stderr", end: str = "\n") -> str:
    return json.dumps({"log": text + end, "stream": stream, "time": TIME})


def assemble(text: str | bytes, cuts: list[int] | None = None, **options: object) -> Assembled:
    """Everything that comes out of *text*, fed in pieces, as if it came at once."""
    data = text.encode() if isinstance(text, str) else text
    assembler = Assembler(**options)  # type: ignore[arg-type]
    bounds = [0, *sorted(cuts or []), len(data)]
    whole = Assembled([], 0, 0)
    parts = [assembler.feed(data[a:b]) for a, b in pairwise(bounds)]
    for part in [*parts, assembler.flush()]:
        assert part.offset == whole.upto
        base = len(whole.lines)
        whole.lines += part.lines
        whole.upto = part.upto
        for record in part.records:
            record.lines = tuple(at + base for at in record.lines)
            record.joins = tuple(join.moved(base) for join in record.joins)
        whole.records += part.records
        whole.joins += [join.moved(base) for join in part.joins]
        whole.cuts |= {at + base: cut for at, cut in part.cuts.items()}
        whole.terminated = part.terminated
    whole.joins.sort(key=repr)
    return whole


def only(assembled: Assembled) -> Record:
    (record,) = assembled.records
    assert record.lines == tuple(range(len(assembled.lines)))
    return record


def readings(assembled: Assembled) -> list[bytes]:
    return [join.text(assembled.lines) for join in assembled.joins]


@pytest.mark.parametrize("name", ONE_RECORD_EACH)
def test_what_belongs_together_is_one_record(name: str) -> None:
    record = only(assemble(ONE_RECORD_EACH[name] + "\n"))
    assert record.text.decode() == ONE_RECORD_EACH[name]


@pytest.mark.parametrize("name", ONE_RECORD_EACH)
def test_neighbours_of_a_record_stay_out_of_it(name: str) -> None:
    text = f"first line\n{ONE_RECORD_EACH[name]}\n2025-03-14 09:26:53 INFO last line\n"
    found = assemble(text)
    assert found.records[0].text.decode() == ONE_RECORD_EACH[name]
    assert len(found.records) == 1


@pytest.mark.parametrize("name", ONE_RECORD_EACH)
def test_two_records_of_a_kind_in_a_row_stay_two(name: str) -> None:
    if name in ("java", "dotnet", "ruby", "go", "python", "group", "rust", "node", "pydantic"):
        text = "\n".join([ONE_RECORD_EACH[name], "2025-03-14 09:26:53 INFO between", ONE_RECORD_EACH[name], ""])
    else:
        text = f"{ONE_RECORD_EACH[name]}\n" * 2
    assert [record.text.decode() for record in assemble(text).records] == [ONE_RECORD_EACH[name]] * 2


@pytest.mark.parametrize("name", ONE_RECORD_EACH)
@pytest.mark.parametrize("wrap", [lambda line: f"{TIME} stderr F {line}", docker], ids=["cri", "docker"])
def test_records_are_found_within_a_container_log(name: str, wrap: object) -> None:
    text = "".join(wrap(line) + "\n" for line in ONE_RECORD_EACH[name].split("\n"))  # type: ignore[operator]
    record = only(assemble(text))
    assert record.text.decode() == ONE_RECORD_EACH[name]
    assert (record.fields["timestamp"], record.fields["stream"]) == (TIME, "stderr")


@pytest.mark.parametrize(
    "text",
    [
        "one line\nanother line\n",
        '{"level":30,"msg":"a"}\n{"level":30,"msg":"b"}\n',
        "INFO:     Started server process [21156]\nINFO:     Waiting for application startup.\n",
        "tls:\n  enabled: true\n",
        "done\n\n\nstarted\n",
        "2025-03-14 09:26:53 INFO all fine\nTraceback (most recent call last):\n",
        "}\n]\n)\n",
    ],
)
def test_lines_that_nothing_ties_stay_records_of_their_own(text: str) -> None:
    assert [record for record in assemble(text).records if len(record.lines) > 1] == []


def test_a_rich_row_is_put_together_and_its_columns_are_taken_off() -> None:
    found = assemble((CAPTURES / "rich-traceback.log").read_bytes())
    texts = [record.text for record in found.records if record.kind == "rich"]
    assert texts[0] == b"looking up user email=jane.doe@example.com phone=+44 20 7946 0958"
    assert texts[-3].endswith(b"p7dc via https://svc:hunter2@vault.internal.example.com/v1/rotate?token=abc123def456")
    first = found.records[0].fields
    assert first == {"level": "INFO", "timestamp": "2026-11-20T14:57:40Z", "path": "pii_body.py:7"}
    assert all(record.fields["timestamp"] for record in found.records if record.kind == "rich")


def test_a_rich_traceback_box_is_part_of_its_record() -> None:
    found = assemble((CAPTURES / "rich-traceback.log").read_bytes())
    (boxed,) = [record for record in found.records if "❱".encode() in record.text]
    assert boxed.text.startswith(b"Tool 'charge' raised an unexpected exception\n")
    assert boxed.text.endswith(b"UnexpectedToolError: Error executing tool charge")
    assert any(b"site-packages/mcp/server/mcpserver/tools/base.py:179" in reading for reading in readings(found))


SWEEP = [
    b"email=jane.doe@example.com.", b"uuid=123e4567-e89b-12d3-a456-426614174000.", b"phone=+14155550123.",
    b"card=4111111111111111.", b"card_sp=4111 1111 1111 1111.",
    b"jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c.",
]  # fmt: skip


def test_a_value_that_rich_broke_anywhere_is_whole_in_a_reading() -> None:
    found = assemble((CAPTURES / "rich-wrap.log").read_bytes())
    for value in SWEEP:
        name = value.partition(b"=")[0] + b"="
        for record in found.records:
            if name not in b"".join(found.lines[at].replace(b" ", b"") for at in record.lines):
                continue
            tries = [record.text, *(join.text(found.lines) for join in record.joins)]
            assert any(value in reading for reading in tries), record.text


def test_a_rich_row_without_a_level_is_one() -> None:
    logged = "[18:26:23] login        app.py:32\n           'session':           \n           'dd03f09bcde6ee335eb1\n           5a3e'                \n"
    assert any(b"'dd03f09bcde6ee335eb15a3e'" in reading for reading in readings(assemble(logged)))

    failed = f"[11/30/26 18:22:50] Error calling tool{'':10}\n{'':20}╭{'─' * 26}╮\n{'':20}╰{'─' * 26}╯\n"
    failed += f"{'':20}https://x.example/?token=ab\n{'':20}0123456789abcdef not allowed\n"
    assert any(b"?token=ab0123456789abcdef not" in reading for reading in readings(assemble(failed)))


def test_a_rich_row_without_level_and_time_goes_on_below_the_line_of_another_logger() -> None:
    logged = "2026-12-01 01:20:55,817 - root - ERROR - lost\n"
    rows = [f"{'':20}{row:<60}\n" for row in ("Error calling tool 'x'", "╭" + "─" * 58 + "╮", "Unknown user: the password is", "k7Qp2Z!9L")]
    found = assemble(logged + "".join(rows) + "2026-12-01 01:20:56,001 - root - INFO - next\n")
    assert [join.doubtful for join in found.joins if b"password is k7Qp2Z!9L" in join.text(found.lines)] == [False]

    unpadded = assemble(logged + "".join(row.rstrip() + "\n" for row in rows))
    assert all(join.doubtful for join in unpadded.joins)


RELAYS = ["12:00:00.10{n} [warning] [server stderr] ", "12:00:0{n}.1 [pool-1-thread-{n}] INFO client -- STDERR Message received: "]


@pytest.mark.parametrize("head", [*RELAYS, "[crm] Server stderr: "])
def test_what_a_client_relays_line_by_line_is_read_without_its_heads(head: str) -> None:
    rows = [f"{'':20}INFO     {'the password is':<51}", f"{'':29}{'k7Qp2Z!9L':<51}"]
    text = "".join(head.replace("{n}", str(n)) + row + "\n" for n, row in enumerate([*rows, "done"]))
    found = assemble(text + "12:00:09.100 [info] stopped\n")
    assert [join.doubtful for join in found.joins if b"the password is k7Qp2Z!9L" in join.text(found.lines)][:1] == [False]
    assert all(len(record.lines) == 1 for record in found.records)


def test_what_two_clients_relay_is_not_read_together() -> None:
    rows = [f"{'':20}INFO     {'the password is':<51}", f"{'':29}{'k7Qp2Z!9L':<51}"]
    found = assemble(f"[a] Server stderr: {rows[0]}\n[b] Server stderr: {rows[1]}\n")
    assert not any(b"k7Qp2Z" in join.text(found.lines) for join in found.joins if not join.doubtful)


def test_a_rich_row_behind_what_a_gateway_writes_before_it_is_one() -> None:
    row = "[gateway] Child stderr:                     INFO     charging card 3748  biz.py:19\n"
    found = assemble(row + f"{'':29}421564 24494{'':21}\n")
    assert only(found).text == b"charging card 3748 421564 24494"


def test_a_line_of_a_log_with_a_time_in_brackets_is_no_rich_row() -> None:
    assert [record.kind for record in assemble("[18:26:23] login\n[18:26:24] logout\n").records if record.kind == "rich"] == []


def test_a_word_that_rich_broke_may_end_where_its_column_does() -> None:
    rows = ["[03/14/26 09:26:53] INFO     done            server.py:88", "id=k7Qp2ZxVb9Lw", "4Tn1Jm3Rk7Qp2Zx", "in 12 ms"]
    text = "\n".join([rows[0], *(f"{'':29}{row:<{len(rows[0]) - 29}}" for row in rows[1:]), ""])
    assert any(b"done id=k7Qp2ZxVb9Lw4Tn1Jm3Rk7Qp2Zx in 12 ms" in reading for reading in readings(assemble(text)))


def test_colours_do_not_hide_a_rich_row() -> None:
    rows = (CAPTURES / "rich-uvicorn.log").read_text().split("\n")[17:20]
    coloured = [f"\x1b[2;36m{row[:20]}\x1b[0m\x1b[34m{row[20:28]}\x1b[0m{row[28:]}" for row in rows]
    found = assemble("\n".join([*coloured, ""]))
    plain = assemble("\n".join([*rows, ""]))
    assert [record.text for record in found.records] == [record.text for record in plain.records]
    assert only(found).text.startswith(b"looking up user email=")
    assert only(found).text in readings(found)


def test_a_colour_that_a_rich_row_breaks_off_in_is_no_end_of_its_value() -> None:
    rows = [
        "[03/14/26 09:26:53] INFO     sent to            server.py:88",
        "4f3\x1b[1m2a7b-1c2d-4\x1b",
        "[1m5e6-8f90-1a\x1b[1 ",
        "mb2c3d4e5f6 done",
    ]
    text = "\n".join([rows[0], *(f"{'':29}{row:<{len(rows[0]) - 29}}" for row in rows[1:]), ""])
    assert any(b"4f3\x1b[1m2a7b-1c2d-4\x1b[1m5e6-8f90-1a" in reading for reading in readings(assemble(text)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda line: line, lambda line: line),
        (lambda line: f"    {line}", lambda line: line),
        (lambda line: f"2025-03-14 09:26:53,5{len(line):02} - crm - INFO - {line}", lambda line: line),
        (lambda line: f"{TIME} stdout F {line}", lambda line: line),
        (docker, lambda line: line),
        (lambda line: line + "\r", lambda line: line),
        (lambda line: f"> {line}", lambda line: line),
        (lambda line: f"│ {line:<70} │", lambda line: line),
        (lambda line: f"| {line:<70} |", lambda line: line),
    ],
    ids=["bare", "indented", "logged", "cri", "docker", "crlf", "quoted", "box", "table"],
)
@pytest.mark.parametrize("end", [True, False], ids=["whole", "without an end"])
def test_a_key_block_is_one_record_whatever_stands_before_its_lines(before: object, after: object, end: bool) -> None:
    lines = PEM if end else PEM[:-1]
    found = assemble("tls:\n" + "".join(before(line) + "\n" for line in lines) + "INFO: next line\n")  # type: ignore[operator]
    keys = [record for record in found.records if record.kind == "key"]
    assert [len(record.lines) for record in keys] == [len(lines)]
    said = [join.text(found.lines) for join in keys[0].joins]
    assert "\n".join(lines).encode() in [text.replace(b"\\n", b"\n") if before is docker else text for text in said]


def test_a_key_block_without_its_begin_is_a_key_all_the_same() -> None:
    found = assemble("\n".join(["some line", *PEM[2:], "next"]) + "\n")
    (record,) = found.records
    assert (record.kind, record.lines) == ("key", (1, 2, 3, 4))


def test_base64_lines_without_a_key_are_read_joined_but_stay_apart() -> None:
    found = assemble("\n".join(["A" * 76, "B" * 76, "CCCC", "next line"]) + "\n")
    assert found.records == []
    assert b"A" * 76 + b"B" * 76 + b"CCCC" in readings(found)


def test_a_public_certificate_is_no_key() -> None:
    found = assemble("\n".join([line.replace("PRIVATE KEY", "CERTIFICATE") for line in PEM]) + "\n")
    assert only(found).kind == "pem"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_text_broken_at_a_terminal_width_is_read_joined(width: int) -> None:
    text = "rotation failed for key " + "x" * (width - 40) + " mail jane.doe@example.com and more words"
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    found = assemble("before it\n" + "\n".join(lines) + "\nafter it\n")
    assert text.encode() in readings(found)
    assert found.records == []


@pytest.mark.parametrize(
    ("lines", "reading"),
    [
        (["curl -H 'X-Api-Key: abcdef\\", "  ghijkl'"], "curl -H 'X-Api-Key: abcdefghijkl'"),
        (["Subject: key is sk_test_4eC39Hq=", "LyjWDarjtT1zdp7dc"], "Subject: key is sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
        (['{"level":"info","email":"jane.doe@exa', 'mple.com"}'], '{"level":"info","email":"jane.doe@example.com"}'),
        (["a card that does not fit the console any more, which reads 4111 1111 1111 11", "11 that was"],
         "a card that does not fit the console any more, which reads 4111 1111 1111 11 11 that was"),
        (["2025-03-14 09:26:53 INFO contact is jane.doe@exam", "    ple.com today"],
         "2025-03-14 09:26:53 INFO contact is jane.doe@example.com today"),
    ],
    ids=["shell", "quoted-printable", "json", "soft", "hanging"],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_line_that_looks_broken_is_read_joined_with_the_next(lines: list[str], reading: str, end: str) -> None:
    found = assemble("before\n" + "".join(line + end for line in lines) + "2025-03-14 09:26:53 INFO after\n")
    assert reading.encode() in readings(found)


def test_cri_partials_are_joined_per_stream_even_interleaved() -> None:
    found = assemble(
        f"{TIME} stdout P jane.doe@\n{TIME} stderr F other\n{TIME} stdout P exam\n"
        f"{TIME} stderr P two \n{TIME} stdout F ple.com\n{TIME} stderr F three\n"
    )
    assert [(record.lines, record.text) for record in found.records] == [
        ((0, 2, 4), b"jane.doe@example.com"), ((1,), b"other"), ((3, 5), b"two three"),
    ]  # fmt: skip
    assert b"jane.doe@example.com" in readings(found)


def test_cri_tags_after_the_first_are_not_content() -> None:
    assert assemble(f"{TIME} stdout F:x:y hello\n").records[0].text == b"hello"


def test_docker_partials_are_joined_and_a_break_within_escapes_is_located() -> None:
    one, two = docker('{"a": "é\t', end=""), docker('jane"}', end="\n")
    found = assemble(f"{one}\n{two}\n")
    record = only(found)
    assert record.text.decode() == '{"a": "é\tjane"}'
    (join,) = record.joins
    assert join.escaped
    assert json.loads(b'"' + join.text(found.lines) + b'"') == '{"a": "é\tjane"}'


def test_an_application_record_with_a_log_field_is_not_a_container_log() -> None:
    assert assemble('{"log": "hello", "level": "info"}\n').records == []


def test_journald_json_gives_message_and_fields() -> None:
    entry = {
        "__REALTIME_TIMESTAMP": "1795186832112345", "MESSAGE": list(b"caf\xe9 jane"), "PRIORITY": "3",
        "_SYSTEMD_UNIT": "mcp.service", "_PID": "12",
    }  # fmt: skip
    record = only(assemble(json.dumps(entry) + "\n"))
    assert record.text == b"caf\xe9 jane"
    assert record.fields == {"timestamp": "2026-11-20T15:00:32.112345Z", "level": "err", "unit": "mcp.service", "pid": "12"}


def test_journald_export_reads_binary_fields() -> None:
    message = b"line one\n\nline two"
    data = (
        b"__CURSOR=s=abc\n__REALTIME_TIMESTAMP=1795186832112345\nPRIORITY=6\nMESSAGE\n"
        + len(message).to_bytes(8, "little") + message + b"\n_PID=12\n\n__CURSOR=s=abd\nMESSAGE=second\n\n"
    )  # fmt: skip
    found = assemble(data)
    assert [record.text for record in found.records] == [message, b"second"]
    assert found.records[0].fields["level"] == "info"


def test_a_complete_json_line_is_released_at_once_and_text_is_held() -> None:
    assembler = Assembler()
    assert assembler.feed(b'{"a":1}\n').lines == [b'{"a":1}']
    assert not assembler.holding
    assert assembler.feed(b"a text line\n").lines == []
    assert assembler.holding
    assert assembler.flush(end=False).lines == [b"a text line"]


def test_the_hold_timer_never_releases_half_a_line() -> None:
    assembler = Assembler()
    assembler.feed(b"first\npassword=hun")
    assert assembler.flush(end=False).lines == [b"first"]
    assert assembler.feed(b"ter2\n").lines == []
    last = assembler.flush()
    assert (last.lines, last.terminated) == ([b"password=hunter2"], True)


def test_the_end_of_input_releases_an_unterminated_line() -> None:
    assembler = Assembler()
    assembler.feed(b"no line end")
    last = assembler.flush()
    assert (last.lines, last.terminated, last.upto) == ([b"no line end"], False, 11)


def test_a_key_block_goes_on_after_the_hold_time() -> None:
    assembler = Assembler()
    assembler.feed("\n".join(PEM[:2]).encode() + b"\n")
    assert assembler.flush(end=False).records[0].kind == "key"
    assembler.feed("\n".join(PEM[2:4]).encode() + b"\n")
    assert [record.kind for record in assembler.flush().records] == ["key"]


def test_a_line_over_the_limit_is_cut_and_all_of_it_is_digested() -> None:
    line = b"x" * 5000
    for cuts in ([], [10, 900, 1100, 4000]):
        found = assemble(b"a\n" + line + b"\nb\n", cuts, max_bytes=1000, digest=lambda: hmac.new(b"key", digestmod="sha256"))
        assert found.lines == [b"a", line[:1000], b"b"]
        assert (found.cuts[1].size, found.cuts[1].digest) == (5000, hmac.new(b"key", line, "sha256").hexdigest())
        assert found.upto == 5005


def test_a_hundred_megabytes_without_a_line_end_stay_bounded() -> None:
    assembler = Assembler()
    chunk = b"x" * (1 << 20)
    for _ in range(100):
        assembler.feed(chunk)
    assert assembler.pending_bytes <= 1 << 20
    (line,) = assembler.flush().lines
    assert len(line) == 1 << 20


def test_a_record_without_an_end_is_released_in_bounded_pieces() -> None:
    assembler = Assembler(max_lines=10)
    text = "{\n" + '  "a": 1,\n' * 100
    released = assembler.feed(text.encode()).lines
    assert len(released) >= 90
    assert assembler.pending_bytes <= 11 * 10


def test_a_partial_that_never_ends_is_released_in_bounded_pieces() -> None:
    assembler = Assembler(max_lines=10)
    released = assembler.feed(f"{TIME} stdout P x\n".encode() * 100)
    assert len(released.lines) >= 90
    assert released.records[0].fields["partial"] is True


def test_the_lane_s_fields_come_first_and_the_wrapper_s_win() -> None:
    record = only(assemble(f"{TIME} stdout F hello\n", fields={"pod": "crm-0", "stream": "?"}))
    assert record.fields == {"pod": "crm-0", "stream": "stdout", "timestamp": TIME}


SAMPLES = [path.read_bytes()[:6000] for path in sorted(CAPTURES.glob("*.log"))] + [
    "\n".join(ONE_RECORD_EACH.values()).encode(),
    "\n".join(docker(line) for line in STDLIB.split("\n")).encode() + b"\nplain\n",
    f"{TIME} stdout P a\n{TIME} stderr F b\nplain\n{TIME} stdout F c\n".encode(),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_split_offset_gives_the_same(sample: bytes) -> None:
    sample = sample[:2500]
    whole = assemble(sample)
    for cut in range(len(sample) + 1):
        assert assemble(sample, [cut]) == whole, cut


PIECES = st.sampled_from(
    [line for text in ONE_RECORD_EACH.values() for line in text.split("\n")]
    + [f"{TIME} stdout P x", f"{TIME} stderr F y", docker("z"), docker("z", end=""), '{"a":1}', "", "text", "x" * 80, "y" * 80]
    + ["é" * 40, "\x1b[2m" + "z" * 80 + "\x1b[0m", "w" * 58]
    + (CAPTURES / "rich-uvicorn.log").read_text().split("\n")[:40]
    + [f"{RELAYS[0]}{line}" for line in (CAPTURES / "rich-uvicorn.log").read_text().split("\n")[:20]]
    + ["__CURSOR=a", "MESSAGE=x", "MESSAGE", "\r", "curl \\"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30), st.booleans(), st.lists(st.integers(0, 4000), max_size=8), st.sampled_from([500, 4]))
def test_output_does_not_depend_on_chunks_and_loses_nothing(lines: list[str], ended: bool, cuts: list[int], max_lines: int) -> None:
    data = ("\n".join(lines) + "\n" * ended).encode()
    whole = assemble(data, max_lines=max_lines)
    assert assemble(data, [min(cut, len(data)) for cut in cuts], max_lines=max_lines) == whole
    assert b"\n".join(whole.lines) + b"\n" * whole.terminated == data or not data
    assert whole.upto == len(data)
    seen = [at for record in whole.records for at in record.lines]
    assert len(seen) == len(set(seen))
    for join in whole.joins:
        join.text(whole.lines)
        assert all(0 <= start <= end <= len(whole.lines[line]) for line, start, end in join.pieces)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=12), st.lists(st.integers(0, 800), max_size=5))
def test_any_bytes_come_out_as_they_went_in(lines: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(lines)
    whole = assemble(data, [min(cut, len(data)) for cut in cuts], digest=hashlib.sha256)
    assert b"\n".join(whole.lines) + b"\n" * whole.terminated == data or not data


FAILED = "2026-11-20 15:00:32,219 - crm - ERROR - failed"
FILLER = ['{"level":30,"msg":"a"}', "2026-11-20 15:00:33,219 - crm - INFO - fine"] * 3


@pytest.mark.parametrize(
    "lines",
    [
        [FAILED, "| Traceback (most recent call last):", "| x"],
        ["java.lang.IllegalStateException", "\tat com.acme.Main.main(Main.java:7)"],
        [f"{TIME[:-1]}123Z stdout F a fraction of nine digits", "2025-03-14T09:26:53.123456789012Z stdout F and one of twelve"],
        ["the key is " + "q" * 35, "\x1b[1m" + "r" * 46 + "\x1b[0m"],
        [docker('{"a":1}'), docker("two\nlines at once"), docker("\tat x"), docker('{"a":1}'), docker("  indented")],
        [
            f"{TIME} stderr F {line}"
            for line in [*FILLER, FAILED, "Traceback (most recent call last):", "  File", "Failed: x", *FILLER]
        ],
    ],
    ids=["group", "name alone", "long fraction", "colour", "line ends within", "cri"],
)
def test_lines_seen_one_by_one_and_within_others_give_the_same(lines: list[str]) -> None:
    data = ("\n".join([*FILLER, *lines, *FILLER]) + "\n").encode()
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10]
    assert assemble(data) == assemble(data, ends)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30), st.sampled_from([lambda line: line, docker, lambda line: f"{TIME} stdout F {line}"]))
def test_output_that_keeps_lines_is_told_no_record_but_every_reading(lines: list[str], wrap: Callable[[str], str]) -> None:
    data = ("\n".join(map(wrap, lines)) + "\n").encode()
    whole, untold = assemble(data), assemble(data, told=False)
    of_lines = [join for join in whole.joins if not join.of_text]
    assert (untold.lines, untold.joins, untold.upto) == (whole.lines, of_lines, whole.upto)
    assert all(record.joins for record in untold.records)


BROKEN = "INFO calling the service with the token that was given to it by admins, ghp_abcd", "EFGHij0123456789klmnOPQRstuvWX12"


@pytest.mark.parametrize("wrap", [docker, lambda line: f"{TIME} stderr F {line}"], ids=["docker", "cri"])
@pytest.mark.parametrize("form", FORMATS)
async def test_a_value_that_is_broken_over_lines_of_a_container_goes(form: Format, wrap: Callable[[str], str]) -> None:
    data = "".join(f"{wrap(line)}\n" for line in ("INFO begun", *BROKEN, "INFO ended")).encode()
    out = b"\n".join(await sanitize(scrubber(form), [data]))
    assert b"ghp_abcd" not in out
    assert b"EFGHij0123456789" not in out


def test_a_line_that_is_read_with_a_held_record_is_held_with_it() -> None:
    assembler = Assembler()
    first = b"the lists are =\n*/\n\tat main (app.js:1:2)\n"
    released = [assembler.feed(first), assembler.feed(b"done\n"), assembler.flush()]
    assert sum(len(part.lines) for part in released) == 4
    for part in released:
        assert all(0 <= line < len(part.lines) for join in part.joins for line, _, _ in join.pieces)
