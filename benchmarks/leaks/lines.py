"""Families where a record spans lines, or a value ends at an edge: wraps, partial lines, PEM blocks, binary data, stack traces."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from benchmarks.leaks import templates
from benchmarks.leaks.formats import B64, KINDS, UPPER, Fresh, split_at
from benchmarks.leaks.model import Case, Family, Secret, case

_AT = "2026-03-14T09:26:53"


VIEWERS = (
    "crm-1  | ",
    "0|crm  | ",
    "[pod/crm-7d9c5b8f6d-abcde/crm] ",
    f"{_AT}.589793123Z ",
    "Mar 14 09:26:53 web crm[12]: ",
)
"""What viewers of logs put before each line."""


def rich(message: str, width: int, *, path: str = "server.py:88", at: str = "[03/14/26 09:26:53]") -> str:
    """*message* as Rich's log handler breaks it: time and level, a message column, the path at the right edge of the first line."""
    room = width - 29 - len(path) - 1
    rows: list[str] = []
    rest = message
    while rest:
        cut = len(rest) if len(rest) <= room else rest.rfind(" ", 0, room + 1)
        cut = room if cut <= 0 else cut
        rows.append(rest[:cut])
        rest = rest[cut:].lstrip(" ")
    head = f"{at} INFO     {rows[0]:<{room}} {path}"
    return "\n".join([head, *(f"{'':29}{row:<{width - 29}}" for row in rows[1:])])


def wraps(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Values broken by Rich, by container runtimes' partial lines, by terminals and by mail."""
    for turn in range(6 * scale):
        for kind, made in KINDS.items():
            value, key = made.make(fresh), fresh.rnd.choice(made.keys)
            prose = "x" * fresh.number(0, 30) + " " + " ".join(fresh.word() for _ in range(turn % 5))
            yield case("wrap/rich", rich(f"{prose} {key}={value} done", fresh.rnd.choice((80, 80, 100, 120))), Secret(kind, value))
            viewer = fresh.rnd.choice(VIEWERS)
            behind = rich(f"{prose} {key}={value} done", 80).replace("\n", f"\n{viewer}")
            yield case("wrap/rich_viewed", viewer + behind, Secret(kind, value))
            if kind in ("jwt", "token", "card"):
                width = fresh.rnd.choice((80, 100, 120))
                head = f"2026-03-14 09:26:53,589 INFO {fresh.word() * 12}"[: width - len(key) - 2 - len(value) // 3] + f" {key}="
                room = width - len(head)
                rows = [head + value[:room], *(value[at : at + width] for at in range(room, len(value), width))]
                yield case("wrap/terminal", "\n".join(rows) + " done", Secret(kind, value))
            cut = fresh.number(2, len(value) - 2)
            first, second = split_at(value, [cut])
            yield case(
                "wrap/cri", f"{_AT}.1Z stdout P level=info {key}={first}\n{_AT}.2Z stdout F {second} n=1", Secret(kind, value)
            )
            body = json.dumps({"level": "info", "pad": "y" * fresh.number(10, 60), key: value, "n": 1})
            at = body.index(value) + cut if value in body else len(body) // 2
            parts = split_at(body, [at])
            rows = [
                json.dumps({"log": part + ("\n" if part is parts[-1] else ""), "stream": "stdout", "time": f"{_AT}.1Z"})
                for part in parts
            ]
            yield case("wrap/docker", "\n".join(rows), Secret(kind, value))
            yield case("wrap/cri_json", f"{_AT}.1Z stderr P {parts[0]}\n{_AT}.2Z stderr F {parts[1]}", Secret(kind, value))
            if made.bare or turn % 2:
                pretty = json.dumps({"a": 1, "data": {key: value}, "z": [1, 2]}, indent=fresh.rnd.choice((2, 4)))
                yield case("wrap/pretty", pretty, Secret(kind, value, json.dumps(value)[1:-1]))
                yield case(
                    "wrap/inspect",
                    f"Request {{\n  method: 'GET',\n  {key.replace('-', '_')}: '{value}',\n  n: [ 1, 2 ]\n}}",
                    Secret(kind, value, value),
                )
            soft = "=\n".join(split_at(f"{key}={value}", [len(key) + 1 + cut]))
            if "=" not in value and kind not in ("password", "ssn") and turn % 2:
                yield case("wrap/quoted_printable", soft.replace(f"{key}=", f"{key}: ", 1), Secret(kind, value))


def _pem(fresh: Fresh) -> Iterator[tuple[str, list[str], str]]:
    for label in (
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "DSA PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ):
        block = fresh.pem(label, fresh.number(4, 12))
        text = "\n".join(block)
        yield "pem/plain", block, text
        yield "pem/indented", ["tls:", "  key: |", *(f"    {row}" for row in block), "  enabled: true"], text
        yield "pem/prefixed", [f"2026-03-14 09:26:53 DEBUG {row}" for row in block], text
        yield "pem/cri", [f"{_AT}.123456789Z stdout F {row}" for row in block], text
        yield "pem/docker", [json.dumps({"log": row + "\n", "stream": "stderr", "time": f"{_AT}Z"}) for row in block], text
        yield "pem/crlf", [f"{row}\r" for row in block], text
        yield "pem/json", [json.dumps({"key": text, "n": 1})], text
        yield "pem/json_crlf", [json.dumps({"private_key": text.replace("\n", "\r\n")})], text
        built = "\r\n".join(f"#5 0.228 {row}" for row in [*block[:-2], block[-2][:12], block[-1]])
        short = "\n".join([*block[:-2], block[-2][:12], block[-1]])
        yield "pem/prefixed_json", [json.dumps({"log": built, "n": 1})], short
        yield "pem/escaped", [f"KEY={json.dumps(text)}"], text
        yield "pem/escaped_twice", [json.dumps({"a": json.dumps({"private_key": text})})], text
        yield "pem/escaped_thrice", [json.dumps({"a": json.dumps({"b": json.dumps({"k": text})})})], text
        yield "pem/one_line", ["key " + " ".join(block) + " end"], text
        yield "pem/no_end", block[:-1], text
        yield "pem/literal_n", ["PRIVATE_KEY=" + "\\n".join(block)], text
        yield "pem/quoted", [f'+ "{row}\\n"' for row in block], text
        yield "pem/base64", [f"tls.key: {base64.b64encode(text.encode()).decode()}"], text
        yield "pem/python", [f"key={text!r}"], text
        yield "pem/bytes", [f"key={text.encode()!r}"], text
        yield "pem/diff", [f"+{row}" for row in block], text
        yield "pem/comment", [f"# {row}" for row in block], text


def pem(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Private keys in every wrapping; what is judged is any stretch of the body."""
    for _ in range(scale):
        for family, rows, text in _pem(fresh):
            body = "".join(text.split("\n")[1:-1])
            yield Case(
                family, tuple(rows), (Secret("private-key", body),), ("enabled",) if rows[-1].endswith("enabled: true") else ()
            )
        body_rows = [fresh.pick(B64, 64) for _ in range(9)] + [fresh.pick(B64, 30) + "=="]
        yield Case("pem/no_begin", (*body_rows, "-----END RSA PRIVATE KEY-----"), (Secret("private-key", "".join(body_rows)),))
        putty = [fresh.pick(B64, 64) for _ in range(6)]
        yield Case(
            "pem/putty",
            (
                "PuTTY-User-Key-File-3: ssh-ed25519",
                "Private-Lines: 6",
                *putty,
                "Private-MAC: " + fresh.pick("0123456789abcdef", 64),
            ),
            (Secret("private-key", "".join(putty)),),
        )
        jwk = fresh.pick(B64[:62], 43)
        yield case(
            "pem/jwk", json.dumps({"kty": "OKP", "crv": "Ed25519", "d": jwk, "x": "A" * 43}), Secret("private-key", jwk, jwk)
        )


def blobs(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Binary data in the ways logs carry it: base64, hex, arrays, dumps, raw bytes."""
    for turn in range(3 * scale):
        raw = b"\x1f\x8b\x08\x00" + fresh.rnd.randbytes(fresh.number(300, 900))
        std, url, hexed = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("="), raw.hex()
        yield case("blob/base64", f"{_AT}Z DEBUG body={std}", Secret("blob", std, std))
        yield case("blob/base64url", f"payload {url}", Secret("blob", url, url))
        yield case(
            "blob/json",
            json.dumps({"type": "image", "mimeType": "image/png", "data": std}),
            Secret("blob", std, std),
            keep=("image/png",),
        )
        yield case(
            "blob/mcp",
            json.dumps({"jsonrpc": "2.0", "id": turn, "result": {"contents": [{"uri": "file:///x.png", "blob": std}]}}),
            Secret("blob", std, std),
            keep=("file:///x.png",),
        )
        yield case("blob/data_url", f'<img src="data:image/png;base64,{std}">', Secret("blob", std, std))
        yield case("blob/hex", f"frame {hexed}", Secret("blob", hexed, hexed))
        yield case("blob/hex_upper", f"frame 0x{hexed.upper()}", Secret("blob", hexed.upper(), hexed.upper()))
        yield case("blob/hex_spaced", f"recv {raw[:200].hex(' ')}", Secret("blob", raw[:200].hex(" "), raw[:200].hex(" ")))
        yield case(
            "blob/array",
            json.dumps({"type": "Buffer", "data": list(raw)}),
            Secret("blob", json.dumps(list(raw))[1:-1], json.dumps(list(raw))[1:-1]),
        )
        yield case("blob/escaped", f"recv {raw!r}", Secret("blob", repr(raw)[2:-1], repr(raw)[2:-1]))
        for name, text in {
            "go": " ".join(map(str, raw)),
            "hexadecimal": ", ".join(f"0x{byte:02x}" for byte in raw),
            "octal": "".join(f"\\{byte:03o}" for byte in raw),
            "percent": "".join(f"%{byte:02X}" for byte in raw),
            "unicode_escapes": "".join(f"\\u{byte:04x}" for byte in raw),
        }.items():
            yield case(f"blob/{name}", f"recv [{text}]", Secret("blob", text, text))
        rows = [raw[at : at + 16].hex(" ", 2) for at in range(0, 256, 16)]
        dump = tuple(f"{16 * at:08x}: {row}  {'.' * 16}" for at, row in enumerate(rows))
        yield Case("blob/xxd", dump, tuple(Secret("blob", row, row) for row in rows))
        text = raw.replace(b"\n", b"").replace(b"\r", b"").decode("utf-8", "surrogateescape")
        yield case("blob/raw", f"recv {text}", Secret("blob", text, None))


STACKS = {name: form[0].replace("⏎", "\n") for name, form in templates.read("stacks").items()}


def stacks(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Values in messages, frames and source lines of stack traces, as text and inside a JSON string."""
    for name, template in STACKS.items():
        for kind in ("email", "card", "uuid", "token", "phone", "jwt") * scale:
            value, key = KINDS[kind].make(fresh), fresh.rnd.choice(KINDS[kind].keys).replace("-", "_")
            text = template.format(k=key, v=value)
            yield case(f"stack/{name}", text, Secret(kind, value, value))
            yield case(
                f"stack/{name}_json",
                json.dumps({"level": "error", "msg": "failed", "exception": text}),
                Secret(kind, value, json.dumps(value)[1:-1]),
            )


def edges(fresh: Fresh, scale: int) -> Iterator[Case]:
    """What touches a value: nothing, punctuation, brackets, CRLF, tabs, NUL, other scripts, bad bytes."""
    sides = {
        "alone": ("", ""),
        "dot": ("x ", ". Next"),
        "comma": ("x ", ", y"),
        "semicolon": ("x ", ";y"),
        "colon": ("x:", ":y"),
        "question": ("is it ", "?"),
        "bang": ("x ", "!"),
        "parens": ("(", ")"),
        "angle": ("<", ">"),
        "bracket": ("[", "]"),
        "brace": ("{", "}"),
        "pipes": ("|", "|"),
        "stars": ("**", "**"),
        "tabs": ("\t", "\t"),
        "crlf": ("x=", "\r"),
        "nul": ("x\0", "\0y"),
        "cjk": ("用户", "登录"),
        "cyrillic": ("клиент ", " вошёл"),
        "emoji": ("✅", "✅"),
        "quote_curly": ("“", "”"),
        "ellipsis": ("x ", "…"),
        "bad_byte": ("x \udcff", "\udcfe y"),
        "slash": ("/u/", "/edit"),
        "equals": ("x==", "=="),
        "hash": ("#", "#"),
        "ampersand": ("a=1&b=", "&c=2"),
        "escaped_n": ("a\\n", "\\nb"),
        "escaped_t": ("a\\t", "\\tb"),
        "escaped_quote": ('\\"', '\\"'),
        "dash": ("x - ", " - y"),
        "arrow": ("->", "<-"),
        "dollar": ("$", "$"),
        "tilde": ("~", "~"),
        "caret": ("^", "^"),
        "newline_json": ('{"m":"a\\n', '\\nb"}'),
    }
    for name, (before, after) in sides.items():
        for kind in ("email", "phone", "card", "uuid", "token", "jwt") * scale:
            value = KINDS[kind].make(fresh)
            yield case(f"edge/{name}", f"{before}{value}{after}", Secret(kind, value, value))


def long_lines(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Values far into long lines: words, JSON arrays, base64, no spaces at all."""
    for size in (5_000, 20_000, 70_000)[: 2 + (scale > 0)]:
        for kind in ("email", "card", "token", "password", "jwt", "uuid"):
            value = KINDS[kind].make(fresh)
            words = " ".join(fresh.word() for _ in range(size // 7))
            planted = f"password={value}" if kind == "password" else value
            yield case("long/words", f"{words} {planted} {words}", Secret(kind, value, value))
            rows = [{"n": n, "w": fresh.word()} for n in range(size // 25)]
            key = KINDS[kind].keys[0]
            yield case(
                "long/json", json.dumps({"rows": [*rows, {key: value}, *rows]}), Secret(kind, value, json.dumps(value)[1:-1])
            )
            yield case("long/nested", json.dumps({"text": json.dumps({"rows": [*rows, {key: value}]})}), Secret(kind, value))
            yield case("long/run", f"{fresh.pick(UPPER, size)} {planted}", Secret(kind, value, value))


FAMILIES: dict[str, Family] = {"wrap": wraps, "pem": pem, "blob": blobs, "stack": stacks, "edge": edges, "long": long_lines}
