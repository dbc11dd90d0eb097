from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.validators import identifiers, identifiers_europe

CHECKS = {**identifiers.CHECKS, **identifiers_europe.CHECKS}

# Examples that issuers, standards and encyclopaedias publish.
PUBLISHED = {
    "ar-cuit": "20-12345678-6", "at-svnr": "1237 010180", "au-medicare": "2123 45670 1", "au-tfn": "123 456 782",
    "be-rrn": "85.07.30-033 28", "bg-egn": "7523169263", "br-cnpj": "11.222.333/0001-81", "br-cpf": "529.982.247-25",
    "ch-ahv": "756.1234.5678.97", "cl-rut": "12.345.678-5", "cn-resident-id": "11010519491231002X", "co-nit": "213123432-1",
    "cz-rodne-cislo": "710319/2745", "de-steuer-id": "86095742719", "dk-cpr": "211062-5629", "do-cedula": "001-1388402-7",
    "ec-cedula": "1710034065", "ee-isikukood": "37605030299", "es-dni": "12345678Z", "fi-hetu": "131052-308T",
    "fr-nir": "255081416802538", "gb-nhs": "943 476 5919", "gb-nino": "AB123456C", "gr-afm": "094259216", "hk-id": "A123456(3)",
    "hr-oib": "33392005961", "hu-tax-id": "8071592153", "ie-pps": "1234567T", "il-id": "000000018",
    "in-aadhaar": "2341 2341 2346", "is-kennitala": "120174-3399", "it-codice-fiscale": "RSSMRA85T10A562S",
    "jp-my-number": "123456789018", "lu-id": "1893120105732", "lv-personas-kods": "161175-19997",
    "mx-curp": "HEGG560427MVZRRL04", "nl-bsn": "111222333", "no-fodselsnummer": "15076500565", "nz-ird": "49-091-850",
    "pl-nip": "123-456-32-18", "pl-pesel": "44051401359", "pt-nif": "123456789", "ro-cnp": "1800101221144",
    "rs-jmbg": "0101006500006", "ru-inn": "500100732259", "ru-snils": "112-233-445 95", "se-personnummer": "811228-9874",
    "sg-nric": "S1234567D", "th-id": "1101700230708", "tr-kimlik": "10000000146", "tw-id": "A123456789",
    "ua-rnokpp": "1759013776", "us-dea": "AB1234563", "us-npi": "1234567893", "us-routing": "021000021",
    "uy-cedula": "1234567-2", "za-id": "8001015009087",
}  # fmt: skip


@pytest.mark.parametrize(("check", "number"), PUBLISHED.items())
def test_a_published_example_holds(check: str, number: str) -> None:
    assert CHECKS[check](number.encode())


@pytest.mark.parametrize("check", sorted(set(PUBLISHED) - {"gb-nino"}))
def test_a_mistyped_digit_is_noticed(check: str) -> None:
    number = PUBLISHED[check]
    places = [place for place, char in enumerate(number) if char.isdigit()]
    wrong = [number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :] for place in places]
    assert sum(CHECKS[check](text.encode()) for text in wrong) <= len(wrong) // 3


def test_there_are_identifiers_of_more_than_thirty_five_countries() -> None:
    assert len({name[:2] for name in CHECKS}) > 35


@given(st.binary(max_size=24) | st.text(alphabet="0123456789ABCDEFXYZ-/. ", max_size=22).map(str.encode))
def test_any_bytes_give_an_answer(text: bytes) -> None:
    for check in CHECKS.values():
        assert check(text) in (True, False)
