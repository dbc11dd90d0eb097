"""Names of algorithms and extensions of SSH that are somebody's own: they look like mailboxes (RFC 4251, section 6)."""

from __future__ import annotations

from sanitizer import patterns

HOSTS = frozenset((b"openssh.com", b"ssh.com", b"libssh.org", b"tinyssh.org", b"lysator.liu.se"))
NAME = patterns.lazy(
    rb"(?:[a-z0-9-]*-)?(?:sha\d\w*|hmac|umac|gcm|cbc|ctr|etm|poly1305|\w*25519|rsa|dss|\w*dsa|mlkem\w*|sntrup\w*|nistp\d+|v?0\d"
    rb"|group\d+|streamlocal|sessions|auth|rename|forward|keepalive|eow|zlib|f?statvfs|hardlink|fsync|lsetstat|limits|data|path"
    rb"|winadj|hash)(?:-[a-z0-9-]*)?"
)
"""What such a name has among its parts, and a person's has not."""


def is_name(local: bytes, host: bytes) -> bool:
    """Whether *local*, before the sign and a *host*, is a name like `hmac-sha2-256-etm@openssh.com`."""
    return host in HOSTS and NAME.fullmatch(local) is not None
