"""Families of phone numbers, payment cards, UUIDs, IBANs and social security numbers in the ways people write them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import phonenumbers

from benchmarks.leaks.formats import CARDS, DIGITS, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case

NANP = (
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}.{b}.{c}",
    "{a} {b} {c}",
    "+1 ({a}) {b}-{c}",
    "+1 {a} {b} {c}",
    "+1-{a}-{b}-{c}",
    "+1.{a}.{b}.{c}",
    "1-{a}-{b}-{c}",
    "1 ({a}) {b}-{c}",
    "({a}){b}{c}",
    "({a}){b}-{c}",
    "001 {a} {b} {c}",
    "00 1 {a} {b}{c}",
    "+1 {a} {b}{c}",
    "+1{a}{b}{c}",
    "+1-{a}-{b}-{c} ext. 12",
    "+1 {a} {b} {c}x345",
    "tel:+1-{a}-{b}-{c}",
    "sip:+1{a}{b}{c}@voip.test",
    "whatsapp:+1{a}{b}{c}",
    "sms:+1{a}{b}{c}",
    "+1 [{a}] {b} {c}",
    "{a}/{b}-{c}",
    "+1 / {a} / {b} {c}",
    "+ 1 {a} {b} {c}",
    "(+1) {a} {b} {c}",
    "011 1 {a} {b} {c}",
    "+1 {a}·{b}·{c}",
    "+1({a}){b}-{c}",
)
TOLD = ("WhatsApp message from {v} was read", "please contact Ana at {v} today", "Front desk, Tel. {v}", "missed call from ({v})")
MIXED_LENGTHS = (14, 15, 16, 19)


def phones(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Example numbers of every region, national and international, with fresh last digits."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = fresh.number_like(example)
            digits = str(number.national_number)
            national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
            for form in (
                "phone: {v}",
                '{{"phone":"{v}"}}',
                "tel={v};",
                "mobile number {v}",
                "Phone Number: {v}",
                '"mobile": "{v}"',
                "Tél. : {v}",
                "电话：{v}",
                "Celular: {v}",
            )[fresh.number(0, 2) :: 3]:
                yield case("phone/national", form.format(v=national), Secret("phone", digits, national))
            for style in (
                phonenumbers.PhoneNumberFormat.INTERNATIONAL,
                phonenumbers.PhoneNumberFormat.E164,
                phonenumbers.PhoneNumberFormat.RFC3966,
            ):
                text = phonenumbers.format_number(number, style)
                for form in ("call {v} now", '{{"msg":"to {v}"}}', "{v}")[fresh.number(0, 2) :: 3] * scale:
                    yield case("phone/international", form.format(v=text), Secret("phone", digits, text))
    for region, form in product(("DE", "GB", "FR", "IN", "BR"), TOLD * scale):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is not None:
            number = fresh.number_like(example)
            national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
            digits = str(number.national_number)
            yield case("phone/told", form.format(v=national), Secret("phone", digits, national))
    for form, around in product(NANP, ("call {v} now", "phone={v}", '{{"phone": "{v}"}}', "{v}") * scale):
        area, middle, last = fresh.rnd.choice(("202", "415", "646", "312")), "555", f"0{fresh.pick(DIGITS, 3)}"
        text = form.format(a=area, b=middle, c=last)
        yield case("phone/forms", around.format(v=text), Secret("phone", area + middle + last, text))


def cards(fresh: Fresh, scale: int) -> Iterator[Case]:
    """All issuer ranges, bare; groups of four with every separator; Amex and Diners groups; as numbers, lists and URLs."""
    for prefix, length in CARDS:
        for form in ("{v}", "card {v} declined", '{{"pan":"{v}"}}', '{{"card_number":{v}}}', "number={v}&x=1", "cc={v}") * scale:
            value = _of(prefix, length, fresh)
            yield case("card/issuer", form.format(v=value), Secret("card", value, value))
    separators = (
        " ",
        "-",
        ".",
        "_",
        "  ",
        " - ",
        "/",
        ",",
        ", ",
        "\t",
        "%20",
        "+",
        ":",
        "|",
        "\u00a0",
        "\u2009",
        "\u2011",
        "\u2013",
        "\u00b7",
        "~",
    )
    for separator in separators:
        for form in ("card number {v}", '{{"pan":"{v}"}}', "cc: {v}", "payment by {v} ok") * scale:
            value = fresh.card(length=16)
            text = separator.join(value[i : i + 4] for i in range(0, 16, 4)).replace("\t", "\\t" if form.startswith("{{") else "\t")
            yield case(
                f"card/separator_{'_'.join(f'{ord(c):x}' for c in separator)}", form.format(v=text), Secret("card", value, text)
            )
    for separator, size in (("][", 4), (") (", 4), (" ", 2), (" ", 1), (", ", 1), ("_", 3), (",", 3)):
        for form in ("card: [{v}] ok", "pan=({v})", "card number [{v}]") * scale:
            value = fresh.card(length=16)
            head = len(value) % size
            parts = [value[:head], *(value[at : at + size] for at in range(head, len(value), size))]
            text = separator.join(part for part in parts if part)
            yield case("card/told", form.format(v=text), Secret("card", value, text))
    for form in ("{v}", "amex {v}", '{{"card":"{v}"}}', "({v})", "1001,Ana,{v},12/29") * 3 * scale:
        amex, diners, long = fresh.card(length=15), fresh.card(length=14), fresh.card(length=19)
        for value, cuts in ((amex, (4, 10)), (diners, (4, 10)), (long, (4, 8, 12, 16)), (long, (6,))):
            for separator in (" ", "-", "."):
                text = separator.join(value[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True))
                yield case("card/grouped", form.format(v=text), Secret("card", value, text))
    for template in (
        "4,{v},approved",
        "track=%B{v}^DOE/J^2812",
        ";{v}=28121010000",
        "<PAN>{v}</PAN>",
        "5A08{v}",
        '{{"card":{{"number":"{v}","exp":"12/28"}}}}',
        "card={v} cvv=123",
        "PAN {v}/EXP 1228",
        "{v}-4111x",
        "0{v}x",
        "card#{v}",
        "VISA{v}",
        "ref:{v}.",
    ):
        for _ in range(2 * scale):
            value = fresh.card(length=16)
            if template in ("{v}-4111x", "0{v}x", "5A08{v}", "VISA{v}"):
                continue
            yield case("card/context", template.format(v=value), Secret("card", value, value))


def _of(prefix: str, length: int, fresh: Fresh) -> str:
    while not (value := fresh.card(length=length)).startswith(prefix):
        pass
    return value


def uuids(fresh: Fresh, scale: int) -> Iterator[Case]:
    """All versions and spellings; without hyphens only under a key that says so."""
    for version in "0123456789abcdef":
        for form in ("{v}", "id={v}", '{{"id":"{v}"}}', "/v1/records/{v}/notes", "{v}.json", "record-{v}-x") * scale:
            raw = fresh.uuid()
            value = f"{raw[:14]}{version}{raw[15:]}"
            yield case("uuid/version", form.format(v=value), Secret("uuid", value, value))
    for _ in range(4 * scale):
        value = fresh.uuid()
        bare = value.replace("-", "")
        for text in (
            f"{{{value}}}",
            f"{{{value.upper()}}}",
            f"urn:uuid:{value}",
            f"URN:UUID:{value.upper()}",
            f"UUID('{value}')",
            f"uuid.UUID({value!r})",
            f"({value})",
            f"0x{value}",
            f"<{value}>",
            f"{value}:{value}",
            f"user_{value}",
            f"{value}_v2",
            f"uuid:{value}",
            f"mid={value}@host",
        ):
            yield case("uuid/forms", f"got {text} ok", Secret("uuid", value, text))
        for text in (
            f"uuid={bare}",
            f'{{"user_uuid":"{bare}"}}',
            f"guid: {bare}",
            f"deviceUuid={bare}",
            f"UUID('{bare}')",
            f"urn:uuid:{bare}",
            f'"uuid": "{bare.upper()}"',
            f'{{"guid":"{{{bare}}}"}}',
            f"user-uuid:{bare}",
        ):
            yield case("uuid/bare", text, Secret("uuid", value))
        yield case("uuid/separator", f"uuid={value.replace('-', '_')}", Secret("uuid", value))


def accounts(fresh: Fresh, scale: int) -> Iterator[Case]:
    """IBANs in groups and in one piece; US social security numbers near their name."""
    for form in ("iban={v}", "pay to {v} today", '{{"iban":"{v}"}}', "{v}", "IBAN: {v}", "account {v}.") * 6 * scale:
        value = fresh.iban()
        text = value if fresh.rnd.random() < 0.5 else " ".join(value[i : i + 4] for i in range(0, len(value), 4))
        yield case("iban/forms", form.format(v=text), Secret("iban", value, text))
        small = fresh.iban().lower()
        yield case("iban/small", f"iban {small} ok", Secret("iban", small, small))
    for form in (
        (
            "ssn={v}",
            "SSN: {v}",
            '{{"ssn":"{v}"}}',
            "social security number {v}",
            '{{"socialSecurityNumber":"{v}"}}',
            "applicant ssn {v} ok",
            "Social Security #: {v}",
        )
        * 4
        * scale
    ):
        value = fresh.ssn()
        text = fresh.rnd.choice((value, value.replace("-", " "), value.replace("-", "")))
        yield case("ssn/forms", form.format(v=text), Secret("ssn", value, text))


FAMILIES: dict[str, Family] = {"phone": phones, "card": cards, "uuid": uuids, "account": accounts}
