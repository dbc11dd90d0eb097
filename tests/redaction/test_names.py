"""A name in a message of ours is as clean as a record, and is not shown before there are rules."""

from __future__ import annotations

import pytest
from engines import KEYS, shipped

from sanitizer.process import ownlog
from sanitizer.process.ownlog import Named, clean_names
from sanitizer.redaction.names import Names


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has said yet how names are cleaned."""
    monkeypatch.setattr(ownlog, "_clean", [])


@pytest.mark.usefixtures("fresh")
def test_a_name_is_shown_once_there_are_rules_and_what_is_secret_in_it_never() -> None:
    name = Named("/var/log/password=Tr0ub4dor3x anna@example.com.log")
    assert f"{name}: gone" == "(a name): gone"

    clean_names(Names(shipped(), KEYS).clean)
    assert f"{name}: gone" == "/var/log/password=[REDACTED:password] [REDACTED:email].log: gone"


@pytest.mark.parametrize("name", ["/logs/mcp-crm.log", "/logs/\udcff.log", ""])
def test_other_names_stay(name: str) -> None:
    assert Names(shipped(), KEYS).clean(name) == name.encode("utf-8", "backslashreplace").decode()
