"""Key names: is this the name of something secret?

A rule lists key names as words (`client secret`). A key from a log (`clientSecret`, `x-client-secret`, `db.CLIENT_SECRET`,
`clientsecret2`) is split into words, and matches when its last words are the rule's. The verdict on each spelling is
remembered, so a key costs one dictionary look-up from the second time on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sanitizer import patterns
from sanitizer.rulesets.ruleset import Rule

WORDS = patterns.lazy(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")

QUALIFIERS = frozenset(
    """v b value val prod production dev development test testing stage staging live new old current confirm confirmation
    repeat again verify plain plaintext text raw string str env pem hex base encoded b64 base64 enc encrypted default
    primary secondary main backup temp tmp in for secure sec super safe override overrides original prev previous actual
    expected resolved decrypted decoded unencrypted cleartext initial bootstrap keyword c""".split()  # noqa: SIM905 - a table
)
"""Words after a secret's name that leave it a secret's name: `password_confirmation`, `api_key_prod`, `Password__c`."""

HARMLESS = frozenset(
    """hash hashed sha sha1 sha256 sha512 md5 digest fingerprint checksum id ids url uri link name names arn path file dir type kind
    policy length size limit count expiry expires expiration expired at date time ttl age version algorithm alg scope prefix suffix
    title label description error message hint format status state enabled disabled required provider source issuer endpoint host
    field column table index ref reference selector usage rotation class""".split()  # noqa: SIM905 - a table
)
"""Words after a secret's name that make it the name of something else: `token_url`, `password_hash`."""

LINKS = frozenset(b"de di da page to the client access api card security secret of".split())
"""A word before which a name of several words goes on."""

ALPHA = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + bytes(range(0x80, 0x100))
JOINED_WORDS = re.compile(rb"[A-Za-z\x80-\xff]+(?:[_-][A-Za-z\x80-\xff]+)*").fullmatch

WHOLE = 5
"""A name of so many letters is found at the end of a longer run, too: `PGPASSWORD`, `authtoken`."""

LONGEST_LABEL = 40
MOST_REMEMBERED = 20_000

NAME = patterns.lazy(rb"[A-Za-z]+(?:[._]{1,2}[A-Za-z]+){1,9}")
MEMBER = patterns.lazy(rb"[A-Za-z_$]{1,40}(?:\.[A-Za-z_$]{1,40}){1,4}(?=[),;}])")
"""A member of an object, before what goes on with the program: `(e.password),t}`."""

COMPARED = patterns.lazy(rb"[=!]=[ ]?[A-Za-z]+\d?")
"""A variable, and another that a program compares a secret with."""

REFERENCE = patterns.lazy(
    rb"(?:aws|github|steps|needs|inputs|matrix|google|azurerm|random|vault|kubernetes|data|var|local|module|tls)_?[a-z_]{0,60}(?:\.[a-z_]{1,60}){1,4}"
)
"""An attribute of a resource of Terraform, of a context of GitHub."""


def words(key: bytes) -> tuple[str, ...]:
    """The lower-case words of *key*, whatever joins them."""
    return tuple(word.casefold() for word in WORDS.findall(key.decode("utf-8", "replace")))


class Keys:
    """The key names of all rules with `fields`; `verdict(key)` is the index of the rule that claims it, or -1."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.phrases: dict[str, tuple[int, int]] = {}
        self.exempt: dict[str, int] = {}
        for index, rule in enumerate(rules):
            for phrase in rule.fields:
                parts = words(phrase.encode())
                self.phrases.setdefault("".join(parts), (index, len(parts)))
            for phrase in rule.exempt_fields:
                parts = words(phrase.encode())
                self.exempt["".join(parts)] = len(parts)
        strong = [phrase for phrase, (_, size) in self.phrases.items() if size == 1 and phrase in STRONG]
        self.strong = {
            phrase: self.phrases[phrase]
            for phrase in (*strong, "apikey", "secretkey", "privatekey", "accesstoken")
            if phrase in self.phrases
        }
        self.vague = next((index for index, rule in enumerate(rules) if rule.fields and rule.check == "random"), -1)
        self.longest = max(map(len, [*self.phrases, *self.exempt]), default=0)
        self.verdicts: dict[bytes, int] = {}
        self.harmless: dict[bytes, bool] = {}

    def verdict(self, key: bytes) -> int:
        found = self.verdicts.get(key)
        if found is None:
            if len(self.verdicts) >= MOST_REMEMBERED:  # keys are the outside's: what they cost stays bounded
                self.verdicts.clear()
            found = self.verdicts[key] = self.judge(words(key[-128:]))
        return found

    def judge(self, parts: tuple[str, ...]) -> int:
        if self.claims(parts, self.exempt) >= 0:
            return -1
        while parts:
            found = self.claims(parts, self.phrases)
            if found >= 0:
                return found
            if not (parts[-1].isdigit() or parts[-1] in QUALIFIERS):
                return self.named_within(parts)
            parts = parts[:-1]
            if self.claims(parts, self.exempt) >= 0:
                return -1
        return -1

    def named_within(self, parts: tuple[str, ...]) -> int:
        """The rule of random values, if a strong name stands before other words: `apikey_myservice`."""
        if parts[-1] in HARMLESS or self.vague < 0:
            return -1
        return next((self.vague for size in range(1, len(parts)) if self.claims(parts[:size], self.strong) >= 0), -1)

    def is_name(self, buffer: bytes, start: int, end: int) -> bool:
        """Whether what stands there is the name of something secret, which a program has for a value or compares one with."""
        text = buffer[start:end]
        if buffer[start - 1] == 0x3D and buffer.endswith(text, 0, start - 1):
            return True  # `token=token`
        member = MEMBER.match(text)
        if member is not None and self.verdict(member[0]) >= 0:
            return True
        named = NAME.fullmatch(text) or COMPARED.fullmatch(buffer, max(0, start - 3), end)
        return named is not None and (self.verdict(text) >= 0 or self.is_about(text) or REFERENCE.fullmatch(text) is not None)

    def is_label(self, text: bytes) -> bool:
        """Whether *text* is itself the name of a secret, as a form has it for a label: `"password": "Mot de passe"`."""
        return (0x41 <= text[0] <= 0x5A or text[0] >= 0xC3) and len(text) < LONGEST_LABEL and "".join(words(text)) in self.phrases

    def is_about(self, text: bytes) -> bool:
        """Whether *text* names what is known of a secret: `identity_assertion_enabled`."""
        *parts, last = words(text)
        return last in HARMLESS and self.claims(tuple(parts), self.phrases) >= 0

    def exempts(self, text: bytes) -> bool:
        """Whether *text* ends with the name of something harmless."""
        found = self.harmless.get(text)
        if found is None:
            if len(self.harmless) >= MOST_REMEMBERED:
                self.harmless.clear()
            found = self.harmless[text] = self.claims(words(text), self.exempt) >= 0
        return found

    def claims(self, parts: tuple[str, ...], names: dict[str, tuple[int, int]] | dict[str, int]) -> int:
        """The rule whose name ends *parts*, the longest name first; -1 if none."""
        joined = ""
        found = -1
        for part in reversed(parts[-8:]):
            joined = part + joined
            if len(joined) > self.longest + 1:
                break
            for spelled in (joined, joined[:-1] if joined.endswith("s") else joined + "\0"):
                hit = names.get(spelled)
                if hit is not None:
                    found = hit[0] if isinstance(hit, tuple) else 0
        if found < 0 and parts and len(parts[-1]) > WHOLE:
            last = parts[-1]
            for cut in range(1, len(last) - WHOLE + 1):
                hit = names.get(last[cut:])
                if hit is not None:
                    return hit[0] if isinstance(hit, tuple) else 0
        return found


def last_words(text: bytes) -> bytes:
    """The name that *text* ends with: its last two words, or more if a name of several words could end so; nothing if no name."""
    *before, name = text.rsplit(b" ", 4)
    if JOINED_WORDS(name) is None:
        return b""
    for count, piece in enumerate(reversed(before)):
        word = piece[len(piece.rstrip(ALPHA)) :]
        if not word:
            break
        name = word + b" " + name
        if count == 2 or len(word) < len(piece) or word.lower() not in LINKS:
            break
    return name


def triggers(rules: Sequence[Rule]) -> list[bytes]:
    """Vectorscan expressions that report where a value may start: right after a key's last words, closing marks and a separator.

    Each is of fixed width, which lets Vectorscan look for the words as literals. What the key is, and whether it is one, is judged
    at the hit.
    """
    spelled = sorted({word for rule in rules for phrase in rule.fields for word in endings(phrase)})
    found = [word + tail for word in shortest(spelled) for tail in TAILS]
    found += [rb"[\-_]" + word.removeprefix(APART) + rb"[ \t\x00]" for word in spelled if not word.startswith(CASED)]
    stems = b"|".join(STEMS)
    if any(phrase.split()[-1] in STEM_WORDS for rule in rules for phrase in rule.fields):
        found.append(rb"(?:" + stems + rb")[\w.\-]{1,24}[\x22'`\]\\]{0,3}[ \t]{0,2}[:=,]")
        found += [name + rb"[ \-:.=][A-Za-z0-9_.~\-]{%d}" % AFTER for name in BARE]
    return [rb"(?i)" + expression for expression in (*found, *((*RARE, *COMMANDS) if found else ()))]


def shortest(spelled: Sequence[bytes]) -> list[bytes]:
    """*spelled* without what ends as another of them does: where that is found, the longer one ends too."""
    anywhere = {word for word in spelled if not word.startswith((APART, CASED))}
    return [word for word in spelled if not any(word[at:] in anywhere for at in range(1, len(word)))]


TAILS = (
    rb"[:=,({><;|\t\xef\n\r]",
    rb"[\x22'`\])* \t\\}s0-9?.+!_-][:=,;({}<>|\n\r]",
    rb"[\x22'`\])}*\\ s_0-9][\x22'`\])*\t\\ 0-9?.+!][:=,;({}<>|]",
    rb"[\x22'] [a-z\x22']",
    rb"[ \t]{3}",
    rb" [\x22']",
    rb"\[[\]0-9]",
    rb"\\n",
)
"""What stands between a key and its value: marks that close the key, then a separator; a second attribute; spaces that align the
marks of many lines; the end of a line of YAML.
"""

RARE = (
    rb" Col \('",
    rb" is[ :]",
    rb" was[ :]",
    rb" equals ",
    rb" in \(",
    rb" to [\x22'`]",
    rb" set to ",
    rb" changed to ",
    rb" updated to ",
    rb" rotated to ",
    rb" reset to ",
    rb"set password to ",
    rb" eq [\x22']",
    rb"(?:[^.][ .]|\. )\.\.\.",  # where dots begin that lead to a value
    rb" [\-~]>",
    rb" \xe2[\x86\x87\x94]",
    rb" \xe2\x80[\x93\x94\xa2] ",
    rb"\xc2\xbb[:=]",
    rb"(?:\|\||\?\?)=",
    rb"[\x22'][ \t][ \t]",
    rb"[\x22']\] =",
    rb"\xe3\x80\x91[:=\xef]",
    rb" - [\x22']",
    rb"\xe2\x94\x94 [\x22']",
    rb"\xe2\x94\x94 [bu][\x22']",
    rb"[0-9?*!\x91] [:=]",
    rb" string =",
    rb" \. \x22",
    rb"\x22(?:\\[rn]|\r\n|\n\n|; )",
)
"""The same, so rare that they are looked for without a name before them, which saves an expression for each name: the words of a
sentence; leaders; arrows; a bracket of Chinese; the type of Go and the length of C; the lines of a form.
"""

COMMANDS = (
    rb"setenv[ \t]", rb"[\n ]env ", rb"config set ", rb"configure set ", rb"setx ", rb"set -x ", rb"set -gx ", rb"insert into ",
)  # fmt: skip
"""What a key and its value stand behind."""

AFTER = 16
"""Letters and digits that must follow a name and one sign to be its value: `newsapi KEY b6907d28...`."""

BARE = (b"secret", b"token", b"key", b"access", b"private", b"[^A-Za-z]pat")
"""Those names."""

QUALIFIED = rb"[_\-. ]?(?:pro|liv|dev|tes|stag|val|b6|bas|plai|ra|ove|dec|he|pe)"
STEMS = (
    b"password", b"passwd", b"passphrase", b"pwd", b"secret", b"token", b"api.?key", b"session.?id", b"key" + QUALIFIED,
    rb"[_\-.]pass" + QUALIFIED,
)  # fmt: skip
STRONG = frozenset(("password", "passwd", "pwd", "pass", "secret", "token", "apikey"))
"""Names that words may follow, where the value is a random string."""

STEM_WORDS = frozenset(("password", "passwd", "pwd", "secret", "token", "key"))
"""Names that are looked for with a qualifier after them, too: `password_prod`, `api_key_live`."""

SHORT = 3
"""A name of so few letters must begin where no letter stands before, or with a capital after a small one."""

APART = rb"[^A-Za-z]"
CASED = rb"(?-i:"


def endings(phrase: str) -> set[bytes]:
    """The last two words of *phrase* as keys spell them, in the cases that a caseless ASCII scan does not cover."""
    found: set[bytes] = set()
    for cased in {phrase} if phrase.isascii() else {phrase, phrase.lower(), phrase.upper(), phrase.title(), phrase.capitalize()}:
        parts = [re.escape(word.encode().lower()) for word in cased.split()[-2:]]  # in bytes: ASCII alone, as the scan is caseless
        if len(parts) == 2:
            found |= {parts[0] + parts[1], parts[0] + rb"[_\-. ]" + parts[1]}
        elif len(parts[0]) <= SHORT:
            found |= {APART + parts[0], CASED + rb"[a-z0-9]" + parts[0][:1].upper() + rb")" + parts[0][1:]}
        else:
            found.add(parts[0])
    return found
