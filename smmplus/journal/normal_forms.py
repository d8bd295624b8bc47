"""Normal forms of names and addresses: accounts and campaigns whose names look alike are one.

They are only compared. A name is shown as it was first written, and a request is sent to the address as it was given.
"""

import re
import unicodedata
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote, urlsplit, urlunsplit

_BLANKS = dict.fromkeys(map(ord, "\u115f\u1160\u2800"), " ")
"""Characters that are invisible, and not blanks in Unicode."""
_UNSEEN = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that are invisible."""


def normal_name(name: str) -> str:
    """Return a name's normal form: NFKC, case folded, blanks and line ends as one space, none at the ends.

    Invisible characters (zero-width and control characters, variation selectors) are removed.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).translate(_BLANKS)
    seen = (sign for sign in _UNSEEN.sub("", text) if sign.isspace() or unicodedata.category(sign) not in {"Cf", "Cc"})
    # Again, because a removed character may have separated a letter and its accent.
    return unicodedata.normalize("NFKC", " ".join("".join(seen).split()))


def normal_url(url: str) -> str:
    """Return an address's normal form (RFC 3986, sections 6.2.2 and 6.2.3).

    Scheme and host are in lower case, the default port is left out, the host is its IDNA form without a dot at its end,
    and the path is without dot segments, empty segments, a slash at its end, or escapes that need none. `localhost`,
    127.0.0.1 and ::1 are this machine.
    """
    parts = urlsplit(url)
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    host = _host(parts.hostname or "")
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", _path(parts.path), "", ""))


def _host(host: str) -> str:
    host = host.rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        return host.encode("idna").decode().lower()
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if str(address) in {"127.0.0.1", "::1"}:
        return "localhost"
    return f"[{address}]" if address.version == 6 else str(address)


def _path(path: str) -> str:
    segments: list[str] = []
    for segment in _ESCAPE.sub(_escape, path).split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in {"", "."}:
            segments.append(segment)
    return "".join(f"/{segment}" for segment in segments)


_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")


def _escape(found: re.Match[str]) -> str:
    sign = unquote(found[0], errors="replace")
    return sign if _UNRESERVED.fullmatch(sign) else found[0].upper()
