"""Lines that wait for what may go on with them."""

import pytest

from sanitizer.records.assemble import Assembler


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
