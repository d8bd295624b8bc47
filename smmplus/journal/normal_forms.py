"""Normal forms of names and of panels' addresses: what looks alike is one account, and one campaign.

They are for comparing alone. A name is shown as it was first written, and a request goes to the address as it is given.
"""

import re
import unicodedata
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote, urlsplit, urlunsplit

_BLANKS = dict.fromkeys(map(ord, "\u115f\u1160\u2800"), " ")
"""Letters and signs that show as nothing, and count as no blank in Unicode."""
_UNSEEN = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that show as nothing."""


def normal_name(name: str) -> str:
    """Give a name's normal form: NFKC, case folded, every run of blanks and line ends one space, none at its ends.

    Characters that show as nothing (zero-width and control characters, variation selectors) are left out.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).translate(_BLANKS)
    seen = (sign for sign in _UNSEEN.sub("", text) if sign.isspace() or unicodedata.category(sign) not in {"Cf", "Cc"})
    # Once more: what was left out stood between signs that belong together, such as a letter and its accent.
    return unicodedata.normalize("NFKC", " ".join("".join(seen).split()))


def normal_url(url: str) -> str:
    """Give an address's normal form (RFC 3986, section 6.2.2 and 6.2.3).

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
