"""Whether a value is words (an identifier, a path, a name, a placeholder) or a secret."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise

from sanitizer import patterns
from sanitizer.text.messages import SAID

# How much likelier each pair of letters is in the words of programs than by chance: log2, from 0 (1/64) over 6 (even) to 9.
_PAIRS = (
    b"26762362605877060878544452856574337638547506757221628355742761775383165863204075569532822644741675633240"
    b"64775652413667454887354640735577429017458427667121406344945670265764077564313483459423803555830656621241"
    b"65766560112769750677150405835483046074038605648040436346946383173655248552605073469422813734840366631072"
    b"86359321704564780265610050737776836155357413785521404577455251567867086675631283448435703724762867623060"
    b"44243343420426332662934300836594527045657406775430506364844671454466247973415073559427801544750776533262"
    b"67656551600778570777320201944394338213536414442232228346843781253773277424451075767635712562581458433562"
    b"5565754460367768157835542572459424802444701444103455"
)
_LIFT = {bytes((97 + i // 26, 97 + i % 26)): lift - 54 for i, lift in enumerate(_PAIRS)}
_pieces = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])").findall

_placeholder = re.compile(
    rb"""(?ix)
      \[?[xX*.\-_\#?:\s]*\]? | (?:\xe2\x80\xa2|\xe2\x97\x8f|\xe2\x80\xa6|\xe2\x96[\x88\x93\xa0])+
    | <[a-z][a-z \-_.'/|:]{0,60}> | <[a-z_.]+\ (?:object|at|of|function)\b[^>]{0,200}>     # <your-key> <Token object at 0x7f..>
    | \$\{[^{}]{1,80}\} | \$\{\w{1,60}:\?\w{0,40}
    | (?-i:\$(?:[A-Z_][A-Z0-9_]{1,60}|[a-z_][a-z0-9_]{2,60}|[A-Za-z_]{3,60}))
    | \{\{[^{}]{1,80}\}\} | \$\{\{[^{}]{1,80}\}\} | \{[a-z_][a-z_.]{0,60}\}
    | %\([a-z_]+\)[sdr] | %[sdrvq] | %[A-Z_]{2,40}% | :[a-z_]{2,40} | @[a-z_]{2,40}\(?\)?
    | @{1,2}[a-z_.\-]{2,60}@{1,2} | %\{[\w.\-@]{1,60}\} | \#\{[\w.\-]{1,60}\}\#?
    | (?:process\.env|os\.environ|os\.getenv|env|secrets|config|settings|self|vault|args|kwargs|options|params|req|request)
      [.\[(][\w.\-\[\]'"()]{1,80}!?
    | [\[(<{*]{1,3}[ ]?[a-z]+(?:[ _:.\-][a-z]+){0,4}[ ]?[\])>}*]{1,3}
    | \[[a-z][a-z0-9\-]{1,40}(?::[^\]\s]{1,40}){0,4}(?:\ [0-9]{1,12}\ ?B\ [0-9a-f]{8,})?\]
    | \$\([\w./\-]{1,40}(?:\ .{0,190})? | <?(?:base64\.)?(?:base64|b64|btoa)\w{0,10}\([\w:.\-\[ ]{1,60}\)?>?
    | [\w\-]{0,24}(?:\xe2\x80\xa6|\.{3,})\w{0,8} | \w{0,8}\*{3,}\w{0,8} | [\w\-]{0,8}\*{3,}[\w.@\-]{0,40}
    | [a-z]{0,20}\(["']?\*{3,}["']?\)
    | (?:[a-z]{1,10}[0-9]{0,2}[_\-.]){1,4}(?:AIza(?:Sy)?|A[KS]IA)?[x_\-.]{8,}                               # sk-proj-xxxxxxxx
    | (?:change|replace|fill)[\-_ ]?(?:me|this|it|in)[!]? | (?:your|my|the|insert|enter|put|add|use|some|any|a)[\-_ ][a-z\-_ ]{2,60}
    | [a-z\-_ ]{1,60}[\-_ ]here | todo | tbd | fixme | n/?a | nil | none | (?:!!)?null | undefined | nan | unset | unknown | empty
    | true | false | yes | no | on | off
    | (?:[a-z]{2,24}[_-]){0,2}(?:redacted|masked|filtered|hidden|removed|omitted|sanitized|scrubbed)
    | (?:files|compat|sss|db)(?:\ (?:files|compat|sss|db|ldap|nis|systemd|winbind|mymachines)){0,5}              # nsswitch.conf
    | \d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\-]\d\d:?\d\d)? | id=[\w.\-]{1,60}
    | \$[a-z_]{2,30}\.[a-z_]{2,30} | &?(?:mut\ )?\[u8\]
    | secret | example | (?:var|n|nvar|b)?(?:char|binary)2?\(\d{1,6}(?:\ (?:byte|char))?\)
    | (?:\[?(?:string|id|int|float|boolean)!?\]?!|\[(?:string|id|int|float|boolean)!?\])                       # GraphQL
    | string | str | bytes | int | integer | number | float | bool | boolean | object | array | list | dict
    | any | regexp? | secretstr | buffer | non-empty-string | n?varchar2? | bytea | (?:big|small)int | timestamptz? | jsonb?
    | (?:string|str|int|bool|null)(?:\|(?:string|str|int|bool|null)){1,4}[},]{0,2}
    | (?:optional|union|list)\[.{1,40}\] | \[object\ object\] | \[(?:object|array|function|circular|getter|setter)[^\]]{0,40}\]
    | (?:[\^~=]|[<>]=?)\ ?v?\d{1,4}(?:(?:\.[\dx*]{1,5}){1,3}(?:-[\w.]{1,24})?|(?=\ \|\|))                      # ^1.2.3 || >=2.0
      (?:\ (?:\|\|\ )?(?:[\^~=]|[<>]=?)\ ?v?\d{1,4}(?:\.[\dx*]{1,5}){0,3}){0,5}
    | \d{1,4}\.\d{1,4}\.\d{1,4}(?:\(@?[\w./\-]{1,60}@[\w.()@/\-]{1,120})                                     # 7.2.1(peer@7.0.0)
    | \(?(?:not[ _]set|not[ _]provided|not[ _]specified|not[ _]given|not[ _]configured|blank|default)\)?
    """
).fullmatch

# What stands after the name of a secret in messages and schemas, and is none.
_STATUS = frozenset(
    b"""_meta accepted access_token added allowed annotations api api_key apikey args arguments authenticated authentication
    authorization_code based basic bearer body browser cached cancelled changed check chauthtok checked cleared client_credentials
    client_secret configured const content cookie correct created credentials default deleted denied description digest
    disabled email empty enabled encrypted enum env error examples expired expires expires_in expiry failed failure field file
    for format found from generated given granted has hash hashed have header help hint id id_token incorrect input
    inputschema invalid is issued items key label length loaded login lookup match matched maxlength message method
    minlength mismatch missing must name needed negotiate new not ntlm oauth obtained of ok old open edit options output path dir
    outputschema param parameter params password passwords plain present prompt properties protected provided query ready
    received refresh refresh_token refreshed rejected renewed required reset restored result retrieved revoked rotated saved
    scope secret see self set should simple static stored structuredcontent succeeded success successful text the title to token
    token_type tokens too type unauthorized unavailable unchanged unexpected updated url used user username valid validated
    validation value verified verify via void warning was weak will with writeonly wrong
    access_denied insufficient_scope invalid_client invalid_grant invalid_request invalid_scope invalid_target invalid_token
    unauthorized_client unsupported_grant_type unsupported_token_type""".split()
)  # fmt: skip

_COLUMNS = frozenset(
    b"""created_at updated_at deleted_at created_on updated_on modified_at last_login last_login_at last_seen first_name
    last_name full_name display_name user_name user_id group_id is_active is_admin is_staff is_superuser is_verified
    email_verified email_address phone_number birth_date date_joined password_hash password_salt password_digest
    reset_token remember_token api_token first-name last-name created-at updated-at last-login createdat updatedat
    firstname lastname lastlogin isactive isadmin""".split()
)  # fmt: skip
"""What a table has for the names of its other columns."""

_STATES = frozenset(
    """absent active archived assigned attached available banned blocked bypassed compromised configured confirmed corrupt
    corrupted decrypted destroyed differ differs disallowed duplicate encoded enter exists expiring exported forgotten
    generating hidden identical ignored imported inactive include inherit inherited insecure keyboard-interactive locked
    lost malformed mandatory masked mismatched mounted nonempty omit omitted optional overridden parsed pending read
    recovered redacted refused regenerated registered removed rendered reused revealed rotating same same-origin sent
    signed skipped strong submitted suspended synced tampered unconfigured unlocked unmodified unprotected unreadable unset
    unspecified unsupported untrusted unused unverified verification withheld write
    abgelaufen actualizada alterada aucun ausente boş brak caducada caducado cambiada cambiata changé correcta corretta
    değiştirildi diferente dimenticata erforderlich errata esquecida expirada expirado expiré facoltativa facultatif falsch
    falta fehlt felaktigt forkert gerekli gesetzt gesperrt gewijzigd geändert geçersiz greșită gültig hatali hatalı hibás inconnu
    incorectă incorrecta incorrecto incorreta inexistente inkorrekt invalida invalide invalidă inválida inválido keine
    keines không krävs kötelező leeg leer lipsește mancante mangler manquant modificata modifié nao nenhuma neplatne neplatné
    nesprávne nesprávné nessuna niepoprawne nieprawidłowe ninguna non notwendig não obbligatoria obbligatorio obligatoire
    obligatoria obligatorie obligatorio obligatoriskt obrigatoria obrigatória obrigatório ogiltigt olvidada ongeldig
    onjuist ontbreekt opcional optionnel oublie oublié pakollinen pflicht pflichtfeld povinne povinné puste påkrevd
    påkrævet redefinida requerida requerido requis requise richiesta sai saknas salah scaduta
    tidak unbekannt ungültig nem vaaditaan
    vacia vacía vacío vazia vencida vencido vereist vergessen vergeten verlopen verplicht vide virheellinen vuota válida
    väärä wajib wygasło wymagane yanlış zmienione zorunlu zurückgesetzt érvénytelen άκυρος απαιτείται λάθος υποχρεωτικό
    відсутній забыли задан задължително изменен изменить изменён истек истёк не неверен неверно неверный невірний невірно
    неизвестен неправилна неправильно неправильный нет обавезна обов'язковий обов'язково обязателен обязательно
    обязательное обязательный отсутствует погрешна пусто пустой сброшен скрыт требуется указан חסרה נדרשת שגוי שגויה
    اختياري الزامی خاطئ خاطئة صحيحة غلط غير فارغ فارغة مطلوب مطلوبة مفقودة منتهي منتهية अनिवार्य आवश्यक खाली गलत จำเป็น
    ไม่ถูกต้อง なし エラー 一致しません 不一致 不匹配 不正 不正确 不能为空 为空 任意 可选 変更済み 已修改 已启用 已失效
    已更改 已禁用 已设置 已过期 已重置 必填 必需 必須 忘记 无 无效 期限切れ 未入力 未知 未設定 未設置 未设置 未配置 正确 無
    無効 空 缺失 設定済み 錯誤 错误 間違い 間違っています 만료 만료됨 미설정 변경됨 불일치 선택 없음 오류 올바르지 잘못됨
    틀림 필수""".encode().split()
)  # fmt: skip
"""What says, alone and in the languages that passwords are named in, how a secret is; in a phrase it may be a word of one."""

_lacking = re.compile(
    b"(?:(?:%b) [a-z\x80-\xff]{3,24}|no [a-z\x80-\xff]{3,24}[ai]d[ao])"
    % "not|не|нет|keine?|nicht|non|não|nao|ikke|inte|nie|niet|geen|không|tidak|ei|nem|nu|ni".encode()
).fullmatch
"""That there is none: `не задан`, `keine Angabe`, `no definida`."""

MESSAGE = patterns.lazy(SAID.pattern + rb"(?:[a-z' ,.;:()-]|[<>]=|\b\d{1,3}\b)*", re.I)
"""All of what a validator says of a value, in words: `must contain a digit`, `This field is required.`"""

_escaped = re.compile(rb"(?:\\+u[0-9A-Fa-f]{4})+").sub


def spelled(value: bytes) -> bytes:
    """*value* with its letters as they are, where JSON has escaped them (RFC 8259, section 7)."""
    return _escaped(_letters, value) if b"\\u" in value else value


def _letters(escaped: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(escaped[0].replace(b"\\", b"").replace(b"u", b"").decode())
    return units.decode("utf-16-be", "replace").encode()


def entropy(value: bytes) -> float:
    """Shannon entropy in bits a byte."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


def _plausible(piece: bytes) -> bool:
    """Whether a run of letters could be a word, from how common its pairs of letters are."""
    piece = piece.lower()
    size = len(piece) - 1
    if size < 2:
        return False
    lift = sum([_LIFT[piece[i : i + 2]] for i in range(size)])
    return lift >= (-0.3 if size >= 5 else -0.7) * size


TELLING = 200
"""Bytes of a value that are looked at: more could not change the verdict, and would make hostile lines slow."""

_separated = re.compile(rb"[:/. _\-]").search
_mixed = re.compile(rb"(?=(?:[^A-Z]*[A-Z]){8})(?=(?:[^a-z]*[a-z]){8})[A-Za-z_\-+/]{32,}={0,2}").fullmatch


@lru_cache(4096)
def wordlike(value: bytes) -> bool:
    """Whether *value* reads as words: an identifier, a class, a path, a tool name, a phrase; not a random token."""
    pieces = _pieces(value)
    letters = sum([len(piece) for piece in pieces])
    digits = sum([48 <= c <= 57 for c in value])
    if letters < 3 or digits > 1 + letters // 2:
        return False
    good = sum([len(piece) for piece in pieces if _plausible(piece)])
    short = sum([len(piece) for piece in pieces if len(piece) < 3])
    return good >= 0.7 * (letters + digits // 2) and short <= 2 + letters // 6


def placeholder(value: bytes) -> bool:
    """Whether *value* stands in for a secret: `<your-key>`, `xxxx`, `${VAR}`, `changeme`, `null`, a type, a mask of any tool."""
    return len(value) < TELLING and _placeholder(value.strip(b" \t\"'`").rstrip(b";")) is not None


_path = re.compile(
    rb"(?!/(?=[^a-z]{0,64}[a-z])(?=[^A-Z]{0,64}[A-Z])[A-Za-z]{3,64}\d{2,8}\Z)"  # a word and a number: no folder's name
    rb"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/])[\w.\-/\\ ]*"
).fullmatch


_folder = re.compile(rb"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9+]{16,}").fullmatch


def path(value: bytes) -> bool:
    """Whether *value* is a path: each of its parts may be the name of a folder, and no piece of base64, which has slashes, too."""
    if _path(value) is None or (value.rfind(b"/") == 0 and random(value)):
        return False
    return not any(_folder(part) and random(part) for part in value.split(b"/"))


def password(value: bytes) -> bool:
    """Whether *value*, that of a field named after a password, is one; and not a placeholder, a status or a path (`PWD=/srv`)."""
    plain = value.translate(None, b"_-+/=")
    if plain.isalnum() and not plain.isalpha() and value[0] != 0x2F:
        return len(value) > 3 or not value.isdigit()  # with a digit, and of the signs only these: none of what follows is so
    return _password(value[:TELLING].strip(b" \t\"'`"))


@lru_cache(4096)
def _password(value: bytes) -> bool:
    if not value or placeholder(value):
        return False
    word = spelled(value).decode("utf-8", "replace").lower().rstrip(".,;:!。，！").encode()
    if word in _STATUS or word in _STATES or word in _COLUMNS or _lacking(word) or MESSAGE.fullmatch(word):
        return False
    return (len(value) > 3 or not value.isdigit()) and not path(value)


def passphrase(value: bytes) -> bool:
    """Whether *value*, several words behind the key of a password, may be one of several words: no message, no counts."""
    first, *others = value.split(b" ")
    if not others or b"=" in value or (first.isdigit() and b": " in value):
        return False
    return all(part and part.lower().rstrip(b".,;:!") not in _STATUS for part in others)

file = re.compile(
    rb"/?(?:[\w.@+~\-]{1,60}/){0,12}[\w.+~:%\-]{1,120}\.(?:json|ya?ml|toml|txt|log|csv|sql|py|rb|go|[jt]sx?|java|rs|php|png|jpe?g|gif|svg|pdf|html?"
    rb"|css|xml|md|parquet|tar\.\w{2,3}|t?gz|zip|7z|deb|rpm|apk|whl|jar|gem|pem|crt|cer|key|p12|pfx|jks|pub)"
).fullmatch
"""A file, with or without the folders that it is in."""

_harmless = re.compile(
    # prices, numbers, pointers, Object@1f2e3d, times, places in a source, caches of a workflow's runner
    rb"(?:Linux|Windows|macOS)-[\w.\-]{1,80}-[0-9a-f]{64}|[a-z]{3,16}(?::[a-z]{3,16}){0,3}:\d{1,6}|[a-z][a-z_./\-]{1,60}:v?\d{1,4}(?:\.\d{1,4}){1,3}|"
    rb"[\w./@\-]{1,120}\.(?:c|cc|cpp|cs|go|h|java|jsx?|kt|mjs|php|py|rb|rs|scala|swift|tsx?)(?::\d{1,6}){1,2}|"
    rb"\$?[\d_.,:/+\-]+|\d{1,3}(?:,\s?\d{1,3})+|0[xX][0-9a-fA-F]{1,16}|"
    rb"[A-Za-z_$][\w.$]*[{@(\[] ?[0-9a-f]{4,16}\b.*|\d{4}-\d\d-\d\d[T ].*"
).fullmatch

_scattered = re.compile(
    # letters of both cases with at least two digits among them, a sign of a password at the end, words and a number
    rb"(?=[A-Za-z0-9]{12,}\Z)(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=.*[a-z0-9][A-Z])(?=.*[0-9][A-Za-z]).*"
    rb"|(?=[^0-9]*[0-9])\w{6,}[!?@#$%^&*~]{1,4}"
    rb"|[a-z]{3,12}(?:-[a-z]{3,12}){2,5}-?\d{2,4}"
).fullmatch
"""What pairs of letters cannot tell from words, and no name of a program is."""


_SIGNS = frozenset(b"~^!*")
"""What no name or path of a program has."""


def token(value: bytes) -> bool:
    """Whether *value*, that of a field with a vague name (`token`, `auth`), is a secret; and not words, a count or a flag."""
    return _token(value[:TELLING].strip(b" \t\"'`"))


@lru_cache(4096)
def _token(value: bytes) -> bool:
    value = spelled(value)
    if len(value) < 6 or placeholder(value):
        return False
    if _harmless(value) or file(value):
        return value.isdigit() and len(value) >= 12
    if min(value) < 0x20:
        return True  # words have no control characters
    if not wordlike(value) and (any(48 <= c <= 57 or c > 127 or c in _SIGNS for c in value) or jumbled(value)):
        return True
    return random(value) or _scattered(value) is not None


def jumbled(value: bytes) -> bool:
    """Whether letters alone change their case as often as a random string's do, and no name's."""
    changes = sum((a ^ b) & 0x20 for a, b in pairwise(value)) >> 5
    return len(value) >= 12 and value.isalpha() and changes >= 0.36 * (len(value) - 1)


_OPERATORS = frozenset((b"or", b"OR", b"AND", b"and"))
_ordered = re.compile(
    rb"(?i)(?:0123456789|1234567890|234567|[+/=_.~\-])*(?:abcdefghijklmnopqrstuvwxyz(?:0123456789|1234567890|234567|[+/=_.~\-])*){1,2}"
    rb"|0123456789abcdef(?:abcdef)?"
).fullmatch
"""An alphabet of a program: of base64, base32, base36, hexadecimal."""


def random(value: bytes) -> bool:
    """Whether *value* is a random string: long enough, of several classes of characters, high in entropy, no words and no URL."""
    return len(value) >= 16 and b"://" not in value and _random(value[:TELLING])


@lru_cache(4096)
def _random(value: bytes) -> bool:
    size = len(value)
    if _harmless(value) or file(value) or b"|" in value or _ordered(value) or entropy(value) < 3.0:
        return False
    if b" " in value and any(piece.isalpha() and (_plausible(piece) or piece in _OPERATORS) for piece in value.split(b" ")):
        return False
    if not any(48 <= c <= 57 for c in value) and (size < 20 or (_separated(value) and _mixed(value) is None)):
        return False
    return not wordlike(value)
