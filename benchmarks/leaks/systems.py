"""Log grammars of other systems, and frames of the MCP specification: none holds a secret, so nothing may change.

A template's fields are those of `filling`; each system's lines are written after its own format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.leaks import templates
from benchmarks.leaks.filling import filled
from benchmarks.leaks.formats import Fresh
from benchmarks.leaks.model import Case, Family, case

SYSTEMS = templates.read("systems")
FRAMES = templates.read("mcp")["frames"]


def systems(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Lines of every system."""
    for system, lines in SYSTEMS.items():
        for template in lines * 12 * scale:
            yield case(f"system/{system}", filled(template, fresh))


def frames(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Frames as the MCP specification's pages show them, compact and spaced."""
    for number in range(3 * scale):
        for frame in map(json.loads, FRAMES):
            if "id" in frame:
                frame["id"] = fresh.number(0, 99)
            yield case("system/mcp", json.dumps(frame, ensure_ascii=number % 2 == 0, separators=(",", ":") if number % 3 else None))


FAMILIES: dict[str, Family] = {"system": systems, "mcp_spec": frames}
