"""Where a value stands in a sentence or a structure. `{k}` is the key, `{v}` the value."""

from __future__ import annotations

PLAIN = (
    "{k}={v}",
    "{k}: {v}",
    "done {k}={v} in 12 ms",
    "request ok ({k}={v})",
    "lookup {k}={v}, retry 2",
    "{k}: {v}; next",
    "got [{k}={v}]",
)
QUOTED = (
    '{k}="{v}"',
    "{k}='{v}'",
    '"{k}":"{v}"',
    '"{k}": "{v}", "n": 3',
    "'{k}': '{v}'",
    '{k}: "{v}"',
    "{k} => '{v}'",
    '{{"{k}":"{v}","n":1}}',
    '{{"a":1,"{k}": "{v}"}}',
    "{{'a': 1, '{k}': '{v}'}}",
    '[{{"{k}":"{v}"}}]',
    '{{"args":{{"{k}":"{v}"}}}}',
)
BARE = (
    "{v}",
    "user {v} logged in",
    "sent to {v}.",
    "no such entry: {v}",
    "<{v}>",
    "({v})",
    "'{v}' is not valid",
    '"{v}"',
    "{v} was rejected",
    "{v}, {v}",
    "see {v}; retrying",
    "from={v}&n=1",
    "value was `{v}`",
    "[{v}]",
    "→ {v}",
)


def positions(bare: bool) -> tuple[str, ...]:
    """All templates that suit a kind; without *bare* the value needs its key to be known."""
    return (*PLAIN, *QUOTED, *BARE) if bare else (*PLAIN, *QUOTED)
