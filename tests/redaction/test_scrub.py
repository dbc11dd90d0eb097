"""Fail closed: what cannot be redacted is withheld, marked and counted, and nothing else is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

import pytest
from engines import FORMATS, KEYS, sanitize, scrubber

from sanitizer.detection.disguise import DEEPEST
from sanitizer.model import CleanBatch, Message, Raw
from sanitizer.record import Assembled
from sanitizer.records.assemble import Assembler
from sanitizer.redaction.redact import Redactor
from sanitizer.redaction.scrub import Format, Scrubber, reason_of


class WeirdError(Exception):
    """What a check might raise, with the secret in its text."""


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Format], Scrubber]:
    """Scrubbers whose redaction fails for every line with `poison` in it."""
    real = Redactor.redact

    def redact(self: Redactor, lines: list[bytes], *others: object) -> object:
        if any(b"poison" in line for line in lines):
            raise WeirdError(f"cannot redact {lines!r}")
        return real(self, lines, *others)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(Redactor, "redact", redact)
    return scrubber


def scrubbed(made: Scrubber, data: bytes) -> CleanBatch:
    """What *made* gives for *data*; its last line may come in a batch of its own."""
    assembler = Assembler()
    parts = [made.scrub(part, "-") for part in (assembler.feed(data), assembler.flush()) if part.lines]
    findings: Counter[str] = sum((Counter(part.findings) for part in parts), Counter())
    withheld: Counter[str] = sum((Counter(part.withheld) for part in parts), Counter())
    records = [record for part in parts for record in part.records]
    offsets = [offset for part in parts for offset in part.offsets]
    read = sum(part.read for part in parts)
    return CleanBatch("-", records, offsets, parts[-1].upto, rules=parts[0].rules, read=read, findings=findings, withheld=withheld)


def test_only_the_record_that_cannot_be_redacted_is_withheld(poisoned: Callable[[Format], Scrubber]) -> None:
    batch = scrubbed(poisoned("ndjson"), b"one a@example.com\nsecret poison b@example.com\nthree c@example.com\n")
    first, marker, last = map(json.loads, batch.records)

    assert (first["message"], last["message"]) == ("one [REDACTED:email]", "three [REDACTED:email]")
    assert marker == {"withheld": "weirderror", "size": 27, "digest": KEYS.digest(b"secret poison b@example.com")}
    assert batch.withheld == {"weirderror": 1}
    assert batch.findings == {"email": 2}
    assert batch.read == 3
    assert batch.offsets == [0, 18, 46]


def test_a_marker_in_raw_output_takes_the_place_of_its_line(poisoned: Callable[[Format], Scrubber]) -> None:
    batch = scrubbed(poisoned("raw"), b"one\nsecret poison\nthree\n")

    assert batch.records[0::2] == [b"one", b"three"]
    assert re.fullmatch(rb"\[withheld:weirderror\] 13 bytes, hmac-sha256:k:[0-9a-f]{64}", batch.records[1])


@pytest.mark.parametrize("form", FORMATS)
def test_a_record_of_several_lines_is_withheld_as_a_whole(poisoned: Callable[[Format], Scrubber], form: Format) -> None:
    text = b'ok\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n    poison\nValueError: x\nok\n'
    output = b"\n".join(scrubbed(poisoned(form), text).records)

    assert b"poison" not in output
    assert output.count(b"ok") == 2


@pytest.mark.parametrize("form", FORMATS)
def test_a_secret_broken_over_lines_stays_hidden_when_a_neighbour_fails(poisoned: Callable[[Format], Scrubber], form: Format) -> None:
    value = b"ghp_" + b"Ab3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA2bC4"
    rich = b"[11/21/26 10:00:00] INFO     the token is now set to the value of %b server.py:12\n" + b" " * 29 + b"%b ok\n"
    batch = scrubbed(poisoned(form), rich % (value[:20], value[20:]) + b"poison\nlast\n")
    output = b"\n".join(batch.records)

    assert value[4:20] not in output
    assert value[20:36] not in output
    assert b"last" in output


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_the_failure_is_told(poisoned: Callable[[Format], Scrubber], form: Format) -> None:
    batch = scrubbed(poisoned(form), b"secret poison\n")

    assert b"secret" not in b"".join(batch.records)
    assert "secret" not in str(dict(batch.withheld))


@pytest.mark.parametrize("where", ["sanitizer.redaction.document.documents", "sanitizer.redaction.terminal.tame_all", "sanitizer.redaction.scrub.candidates"])
@pytest.mark.parametrize("form", FORMATS)
def test_whatever_fails_nothing_passes_unredacted(monkeypatch: pytest.MonkeyPatch, where: str, form: Format) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(where, fail)
    made = scrubber(form, params="hash")
    batch = scrubbed(made, b"one a@example.com\ntwo b@example.com\n")

    assert len(batch.records) == 2
    assert b"@example.com" not in b"".join(batch.records)


@pytest.mark.parametrize(
    "line",
    [
        b"DEBUG sending {'jsonrpc': '2.0', 'id': 3, 'method': 'tools/call', 'params': {'name': 't', 'arguments': {'q': 'the merger'}}}",
        b"DEBUG root=JSONRPCRequest(method='tools/call', params={'name': 't', 'arguments': {'q': 'the merger'}}, id=3)",
        b"DEBUG root=JSONRPCRequest(method='tools/call', params=CallToolRequestParams(name='t', arguments={'q': 'the merger'}))",
        b"""{"level":"debug","msg":"sent {'method': 'tools/call', 'params': {'name': 't', 'arguments': {'q': 'the merger'}}}"}""",
        b'{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"t","arguments":{"q":"the merger"}}}',
        b'{"rpc":{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"t","arguments":{"q":"the merger"}}},"rpc":1}',
    ],
)
@pytest.mark.parametrize("audit", [False, True])
def test_params_leave_a_record_in_whatever_notation_they_stand(line: bytes, audit: bool) -> None:
    batch = scrubbed(scrubber(audit=audit), b"one\n" + line + b"\ntwo\n")

    assert b"merger" not in b"".join(batch.records)
    assert len(batch.records) == 3


def test_assembly_that_makes_no_sense_does_not_stop_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Assembled) -> None:
        raise IndexError

    monkeypatch.setattr("sanitizer.redaction.scrub.logical", fail)
    batch = scrubbed(scrubber(), b"one a@example.com\ntwo\n")

    assert b"@example.com" not in b"".join(batch.records)
    assert len(batch.records) == 2


def test_framed_records_are_one_for_one_with_key_and_headers() -> None:
    messages = [
        Message(7, Raw(b"line a@example.com\nsecond line"), Raw(b"k-b@example.com"), [("to", Raw(b"c@example.com"))]),
        Message(8, None, None),
        Message(9, Raw(b"  "), Raw(b"")),
    ]
    batch = scrubber().scrub_messages(messages, "t/0", 10)

    assert [json.loads(record)["message"] for record in batch.records] == ["line [REDACTED:email]\nsecond line", "", "  "]
    assert [(e.key, tuple(e.headers), e.tombstone) for e in batch.envelopes] == [
        (b"[REDACTED:email]", (("to", b"[REDACTED:email]"),), False),
        (None, (), True),
        (b"", (), False),
    ]
    assert (batch.offsets, batch.upto) == ([7, 8, 9], 10)


def headers(*pairs: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    """The headers of a message as they come out."""
    (envelope,) = scrubber().scrub_messages([Message(1, Raw(b"v"), None, [(name, Raw(value)) for name, value in pairs])], "t", 2).envelopes
    return list(envelope.headers)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("password", b"hunter2 and more", b"[REDACTED:password]"),
        ("x-api-key", b"plainvalue123", b"[REDACTED:secret]"),
        ("authorization", b"Basic dXNlcjpwYXNz", b"Basic [REDACTED:token]"),
        ("cookie", b"sid=abcdef; x=1", b"sid=[REDACTED:cookie]; x=[REDACTED:cookie]"),
        ("client_secret", b"line1\nline2", b"[REDACTED:secret]"),
        ("token", b"\x00\x01\xffbin", b"[REDACTED:token]"),
        ("meta", b'{"password":"x y","n":1}', b'{"password":"[REDACTED:password]","n":1}'),
        ("note", b"write to a@example.com", b"write to [REDACTED:email]"),
    ],
)
def test_a_headers_name_says_what_its_value_is(name: str, value: bytes, expected: bytes) -> None:
    assert headers((name, value)) == [(name, expected)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("session_count", b"3"), ("tenant", b"acme"), ("max_tokens", b"100"), ("raw", b"\x00\xff\xfe"), ("secret", b""), ("text", "zoë".encode())],
)
def test_headers_that_say_nothing_secret_stay_as_they_are(name: str, value: bytes) -> None:
    assert headers((name, value), (name, value)) == [(name, value), (name, value)]


def test_the_name_of_a_header_is_redacted_too() -> None:
    assert headers(("a@example.com", b"v")) == [("[REDACTED:email]", b"v")]


def test_one_envelope_that_cannot_be_redacted_takes_no_other_with_it(poisoned: Callable[[Format], Scrubber]) -> None:
    messages = [Message(1, Raw(b"v"), Raw(b"key")), Message(2, None, Raw(b"poison")), Message(3, Raw(b"v")), Message(4, None, Raw(b"k"))]
    batch = poisoned("ndjson").scrub_messages(messages, "t/0", 5)
    envelopes = batch.envelopes

    assert batch.withheld == {"weirderror": 1}
    assert [envelope.key for envelope in (envelopes[0], *envelopes[2:])] == [b"key", None, b"k"]
    assert json.loads(envelopes[1].key or b"")["withheld"] == "weirderror"
    assert [envelope.tombstone for envelope in envelopes] == [False, True, False, True]


def test_an_envelope_that_cannot_be_redacted_is_withheld(poisoned: Callable[[Format], Scrubber]) -> None:
    (envelope,) = poisoned("ndjson").scrub_messages([Message(1, Raw(b"fine"), Raw(b"poison"), [("h", Raw(b"v"))])], "t/0", 2).envelopes

    assert json.loads(envelope.key or b"")["withheld"] == "weirderror"
    assert list(envelope.headers) == []


def test_params_are_hashed_in_records_and_redacted_in_raw_output() -> None:
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail","arguments":{"to":"a@example.com","cc":"x"}}}\n'
    record = json.loads(scrubbed(scrubber(), call).records[0])
    raw = json.loads(scrubbed(scrubber("raw"), call).records[0])

    assert (record["tool_name"], "params" in record) == ("mail", False)
    assert raw["params"]["arguments"] == {"to": "[REDACTED:email]", "cc": "x"}


def test_the_batch_says_which_rules_it_was_redacted_with() -> None:
    made = scrubber()

    assert scrubbed(made, b"x\n").rules == made.compiled.digest


def test_a_reason_is_a_kind_of_failure_in_letters() -> None:
    assert reason_of(WeirdError("secret")) == "weirderror"
    assert reason_of(UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret")) == "unicodedecodeerror"


@pytest.mark.parametrize("made", FORMATS)
def test_a_secret_that_a_container_runtime_cut_is_found(made: Format) -> None:
    """Wherever it cut: runtimes cut lines at 8 or 16 KiB, and any secret may lie there."""
    line = b'{"level":"info","message":"token ghp_%b of a client","n":1}' % (b"A1b2C3d4E5" * 4)[:36]
    for cut in range(1, len(line)):
        parts = b"2026-11-21T10:00:00.1Z stdout P %b\n2026-11-21T10:00:00.2Z stdout F %b\n" % (line[:cut], line[cut:])
        assert b"b2C3" not in b"\n".join(scrubbed(scrubber(made), parts).records)


@pytest.mark.parametrize("form", ["raw", "ndjson"])
def test_a_record_with_more_readings_than_are_followed_is_withheld_and_its_neighbours_are_not(form: Format) -> None:
    lines = [b"to jane@example.com", b"to jane%" + b"25" * DEEPEST + b"40example.com", b"to jane%40example.com"]
    batch = scrubbed(scrubber(form), b"\n".join(lines) + b"\n")

    assert batch.withheld == {"nestingerror": 1}
    assert [b"withheld" in record for record in batch.records] == [False, True, False]
    assert b"jane" not in b"".join(batch.records)


def test_a_key_below_a_card_is_no_part_of_it() -> None:
    rows = ["charging card 3782 822463 10005      pii_body.py:13", "         cvv=1234".ljust(52)]
    made = scrubber("ndjson")
    lines = [f"                    WARNING  {rows[0]}", f"                    {rows[1]}", "                    ERROR    done     pii_body.py:17"]
    message = json.loads(scrubbed(made, "".join(f"{line}\n" for line in lines).encode()).records[0])["message"]

    assert message == "charging card [REDACTED:payment-card] cvv=[REDACTED:card-security-code]"


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyLTcifQ.k7Qp2ZxVb9Lw4Tn1Jm3Rk7Qp2ZxVb9Lw4Tn1Jm3Rk7Q"
BOXED = ["2026-12-01 01:20:55,817 - crm - ERROR - failed", "╭" + "─" * 46 + "╮"]
BOXED += [f"│ {f'jwt={TOKEN} stays'[at : at + 44]:<44} │" for at in range(0, 100, 44)]
BOXED += ["╰" + "─" * 46 + "╯", "ValueError: x"]


CRI, DOCKER = "2026-12-01T01:20:55.817123456Z stderr F %s", '{"log":"%s\\n","stream":"stderr","time":"2026-12-01T01:20:55.8Z"}'


@pytest.mark.parametrize("wrapper", ["%s", CRI, DOCKER])
@pytest.mark.parametrize("form", FORMATS)
async def test_a_value_that_a_panel_below_an_error_broke_goes_in_either_form(form: Format, wrapper: str) -> None:
    logged = "".join(wrapper % line + "\n" for line in BOXED).encode()
    out = b"\n".join(await sanitize(scrubber(form), [logged])).decode()
    assert not any(TOKEN[at : at + 12] in out for at in range(len(TOKEN) - 12))
    assert "stays" in out
