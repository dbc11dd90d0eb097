"""Identifiers of European countries, judged by the check digits and dates that their issuers define.

Every check takes the identifier as written; separators are left out before it is judged.
"""

from __future__ import annotations

from collections.abc import Callable

from sanitizer.validators.checkdigits import date, luhn, mod_11_10, numeric, plain, verhoeff, weighted


def austria(text: bytes) -> bool:
    """Sozialversicherungsnummer: the fourth digit checks the other nine."""
    n = numeric(text, 10)
    return bool(n) and (weighted(n[:3], (3, 7, 9)) + weighted(n[4:], (5, 8, 4, 2, 1, 6))) % 11 == n[3] - 48 and int(n[6:8]) <= 15


def belgium(text: bytes) -> bool:
    """Rijksregisternummer: 97 less the rest modulo 97, with a leading 2 for those born from 2000."""
    n = numeric(text, 11)
    return bool(n) and 97 - int(n[9:]) in (int(n[:9]) % 97, int(b"2" + n[:9]) % 97) and int(n[2:4]) % 20 <= 12


def bulgaria(text: bytes) -> bool:
    """EGN."""
    n = numeric(text, 10)
    if not n or not date(n[4:6], b"%02d" % (int(n[2:4]) % 20)):
        return False
    return weighted(n, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == n[9] - 48


def switzerland(text: bytes) -> bool:
    """AHV number: 756 and an EAN-13 check digit."""
    n = numeric(text, 13)
    return n[:3] == b"756" and weighted(n, (1, 3) * 6 + (1,)) % 10 == 0


def czechia(text: bytes) -> bool:
    """Rodné číslo, also of Slovakia: divisible by 11, and a date (months of women plus 50, and plus 20 when a day ran out)."""
    n = numeric(text, 10)
    return bool(n) and int(n) % 11 == 0 and date(n[4:6], b"%02d" % (int(n[2:4]) % 50 % 20))


def germany(text: bytes) -> bool:
    """Steuerliche Identifikationsnummer: ISO 7064 MOD 11,10; of the first ten digits one or two stand more than once."""
    n = numeric(text, 11)
    return bool(n) and n[:1] != b"0" and 7 <= len(set(n[:10])) <= 9 and mod_11_10(n)


def denmark(text: bytes) -> bool:
    """CPR number: a date, and modulo 11 as issued before October 2007."""
    n = numeric(text, 10)
    return bool(n) and date(n[:2], n[2:4]) and weighted(n, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def estonia(text: bytes) -> bool:
    """Isikukood, and the asmens kodas of Lithuania: two rounds modulo 11, and a date."""
    n = numeric(text, 11)
    if not n or not b"1" <= n[:1] <= b"8" or not date(n[5:7], n[3:5]):
        return False
    rest = weighted(n[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighted(n[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return rest == n[10] - 48


def spain(text: bytes) -> bool:
    """DNI and NIE: a letter modulo 23."""
    n = plain(text)
    body = n[:-1].replace(b"X", b"0").replace(b"Y", b"1").replace(b"Z", b"2") if n[:1] in (b"X", b"Y", b"Z") else n[:-1]
    return len(n) == 9 and body.isdigit() and b"TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == n[8]


def finland(text: bytes) -> bool:
    """Henkilötunnus: a date, and a character modulo 31."""
    n = text.strip().upper()
    if len(n) != 11 or not (n[:6] + n[7:10]).isdigit() or not date(n[:2], n[2:4]):
        return False
    return b"0123456789ABCDEFHJKLMNPRSTUVWXY"[int(n[:6] + n[7:10]) % 31] == n[10]


def france(text: bytes) -> bool:
    """NIR: 97 less the rest modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    n = plain(text)
    if len(n) != 15 or n[:1] not in b"1234578":
        return False
    body = n[:13].replace(b"2A", b"19").replace(b"2B", b"18")
    return body.isdigit() and n[13:].isdigit() and 97 - int(body) % 97 == int(n[13:])


def britain_nhs(text: bytes) -> bool:
    """NHS number: modulo 11."""
    n = numeric(text, 10)
    return bool(n) and 11 - weighted(n[:9], range(10, 1, -1)) % 11 in (n[9] - 48, 11 + n[9] - 48)


def britain_nino(text: bytes) -> bool:
    """National Insurance number: two letters (not all are issued), six digits, A to D."""
    n = plain(text)
    if len(n) != 9 or not n[:2].isalpha() or not n[2:8].isdigit() or n[8] not in b"ABCD":
        return False
    return n[0] not in b"DFIQUV" and n[1] not in b"DFIOQUV" and n[:2] not in (b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ")


def greece_amka(text: bytes) -> bool:
    """AMKA: a date, and Luhn."""
    n = numeric(text, 11)
    return bool(n) and date(n[:2], n[2:4]) and luhn(n)


def greece_afm(text: bytes) -> bool:
    """AFM: powers of two, modulo 11."""
    n = numeric(text, 9)
    return bool(n) and weighted(n, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == n[8] - 48


def croatia(text: bytes) -> bool:
    """OIB: ISO 7064 MOD 11,10."""
    n = numeric(text, 11)
    return bool(n) and mod_11_10(n)


def hungary(text: bytes) -> bool:
    """Adóazonosító jel: begins with 8, modulo 11."""
    n = numeric(text, 10)
    return n[:1] == b"8" and weighted(n, range(1, 10)) % 11 == n[9] - 48


def ireland(text: bytes) -> bool:
    """PPS number: a letter modulo 23."""
    n = plain(text)
    if not (8 <= len(n) <= 9 and n[:7].isdigit() and n[7:].isalpha()):
        return False
    second = (n[8] - 64) * 9 if len(n) == 9 and n[8:] != b"W" else 0
    return (weighted(n[:7], range(8, 1, -1)) + second) % 23 == (n[7] - 64) % 23


def iceland(text: bytes) -> bool:
    """Kennitala: a date (companies plus 40), and modulo 11."""
    n = numeric(text, 10)
    if not n or not date(b"%02d" % (int(n[:2]) % 40), n[2:4]) or n[9] not in b"890":
        return False
    return weighted(n, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


_CODICE_ODD = dict(
    zip(
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11,
         3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def italy(text: bytes) -> bool:
    """Codice fiscale: a letter modulo 26."""
    n = plain(text)
    if len(n) != 16:
        return False
    total = sum([_CODICE_ODD[c] for c in n[0:15:2]]) + sum([c - 65 if c > 57 else c - 48 for c in n[1:15:2]])
    return 65 + total % 26 == n[15]


def latvia(text: bytes) -> bool:
    """Personas kods: from 32 on without a date, else a date and modulo 11."""
    n = numeric(text, 11)
    if not n:
        return False
    return n[:2] == b"32" or (date(n[:2], n[2:4]) and (1101 - weighted(n, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 == n[10] - 48)


def luxembourg(text: bytes) -> bool:
    """National identification number: a date, Luhn over twelve digits and Verhoeff over these with the last."""
    n = numeric(text, 13)
    return bool(n) and date(n[6:8], n[4:6]) and luhn(n[:12]) and verhoeff(n[:11] + n[12:])


def moldova(text: bytes) -> bool:
    """IDNP: weights 7, 3, 1 modulo 10."""
    n = numeric(text, 13)
    return bool(n) and n[:1] in b"02" and weighted(n[:12], (7, 3, 1) * 4) % 10 == n[12] - 48


def netherlands(text: bytes) -> bool:
    """Burgerservicenummer: the eleven test."""
    n = numeric(text, 8, 9).rjust(9, b"0")
    return n.strip(b"0") != b"" and weighted(n, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def norway(text: bytes) -> bool:
    """Fødselsnummer: a date (D and H numbers too), and two check digits modulo 11."""
    n = numeric(text, 11)
    if not n or not date(b"%02d" % (int(n[:2]) % 40), b"%02d" % (int(n[2:4]) % 40)):
        return False
    first = weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return first == 0 and weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def poland_pesel(text: bytes) -> bool:
    """PESEL: a date (the century in the month), and modulo 10."""
    n = numeric(text, 11)
    return bool(n) and date(n[4:6], b"%02d" % (int(n[2:4]) % 20)) and weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def poland_nip(text: bytes) -> bool:
    """NIP: modulo 11."""
    n = numeric(text, 10)
    return bool(n) and weighted(n, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == n[9] - 48


def portugal(text: bytes) -> bool:
    """NIF: modulo 11."""
    n = numeric(text, 9)
    return bool(n) and n[:1] in b"1235689" and (11 - weighted(n[:8], range(9, 1, -1)) % 11) % 11 % 10 == n[8] - 48


def romania(text: bytes) -> bool:
    """CNP: a date, and modulo 11."""
    n = numeric(text, 13)
    if not n or not date(n[5:7], n[3:5]):
        return False
    rest = weighted(n, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if rest == 10 else rest) == n[12] - 48


def yugoslavia(text: bytes) -> bool:
    """JMBG (EMŠO) of Serbia, Slovenia, Bosnia, Montenegro and North Macedonia: a date, and modulo 11."""
    n = numeric(text, 13)
    if not n or not date(n[:2], n[2:4]):
        return False
    return (11 - weighted(n, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11 % 10 == n[12] - 48


def russia_inn(text: bytes) -> bool:
    """INN of persons (12 digits) and companies (10)."""
    n = numeric(text, 10, 12)
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    places = (9,) if len(n) == 10 else (10, 11)
    return bool(n) and all(weighted(n[:size], weights[11 - size :]) % 11 % 10 == n[size] - 48 for size in places)


def russia_snils(text: bytes) -> bool:
    """SNILS: modulo 101."""
    n = numeric(text, 11)
    return bool(n) and weighted(n[:9], range(9, 0, -1)) % 101 % 100 == int(n[9:])


def sweden(text: bytes) -> bool:
    """Personnummer (and samordningsnummer, days plus 60): a date, and Luhn over the last ten digits."""
    n = numeric(text, 10, 12)[-10:]
    return bool(n) and date(b"%02d" % (int(n[4:6]) % 60), n[2:4]) and luhn(n)


def ukraine(text: bytes) -> bool:
    """RNOKPP: modulo 11."""
    n = numeric(text, 10)
    return bool(n) and weighted(n, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == n[9] - 48


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "at-svnr": austria, "be-rrn": belgium, "bg-egn": bulgaria, "ch-ahv": switzerland, "cz-rodne-cislo": czechia,
    "de-steuer-id": germany, "dk-cpr": denmark, "ee-isikukood": estonia, "es-dni": spain, "fi-hetu": finland, "fr-nir": france,
    "gb-nhs": britain_nhs, "gb-nino": britain_nino, "gr-afm": greece_afm, "gr-amka": greece_amka, "hr-oib": croatia,
    "hu-tax-id": hungary, "ie-pps": ireland, "is-kennitala": iceland, "it-codice-fiscale": italy, "lu-id": luxembourg,
    "lv-personas-kods": latvia, "md-idnp": moldova, "nl-bsn": netherlands, "no-fodselsnummer": norway, "pl-nip": poland_nip,
    "pl-pesel": poland_pesel, "pt-nif": portugal, "ro-cnp": romania, "rs-jmbg": yugoslavia, "ru-inn": russia_inn,
    "ru-snils": russia_snils, "se-personnummer": sweden, "ua-rnokpp": ukraine,
}  # fmt: skip
