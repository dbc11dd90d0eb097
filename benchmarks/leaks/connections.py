"""Families of credentials in URLs, connection strings and DSNs of databases, brokers and services."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from benchmarks.leaks import templates
from benchmarks.leaks.formats import B64, HEX, KINDS, LOWER, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case

URLS, PAIRS = templates.read("connections").values()
FORMS = (
    "{u}",
    "DATABASE_URL={u}",
    '{{"dsn":"{u}"}}',
    "connecting to {u} failed",
    "url: {u}",
    "could not reach '{u}': timeout",
    "--dsn={u}",
    '{{"jsonrpc":"2.0","id":2,"result":{{"content":[{{"type":"text","text":"saw {u}"}}]}}}}',
)


def urls(fresh: Fresh, scale: int) -> Iterator[Case]:
    """A password in the userinfo of every scheme, percent-encoded where it must be."""
    for number, url in enumerate(URLS):
        for turn in range(2 * scale):
            value = fresh.password()
            carrier = quote(value, safe="!*~.$^" if turn % 3 == 2 else "~.-_")
            form = FORMS[(number + turn * 3) % len(FORMS)]
            text = form.format(u=url.format(v=carrier))
            yield case("connection/url", text, Secret("password", value, carrier))


def awkward(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Userinfo as people paste it: raw `@`, `/`, `:`, `#` in the password, tokens as user or password, twice in one line."""
    for _ in range(3 * scale):
        for value in (
            f"p@ss{fresh.number(1000, 99999)}w",
            f"a:b{fresh.number(1000, 99999)}",
            f"x#{fresh.number(1000, 99999)}y",
            f"{fresh.number(10**8, 10**9)}",
            f"a?{fresh.number(10**4, 10**6)}",
        ):
            yield case("connection/raw", f"DATABASE_URL=postgres://app:{value}@db:5432/shop", Secret("password", value, value))
        for kind in ("token", "jwt", "assigned", "uuid"):
            value = quote(KINDS[kind].make(fresh), safe="")
            yield case("connection/token", f"pushing to https://bot:{value}@git.test/x.git", Secret(kind, value, value))
        one, two = fresh.password(), fresh.password()
        parts = quote(one, safe=""), quote(two, safe="")
        text = f"primary=redis://:{parts[0]}@a:6379 replica=redis://:{parts[1]}@b:6379"
        yield case("connection/two", text, Secret("password", one, parts[0]), Secret("password", two, parts[1]))
        text = f"mongodb://u:{parts[0]}@a:1,b:2/?authSource=admin and amqp://v:{parts[1]}@c"
        yield case("connection/two", text, Secret("password", one, parts[0]), Secret("password", two, parts[1]))


def pairs(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Connection strings of pairs, signed URLs, OAuth forms and query tokens."""
    for template in PAIRS:
        for form in ("{t}", '{{"conn":"{t}"}}', "INFO using {t}") * scale:
            if '"' in template and form.startswith("{{"):
                continue
            values = {
                "v": quote(fresh.password(), safe="!*~.$^"),
                "t": fresh.pick(HEX, 20) + fresh.pick(B64[:52], 14),
                "h": fresh.pick(HEX, 64),
                "h32": fresh.pick(HEX, 32),
                "s": fresh.pick(B64, 43) + "=",
                "k": fresh.pick(B64, 86) + "==",
                "q": quote(fresh.pick(B64, 43) + "=", safe=""),
                "g": fresh.uuid(),
                "j": fresh.jwt(),
            }
            used = [name for name in values if f"{{{name}}}" in template]
            secrets = [
                Secret("password" if name == "v" else "uuid" if name == "g" else "assigned", values[name], values[name])
                for name in used
            ]
            yield case("connection/pairs", form.format(t=template.format(**values)), *secrets)


TOLD = (
    "username admin privilege 15 password 0 {v}",
    "enable secret 0 {v}",
    "snmp-server community {v} RO",
    "A temporary password is generated for root@localhost: {v}",
    "PASSWORD elastic = {v}",
    "Your temporary password is: {v}",
    "set the password to '{v}' please",
    "New password for bob: {v}",
    "a1 LOGIN bob {v}",
    "PRIVMSG NickServ :IDENTIFY bob {v}",
    "WIFI:T:WPA;S:home;P:{v};;",
    "evil-winrm -i 10.0.0.5 -u bob -p '{v}'",
)
PHRASES = ("mysql -u root -p'{v}' app", "sshpass -p '{v}' ssh bob@h1", "Server=db1;UID=sa;PWD={v};Encrypt=true")


def told(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Passwords as devices, databases, mail and chat tell them; phrases in quotes and in connection strings."""
    for template in TOLD * 2 * scale:
        value = fresh.password()
        yield case("password/told", template.format(v=value), Secret("password", value, value))
    for template in PHRASES * 4 * scale:
        value = " ".join(fresh.pick(LOWER, 6) for _ in range(4))
        yield case("password/phrase", template.format(v=value), Secret("password", value, value))


FAMILIES: dict[str, Family] = {"connection_url": urls, "connection_raw": awkward, "connection_pairs": pairs, "password_told": told}
