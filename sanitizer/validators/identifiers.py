"""Identifiers of countries outside Europe, judged by the check digits and dates that their issuers define.

Every check takes the identifier as written; separators are left out before it is judged.
"""

from __future__ import annotations

from collections.abc import Callable

from sanitizer.validators.checkdigits import date, luhn, numeric, plain, verhoeff, weighted


def australia_tfn(text: bytes) -> bool:
    """Tax file number."""
    n = numeric(text, 9)
    return bool(n) and weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def australia_medicare(text: bytes) -> bool:
    """Medicare card number."""
    n = numeric(text, 10, 11)
    return bool(n) and n[:1] in b"23456" and weighted(n[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == n[8] - 48


def brazil_cpf(text: bytes) -> bool:
    """Cadastro de Pessoas Físicas: two check digits modulo 11."""
    n = numeric(text, 11)
    return bool(n) and all(weighted(n[:size], range(size + 1, 1, -1)) * 10 % 11 % 10 == n[size] - 48 for size in (9, 10))


def brazil_cnpj(text: bytes) -> bool:
    """Cadastro Nacional da Pessoa Jurídica: two check digits modulo 11."""
    n = numeric(text, 14)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return bool(n) and all((11 - weighted(n[:size], weights[13 - size :]) % 11) % 11 % 10 == n[size] - 48 for size in (12, 13))


def canada(text: bytes) -> bool:
    """Social insurance number: Luhn; none begins with 0 or 8."""
    n = numeric(text, 9)
    return bool(n) and n[:1] not in b"08" and luhn(n)


def chile(text: bytes) -> bool:
    """RUT: modulo 11, K for 10."""
    n = plain(text)
    if not (8 <= len(n) <= 9 and n[:-1].isdigit()):
        return False
    return b"0123456789K0"[11 - weighted(n[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3)) % 11 :][:1] == n[-1:]


def china(text: bytes) -> bool:
    """Resident identity card, GB 11643: ISO 7064 MOD 11-2, and a date."""
    n = plain(text)
    if len(n) != 18 or not n[:17].isdigit() or not date(n[12:14], n[10:12]) or n[6:8] not in (b"18", b"19", b"20"):
        return False
    return b"10X98765432"[weighted(n, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11] == n[17]


def colombia(text: bytes) -> bool:
    """NIT: modulo 11 by primes."""
    n = numeric(text, 9, 10, 11)
    rest = weighted(n[-2::-1], (3, 7, 13, 17, 19, 23, 29, 37, 41, 43)) % 11 if n else 0
    return bool(n) and (rest if rest < 2 else 11 - rest) == n[-1] - 48


def dominican_republic(text: bytes) -> bool:
    """Cédula: Luhn over eleven digits."""
    n = numeric(text, 11)
    return bool(n) and luhn(n)


def ecuador(text: bytes) -> bool:
    """Cédula: a province, and Luhn over ten digits."""
    n = numeric(text, 10)
    return bool(n) and (1 <= int(n[:2]) <= 24 or n[:2] == b"30") and n[2] < 54 and luhn(n)


def hong_kong(text: bytes) -> bool:
    """Identity card: one or two letters, six digits, a check character modulo 11."""
    n = plain(text)
    n = n if len(n) == 9 else b" " + n
    if len(n) != 9 or not n[2:8].isdigit() or not n[1:2].isalpha():
        return False
    values = [36 if c == 32 else c - 55 if c > 57 else c - 48 for c in n]
    return sum([value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)]) % 11 == 0


def indonesia(text: bytes) -> bool:
    """NIK: a region and a date (40 more for women's days)."""
    n = numeric(text, 16)
    return bool(n) and 11 <= int(n[:2]) <= 96 and date(b"%02d" % (int(n[6:8]) % 40), n[8:10]) and n[12:] != b"0000"


def israel(text: bytes) -> bool:
    """Teudat Zehut: Luhn over nine digits."""
    n = numeric(text, 9)
    return bool(n) and luhn(n)


def india_aadhaar(text: bytes) -> bool:
    """Aadhaar: Verhoeff; none begins with 0 or 1."""
    n = numeric(text, 12)
    return bool(n) and n[0] > 49 and verhoeff(n)


def japan(text: bytes) -> bool:
    """My Number: modulo 11."""
    n = numeric(text, 12)
    rest = weighted(n, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 if n else 0
    return bool(n) and (0 if rest <= 1 else 11 - rest) == n[11] - 48


def korea(text: bytes) -> bool:
    """Resident registration number: a date, and modulo 11."""
    n = numeric(text, 13)
    if not n or not date(n[4:6], n[2:4]):
        return False
    return (11 - weighted(n, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == n[12] - 48


def kazakhstan(text: bytes) -> bool:
    """IIN: a date, and two rounds modulo 11."""
    n = numeric(text, 12)
    if not n or not date(n[4:6], n[2:4]):
        return False
    rest = weighted(n[:11], range(1, 12)) % 11
    if rest == 10:
        rest = weighted(n[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return rest == n[11] - 48


def mexico(text: bytes) -> bool:
    """CURP: a date, and a digit modulo 10."""
    n = plain(text)
    if len(n) != 18 or not n[:4].isalpha() or not n[4:10].isdigit() or not date(n[8:10], n[6:8]):
        return False
    values = [b"0123456789ABCDEFGHIJKLMN".find(c) if c < 79 else c - 54 for c in n[:17]]
    return (10 - sum([value * weight for value, weight in zip(values, range(18, 1, -1), strict=True)]) % 10) % 10 == n[17] - 48


def malaysia(text: bytes) -> bool:
    """MyKad: a date and a place of birth."""
    n = numeric(text, 12)
    return bool(n) and date(n[4:6], n[2:4]) and n[6:8] not in (b"00", b"17", b"18", b"19", b"20")


def new_zealand(text: bytes) -> bool:
    """IRD number: two rounds modulo 11."""
    n = numeric(text, 8, 9).rjust(9, b"0")
    if not 10_000_000 < int(n) < 150_000_000:
        return False
    rest = -weighted(n[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if rest == 10:
        rest = -weighted(n[:8], (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return rest == n[8] - 48


def singapore(text: bytes) -> bool:
    """NRIC and FIN: a letter modulo 11."""
    n = plain(text)
    if len(n) != 9 or n[:1] not in (b"S", b"T", b"F", b"G", b"M") or not n[1:8].isdigit():
        return False
    total = weighted(n[1:8], (2, 7, 6, 5, 4, 3, 2)) + {b"T": 4, b"G": 4, b"M": 3}.get(n[:1], 0)
    letters = b"JZIHGFEDCBA" if n[:1] in b"ST" else b"KLJNPQRTUWX" if n[:1] == b"M" else b"XWUTRQPNMLK"
    place = total % 11 if n[:1] != b"M" else 10 - total % 11
    return letters[place] == n[8]


def thailand(text: bytes) -> bool:
    """National id: modulo 11."""
    n = numeric(text, 13)
    return bool(n) and n[:1] not in b"09" and (11 - weighted(n[:12], range(13, 1, -1)) % 11) % 10 == n[12] - 48


def turkey(text: bytes) -> bool:
    """T.C. Kimlik No: two check digits modulo 10."""
    n = numeric(text, 11)
    if not n or n[:1] == b"0":
        return False
    odd, even = sum(n[0:9:2]) - 240, sum(n[1:8:2]) - 192
    return (7 * odd - even) % 10 == n[9] - 48 and (sum(n[:10]) - 480) % 10 == n[10] - 48


def taiwan(text: bytes) -> bool:
    """National identification card: a letter for the place, and modulo 10."""
    n = plain(text)
    if len(n) != 10 or not n[:1].isalpha() or not n[1:].isdigit() or n[1:2] not in b"1289":
        return False
    place = 10 + b"ABCDEFGHJKLMNPQRSTUVXYWZIO".index(n[:1])
    return (place // 10 + place % 10 * 9 + weighted(n[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def uruguay(text: bytes) -> bool:
    """Cédula de identidad: modulo 10."""
    n = numeric(text, 7, 8).rjust(8, b"0")
    return n.strip(b"0") != b"" and -weighted(n[:7], (2, 9, 8, 7, 6, 3, 4)) % 10 == n[7] - 48


def argentina(text: bytes) -> bool:
    """CUIT and CUIL: modulo 11."""
    n = numeric(text, 11)
    rest = (11 - weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11 if n else 0
    return n[:2] in (b"20", b"23", b"24", b"25", b"26", b"27", b"30", b"33", b"34") and rest == n[10] - 48


def south_africa(text: bytes) -> bool:
    """Identity number: a date, and Luhn."""
    n = numeric(text, 13)
    return bool(n) and date(n[4:6], n[2:4]) and n[10:11] in b"012" and luhn(n)


def egypt(text: bytes) -> bool:
    """National id: a century, a date and a governorate."""
    n = numeric(text, 14)
    return n[:1] in (b"2", b"3") and date(n[5:7], n[3:5]) and 1 <= int(n[7:9]) <= 88


def usa_npi(text: bytes) -> bool:
    """National Provider Identifier: Luhn with the prefix 80840."""
    n = numeric(text, 10)
    return n[:1] in (b"1", b"2") and luhn(b"80840" + n)


def usa_dea(text: bytes) -> bool:
    """DEA registration number."""
    n = plain(text)
    if len(n) != 9 or not n[2:].isdigit() or not n[:1].isalpha():
        return False
    return (weighted(n[2:8], (1, 2, 1, 2, 1, 2))) % 10 == n[8] - 48


def usa_routing(text: bytes) -> bool:
    """ABA routing transit number."""
    n = numeric(text, 9)
    if not n or not (int(n[:2]) <= 12 or 21 <= int(n[:2]) <= 32 or 61 <= int(n[:2]) <= 72 or n[:2] == b"80"):
        return False
    return weighted(n, (3, 7, 1) * 3) % 10 == 0


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "ar-cuit": argentina, "au-medicare": australia_medicare, "au-tfn": australia_tfn, "br-cnpj": brazil_cnpj,
    "br-cpf": brazil_cpf, "ca-sin": canada, "cl-rut": chile, "cn-resident-id": china, "co-nit": colombia,
    "do-cedula": dominican_republic, "ec-cedula": ecuador, "eg-national-id": egypt, "hk-id": hong_kong, "id-nik": indonesia,
    "il-id": israel, "in-aadhaar": india_aadhaar, "jp-my-number": japan, "kr-rrn": korea, "kz-iin": kazakhstan,
    "mx-curp": mexico, "my-mykad": malaysia, "nz-ird": new_zealand, "sg-nric": singapore, "th-id": thailand,
    "tr-kimlik": turkey, "tw-id": taiwan, "us-dea": usa_dea, "us-npi": usa_npi, "us-routing": usa_routing, "uy-cedula": uruguay,
    "za-id": south_africa,
}  # fmt: skip
