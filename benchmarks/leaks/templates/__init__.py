"""Templates of log text, one a line, in groups headed by `== name`."""

from __future__ import annotations

from importlib.resources import files


def read(name: str) -> dict[str, tuple[str, ...]]:
    """The groups of `name.txt`."""
    groups: dict[str, list[str]] = {}
    for line in files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("== "):
            current = groups.setdefault(line[3:], [])
        elif line and groups:
            current.append(line)
    return {group: tuple(lines) for group, lines in groups.items()}
