"""Families that cross kinds, positions, disguises and log shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.leaks import disguises, shapes, vendors
from benchmarks.leaks.formats import KINDS, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case
from benchmarks.leaks.positions import positions

DIGITAL = ("card", "phone", "uuid")
_WHOLE_WORDS = ("token", "jwt")


def _planted(kind: str, fresh: Fresh) -> tuple[str, str, str]:
    """A value of *kind*, the key it stands under, and the template of a sentence."""
    made = KINDS[kind]
    return made.make(fresh), fresh.rnd.choice(made.keys), fresh.rnd.choice(positions(made.bare))


def plain(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every kind in every position, over all shapes in turn."""
    forms = [*shapes.TEXT, *shapes.JSON]
    for kind, made in KINDS.items():
        for number, template in enumerate(positions(made.bare) * scale):
            value, key, _ = _planted(kind, fresh)
            shape = forms[(number + len(kind)) % len(forms)]
            line = shapes.wrapped(shape, template.format(k=key, v=value), fresh)
            yield case(f"plain/{kind}", line, Secret(kind, value, value))


def shaped(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every kind in every log shape."""
    for shape in (*shapes.TEXT, *shapes.JSON):
        for kind in [*KINDS] * scale:
            value, key, template = _planted(kind, fresh)
            yield case(f"shape/{shape}", shapes.wrapped(shape, template.format(k=key, v=value), fresh), Secret(kind, value, value))


def disguised(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every kind in every spelling of the value."""
    for name, encode in disguises.VALUE.items():
        for kind in [*KINDS] * scale:
            value, key, template = _planted(kind, fresh)
            if not KINDS[kind].bare:
                template = fresh.rnd.choice(("{k}={v}", "{k}: {v}", '{k}="{v}"'))
            carrier = encode(value, fresh)
            shape = fresh.rnd.choice(list(shapes.TEXT))
            yield case(
                f"value/{name}", shapes.wrapped(shape, template.format(k=key, v=carrier), fresh), Secret(kind, value, carrier)
            )
    for name, encode in disguises.JSON.items():
        for kind in [*KINDS] * scale:
            value, key, _ = _planted(kind, fresh)
            carrier = encode(value, fresh)
            line = fresh.rnd.choice(
                ('{"level":"info","%s":"%s","n":1}', '{"a":{"%s":"%s"}}', '{"jsonrpc":"2.0","id":4,"result":{"%s":"%s"}}')
            ) % (key, carrier)
            yield case(f"value/{name}", line, Secret(kind, value, carrier))


def digital(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Digits of other scripts, unusual dashes and spaces, letters that only look the same."""
    for name, encode in disguises.NUMERIC.items():
        for kind in DIGITAL[:2] * 3 * scale:
            value, key, _ = _planted(kind, fresh)
            carrier = encode(value, fresh)
            yield case(
                f"unicode/{name}",
                f'{{"{key}":"{carrier}"}}' if "json" in name else f"INFO {key}={carrier} done",
                Secret(kind, value, carrier),
            )
    for dash in disguises.DASHES + disguises.SPACES:
        for form in ("{v}", "{k}: {v}", '{{"{k}":"{v}"}}', '"{k}" "{v}" x') * scale:
            for kind in DIGITAL:
                value, key, _ = _planted(kind, fresh)
                carrier = _grouped(kind, value, dash)
                if kind == "uuid" and dash in disguises.SPACES:
                    continue
                yield case(
                    f"unicode/{'dash' if dash in disguises.DASHES else 'space'}_{ord(dash):04x}",
                    form.format(k=key, v=carrier),
                    Secret(kind, value, carrier),
                )
    for form in ("to {v} now", '{{"email":"{v}"}}', "email={v}") * 4 * scale:
        value = fresh.email()
        carrier = disguises.LETTERS["confusable"](value, fresh)
        yield case("unicode/confusable", form.format(v=carrier), Secret("email", carrier, carrier))


def _grouped(kind: str, value: str, separator: str) -> str:
    if kind == "uuid":
        return value.replace("-", separator)
    if kind == "card":
        return separator.join(value[i : i + 4] for i in range(0, len(value), 4))
    return separator.join(("+" + value[1:3], value[3:6], value[6:9], value[9:]))


def fragments(fresh: Fresh, scale: int) -> Iterator[Case]:
    """The whole piece of log spelled another way: JSON in JSON, base64 bodies, forms, reprs."""
    for name, encode in disguises.FRAGMENT.items():
        for kind in [*KINDS] * scale:
            value, key, _ = _planted(kind, fresh)
            inner = fresh.rnd.choice(
                (
                    json.dumps({key: value, "n": 1}),
                    json.dumps({"user": "bob", "inner": {key: value}}),
                    f"user=bob {key}={value} n=1",
                )
            )
            shape = fresh.rnd.choice(["bare", "iso", "cri", *shapes.JSON])
            line = shapes.wrapped(shape, encode(inner, fresh), fresh)
            yield case(f"fragment/{name}", line, Secret(kind, value, None))


def vendor(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every provider's token, bare: in a sentence, a URL, a header, a frame, glued to punctuation."""
    forms = (
        "{v}",
        "using {v} for the call",
        '{{"value":"{v}"}}',
        "GET /v1?x=1&t={v}&y=2 200",
        "({v})",
        "'{v}',",
        "a={v};b=2",
        "line 3: {v}.",
        '{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"saw {v}\\nnext"}}]}}}}',
    )
    for provider, template in vendors.TOKENS.items():
        for number in range(3 * scale):
            value = vendors.fill(template, fresh.rnd)
            form = forms[(number + len(provider) + fresh.number(0, 8)) % len(forms)]
            yield case(f"vendor/{provider}", form.format(v=value), Secret("token", value, value))


def case_changed(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Upper and mixed case of what has no case of its own, and keys in every convention."""
    for _ in range(6 * scale):
        for kind in ("email", "uuid"):
            value, key, template = _planted(kind, fresh)
            yield case(
                f"case/{kind}_upper", template.format(k=key.upper(), v=value.upper()), Secret(kind, value.upper(), value.upper())
            )
        mixed = "".join(c.upper() if i % 2 else c for i, c in enumerate(fresh.email()))
        yield case("case/email_mixed", f"bounce {mixed} x", Secret("email", mixed, mixed))
        for words in (("client", "secret"), ("db", "password"), ("access", "token"), ("api", "key")):
            first, second = words
            for key in (
                f"{first}_{second}",
                f"{first}-{second}",
                f"{first}{second.title()}",
                f"{first.title()}{second.title()}",
                f"{first}.{second}",
                f"{first.upper()}_{second.upper()}",
                f"{first}{second}",
                f"my.app.{first}_{second}",
                f"X-{first.title()}-{second.title()}",
            ):
                value = fresh.assigned() if second != "password" else fresh.password()
                yield case(
                    "case/key",
                    fresh.rnd.choice(('{"%s":"%s"}', "%s=%s", "%s: %s", "'%s': '%s'")) % (key, value),
                    Secret("assigned", value, value),
                )


def adjacent(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Several values side by side, with what logs put between them, and the same value twice."""
    for between in (" ", ", ", ",", ";", "|", "\t", "/", " and ", '","', "><", "\\n", " - "):
        for kind in ("email", "card", "uuid", "token", "phone") * scale:
            values = [KINDS[kind].make(fresh) for _ in range(3)]
            yield case(f"adjacent/{kind}", between.join(values), *(Secret(kind, value, value) for value in values))
    for _ in range(12 * scale):
        picked = [
            (kind, KINDS[kind].make(fresh)) for kind in fresh.rnd.sample(["email", "card", "uuid", "token", "phone", "jwt"], 4)
        ]
        line = " ".join(value for _, value in picked)
        yield case("adjacent/mixed", line, *(Secret(kind, value, value) for kind, value in picked))
        kind, value = picked[0]
        yield case("adjacent/repeated", f"{value} was {value}; {{'x': '{value}'}}", Secret(kind, value, value))


FAMILIES: dict[str, Family] = {
    "plain": plain,
    "shape": shaped,
    "value": disguised,
    "unicode": digital,
    "fragment": fragments,
    "vendor": vendor,
    "case": case_changed,
    "adjacent": adjacent,
}
