"""Lines that wait for what may go on with them."""

import json

import pytest
from engines import FORMATS, sanitize, scrubber

from sanitizer.records.assemble import Assembler
from sanitizer.redaction.scrub import Format


@pytest.mark.parametrize("lead", [b"db password:", b"- --password", b"$password", b'1) "password"', b"127.0.0.1:6379> GET password"])
def test_a_line_that_may_name_the_value_below_goes_out_with_that(lead: bytes) -> None:
    assembler = Assembler(told=False)
    assert assembler.feed(b"first\n" + lead + b"\n\n").lines == [b"first"]
    assert assembler.feed(b"hq7Kx2!mVr9p\nmore\n").lines[:2] == [lead, b""]


@pytest.mark.parametrize("line", [b"INFO served 200", b'{"level": "info"}'])
def test_a_line_that_leads_nowhere_waits_for_nothing(line: bytes) -> None:
    assembler = Assembler(told=False)
    assert line in assembler.feed(line + b"\nINFO next\nINFO last\n").lines


def test_a_lead_without_more_goes_out_when_its_time_is_over() -> None:
    assembler = Assembler(told=False)
    assert assembler.feed(b"db password:\n").lines == []
    assert assembler.flush(end=False).lines == [b"db password:"]


BELOW = [
    "Your new password:\nTr0ub4dor3x\n",
    "Your new password:\n\nTr0ub4dor3x\n",
    "DB_PASSWORD:\n    Tr0ub4dor3x\n",
    "args:\n  - --password\n  - Tr0ub4dor3x\n",
    "password: |\n  Tr0ub4dor3x\nnext: 1\n",
    "? password\n: Tr0ub4dor3x\n",
    '1) "password"\n2) "Tr0ub4dor3x"\n',
    '$password\n[1] "Tr0ub4dor3x"\n',
    ">>> password\n'Tr0ub4dor3x'\n",
    "const password =\n    'Tr0ub4dor3x';\n",
    'password = """\nTr0ub4dor3x\n"""\n',
    '{\n  "password":\n    "Tr0ub4dor3x"\n}\n',
    "<dt>Password</dt>\n<dd>\n  Tr0ub4dor3x\n</dd>\n",
    "name,password\nbob,Tr0ub4dor3x\n",
    "| login | password |\n|---|---|\n| bob | Tr0ub4dor3x |\n",
    "| db-password |\n| --- |\n| Tr0ub4dor3x |\n",
    "Your smtp_pass is:\n\n    Tr0ub4dor3x\n",
    "Your password is:\n```\nTr0ub4dor3x\n```\n",
    "## Password\nTr0ub4dor3x!\n",
    "API keys:\n- Tr0ub4dor3x\n- x3rod4buTr0T\n",
    "DB_PASSWORD =\nTr0ub4dor3x\n",
    "password =>\n  'Tr0ub4dor3x'\n",
    "password\n: Tr0ub4dor3x\n",
    "('password',\n 'Tr0ub4dor3x')\n",
    "{'password':\n  'Tr0ub4dor3x'}\n",
    "--password\nTr0ub4dor3x\n",
    'output "password" {\n  value = "Tr0ub4dor3x"\n}\n',
    "<key>password</key>\n<string>Tr0ub4dor3x</string>\n",
    '{\n "name": "password",\n "value": "Tr0ub4dor3x"\n}\n',
]
WRAPPED = {
    "cri": lambda line: f"2026-05-08T23:20:46.123456789Z stderr F {line}",
    "docker": lambda line: json.dumps({"log": f"{line}\n", "stream": "stderr", "time": "2026-05-08T23:20:46.123456789Z"}),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", BELOW)
async def test_a_value_below_its_key_goes_wherever_the_chunks_end(text: str, form: Format) -> None:
    data = f"INFO begun\n{text}INFO ended\nINFO more\n".encode()
    run = scrubber(form)
    whole = await sanitize(run, [data])

    assert b"Tr0ub4dor3x" not in b"\n".join(whole)
    assert await sanitize(run, data.splitlines(keepends=True)) == whole


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("text", BELOW)
async def test_a_value_below_its_key_goes_in_the_log_of_a_container(text: str, wrapper: str, form: Format) -> None:
    lines = ["INFO begun", *["INFO served"] * 9, *text.splitlines(), *["INFO served"] * 9, "INFO ended"]
    data = "".join(f"{WRAPPED[wrapper](line)}\n" for line in lines).encode()
    run = scrubber(form)
    whole = await sanitize(run, [data])

    assert b"Tr0ub4dor3x" not in b"\n".join(whole)
    assert await sanitize(run, data.splitlines(keepends=True)) == whole


@pytest.mark.parametrize("text", ["Enter password:\nTr0ub4dor3x", "password: |\n  Tr0ub4dor3x", "Your api_key is:\nTr0ub4dor3x"])
async def test_a_value_below_its_key_goes_behind_what_a_logger_writes_before_both(text: str) -> None:
    data = "".join(f"2026-05-08T23:20:4{at}.123Z INFO mcp.server {line}\n" for at, line in enumerate(text.splitlines())).encode()
    assert b"Tr0ub4dor3x" not in b"\n".join(await sanitize(scrubber("raw"), [data]))
