"""Families of email addresses in the forms that standards allow and logs show (RFC 5321, 5322, 6531, 6068)."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.leaks import templates
from benchmarks.leaks.formats import DIGITS, LOWER, Fresh
from benchmarks.leaks.model import Case, Family, Secret, case

LOCALS, DOMAINS, FORMS = templates.read("mailboxes").values()
WRITTEN = ((" [at] ", " [dot] "), ("{at}", "{dot}"), (" <at> ", "."), ("[@]", "."), (" at ", " dot "), (" AT ", " DOT "))


def mailboxes(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every local part in every domain in turn, over the forms; quoted local parts and address literals."""
    for number in range(12 * scale):
        for turn, local in enumerate(LOCALS):
            names = {"a": fresh.rnd.choice(("nadia", "oskar", "celine")), "b": fresh.pick(LOWER, 5), "n": fresh.pick(DIGITS, 3)}
            names |= {"A": names["a"].title(), "B": names["b"].title()}
            value = f"{local.format(**names)}@{DOMAINS[(number + turn) % len(DOMAINS)]}"
            form = FORMS[(number * 7 + turn) % len(FORMS)]
            if any(c in value for c in "'&=/{}|%$!#*^~") and form[0] in "mlc=@/u{<":
                form = "<{v}>"
            yield case("email/forms", form.format(v=value, n=fresh.pick(DIGITS, 2)), Secret("email", value, value))
        for local in ('"{a} {b}"', '"{a}@{b}"', '"{a}..{b}"'):
            value = f"{local.format(a=fresh.pick(LOWER, 6), b=fresh.pick(LOWER, 6))}@kestrel.io"
            yield case("email/quoted", f"from <{value}> ok", Secret("email", value, value))
        for sign, dot in WRITTEN:
            value = f"{fresh.pick(LOWER, 7)}.{fresh.pick(LOWER, 5)}{sign}kestrel{dot}org"
            yield case("email/read out", f"write to {value} today", Secret("email", value, value))
        for form in ("Author: Ana Example <{v}>", "To: {v}", "a mail to {v} bounced", "to=<{v}>, relay=none", '{{"email":"{v}"}}'):
            value = f"{fresh.pick(LOWER, 9)}@{fresh.rnd.choice(('intranet', 'mail-2', 'localhost'))}"
            yield case("email/local host", form.format(v=value), Secret("email", value, value))
        for host in ("[10.1.2.3]", "[IPv6:2001:db8::1]"):
            value = f"{fresh.pick(LOWER, 9)}@{host}"
            yield case("email/literal", f"from <{value}> ok", Secret("email", value, value))


FAMILIES: dict[str, Family] = {"email": mailboxes}
