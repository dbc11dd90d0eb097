from __future__ import annotations

from sanitizer.audit.exposures import Exposures
from sanitizer.protocol.mcp import Exposure

SECOND = 1_000_000_000
NOW = 1_795_000_000 * SECOND


def token(number: int = 1, key: str = "k") -> Exposure:
    return Exposure("github-pat", f"hmac-sha256:{key}:{number}", tool="push")


def test_a_credential_that_was_known_before_is_not_seen_first() -> None:
    before, after = Exposures(60, 10), Exposures(60, 10)
    before.see(token(), "crm", NOW)
    before.see(token(), "crm", NOW + SECOND)
    after.load(before.dump())
    assert after.see(token(), "crm", NOW + 59 * SECOND) == (), "it was told within the minute"
    (event,) = after.see(token(), "crm", NOW + 60 * SECOND)
    assert event.count == 4
    assert event.first_seen < event.last_seen


def test_what_was_told_is_not_told_again_by_who_goes_on() -> None:
    before, after = Exposures(60, 10), Exposures(60, 10)
    before.see(token(), "crm", NOW)
    after.load(before.dump())
    assert list(after.rest()) == []
    before.see(token(), "crm", NOW)
    after.load(before.dump())
    assert [event.count for event in after.rest()] == [2]


def test_rubbish_and_fingerprints_under_a_key_that_is_gone_are_passed_over() -> None:
    before, after = Exposures(60, 10), Exposures(60, 10)
    before.see(token(key="ephemeral-1a2b"), "", NOW)
    for kept in (b"", b"\xff\x00", b"[[1,2]]", b"{}", before.dump()[:-5], before.dump()):
        after.load(kept)
    assert [event.count for event in after.see(token(key="ephemeral-1a2b"), "", NOW)] == [1]


def test_more_servers_than_there_is_room_for_are_one() -> None:
    exposures = Exposures(60, 5)
    told = [event for number in range(500) for event in exposures.see(token(number), f"server-{number}", NOW)]
    assert len(told) == 5 + 5 + 1
    assert sum(event.count for event in [*told, *exposures.rest()]) - 1 == 500, "the last to be counted is told twice: 1, then all"
