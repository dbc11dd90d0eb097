"""Patterns wait for their first use, and every one of them compiles."""

import gc
import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

import sanitizer
import sinks
from sanitizer import patterns
from sanitizer.patterns import Lazy


def test_a_pattern_answers_as_if_it_were_compiled() -> None:
    word = patterns.lazy(rb"(?P<word>[a-z]+)", re.I)
    found = word.search(b"1 Two")
    assert found is not None
    assert found["word"] == b"Two"
    assert word.sub(b"-", b"one 2") == b"- 2"
    assert word.split(b"1a2")[0] == b"1"
    assert word.pattern == rb"(?P<word>[a-z]+)"


def test_it_is_compiled_once_and_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    compile_pattern = re.compile
    monkeypatch.setattr(re, "compile", lambda pattern, flags=0: compiled.append(pattern) or compile_pattern(pattern, flags))
    digits = patterns.lazy(r"\d+")
    assert compiled == []
    assert [digits.fullmatch("12") is not None, digits.match("x"), digits.findall("1 2")] == [True, None, ["1", "2"]]
    assert compiled == [r"\d+"]


def test_what_a_pattern_does_not_have_is_an_error() -> None:
    with pytest.raises(AttributeError, match="scanner"):
        getattr(patterns.lazy(rb"x"), "scanner")  # noqa: B009 - no such attribute, which types tell, too


def test_every_pattern_of_the_program_compiles() -> None:
    for package in (sanitizer, sinks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting = [each for each in gc.get_objects() if isinstance(each, Lazy)]
    assert len(waiting) > 400
    for each in waiting:
        assert callable(each.match)


def test_a_start_compiles_none() -> None:
    told = """
import gc
import sanitizer.service.pipe
from sanitizer.patterns import Lazy
waiting = [each for each in gc.get_objects() if isinstance(each, Lazy)]
print(len(waiting) > 300, [each.pattern[:60] for each in waiting if "match" in vars(each)])
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split(maxsplit=1) == ["True", "[]\n"]
