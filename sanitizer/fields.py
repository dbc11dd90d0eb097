"""stub"""
from __future__ import annotations
def rfc3339(value: object) -> str | None: return None
def level_of_priority(v: object) -> str | None: return None
