"""A minute of the fuzzer: what must hold for anything holds for values, disguises, shapes, damage and cuts chosen at random."""

from __future__ import annotations

import random

import pytest

from benchmarks.fuzz import Fuzz, encoded, run
from benchmarks.leaks.formats import Fresh
from sanitizer.redaction.scrub import Format


@pytest.fixture(scope="module")
def fuzz() -> Fuzz:
    return Fuzz()


@pytest.mark.parametrize("number", range(12))
def test_nothing_is_found_in_a_batch_of_random_records(fuzz: Fuzz, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    fuzz.told.clear()
    fuzz.batch(Fresh(random.Random(f"test/{number}")))

    assert not fuzz.told, capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("sip:app:Cedar1657%3F@sip.test", "Cedar1657"),
        ("2026/05/07 19:24:50 (%2B%312015%35%35=25301%32%33)", "312015"),
        ("see =25252B3361%253234504%2531; retrying", "3361"),
        ('7,"passwd=3D""Pebble8012.""",ok', "Pebble8012"),
        ("    body=cmVjZWl2ZWQgYic8QVNJQVNCVU1NWEkyRlFRTlM9NERFUD4n", "QVNJQVNCVU1NWEkyRlFRTlM9NERFUD4n"),
        ('"short_message": "MzjigI0yMTg177u/NDIwM+KAjDMwMDA=", "level": 6}', "MzjigI0yMTg177u"),
        ("GET /s/aWJhbj0iTk_igI0yNTAy4oCLOTg577u_OeKBoDMwMzDigaA2Ig 200", "aWJhbj0iTk_igI0yNTAy"),
        ("access_token=3D\"-6g8Rie3mLYqumru81_rz0CMq0wtyxBXz82-wFwB6LP\"", "6g8Rie3mLYqumru81"),
        ("done card=55%25=3318945%=325321%2535%25325%2537726 in 12 ms", "318945"),
        ("done payout_to=DE%39%308550%35%38%34%=334%33=302223328%=338 in 12 ms", "302223328"),
        ("no entry erahmanatd6=3D40kestrel.io", "erahmanatd6"),
        ("done value=EAA8=6AuZxgL=4Dg=4D=50WzY7IIH7adGg=5ABXfX08tn80altRCykgy=7AJVmgcGf9=75f5=50KAnm=6EF=43NzE=72QI=4DmIMW89TFdIEHQpfJx2K6P=4BHvOuz=515V381ENzXaCjNGrJ4Y=65owD", "WzY7IIH7adGg"),
        ("VALUES (7, 'echo \'\'\'\'\\\'\'\'\'mcp-session-id\'\'\\\'\'\'\': \'\'\\\'\'\'\'7bBwr4P5C5HPN66g0YvbrskXeQ\'\'\\\'\'\'\'\'\'\')", "7bBwr4P5"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["raw", "ndjson"])
def test_what_was_found_once_is_redacted(fuzz: Fuzz, form: Format, line: str, value: str) -> None:
    assert value in line
    assert value.encode() not in b"".join(run(fuzz.scrubbers[form], encoded([line]))[0])


@pytest.mark.parametrize(
    "line",
    [
        "'[REDACTED:planetscale-password]'=20is=20not=20valid",
        "echo 'PGPASSWORD='\\''[REDACTED:password]",
        "cookie=[REDACTED:cookie]\\r=",
        r'{"message":"password: <your-password>\n  resolution: {integrity: sha512-4sKSHAakaaYXz7Kg8S+tSthuKH8Sw7S4vfw6fMUExg1auu}"}',
        '{"logger":"c.a.s.Session","message":"value=20was=20`[REDACTED:payment-card]`}"}',
    ],
)
def test_what_was_changed_once_by_a_second_pass_stays(fuzz: Fuzz, line: str) -> None:
    assert run(fuzz.scrubbers["raw"], encoded([line]))[0] == [line.encode()]
