"""PURE: takes an API key out of what a panel answers, however it is written there.

Some panels echo the key in their errors. Errors reach logs, sheets and the journal; the key must not.
"""

import base64
import re
from functools import lru_cache

SHORTEST = 8
"""A real key has 32 digits. A word of a few letters could be part of an order id: that stays as it is."""

MARK = b"[API key]"


def without_key(body: bytes, key: str) -> bytes:
    """Put a mark in the place of a key: plain, in capitals, escaped for JSON, HTML or URLs, in UTF-16, hex or Base64.

    Escaped and plain signs may be mixed. Where the body breaks off within the key, its beginning is taken out.
    """
    if len(key) < SHORTEST:
        return body
    return _without_beginning(_pattern(key).sub(MARK, body), key.lower().encode())


def _without_beginning(body: bytes, key: bytes) -> bytes:
    end = body[-len(key) :].lower()
    at = end.find(key[:SHORTEST])
    while at >= 0 and not key.startswith(end[at:]):
        at = end.find(key[:SHORTEST], at + 1)
    return body if at < 0 else body[: len(body) - len(end) + at] + MARK


@lru_cache(maxsize=8)
def _pattern(key: str) -> re.Pattern[bytes]:
    signs = b"".join(_any_spelling(sign) for sign in key)
    others = [key.encode().hex().encode(), *_in_base64(key.encode())]
    return re.compile(b"|".join([signs, *map(re.escape, others)]), re.IGNORECASE)


def _any_spelling(sign: str) -> bytes:
    """Match one sign of the key in every way in which it may be written."""
    spellings = [
        re.escape(sign.encode()),
        b"".join(rb"%%(?:25)*%02x" % octet for octet in sign.encode()),
        b"".join(rb"\\+u%04x" % unit for unit in _utf_16(sign)),
        rb"&#0*%d;?" % ord(sign),
        rb"&#x0*%x;?" % ord(sign),
    ]
    spellings += [rb"\\+" + re.escape(sign.encode())] if sign in '"\\/' else []
    spellings += [b"&%s;" % name for name in _HTML.get(sign, ())]
    # In UTF-16 a zero stands before or behind each sign.
    return rb"(?:%s)\x00?" % b"|".join(spellings)


_HTML = {'"': (b"quot",), "&": (b"amp",), "<": (b"lt",), ">": (b"gt",), "'": (b"apos",)}


def _utf_16(sign: str) -> list[int]:
    data = sign.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _in_base64(key: bytes) -> list[bytes]:
    """Encode the key as a part of something longer: at each of three offsets, without the signs that others share."""
    found = []
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + key)
        # The first and the last signs also hold bits of what stands beside the key.
        own = whole[-(-offset * 4 // 3) : (offset + len(key)) * 4 // 3]
        found += [own, own.replace(b"+", b"-").replace(b"/", b"_")]
    return found
