"""A minute of the fuzzer: what must hold for anything holds for values, disguises, shapes, damage and cuts chosen at random."""

from __future__ import annotations

import random

import pytest

from benchmarks.fuzz import Fuzz
from benchmarks.leaks.formats import Fresh


@pytest.fixture(scope="module")
def fuzz() -> Fuzz:
    return Fuzz()


@pytest.mark.parametrize("number", range(12))
def test_nothing_is_found_in_a_batch_of_random_records(fuzz: Fuzz, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    fuzz.told.clear()
    fuzz.batch(Fresh(random.Random(f"test/{number}")))

    assert not fuzz.told, capsys.readouterr().out
