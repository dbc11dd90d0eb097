"""Other spellings of a value: each takes it and gives the text that carries it.

`VALUE` spells the value alone, `FRAGMENT` the piece of log it stands in, such as `{"email":"..."}`.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import unicodedata
import zlib
from collections.abc import Callable
from urllib.parse import quote

from benchmarks.leaks.formats import Fresh

Encode = Callable[[str, Fresh], str]
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200e\u200f\u2066\u2069\u202a\u202c\u2061\u2063\u034f"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
SPACES = "\u00a0\u2002\u2007\u2009\u202f\u3000"
DIGIT_ZEROS = {
    "arabic": 0x660,
    "persian": 0x6F0,
    "devanagari": 0x966,
    "bengali": 0x9E6,
    "tamil": 0xBE6,
    "thai": 0xE50,
    "khmer": 0x17E0,
    "fullwidth": 0xFF10,
    "math_bold": 0x1D7CE,
    "math_double": 0x1D7D8,
    "math_sans": 0x1D7E2,
    "math_mono": 0x1D7F6,
}
CONFUSABLE = dict(zip("aeopcyxisj", "аеорсухіѕј", strict=True))


def _json_units(text: str, digits: str = "04x") -> str:
    raw = text.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(raw[i : i + 2], 'big'):{digits}}" for i in range(0, len(raw), 2))


def _some(text: str, fresh: Fresh, spell: Callable[[str], str], share: float = 0.3) -> str:
    """Some characters spelled out, the telling ones (`@`, `-`, `_`) among them."""
    return "".join(spell(c) if c in "@-_+" or fresh.rnd.random() < share else c for c in text)


def _inserted(text: str, fresh: Fresh, pieces: str) -> str:
    return "".join(
        c + (fresh.rnd.choice(pieces) if 0 < i < len(text) - 1 and (i % 4 == 1 or fresh.rnd.random() < 0.2) else "")
        for i, c in enumerate(text)
    )


def _percent(text: str) -> str:
    return "".join(f"%{b:02X}" for b in text.encode())


def _digits(zero: int) -> Encode:
    return lambda text, _: "".join(chr(zero + int(c)) if c in "0123456789" else c for c in text)


def _full_width(text: str, _: Fresh) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


JSON: dict[str, Encode] = {
    "json_u_all": lambda v, _: _json_units(v),
    "json_u_all_upper": lambda v, _: _json_units(v, "04X"),
    "json_u_some": lambda v, f: _some(v, f, _json_units),
    "json_u_first": lambda v, _: _json_units(v[:1]) + v[1:],
    "json_u_zero_width": lambda v, f: json.dumps(_inserted(v, f, INVISIBLE))[1:-1],
    "json_u_full_width": lambda v, f: json.dumps(_full_width(v, f))[1:-1],
}
"""Only inside a JSON string."""

VALUE: dict[str, Encode] = {
    "none": lambda v, _: v,
    "percent": lambda v, _: quote(v, safe=""),
    "percent_lower": lambda v, _: quote(v, safe="").replace("%2B", "%2b").replace("%2F", "%2f"),
    "percent_some": lambda v, f: _some(v, f, _percent),
    "percent_all": lambda v, _: _percent(v),
    "percent_twice": lambda v, f: quote(_some(v, f, _percent), safe=""),
    "percent_thrice": lambda v, f: quote(quote(_some(v, f, _percent, 0.1), safe=""), safe=""),
    "html_named": lambda v, f: _some(html.escape(v), f, lambda c: {"@": "&commat;", "_": "&lowbar;", "+": "&plus;"}.get(c, c), 0),
    "html_decimal": lambda v, f: _some(v, f, lambda c: f"&#{ord(c)};"),
    "html_padded": lambda v, f: _some(v, f, lambda c: f"&#{ord(c):05};", 0.1),
    "html_hex": lambda v, f: _some(v, f, lambda c: f"&#x{ord(c):x};"),
    "html_hex_upper": lambda v, f: _some(v, f, lambda c: f"&#X{ord(c):X};"),
    "html_bare": lambda v, _: "".join(f"&#{ord(c)}" for c in v) + ";",
    "html_all": lambda v, _: "".join(f"&#{ord(c)};" for c in v),
    "backslash_x": lambda v, _: "".join(f"\\x{b:02x}" for b in v.encode()),
    "backslash_x_some": lambda v, f: _some(v, f, lambda c: f"\\x{ord(c):02x}"),
    "backslash_octal": lambda v, _: "".join(f"\\{b:03o}" for b in v.encode()),
    "backslash_u_brace": lambda v, f: _some(v, f, lambda c: f"\\u{{{ord(c):x}}}"),
    "backslash_u": lambda v, _: _json_units(v),
    "backslash_u_some": lambda v, f: _some(v, f, _json_units),
    "quoted_printable": lambda v, f: _some(v, f, lambda c: f"={ord(c):02X}", 0.1),
    "full_width": _full_width,
    "zero_width": lambda v, f: _inserted(v, f, INVISIBLE[:5]),
    "bidi": lambda v, f: f"\u2067{_inserted(v, f, INVISIBLE[7:13])}\u2069",
    "soft_hyphen": lambda v, f: _inserted(v, f, "\u00ad"),
    "ansi_around": lambda v, _: f"\x1b[33m{v}\x1b[0m",
    "ansi_inside": lambda v, f: _inserted(v, f, "\x07").replace("\x07", "\x1b[1m"),
    "base64": lambda v, _: base64.b64encode(v.encode()).decode(),
    "base64_twice": lambda v, _: base64.b64encode(base64.b64encode(v.encode())).decode(),
    "base64url_bare": lambda v, _: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "hex": lambda v, _: v.encode().hex(),
    "hex_upper": lambda v, _: v.encode().hex().upper(),
    "mime_base64": lambda v, _: f"=?base64?{base64.b64encode(v.encode()).decode()}?=",
    "rfc2047": lambda v, _: f"=?UTF-8?B?{base64.b64encode(v.encode()).decode()}?=",
    "decomposed": lambda v, _: unicodedata.normalize("NFD", v),
}

NUMERIC: dict[str, Encode] = {f"digits_{name}": _digits(zero) for name, zero in DIGIT_ZEROS.items()}
NUMERIC["digits_json_u"] = lambda v, f: json.dumps(_digits(0x660)(v, f))[1:-1]
"""For values whose sense is in their digits."""

LETTERS: dict[str, Encode] = {
    "confusable": lambda v, _: "".join(CONFUSABLE.get(c, c) if i % 3 == 0 else c for i, c in enumerate(v))
}
"""For emails: letters that only look the same."""

FRAGMENT: dict[str, Encode] = {
    "nested_json_1": lambda t, _: json.dumps({"body": t, "n": 1}),
    "nested_json_2": lambda t, _: json.dumps({"log": json.dumps({"body": t}) + "\n", "stream": "stderr"}),
    "nested_json_3": lambda t, _: json.dumps({"a": json.dumps({"b": json.dumps({"c": t})})}),
    "nested_json_4": lambda t, _: json.dumps([json.dumps([json.dumps([json.dumps([t])])])]),
    "percent_body": lambda t, _: f"body={quote(t)}",
    "form_body": lambda t, _: f"payload={quote(t, safe='').replace('%20', '+')}&ok=1",
    "base64_body": lambda t, _: f"body={base64.b64encode(t.encode()).decode()}",
    "base64url_path": lambda t, _: f"GET /s/{base64.urlsafe_b64encode(t.encode()).decode().rstrip('=')} 200",
    "base64_of_base64": lambda t, _: f"state={base64.b64encode(base64.b64encode(t.encode())).decode()}",
    "base64_json_string": lambda t, _: json.dumps({"data": base64.b64encode(t.encode()).decode(), "mimeType": "text/plain"}),
    "base64_of_percent": lambda t, _: f"cookie={base64.b64encode(quote(t).encode()).decode()}",
    "percent_of_base64": lambda t, _: f"next={quote(base64.b64encode(t.encode()).decode(), safe='')}",
    "data_url": lambda t, _: f'<a href="data:text/plain;base64,{base64.b64encode(t.encode()).decode()}">',
    "data_url_percent": lambda t, _: f"open data:text/plain,{quote(t)}",
    "hex_body": lambda t, _: f"recv hex={t.encode().hex()}",
    "hex_0x": lambda t, _: f"input 0x{t.encode().hex()} ok",
    "html_body": lambda t, _: f"<td>{html.escape(t)}</td>",
    "quoted_printable_body": lambda t, _: quopri.encodestring(t.encode(), quotetabs=True).decode().replace("=\n", ""),
    "python_repr": lambda t, _: f"payload={t!r}",
    "python_bytes_repr": lambda t, _: f"received {t.encode()!r}",
    "python_repr_of_json": lambda t, _: f"sent {json.dumps({'text': t})!r}",
    "shell_quoted": lambda t, _: "echo '" + t.replace("'", "'\\''") + "'",
    "escaped_text": lambda t, _: json.dumps(t)[1:-1],
    "escaped_twice": lambda t, _: json.dumps(json.dumps(t))[1:-1],
    "base32_body": lambda t, _: f"body={base64.b32encode(t.encode()).decode()}",
    "gzip_base64": lambda t, _: f"body={base64.b64encode(gzip.compress(t.encode(), mtime=0)).decode()}",
    "zlib_base64": lambda t, _: f"body={base64.b64encode(zlib.compress(t.encode())).decode()}",
    "json_in_query": lambda t, _: f"GET /cb?state={quote(json.dumps(json.dumps({'t': t})), safe='')} 200",
    "csv_cell": lambda t, _: '7,"' + t.replace('"', '""') + '",ok',
    "sql_literal": lambda t, _: "INSERT INTO notes VALUES (7, '" + t.replace("'", "''") + "')",
    "cdata": lambda t, _: f"<body><![CDATA[{t}]]></body>",
}
