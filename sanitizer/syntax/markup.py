"""The text of an element of HTML or XML, whose value stands behind a name between tags.

Given is a buffer, the place after the joining *mark*, the *window* before that place, and where in it the key starts; the answer is
the spans of the value.
"""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.syntax.nested import Span

CELL = patterns.lazy(
    rb"(?:</?(?:td|th|dt|dd|b|strong|span|label|code|pre|kbd|samp|em|i|p|div|key|name|string|value)(?:\s[^<>]{0,100})?>"
    rb"(?:\r?\n|(?:\\+r)?\\+n)?(?:[ \t]|\\+t){0,16}){1,5}",
    re.I,
)
CDATA = patterns.lazy(rb"<!\[CDATA\[(.*?)(?:\]\]>|$)")
ANGLED = patterns.lazy(rb"<(?!/)([^<>\s]*[^<>\sA-Za-z_-][^<>\s]*)>")  # a placeholder (`<your-key>`) is words only
MARKUP = patterns.lazy(rb"(?:<!\[CDATA\[)?([^<>\r\n]+)")
ENDED = patterns.lazy(rb"\S<(?:/|[bh]r\b)|.\r?\n[ \t]*</", re.S)
"""The last character of an element's text, and what ends it."""
BROKEN = patterns.lazy(rb"\r?\n[ \t]*([^<>\s][^<>\r\n]*?)[ \t]*\r?\n[ \t]*</")
"""The text of an element that has a line for itself."""

PROMPTED = patterns.lazy(rb" (?=\S*[0-9!@#$%^&*~+?])([^\s<>]\S{3,512})\r?\n")
"""What is typed behind a prompt that is all of its line: `password> hunter2!`."""

HEADS = re.compile(rb"</th>\s*<th\b", re.I).match
"""Between the names of two columns."""

NO_NAME = (b'class="', b'id="', b'style="', b'href="#', b"(?P<", b"(?<")
"""What stands before the name of a text's looks, or of a group of a pattern."""

CLOSED = patterns.lazy(rb"</\w{1,10}>[ ]+$")
"""The end of a name in markup, and a space: a sentence may go on there."""

TELLING = patterns.lazy(rb"[ \t]*[\x22'`]?[^\s\x22'`<>]*[0-9!@#$%^&*~+?_-]")
LINE_END = (b"\\n", b"\\r")


def text(buffer: bytes, at: int, mark: int, window: bytes, start: int) -> list[Span]:
    """The text behind a name that `<` or `>` follows; what is typed behind a prompt that ends so."""
    if mark == 0x3E and window[:start].replace(b"\\", b"").endswith(NO_NAME):
        return []
    if mark == 0x3E and window[start - 1 : start] == b"\n" and (typed := PROMPTED.match(buffer, at)) is not None:
        return [typed.span(1)]
    broken = BROKEN.match(buffer, at) if mark == 0x3E and buffer[at] in b"\r\n" else None
    if broken:
        return [broken.span(1)]
    cell = CELL.match(buffer, at - 1 if mark == 0x3C else at)
    found = MARKUP.match(buffer, cell.end() if cell else at)
    if found is None or (mark == 0x3C and cell is None) or (cell and HEADS(cell[0])):
        return []
    if found[1].startswith((b"@", b"'", b'"', b"`")) and not buffer.startswith(b"</", found.end()):
        return []  # of a URL: `<user>:<password>@<host>`, or of a string: `"<password>"`
    if b" " in found[1] and window.endswith(b"<code>"):
        return []  # an example
    goes_on = mark == 0x3C and cell is not None and cell[0].endswith(b" ") and (window[start] == 0x2D or CLOSED.search(cell[0]))
    if goes_on and TELLING.match(found[1]) is None:
        return []  # words: `--password <string>  Password of the server`, `the <code>password</code> of the server`
    below = cell is not None and cell[0].rstrip(b" \t").endswith(b"\n")
    escaped = found[1].startswith(LINE_END)
    if (below and not ENDED.match(buffer, found.end() - 1)) or (escaped and not buffer.startswith(b"</", found.end())):
        return []  # what stands behind a line end is no text of an element that does not end
    return [found.span(1)] if found[1][:1] != b" " or buffer.startswith(b"</", found.end()) else []
