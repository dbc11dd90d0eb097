"""A slice of the leak corpus: not one known secret is readable in the output, whatever it is dressed in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.leaks.__main__ import COMMAND, NDJSON, run_ndjson, run_raw
from benchmarks.leaks.corpus import corpus
from benchmarks.leaks.judge import judge, same
from benchmarks.leaks.model import Case

ROOT = Path(__file__).parents[1]
CASES = corpus(seed=2, slice_=5)


def _told(case: Case, output: list[str], what: object) -> str:
    return f"{case.family}: {what!r}\n  in  {list(case.lines)!r:.600}\n  out {output!r:.600}"


@pytest.fixture(scope="module")
def raw() -> list[list[str]]:
    return run_raw(COMMAND, CASES)


def test_the_judge_reads_every_planted_secret_in_what_is_not_sanitized() -> None:
    unseen = [_told(case, [], case.secrets) for case in CASES if len(judge(case, list(case.lines)).leaked) < len(case.secrets)]

    assert unseen == []


def test_the_judge_sees_no_secret_where_there_is_none() -> None:
    assert [case.family for case in CASES if judge(case, ["[REDACTED]"] * len(case.lines)).leaked] == []


def test_the_same_seed_gives_the_same_corpus_and_another_one_fresh_values() -> None:
    once, again, other = (corpus(seed, only="plain/*", slice_=5) for seed in (2, 2, 3))

    assert once == again
    assert not {secret.value for case in once for secret in case.secrets} & {
        secret.value for case in other for secret in case.secrets
    }


def test_no_secret_is_readable_in_raw_output(raw: list[list[str]]) -> None:
    leaks = [_told(case, output, found) for case, output in zip(CASES, raw, strict=True) if (found := judge(case, output).leaked)]

    assert not leaks, f"{len(leaks)} leaks\n" + "\n".join(leaks[:20])


def test_no_secret_is_readable_in_records() -> None:
    places = run_ndjson(NDJSON, CASES)
    leaks = [
        _told(case, output, found) for case, output in zip(CASES, places, strict=True) if (found := judge(case, output).leaked)
    ]

    assert not leaks, f"{len(leaks)} leaks\n" + "\n".join(leaks[:20])
    assert all(isinstance(json.loads(record), dict) for records in places for record in records if record)


def test_what_is_no_secret_stays_as_it_is(raw: list[list[str]]) -> None:
    changed = [_told(case, output, "changed") for case, output in zip(CASES, raw, strict=True) if judge(case, output).changed]

    assert not changed, f"{len(changed)} changed\n" + "\n".join(changed[:20])


def test_json_stays_json_and_words_beside_a_secret_stay(raw: list[list[str]]) -> None:
    verdicts = [judge(case, output) for case, output in zip(CASES, raw, strict=True)]
    words = sum(verdict.words for verdict in verdicts)
    lost = sum(len(word) for verdict in verdicts for word in verdict.lost)

    assert [case.family for case, verdict in zip(CASES, verdicts, strict=True) if verdict.broken] == []
    assert lost <= 0.003 * words


def test_sanitizing_again_changes_nothing(raw: list[list[str]]) -> None:
    lines = [line for output in raw for line in output]
    done = subprocess.run(
        [sys.executable, "-m", "sanitizer", "run", "--format", "raw"],
        input="\n".join([*lines, ""]).encode("utf-8", "surrogateescape"),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    again = done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]

    assert [(a, b) for a, b in zip(lines, again, strict=True) if not same([a], [b])] == []
