"""Families of MCP frames and of HTTP credentials."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from benchmarks.leaks import templates
from benchmarks.leaks.formats import B64URL, HEX, KINDS, UPPER, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case

FRAMES = {name: json.loads(form[0]) for name, form in templates.read("frames").items()}
_GROUPS = templates.read("headers")
HEADERS, SESSIONS, SCHEMES, SECRET_HEADERS = (_GROUPS[name] for name in ("forms", "sessions", "schemes", "names"))
ODDITIES = {name: form[0] for name, form in templates.read("oddities").items()}
BEFORE = (
    *[""] * 3,
    "2026-03-14T09:26:53.581Z [crm] [info] Message from server: ",
    "[debug] [server -> editor] ",
    "[attio-mcp] DEBUG Tool args: ",
    "recv: ",
    "2026-03-14 01:21:18.277 [info] crm: ",
)
_PLACE = re.compile("«(#?)(\\w+)»")
_ALPHANUMERIC = B64URL[:62]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _credentials(fresh: Fresh) -> Iterator[tuple[str, str, str, Secret]]:
    """Name of the family, header, its value, the secret."""
    opaque, password, jwt, token, mail = fresh.pick(B64URL, 40), fresh.password(), fresh.jwt(), fresh.token(), fresh.email()
    pair, hexed, mac = _base64(f"bob:{password}"), fresh.pick(HEX, 64), fresh.pick(_ALPHANUMERIC, 43)
    for scheme in SCHEMES:
        yield f"auth/{scheme.lower()}", "Authorization", f"{scheme} {opaque}", Secret("auth", opaque, opaque)
    for family, header, value, kind, secret, carrier in (
        ("basic", "Authorization", f"Basic {pair}", "auth", password, pair),
        ("basic_lower", "Proxy-Authorization", f"basic {pair}", "auth", password, pair),
        ("bearer_jwt", "Authorization", f"Bearer {jwt}", "jwt", jwt, jwt),
        ("bearer_token", "Authorization", f"Bearer {token}", "token", token, token),
        ("digest", "Authorization", f"Digest username=bob, realm=a, uri=/, response={hexed[:32]}", "auth", hexed[:32], hexed[:32]),
        (
            "aws4",
            "Authorization",
            f"AWS4-HMAC-SHA256 Credential=x/s3/aws4_request, SignedHeaders=host, Signature={hexed}",
            "auth",
            hexed,
            hexed,
        ),
        ("negotiate", "Authorization", f"Negotiate YII{mac}", "auth", mac, f"YII{mac}"),
        ("ntlm", "Authorization", f"NTLM TlRMTVNTUAAD{mac}", "auth", mac, f"TlRMTVNTUAAD{mac}"),
        ("hawk", "Authorization", f"Hawk id=a, ts=1, nonce=b, mac={mac}=", "auth", mac, mac),
        ("raw", "Authorization", opaque, "auth", opaque, opaque),
        ("cookie", "Cookie", f"theme=dark; sid={opaque}; n=1", "auth", opaque, opaque),
        ("set_cookie", "Set-Cookie", f"session={opaque}; Path=/; HttpOnly; Max-Age=3600", "auth", opaque, opaque),
        ("set_cookie_host", "Set-Cookie", f"__Host-auth={opaque}; Secure; SameSite=Lax", "auth", opaque, opaque),
        ("mcp_param", "Mcp-Param-Email", f"=?base64?{_base64(mail)}?=", "email", mail, None),
    ):
        yield f"auth/{family}", header, value, Secret(kind, secret, carrier)
    for header in SECRET_HEADERS:
        yield f"header/{header.lower()}", header, opaque, Secret("assigned", opaque, opaque)


def headers(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every credential in the ways headers are logged."""
    for turn in range(5 * scale):
        for number, (family, name, value, secret) in enumerate(_credentials(fresh)):
            form = HEADERS[(number * 7 + turn * 5 + fresh.number(0, 3)) % len(HEADERS)]
            yield case(family, form.format(k=name, l=name.lower(), u=name.upper().replace("-", "_"), v=value), secret)


def _planted(node: Any, values: dict[str, str], used: dict[tuple[str, str], None]) -> Any:
    """*node* with values in place of their kinds; what was planted is noted in *used*."""
    if isinstance(node, dict):
        return {_planted(key, values, used): _planted(value, values, used) for key, value in node.items()}
    if isinstance(node, list):
        return [_planted(value, values, used) for value in node]
    if not isinstance(node, str):
        return node
    for number, kind in _PLACE.findall(node):
        value = values[kind].removeprefix("+") if number else values[kind]
        used[kind, value] = None
        if number:
            return int(value)
    return _PLACE.sub(lambda place: values[place[2]], node)


def frames(fresh: Fresh, scale: int) -> Iterator[Case]:
    """MCP frames and other JSON, compact and spaced, bare and behind what clients write before them."""
    for turn in range(6 * scale):
        for number, (family, template) in enumerate(FRAMES.items()):
            used: dict[tuple[str, str], None] = {}
            frame = _planted(template, {kind: made.make(fresh) for kind, made in KINDS.items()}, used)
            text = json.dumps(frame, ensure_ascii=turn % 2 == 0, separators=(",", ":") if turn % 3 else None)
            yield case(
                family, BEFORE[(turn * 3 + number) % len(BEFORE)] + text, *(Secret(kind, value, value) for kind, value in used)
            )
        mail = fresh.email()
        blob = {
            "jsonrpc": "2.0",
            "id": turn,
            "result": {"contents": [{"uri": "file:///a.txt", "blob": _base64(f"mail {mail} now please")}]},
        }
        yield case("mcp/resource_blob", json.dumps(blob), Secret("email", mail), keep=("file:///a.txt",))


def oddities(fresh: Fresh, scale: int) -> Iterator[Case]:
    """JSON that is not quite JSON: cut off, trailing commas, comments, duplicate keys, two on a line, NaN, a prefix."""
    for name, form in ODDITIES.items():
        for kind in [*KINDS] * scale:
            value, key = KINDS[kind].make(fresh), fresh.rnd.choice(KINDS[kind].keys)
            if name in ("array", "tab_inside", "slash") and not KINDS[kind].bare:
                continue
            if name in ("js", "unquoted"):
                key = key.replace("-", "_")
            carrier = json.dumps(value)[1:-1]
            yield case(
                f"json/{name}", form.format(k=key, v=carrier, e=f"\\u{ord(key[0]):04x}{key[1:]}"), Secret(kind, value, carrier)
            )


def sessions(fresh: Fresh, scale: int) -> Iterator[Case]:
    """MCP session ids in headers and in the phrases that servers log."""
    for form in SESSIONS * 2 * scale:
        opaque = fresh.pick(UPPER, 12) + fresh.pick(HEX, 20)
        for value in (fresh.pick(HEX, 32), fresh.uuid(), fresh.pick(_ALPHANUMERIC, 26), opaque):
            yield case("mcp/session", form.format(v=value), Secret("session", value, value))


FAMILIES: dict[str, Family] = {"header": headers, "mcp": frames, "json": oddities, "session": sessions}
