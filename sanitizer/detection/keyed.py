"""Values that are secret because of the key they stand under, in whatever syntax the two are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sanitizer import patterns
from sanitizer.detection.extents import LONG, SPACE
from sanitizer.finding import Finding
from sanitizer.rulesets.keys import AFTER, LINKS, Keys, last_words
from sanitizer.rulesets.ruleset import Rule
from sanitizer.syntax import blanks, bound, columns, continuations, excerpts, headers, joints, pairs, quotes, sqlrows, values
from sanitizer.syntax.leaves import Leaves
from sanitizer.text import masks

WITHIN_ANOTHER = 6
"""A key within the value of another counts as so many more: nothing is written as a row of such."""
REACH = 128
"""Bytes looked at before a separator for its key."""
SEPARATORS = b"\"'`\\])*_ \t\0:=,;({}<>|-\r\n~?.+!["
KEY = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
NOT_KEY = bytes(c if c in KEY or c >= 0x80 else 0x20 for c in range(256))
GIVEN = patterns.lazy(rb"(?:(?:now |not? longer )?(?:set|changed|reset|updated|equal)?(?: to)?[ :]{1,2})?")
MADE = patterns.lazy(rb":{1,2}=|:(?=[ ](?:`|[A-Za-z0-9+/]{4,4096}={0,2}\r?\n))")
"""The assignments of POSIX make, a term of AsciiDoc, a value of LDIF in base64 (RFC 2849), the first colon aside."""
ARROW = "└ ".encode()
"""What points from a value to its name in the code above."""
ARRAY = patterns.lazy(rb"(?:\d{0,4}\](?:\\*[\x22'`])?[ \t]*=>?|\d{0,2}\](?:\\*[\x22'`])?[ \t]*:(?![:=]))")
TYPED = (b" string =", b" String =")
CHANGED = b'" -> "'
"""Between what a value was and what it becomes, in a plan of Terraform."""

COMMAND = b"::set-"
"""How a command to a workflow's runner begins: `::set-output name=token::value`."""

COPULAS = (b" is:", b" was:")
COMMANDS = (b"setenv", b" env", b"\nenv", b"config set", b"configure set", b"setx", b"set -x", b"set -gx")
PLACEHOLDERS_KNOWN = frozenset(("password", "named-secret", "credential", "personal", "token"))
"""Checks that refuse placeholders themselves."""

PLACEHOLDERS_ALONE = frozenset((None, "password", "named-secret", "personal"))
"""Checks that believe everything else."""
CREDENTIAL = patterns.lazy(rb"(?=[^\d]*\d)[A-Za-z0-9._~+/=|:\-]{16,}")
NOTHING: list[Finding] = []
"""The answer where there is no key, or none of a value; not where one was looked at and refused."""
EMPTY = tuple(value + end for value in (b'""', b"null", b"true", b"false") for end in (b",", b"}"))  # JSON's, as tables are full of


class KeyedValues:
    """Finds the value to a hit of a key probe. `find(buffer, at)`: *at* is the place right after what the probe matched."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.keys = Keys(rules)
        self.rules = rules
        self.quick = [rule.check in PLACEHOLDERS_ALONE and rule.extent == "value" for rule in rules]
        self.checks: dict[int, Callable[[bytes], bool]] = {}
        self.seen: tuple[bytes, int] = (b"", 0)
        """To where a value that goes on to the end of its line was read: keys inside it are its own."""
        self.refused: tuple[bytes, int] = (b"", 0)  # where a long word ends that was no secret: if it names another, it is
        self.key_size = 0
        """How far before its value the last key begins."""
        self.leaves = Leaves()

    def find(self, buffer: bytes, at: int) -> list[Finding]:  # noqa: PLR0912, PLR0915 - the hot path: calls would cost more than branches
        mark = buffer[at - 1]
        window = buffer[at - REACH if at > REACH else 0 : at]
        base = at - len(window)
        if mark in (0x3D, 0x3A):
            if mark == 0x3A and buffer.startswith((b"//", b":"), at):
                made = MADE.match(buffer, at)
                if made is None and (buffer[at] != 0x3A or COMMAND not in window):
                    return NOTHING
                at = made.end() if made else at + 1
            if mark == 0x3A and buffer.startswith(EMPTY, at + (buffer[at] == 0x20)):
                return NOTHING
            if window.endswith(COPULAS):
                return self.otherwise(buffer, at, mark, window)
            if window.endswith(TYPED):
                window = window[: -len(TYPED[0])].removesuffix(b" As").removesuffix(b" as")
            rule, start = self.owner(window)
            if rule < 0:
                return NOTHING
            if mark == 0x3A and start and window.endswith(b"://", 0, start):
                return []  # the user of a URL
            if mark == 0x3A and window[start - 1 : start] in (b"[", b'"') and (seen := joints.VISIBILITY.match(buffer, at)):
                return self.accept(buffer, values.value(buffer, seen.end()), rule)
            if mark == 0x3A and window.find(b"arn:", 0, start) >= 0 and blanks.ARN.search(window, 0, start):
                return []
            if mark == 0x3A and buffer[at] in b" ?" and blanks.unanswered(buffer, at, window, start):
                return []
            if mark == 0x3A and buffer.startswith((b'",', b"',"), at):
                return self.accept(buffer, pairs.beside(buffer, at + 2, window[start:-1], base + start) or [], rule)
            if at < self.refused[1] and self.refused[0] is buffer:
                return [(at, self.refused[1], rule)]
            if mark == 0x3D and buffer.startswith((b"(", b" ("), at):
                row = sqlrows.compared(buffer, at, self.keys.verdict)
                if row is not None:
                    return self.believed(buffer, row)
            usual = values.USUAL.match(buffer, at) if self.quick[rule] else None
            if usual is not None:
                begin, end = usual.span(usual.lastindex or 0)
                text = buffer[begin:end]
                # With letters and digits and nothing else it is no constant, name or placeholder.
                random = text.isalnum() and not text.isalpha() and not text.isdigit()
                if random and (mark == 0x3D or buffer[end] != 0x20) and not buffer.startswith(CHANGED, end):
                    return [(begin, end, rule)]
            if self.rules[rule].extent == "line":
                if self.seen[0] is buffer and at < self.seen[1]:
                    return []
                spans = values.value(buffer, at, line=True)
                self.seen = (buffer, spans[0][1] if spans else at)
                return self.accept(buffer, spans, rule)
            nested = usual is None and buffer[at : at + 8].lstrip(b"> \t\r\n")[:1] in (b"[", b"{")
            leaf_end = self.leaves.end(buffer, at, rule) if nested else 0
            if nested and (leaf_end < 0 or blanks.is_listed(buffer, at, window, start)):
                return []
            if mark == 0x3D and usual is None and buffer[at : at + 2].lstrip()[:1] in (b"?", b"$", b"%", b":"):
                spans = bound.parameter(buffer, at)
                self.leaves.cost += 0 if spans else bound.COST
                if spans or bound.ALONE.match(buffer, at):
                    return self.accept(buffer, spans, rule)
            spans = values.value(buffer, at, stop=leaf_end) if usual is None else [(begin, end)]
            if spans and buffer.startswith(CHANGED, spans[-1][1]):
                spans = [*spans, *values.value(buffer, spans[-1][1] + len(CHANGED) - 1)]
            if spans and nested:
                spans = self.leaves.take(buffer, at, rule, spans, is_root=leaf_end == 0, named=self.rules[rule].label != "password")
            if mark == 0x3A and len(spans) == 1 and buffer[spans[0][1]] == 0x20 and self.rules[rule].label == "password":
                spans = [values.phrase(buffer, spans[0])] if values.LINE_BEGINS.search(window, 0, start) else spans
            elif mark == 0x3D and len(spans) == 1 and window[start - 1 : start] == b";" and buffer[spans[0][1]] == 0x20:
                spans = [values.part(buffer, spans[0])]
            elif spans and mark == 0x3A and self.rules[rule].check == "named-secret" and blanks.PROSE.match(buffer, spans[0][0]):
                return []
            return self.accept(buffer, spans, rule)
        if window[-AFTER:].translate(None, b"_-.~").isalnum():
            rule, name = self.keys.vague, window[-AFTER - 41 : -AFTER - 1].translate(NOT_KEY)
            return [] if rule < 0 or self.keys.exempts(name) else [(*span, rule) for span in pairs.behind(buffer, at - AFTER, name)]
        if mark == 0xEF:
            if not buffer.startswith((b"\xbc\x9a", b"\xbc\x9d"), at):
                return []
            rule, _ = self.owner(window[:-1])
            return self.accept(buffer, values.value(buffer, at + 2), rule) if rule >= 0 else []
        return self.otherwise(buffer, at, mark, window)

    def weigh(self, found: Sequence[Finding], at: int, last: int, done: int) -> int:
        """As how many vain hits the key before *at*, of which this was *found*, counts in a flood.

        *last* to *done* is what was found before.
        """
        cost = self.leaves.cost + (1 if found else 2) + (WITHIN_ANOTHER if last < at and at - self.key_size < done else 0)
        self.leaves.cost = self.key_size = 0
        return cost

    def otherwise(  # noqa: PLR0912 - one branch for each way
        self, buffer: bytes, at: int, mark: int, window: bytes
    ) -> list[Finding]:
        """The rarer ways to join a key and its value."""
        if window[-2:-1] == b"[":
            array = ARRAY.match(buffer, at - 1)
            rule, _ = self.owner(window[:-2]) if array else (-1, 0)
            return self.accept(buffer, values.value(buffer, array.end()), rule) if array and rule >= 0 else []
        if mark == 0x6E and window[-2:-1] == b"\\" and window[-3:-2].isalnum():  # the last name of a line within a string
            rule, start = self.owner(window[:-2])
            return [] if rule < 0 else self.accept(buffer, columns.cells(buffer, at - len(window) + start, at - 1), rule)
        if mark in b"\"'" and (arrow := window.rfind(ARROW, -6)) >= 0:
            rule = self.keys.verdict(continuations.pointed(buffer, at - len(window) + arrow))
            return self.accept(buffer, values.value(buffer, at - 1), rule) if rule >= 0 else []
        tail = window[-14:].lower()
        if tail.endswith(b" col ('"):
            return self.believed(buffer, sqlrows.echoed(buffer, at - 1, self.keys.verdict))
        if tail[-3:-1] in (b'" ', b"' ") and (mark in b"\"'" or 0x61 <= mark <= 0x7A):
            rule, start = self.owner(window[:-3])
            is_value = rule >= 0 and window[start - 1 : start] != b"$"  # a variable, and another argument
            return self.accept(buffer, joints.attribute(buffer, at - 1), rule) if is_value else []
        if tail[-5:-1] == b" eq " or tail.endswith((b" to '", b' to "', b" to `")):
            rule, _ = self.owner(window[: became.start()] if (became := joints.BECOMES.search(window)) else window[:-5])
            return self.accept(buffer, values.value(buffer, at - 1), rule) if rule >= 0 else []
        if tail[-4:-1] in (b" is", b"was", b" to") and mark in b" :":
            rule, _ = self.owner(window[: became.start()] if (became := joints.BECOMES.search(window)) else window[:-4])
            at = GIVEN.match(buffer, at).end()  # type: ignore[union-attr]  # matches the empty string
            told = (joints.DASHED if became and b" set " not in became[0] else joints.TELLING).match(buffer, at)
            told = told or (joints.LINE_ENDS.match(buffer, at) if mark == 0x3A else None)
            return self.accept(buffer, values.value(buffer, at), rule) if rule >= 0 and told else []
        if tail.endswith(b" equals "):
            rule, _ = self.owner(window[:-8])
            told = joints.TELLING.match(buffer, at)
            return self.accept(buffer, values.value(buffer, at), rule) if rule >= 0 and told else []
        if mark in b"(, " and (row := self.in_sql(buffer, at, mark, window, tail)):
            return row
        if mark == 0x20:
            if tail.endswith(joints.DASHES):
                rule, told = self.owner(window[:-5])[0], joints.DASHED.match(buffer, at)
                return self.accept(buffer, values.value(buffer, at), rule) if rule >= 0 and told else []
            if tail.endswith(COMMANDS, 0, len(tail) - 1):
                return self.believed(buffer, pairs.variable(buffer, at, self.keys.verdict))
        rule, start = self.owner(window[:-2] if mark in b"\x86\x87\x94" else window)
        if rule < 0 or blanks.is_verb(window, start):
            return NOTHING
        spans = columns.cells(buffer, at - len(window) + start, at) if mark in columns.MARKS else []
        spans = spans or joints.behind(buffer, at, mark, window, start)
        if mark in b",\r\n" and spans:
            name = buffer[slice(*spans[0])]
            is_key = mark == 0x2C and blanks.is_word(name) and self.keys.verdict(name) >= 0
            if is_key or blanks.is_vocabulary(buffer, at - len(window) + start, spans[0]):
                return []  # names, one after the other
        return self.accept(buffer, spans, rule)

    def in_sql(self, buffer: bytes, at: int, mark: int, window: bytes, tail: bytes) -> list[Finding]:
        """What is put into columns, and what a column or a row of them is compared with."""
        if mark == 0x20:
            return self.believed(buffer, sqlrows.inserted(buffer, at, self.keys.verdict) if tail.endswith(b"insert into ") else ())
        if mark == 0x2C:
            is_compared = buffer.find(b"=", at, at + sqlrows.WIDEST) >= 0
            return self.believed(buffer, sqlrows.compared(buffer, at, self.keys.verdict) or []) if is_compared else []
        if not tail.endswith(b" in ("):
            return []
        rule, _ = self.owner(window[: -9 if tail.endswith(b" not in (") else -5])
        return self.accept(buffer, sqlrows.listed(buffer, at), rule) if rule >= 0 else []

    def owner(self, window: bytes) -> tuple[int, int]:
        """(the rule that claims the key at the end of *window* or -1, where in the window the key starts)."""
        stripped = window.rstrip(SEPARATORS)
        plain = stripped.translate(NOT_KEY)
        key = plain.rpartition(b" ")[2]
        start = len(stripped) - len(key)
        if stripped.endswith(blanks.FILE):
            return -1, start
        self.key_size = len(window) - start
        rule = self.keys.verdict(key)
        if start > 1 and stripped[start - 1] == 0x20 and stripped[start - 2] not in b":=,;|>":
            before = plain[max(0, start - 32) : start - 1].rpartition(b" ")[2]
            if key.isalpha() and before.isalpha() and len(before) < 24 and before.lower() not in LINKS:
                self.key_size += len(before) + 1
                pair = self.keys.verdict(b"%b %b" % (before, key))
                return rule if pair < 0 and window[-1:] == b"=" else pair, start
            if len(spaced := last_words(plain[-48:])) > len(key):
                self.key_size += len(spaced) - len(key)
                rule = self.keys.verdict(spaced)
        return rule, start

    def accept(self, buffer: bytes, spans: Iterable[values.Span], rule: int) -> list[Finding]:
        """Leave out what is no secret, and the scheme of a credential."""
        if self.rules[rule].label == "phone":
            spans = [values.number(buffer, span) for span in spans]
        return self.believed(buffer, [(start, end, rule) for start, end in spans])

    def believed(self, buffer: bytes, candidates: Iterable[Finding]) -> list[Finding]:
        """Leave out placeholders, constants, what the rule's check does not believe, and the scheme of a credential."""
        found: list[Finding] = []
        for begin, stop, rule in candidates:
            start, end = quotes.unquoted(buffer, begin, stop)
            text = buffer[start:end]
            scheme = values.SCHEME.match(text) if b" " in text or b"\t" in text else None
            if scheme:
                start += scheme.end()
                if headers.PARAMETERS.match(buffer, start, end):
                    found += [(*one.span(1), rule) for one in headers.PARAMETER.finditer(buffer, start, end)]
                    continue
                text = buffer[start:end]
            if blanks.is_nothing(text) or self.keys.is_label(text) or excerpts.is_source(buffer, start, text):
                continue
            may_be_name = b"." in text or b"_" in text or b"=" in buffer[start - 2 : start]
            if may_be_name and buffer[start - 1] not in b"\x22'`" and self.keys.is_name(buffer, start, end):
                continue  # `password = user.password`, `password !== confirmPassword`
            if text.endswith(b"...") and len(text) > 3 and self.rules[rule].label == "password":
                text, end = text[:-3], end - 3
            if (b"%" in text or b"&" in text) and not self.check(rule)(masks.plain(text)):
                continue
            is_cut = buffer.startswith(columns.CUT, end) and (columns.is_shortened(text) or self.rules[rule].label == "email")
            if is_cut or self.check(rule)(text) or (scheme is not None and CREDENTIAL.fullmatch(text) is not None):
                if len(text) >= values.LONG:
                    end = values.REST.match(buffer, end).end()  # type: ignore[union-attr]  # matches the empty string
                if self.rules[rule].extent == "line":
                    found += [(*span, rule) for span in headers.cookies(buffer, start, end)]
                else:
                    found.append((start, end, rule))
            elif len(text) > LONG and not SPACE.search(text) and not blanks.OCTETS.match(text):
                self.refused = buffer, end
        return found

    def check(self, rule: int) -> Callable[[bytes], bool]:
        """What says whether a value is one, and no placeholder."""
        known = self.checks.get(rule)
        if known is None:
            from sanitizer.text.words import placeholder  # noqa: PLC0415
            from sanitizer.validators.checks import CHECKS  # noqa: PLC0415 - loaded with the first key that is found

            name = self.rules[rule].check
            check = CHECKS[name] if name else None
            if check is not None and name in PLACEHOLDERS_KNOWN:
                known = check
            else:

                def known(text: bytes) -> bool:
                    return (check is None or check(text)) and not placeholder(text)

            self.checks[rule] = known
        return known
