"""Where a value starts and ends after its key, in the syntaxes that logs are written in.

JSON, Python, JavaScript, Go, Rust and PHP literals, YAML, logfmt, environment, command lines, query strings, HTTP headers, XML,
CSV, SQL. Given is a buffer and the position right after a key's separator; the answer is the spans to redact.
"""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.disguises.bytelists import material
from sanitizer.syntax.below import below, logged
from sanitizer.syntax.continuations import CONTINUED, block, heredoc
from sanitizer.syntax.markup import ANGLED, CDATA, CELL, MARKUP
from sanitizer.syntax.nested import CONSTANTS, LONGEST, Span, defaults, is_schema, leaves, line_end
from sanitizer.syntax.quotes import ESCAPED_QUOTE, PARTED, QUOTED, closing, concatenated, nonempty, quoted
from sanitizer.text.messages import SAID, SAID_ABROAD

__all__ = ["CONSTANTS", "Span", "value"]

START = patterns.lazy(
    rb"""[=:>~]{0,2}(?:(?:\*{1,2}|__)(?=[ \t\r\n]))?[ \t]*                            # a key in bold, its colon within
    (?:\xe2\x80\xa6[ ]|\$\(echo[ ](?:-n[ ])?(?=\\*[\x22']))?                            # a prompt that was answered, an echo
    (?:!{1,2}[A-Za-z][\w./:\-]{0,30}[ ]+|&[A-Za-z][\w\-]{0,30}[ ]+(?![=|])|<<(?=\\*\x22)         # YAML tags and anchors, Erlang
      |(?:string\(\d{1,6}\)|\(\*?[\w.\[\]]{1,40}\)(?:\(0x[0-9a-f]{1,16}\)\(\(len=\d{1,9}\)|[ ]\((?:(?:len|cap)=\d{1,9}[ ]?){1,2}\))?
        |0x[0-9a-f]{2,16}|chr|value
        |[Ii]nvalid[ ](?:[a-z]{1,12}[ ]){0,2}[a-z]{1,12}:)[ ]+(?=\\*\x22)              # dumps of PHP, Go, C and R; what was refused
      |\(\[\][\w.*]{1,40}\)[ ]\((?:(?:len|cap)=\d{1,9}[ ]?){1,2}\)[ ]\{\r?\n[ \t]+\([\w.]{1,40}\)[ ]\(len=\d{1,9}\)[ ](?=\x22)
      |rejected[ ]value[ ]\[)?
    (?:(?:(?:&(?:'\w{1,16}[ ])?(?:mut[ ])?)?                                        # a type: `password: str = "x"`
      [A-Za-z_][\w.]{0,30}[?!]?[ \t]*(?:\[[\w., |]{0,40}\]|<[\w., |]{0,40}>)?
      (?:[ \t]*\|[ \t]*\w{1,20}){0,3}[ \t]*)=[ \t]*(?=[\x22'`]|[bfru]{1,2}[\x22']|[A-Z]\w{1,10}\())?
    (?:(?:(?:Some|Ok|Just|Optional|SecretStr|Secret|String|new[ ]String|String\.from|str|bytes|quote)\(
        |(?:Secret\w{1,12}|Sensitive\w{0,12}|Protected\w{0,12}|Password|np\.str_|np\.bytes_|bytearray|memoryview|Buffer\.from|URI|Box|Zeroizing)
         \((?=[ \t]*(?:[bBuUrR]?[\x22']|String\(|Some\())
        |[A-Z]\w{2,30}\((?=\\*([\x22'])[^\x22'\n]*[0-9!@\#$%^&*~+?][^\x22'\n]*\1\)))[ \t]*){0,3}      # a type around it
    (?:\[\](?:string|interface[ ]\{\}|any)(?=\{)|[A-Z][a-z]{1,8}\d{0,2}Array\(\d{1,9}\)[ ](?=\[))?
    (?:[A-Z]\w{2,40}(?:Error|Exception):[ ])?                                                # which error a value has
    (?:Just[ ](?=\\*\x22)|Set\(\d{1,6}\)[ ]\{[ ](?=\\*[\x22'])|Optional\[(?=[^\]\s]*[0-9!@\#$%^&*~+?])
        |\((?=\r?\n[ \t]+[bfruBFRU]?[\x22']))?
    (?:[bBuUfFrRN@$]{1,2}(?=\\*[\x22']))?""",
    re.X,
)
USUAL = patterns.lazy(
    rb"[ ]?\x22((?![;,)\]}+&|])[^\x22\\\n]{1,256})\x22(?!\x22|[ ]?[+&~.\\|])"
    rb"|(?!0x[0-9a-f]{2,16}[ ]\\*\x22)([A-Za-z0-9_+/\-]{1,256})(?=[ \n](?![=(]))"
)
"""What most values look like: a JSON string without escapes; a word after `=`, and no address before what it points to."""

CODE = patterns.lazy(
    rb"\$\{\{[^{}\n]{1,80}\}\}|"
    rb"(?:await|new|yield)[ ]\w|(?:public|protected|private|virtual)[ ][A-Z]\w|"
    rb"(?:jar|war|pom|aar|bundle|test-jar|maven-plugin):(?:[a-z\-]{2,20}:)?\d[\w.\-]{0,40}|"
    rb"(?:[A-Z]\w{1,40}::){1,4}[A-Z]\w{1,40}\.[a-z_]{3,40}\b|"
    rb"(?:Annotated|Optional|Union|Literal|Final|ClassVar|Mapped|[Dd]ict|[Ll]ist|[Tt]uple|Sequence|Mapping)\[[A-Za-z]|"
    rb"[A-Za-z_$][A-Za-z_]{0,40}\d?(?:(?:\.|->|::|\?\.)[A-Za-z_]{1,40}\d?){0,6}"
    rb"(?:\((?:\)|\\{0,4}[\x22'`]|[A-Za-z_.]{1,60}[,)\[(]|[a-z_]{1,40}=|(?<=[A-Za-z]{4}\()\d{1,4}\)(?![^\s,;)\]}.\x22'\\])|"
    rb"[ ]?\$(?:[A-Za-z_]{1,40}|\d{1,3})(?:[ ]?[,)\[]|->)|\.\.\.|\r?\n)|"
    rb"[?!]?\[(?:\\{0,4}[\x22'`]|:[a-z_]|[a-z]\w{0,40}\.\w{1,40}\]))"
)
"""A call, a subscript, coordinates of Maven behind an artifact's name: what a program has for a value, and no value."""

FALLBACK = patterns.lazy(
    rb"[A-Za-z_$][\w.$:]{0,60}(?:(?:(?<=env)|(?<=Env)|(?<=get)|(?<=fetch)|(?<=OrDefault)|(?<=Property))"
    rb"\([ \t]*[\x22'][\w.\-]{1,64}[\x22'](?:,|\)[ ](?:\|\||\?[?:]|or))"
    rb"|(?:\[[\x22'][\w.\-]{1,64}[\x22']\])?[ ](?:\|\||\?[?:]|or))\s{0,40}(?:default[ ]?=[ ]?)?(?=[\x22'])"
)
"""Where a program looks for a value, and what stands before the one it takes else: `getenv("KEY", `, `env.KEY || `."""
ELSE = (b" ||", b" ?", b" or ")
FALLBACK_BELOW = patterns.lazy(rb"\r?\n[ \t]+" + FALLBACK.pattern)

REFERENCE = patterns.lazy(
    rb"~[ ]+(?:/|[ms]?\{|m/|qr)|"
    rb"[ \t]!(?:Ref|GetAtt|ImportValue|Condition|FindInMap|Sub|reference|secret|env_var)[ ]"
)
"""What a template of CloudFormation, or a file that includes another, has for a value; what Perl and Ruby compare one with."""

REGEX = patterns.lazy(rb"\\[sSwWdD][*+{]|\[:=\]|\[\^?(?:0-9|[aA]-[fFzZ]|\\[sSwWdD])|\[\^[^\[\]\r\n]{1,24}\][*+{)]")
"""What only a pattern has, that looks for secrets."""

NOTE = patterns.lazy(
    rb"\((?:sensitive|known|not|no|none|null|hidden|redacted|masked|unset|empty|same|see)\b[a-z ]{0,40}\)"
    rb"|\(\*[\w.\[\]]{1,60}\)\((?:0x[0-9a-f]{1,16}|nil)\)(?!\()"
)
"""What a program prints in a value's place: `(sensitive value)`, a pointer of Go."""

CMDLET = patterns.lazy(rb"\(?(?:Read|Get|New|ConvertTo|ConvertFrom|Import)-[A-Z][A-Za-z]{2,40}(?=[ )])")
"""A command of PowerShell, whose output is the value."""

BLOCK = patterns.lazy(rb"[|>][+\-]?\d?[ \t]*(?:#[^\n]*)?\r?\n")

LONG = 1900
"""An unquoted value so long was perhaps cut: its rest belongs to it, too."""

BARE = patterns.lazy(rb"[^\s\0\x1b\x22'`<>]{1,2048}")
REST = patterns.lazy(rb"[^\s\x22'`<>&,;|]*")
CUT = patterns.lazy(
    rb"[&,;|}%\\^](?:(?<=[&,;|])(?=$|[\w.%\-\[\]$@]{1,64}[\])]?[ \t]{0,2}[=:](?![=:]))|(?<=[,;|])(?=[,;|])|(?<=\})\s*,"
    rb"|(?<=%)26(?=\w{1,64}(?:=|%3[Dd]))|(?:(?<=\\)(?:x0|u000)?0|(?<=\^)@)(?=[A-Za-z_]\w{0,64}=|$)"
    rb"|(?<=&)(?:lt;(?=/?[a-z]{1,10}[1-6]?(?:/?&|\s))|amp;(?=[\w.%\-\[\]$@]{1,64}=)))"
)
"""It begins with one set of characters, which is looked for ten times as fast as a choice."""
AMPERSAND = patterns.lazy(rb"&(?![A-Za-z]{2,8};|#|[\w.%\-\[\]]{1,64}=)(?=[^\s&;]{0,64}[0-9!@$%^*~+?])[^\s&;]{3}")
"""What begins with one, and is neither a reference of HTML nor a further field."""

APOSTROPHE = patterns.lazy(rb"'[A-Za-z0-9][^\s\x22'`<>]{0,256}")
"""What an apostrophe in a value without quotes goes on with: of a password on a command line."""

QUOTED_WITHIN = 512
"""Bytes before a value that are looked at for a quote that is open there."""

ESCAPE = patterns.lazy(rb"\\+(?:[\x22'nrt]|(?:x1b|u001b|033)\[|u0026(?=[\w.%\-\[\]$@]{1,64}=)|$)")
TRAIL = b",;.:)]}>|"
SERIALIZED = patterns.lazy(rb"[ \t]*s:\d{1,6}:(?=\\*[\x22'])")
SCHEME = patterns.lazy(
    rb"[ \t]*(?:Bearer|Basic|Digest|Negotiate|NTLM|Token|Api-?Key|Key|OAuth|SSWS|AWS4-HMAC-SHA256|Hawk|GenieKey|Splunk|MAC|HMAC|"
    rb"PrivateToken|JWT|DPoP|PoP|Bot|Zoho-oauthtoken)[ \t]+",
    re.I,
)


def value(buffer: bytes, at: int, *, line: bool = False, stop: int = 0) -> list[Span]:
    """The spans of the value that starts at *at* (after `:` or `=`); none if there is no value.

    `line` takes an unquoted value to the end of its line (a cookie header). A list or object gives the spans of its leaves, those
    before *stop* if that is given.
    """
    if not line and (spans := usual(buffer, at) or material(buffer, at)):
        return spans
    start = START.match(buffer, at).end()  # type: ignore[union-attr]
    first = buffer[start : start + 1]
    if first in b"\r\n" and buffer[start - 1] == 0x28 and (parted := PARTED.match(buffer, start)) is not None:
        spans = quoted(buffer, parted.end())
        return [*spans, *concatenated(buffer, spans[-1][1], PARTED)] if spans else []
    is_reference = buffer.startswith((b"!", b" "), at + 1) and REFERENCE.match(buffer, at) is not None
    if not first or is_reference or (first in b"\r\n,;&)}]" and not AMPERSAND.match(buffer, start)):
        return on_next_line(buffer, at, start) if first and first in b"\r\n" else []
    code = first[0]
    if code in b"|>":
        folded = BLOCK.match(buffer, start)
        return block(buffer, start, folded.end()) if folded else []
    if code in QUOTED:
        spans = quoted(buffer, start)
        return [*spans, *concatenated(buffer, spans[-1][1])] if spans and buffer[spans[-1][1]] in QUOTED else spans
    if code == 0x5C:
        quote = ESCAPED_QUOTE.match(buffer, start)
        if quote:
            end = closing(buffer, quote.end(), quote[0])
            return nonempty(quote.end(), end)
        if buffer.startswith((b"\n", b"\r\n"), start + 1):
            return bare(buffer, CONTINUED.match(buffer, start).end())  # type: ignore[union-attr]  # looked at
    if code in b"[{" and not line:
        return defaults(buffer, start) if code == 0x7B and is_schema(buffer, start) else leaves(buffer, start, stop)
    if code == 0x3C:
        return heredoc(buffer, start) if buffer.startswith(b"<<", start) else tagged(buffer, start)
    if line:
        end = line_end(buffer, start, start + LONGEST)
        ended = LINE_ENDS.search(buffer, start, end)
        return nonempty(start, start + len(buffer[start : ended.start() if ended else end].rstrip(b" \t\\" + TRAIL)))
    return bare(buffer, start)


def on_next_line(buffer: bytes, at: int, start: int) -> list[Span]:
    """The value on the line below a key, whose separator ends *at* and whose line ends at *start*."""
    looked_up = FALLBACK_BELOW.match(buffer, start)
    return quoted(buffer, looked_up.end()) if looked_up else below(buffer, at, start)


def usual(buffer: bytes, at: int) -> list[Span]:
    found = USUAL.match(buffer, at)
    return [found.span(found.lastindex or 0)] if found else []


LINE_ENDS = patterns.lazy(rb"[\x22'`]|\\+[nr](?=\\|[ \t\x22'\x80-\xff]|[A-Za-z-]{1,40}:)")
"""What ends a header within its line: a quote, and a line end that is escaped, before an indent, another, or the next header."""


def tagged(buffer: bytes, start: int) -> list[Span]:
    """The text between tags, the first of which opens or closes at *start*: `Password: <b>hunter2!</b>`, `<b>Password:</b> x`.

    Also that of a section of XML, or within angle brackets that are no tag.
    """
    tags = CELL.match(buffer, start)
    text = MARKUP.match(buffer, tags.end()) if tags else None
    if text and buffer.startswith(b"</", text.end()) and text[1][:1] not in b"@'\x22":
        return [text.span(1)]
    if text and buffer[start + 1] == 0x2F:
        return bare(buffer, text.start(1))
    found = CDATA.match(buffer, start) or ANGLED.match(buffer, start)
    return nonempty(*found.span(1)) if found else []


LINE_BEGINS = patterns.lazy(rb"(?:\n|\\n)[ \t]*(?:-[ ])?$")
REST_OF_LINE = patterns.lazy(rb"(?:(?![ ][#/(\[{]|\\+[nrt\x22'])[^\r\n\x22]){0,512}")


def phrase(buffer: bytes, span: Span) -> Span:
    """*span*, to the end of its line if what stands there is one value of several words and no message."""
    start, end = span
    if buffer[start - 1] in b"\x22'`" or buffer.startswith(b"! @", end - 1):
        return span  # a type of GraphQL and its directive: `String! @deprecated`
    from sanitizer.text.words import passphrase  # noqa: PLC0415 - loaded with the first value that may go on

    rest = REST_OF_LINE.match(buffer, end)
    text = buffer[start : rest.end() if rest else end].rstrip()
    return (start, start + len(text)) if passphrase(text) else span


IN_GROUPS = patterns.lazy(rb"[+(\[]{0,2}\d(?:[\d.\-()/\]]|[ ](?![ ]{3})){1,26}\d(?![\w.:,%/\-]*[A-Za-z:%])")
FEW = 5
"""Digits that are no telephone number by themselves."""


def number(buffer: bytes, span: Span) -> Span:
    """*span*, with the groups that follow it if it is the first group of a telephone number."""
    start, end = span
    if buffer[end] not in b" )" or sum(0x30 <= byte <= 0x39 for byte in buffer[start:end]) > FEW or end - start > 2 * FEW:
        return span
    groups = IN_GROUPS.match(buffer, start)
    return (start, groups.end()) if groups and groups.end() > end else span


REST_OF_PART = patterns.lazy(rb"(?:[ ][\w.!@#$%^&*+?\-]{1,64}){1,12}(?=;)")


def part(buffer: bytes, span: Span) -> Span:
    """*span*, to the next semicolon: a connection string ends its values so, and they may have several words."""
    rest = REST_OF_PART.match(buffer, span[1])
    return (span[0], rest.end()) if rest else span


def is_quoted(buffer: bytes, at: int) -> bool:
    """Whether *at* stands in single quotes, as far as its line is looked at."""
    begin = max(buffer.rfind(b"\n", max(0, at - QUOTED_WITHIN), at), at - QUOTED_WITHIN, 0)
    return buffer.count(b"'", begin, at) % 2 == 1


def said(buffer: bytes, start: int) -> bool:
    """Whether what stands at *start* is what a validator says of a value."""
    return SAID.match(buffer, start) is not None or SAID_ABROAD.match(buffer, start) is not None


def bare(buffer: bytes, start: int) -> list[Span]:
    """An unquoted value: to white space or a quote, less what belongs to the text around it."""
    if CODE.match(buffer, start) or NOTE.match(buffer, start) or CMDLET.match(buffer, start) or said(buffer, start):
        looked_up = FALLBACK.match(buffer, start)
        return quoted(buffer, looked_up.end()) if looked_up else []
    if buffer.startswith(b'\\n"', start):
        return logged(buffer, start)
    found = BARE.match(buffer, start, start + LONGEST)
    if found is None:
        return []
    text = found[0]
    if buffer.startswith(ELSE, found.end()) and (looked_up := FALLBACK.match(buffer, start)) is not None:
        return quoted(buffer, looked_up.end())
    is_joined = text[-1] not in b",:;=([{" and text[-2:-1] != b"\\"  # by no mark, and no line end that is escaped
    if buffer[found.end()] == 0x27 and is_joined and not is_quoted(buffer, start):
        goes_on = APOSTROPHE.match(buffer, found.end())
        text += goes_on[0] if goes_on else b""
    cut = CUT.search(text)
    if cut is not None:
        stop = cut.start()
        # A brace that the value itself opened is its own.
        text = text[: stop + (text[stop] == 0x7D and text.count(b"{", 0, stop) > text.count(b"}", 0, stop))]
    kept = text.rstrip(TRAIL)
    if text.startswith(b"...", len(kept)):
        kept = text[: len(kept) + 3]  # shortened by whoever wrote it
    for opening, close in ((b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"<", b">")):
        own = kept.count(opening) - kept.count(close)
        if own > 0 and len(kept) < len(text):
            closed = text[len(kept) : len(kept) + own]
            kept += closed[: len(closed) - len(closed.lstrip(close))]
    if b"\\" in kept:
        escape = ESCAPE.search(kept, len(found[0]) if len(text) > len(found[0]) else 0)
        kept = kept[: escape.start()].rstrip(b",;") if escape else kept
        kept = kept[: len(kept) - (escape is not None and kept.endswith(b")") and b"(" not in kept)]
    return nonempty(start, start + len(kept))
