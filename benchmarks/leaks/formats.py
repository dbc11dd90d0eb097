"""Fresh values by kind, from the published formats; every one is made up."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import phonenumbers

from benchmarks.leaks import vendors

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
HEX = DIGITS + "abcdef"
B64 = UPPER + LOWER + DIGITS + "+/"
B64URL = UPPER + LOWER + DIGITS + "-_"
GIVEN = [
    "amara",
    "bruno",
    "celine",
    "dmitri",
    "elif",
    "farid",
    "greta",
    "hugo",
    "ivana",
    "jonas",
    "keiko",
    "lars",
    "mina",
    "nadia",
    "oskar",
    "priya",
    "quentin",
    "rosa",
    "sanna",
    "tomas",
    "ulla",
    "vera",
]
FAMILY = [
    "abara",
    "bjork",
    "castel",
    "dvorak",
    "eriksen",
    "farkas",
    "gomes",
    "hoffman",
    "ibarra",
    "jansen",
    "kimura",
    "lopes",
    "moreau",
    "novotny",
    "osman",
    "petrov",
    "rahman",
    "sato",
    "toth",
]
HOSTS = (
    "mail.test",
    "kestrel.io",
    "blue-harbour.co",
    "northlight.dev",
    "veldt.co.za",
    "quarry.com",
    "lumen.fr",
    "posteo.de",
    "harbor.org",
    "tern.net",
    "acorn.museum",
    "ridge.com.br",
    "fjord.no",
    "delta-works.nl",
    "uni-halle.de",
    "cs.univ.ac.uk",
)
WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "juniper",
    "kayak",
    "lagoon",
    "meadow",
    "nectar",
    "oasis",
    "pebble",
    "quartz",
    "ridge",
    "saddle",
    "tundra",
]
# Issuer prefixes and lengths after the issuers' public range tables.
CARDS = (
    ("4", 16),
    ("4", 13),
    ("4", 19),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("65", 16),
    ("644", 16),
    ("3528", 16),
    ("3589", 16),
    ("36", 14),
    ("38", 14),
    ("305", 14),
    ("62", 16),
    ("62", 19),
    ("5018", 16),
    ("6759", 18),
    ("2200", 16),
    ("6521", 16),
    ("5067", 16),
    ("9792", 16),
)
COUNTRIES = (
    "US",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "SE",
    "NO",
    "DK",
    "FI",
    "JP",
    "CN",
    "IN",
    "BR",
    "AU",
    "ZA",
    "AE",
    "IL",
    "PL",
    "MX",
    "KR",
)


@dataclass
class Fresh:
    """A source of fresh values; the same seed gives the same values."""

    rnd: random.Random

    def pick(self, alphabet: str, length: int) -> str:
        return "".join(self.rnd.choices(alphabet, k=length))

    def word(self) -> str:
        return self.rnd.choice(WORDS)

    def number(self, low: int, high: int) -> int:
        return self.rnd.randint(low, high)

    def email(self) -> str:
        given, name, tail = self.rnd.choice(GIVEN), self.rnd.choice(FAMILY), self.pick(LOWER + DIGITS, 4)
        local = self.rnd.choice(
            (
                f"{given}.{name}{tail}",
                f"{given}_{name}{tail}",
                f"{given[0]}{name}{tail}",
                f"{given}+{tail}{name}",
                f"{given}-{name}.{tail}",
            )
        )
        return f"{local}@{self.rnd.choice(HOSTS)}"

    def phone(self) -> str:
        """E.164, of a mobile number that its country's plan allows."""
        example = phonenumbers.example_number_for_type(self.rnd.choice(COUNTRIES), phonenumbers.PhoneNumberType.MOBILE)
        assert example is not None, "each of COUNTRIES has mobile numbers"
        return phonenumbers.format_number(self.number_like(example), phonenumbers.PhoneNumberFormat.E164)

    def number_like(self, example: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
        """*example* with other last digits, as long as that stays a valid number."""
        for _ in range(8):
            digits = str(example.national_number)[:-3] + self.pick(DIGITS, 3)
            other = phonenumbers.PhoneNumber(example.country_code, int(digits), italian_leading_zero=example.italian_leading_zero)
            if phonenumbers.is_valid_number(other):
                return other
        return example

    def card(self, *, length: int | None = None) -> str:
        prefix, size = self.rnd.choice([one for one in CARDS if length in (None, one[1])])
        body = prefix + self.pick(DIGITS, size - len(prefix) - 1)
        total = sum(sum(divmod(2 * int(c), 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(body)))
        return body + str(-total % 10)

    def uuid(self) -> str:
        raw = self.pick(HEX, 32)
        return f"{raw[:8]}-{raw[8:12]}-{self.rnd.choice('147')}{raw[13:16]}-{self.rnd.choice('89ab')}{raw[17:20]}-{raw[20:]}"

    def token(self) -> str:
        return vendors.fill(self.rnd.choice(list(vendors.TOKENS.values())), self.rnd)

    def assigned(self) -> str:
        """A secret without a format of its own: only its key tells."""
        return self.rnd.choice(
            (
                self.pick(HEX, 32),
                self.pick(HEX, 40),
                self.pick(B64URL, 43),
                self.pick(UPPER + LOWER + DIGITS, 24),
                base64.b64encode(self.rnd.randbytes(32)).decode(),
            )
        )

    def password(self) -> str:
        first, second, third = self.rnd.sample(WORDS, 3)
        return self.rnd.choice(
            (
                f"{first.title()}{self.number(1000, 9999)}{self.rnd.choice('!$.*?')}",
                f"{first}-{second}-{third}{self.number(10, 99)}",
                self.pick(UPPER + LOWER, 4) + self.pick("!#^~*", 1) + self.pick(UPPER + LOWER + DIGITS, 8) + self.pick("!#*~", 1),
            )
        )

    def jwt(self) -> str:
        def part(text: str) -> str:
            return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

        subject, expires = self.pick(DIGITS, 10), self.number(1_700_000_000, 1_900_000_000)
        head = self.rnd.choice(
            ('{"alg":"HS256","typ":"JWT"}', f'{{"typ":"JWT","alg":"RS256","kid":"{self.pick(HEX, 8)}"}}', '{"alg":"EdDSA"}')
        )
        return ".".join(
            (
                part(head),
                part(f'{{"sub":"{subject}","exp":{expires}}}'),
                self.pick(B64URL, 43),
            )
        )

    def session(self) -> str:
        return self.rnd.choice((self.pick(HEX, 32), self.pick(B64URL, 43), self.pick(UPPER + LOWER + DIGITS, 26)))

    def iban(self) -> str:
        country, digits = self.rnd.choice(
            (
                ("DE", self.pick(DIGITS, 18)),
                ("NL", f"ABNA{self.pick(DIGITS, 10)}"),
                ("FR", self.pick(DIGITS, 23)),
                ("GB", f"NWBK{self.pick(DIGITS, 14)}"),
                ("ES", self.pick(DIGITS, 20)),
                ("NO", self.pick(DIGITS, 11)),
            )
        )
        check = 98 - int("".join(str(int(c, 36)) for c in digits + country + "00")) % 97
        return f"{country}{check:02}{digits}"

    def ssn(self) -> str:
        return f"{self.number(100, 665)}-{self.number(10, 99)}-{self.number(1000, 9999)}"

    def pem(self, label: str = "RSA PRIVATE KEY", lines: int = 8) -> list[str]:
        body = [self.pick(B64, 64) for _ in range(lines)] + [self.pick(B64, 38) + "=="]
        return [f"-----BEGIN {label}-----", *body, f"-----END {label}-----"]

    def clock(self) -> str:
        month, day, hour, minute, second = (self.number(*span) for span in ((1, 12), (1, 28), (0, 23), (0, 59), (0, 59)))
        return f"2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how to make one, the keys it stands under, and whether it is known without a key."""

    make: Callable[[Fresh], str]
    keys: tuple[str, ...]
    bare: bool = True


KINDS: dict[str, Kind] = {
    "email": Kind(Fresh.email, ("email", "user_email", "contactEmail", "recipient", "mail_to")),
    "phone": Kind(Fresh.phone, ("phone", "phoneNumber", "mobile", "contact_tel", "whatsapp")),
    "card": Kind(Fresh.card, ("card", "card_number", "pan", "cardNo", "payment")),
    "uuid": Kind(Fresh.uuid, ("id", "user_id", "accountId", "workspace", "record")),
    "token": Kind(Fresh.token, ("key", "token", "value", "credential", "apiKey")),
    "assigned": Kind(
        Fresh.assigned, ("api_key", "clientSecret", "access_token", "SIGNING_KEY", "MCP_SERVER_TOKEN", "webhook-secret"), bare=False
    ),
    "password": Kind(Fresh.password, ("password", "passwd", "db_password", "userPassword", "PGPASSWORD", "smtp_pass"), bare=False),
    "jwt": Kind(Fresh.jwt, ("jwt", "id_token", "assertion", "bearer", "ticket")),
    "session": Kind(Fresh.session, ("mcp-session-id", "Mcp-Session-Id", "session_token", "sessionid"), bare=False),
    "iban": Kind(Fresh.iban, ("iban", "account", "payout_to")),
    "ssn": Kind(Fresh.ssn, ("ssn", "social_security_number", "taxpayerSsn"), bare=False),
}


def split_at(text: str, cuts: list[int]) -> list[str]:
    """*text* in pieces, cut before each of the positions."""
    return [text[a:b] for a, b in pairwise([0, *sorted(cuts), len(text)])]
