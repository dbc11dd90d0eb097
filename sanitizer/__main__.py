"""`python -m sanitizer`."""

from __future__ import annotations

from sanitizer.cli.main import main

main(prog_name="sanitizer")
