"""Families of the syntaxes a value is assigned in: data formats, languages, shells, SQL, netrc, and keys of other languages."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from benchmarks.leaks import templates
from benchmarks.leaks.formats import KINDS, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case

DATA = {name: forms[0] for name, forms in templates.read("syntaxes").items()}
_CODE = """ruby_hash ruby_new elixir erlang lua js_object js_template go_struct rust rust_some kotlin csharp clojure graphql
make_conditional make_posix php_append go_typed c_array compared protobuf go_verbose java_class python_kwargs
xml xml_cdata xml_attribute powershell"""
_ODD_VALUE = "multipart form query matrix xml xml_attribute xml_named xml_entry html_input html_row php_serialized"
_SAID = "said said_was set_to invalid invalid_quoted"
FOREIGN = templates.read("foreign")["words"]
ASSIGNED = templates.read("assigned")


def data(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every syntax with every kind that suits it."""
    for name, template in DATA.items():
        for kind in [*KINDS] * scale:
            if name in _SAID.split() and kind not in ("password", "token", "jwt"):
                continue
            value, key = KINDS[kind].make(fresh), fresh.rnd.choice(KINDS[kind].keys)
            if name in _CODE.split():
                key = key.replace("-", "_")
            if name in _ODD_VALUE.split() and any(c in "&<>?;#\"' +/" for c in value):
                continue
            flag, bare_key = key.replace("_", "-").lower(), key.replace("-", "_")
            text = template.format(k=key, v=value, n=len(value), m=len(key), f=flag, i=bare_key, w={"jwt": "token"}.get(kind, kind))
            yield case(f"syntax/{name}", text, Secret(kind, value, value))


LINES = {
    "kubernetes": "env:\n- name: {i}\n  value: {v}\n- name: N\n  value: '1'",
    "value_first": "  - value: {v}\n    name: {i}",
    "yaml_below": "db:\n  {i}:\n    {v}\n  user: bob",
    "yaml_block": "  {i}: |-\n    {v}\n  user: bob",
    "php_dump": 'array(2) {{\n  ["user"]=>\n  string(3) "bob"\n  ["{i}"]=>\n  string({n}) "{v}"\n}}',
    "php_print": "Array\n(\n    [user] => bob\n    [{i}] => {v}\n)",
    "php_export": "array (\n  'user' => 'bob',\n  '{i}' => '{v}',\n)",
    "perl": "$VAR1 = {{\n          'user' => 'bob',\n          '{i}' => '{v}'\n        }};",
    "rust": 'Login {{\n    user: "bob",\n    {i}: Some(\n        "{v}",\n    ),\n}}',
    "ini": "[db]\nuser=bob\n{i}={v}",
    "netrc": "machine a.test\n  login bob\n  password {v}",
    "curl": "curl https://a.test \\\n  -H 'X-Api-Key: {v}' \\\n  -d x",
}
"""Syntaxes over lines, for passwords."""


def over_lines(fresh: Fresh, scale: int) -> Iterator[Case]:
    """A key on one line and its value on another, or both within a text of several lines."""
    for name, template in LINES.items():
        for key in ("password", "db_password", "DB_PASSWORD", "api_token", "client_secret", "clientSecret") * scale:
            value = fresh.assigned()
            keep = ("bob",) if "bob" in template else ()
            yield case(f"lines/{name}", template.format(i=key, v=value, n=len(value)), Secret("password", value, value), keep=keep)


def foreign(fresh: Fresh, scale: int) -> Iterator[Case]:
    """The word for password in other languages."""
    for word in FOREIGN:
        for form in ("{k}: {v}", '{{"{k}": "{v}"}}', "{k}={v}", "'{k}': '{v}'", "INFO {k} : {v}", '{{"a":1,"{k}":"{v}"}}') * scale:
            value = fresh.password()
            yield case(
                "foreign/password",
                form.format(k=fresh.rnd.choice((word, word.upper(), word.title())), v=value),
                Secret("password", value, value),
            )


def commands(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Passwords on command lines, in SQL and in files of credentials."""
    for name, lines in ASSIGNED.items():
        for template in lines:
            for form in ("{t}", "INFO exec: {t}", "$ {t}") * scale:
                value = fresh.password()
                yield case(f"assigned/{name}", form.format(t=template.format(v=value)), Secret("password", value, value))


def awkward(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Passwords with spaces, quotes, brackets, `@`, commas, non-ASCII characters, in syntaxes that can carry them."""
    for _ in range(scale):
        tail = str(fresh.number(1000, 99999))
        for value in (
            f"a b {tail}",
            f"it's {tail}",
            f'q"{tail}"x',
            f"p@ss:{tail}",
            f"x,y;{tail}",
            f"{{{tail}}}",
            f"[{tail}]pw",
            f"<{tail}>",
            f"pä{tail}ß",
            f"密{tail}码",
            f"$x{tail}$y",
            f"\\n{tail}\\",
            f"100%{tail}",
            f"a=b={tail}",
            f"-{tail}-x",
            f"'{tail}'",
            f"🔒{tail}🔑",
            tail,
        ):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            single = value.replace("\\", "\\\\").replace("'", "\\'")
            for name, carrier, text in (
                ("json", escaped, '{"user":"bob","password":"%s"}'),
                ("repr", single, "{'user': 'bob', 'password': '%s'}"),
                ("double", escaped, 'password="%s" user=bob'),
                ("yaml", escaped, 'password: "%s"'),
                ("kwargs", single, "connect(password='%s', n=1)"),
            ):
                yield case(
                    f"password/awkward_{name}",
                    text % carrier,
                    Secret("password", value, carrier),
                    keep=("bob",) if "bob" in text else (),
                )


def encoded(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Base64 values under keys that tell: Kubernetes secrets, docker config, SMTP AUTH."""
    for _ in range(6 * scale):
        for template in ("  db-password: {v}", '{{"data":{{"password":"{v}"}}}}', "password: {v}", "smtp-password: {v}"):
            value = fresh.password()
            carrier = base64.b64encode(value.encode()).decode()
            yield case("encoded/kubernetes", template.format(v=carrier), Secret("password", value, carrier))
        for template in (
            '{{"auths":{{"registry.test":{{"auth":"{v}"}}}}}}',
            "AUTH PLAIN {v}",
            "Proxy-Authorization: Basic {v}",
            "_auth = {v}",
        ):
            value = fresh.password()
            carrier = base64.b64encode(f"\0bob\0{value}".encode() if "PLAIN" in template else f"bob:{value}".encode()).decode()
            yield case("encoded/credentials", template.format(v=carrier), Secret("password", value, carrier))


FAMILIES: dict[str, Family] = {
    "syntax": data,
    "lines": over_lines,
    "foreign": foreign,
    "assigned": commands,
    "password": awkward,
    "encoded": encoded,
}
