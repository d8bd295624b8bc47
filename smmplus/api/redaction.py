"""Remove the API key from an answer, however it is written there.

Some panels echo the key in their errors. Errors are written to logs, sheets and the journal; the key must not be.
"""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

SHORTEST = 8
"""The shortest key, or part of one, that is removed. A shorter one could be part of an order id by accident."""

MARK = b"[API key]"


def without_key(body: bytes, key: str) -> bytes:
    """Replace a key by `MARK`: plain, in capitals, escaped for JSON, HTML or URLs, in UTF-16, hex or Base64.

    Escaped and plain characters may be mixed. Parts of the key are replaced if they are written plain.
    """
    if len(key) < SHORTEST:
        return body
    return _without_parts(_pattern(key).sub(MARK, body), key)


def _without_parts(body: bytes, key: str) -> bytes:
    """Replace each part of a key of `SHORTEST` characters or more, written forwards or backwards, by `MARK`.

    A number of 8 digits is part of a key of 32 hexadecimal digits by accident in one of some 100 million cases.
    """
    found, low = bytearray(len(body)), body.lower()
    for part in _parts(key):
        at = low.find(part)
        while at >= 0:
            found[at : at + SHORTEST] = b"\1" * SHORTEST
            at = low.find(part, at + 1)
    if not any(found):
        return body
    return b"".join(MARK if is_part else body[start:end] for start, end, is_part in _stretches(found))


@lru_cache(maxsize=8)
def _parts(key: str) -> frozenset[bytes]:
    signs = key.lower().encode()
    starts = range(len(signs) - SHORTEST + 1)
    return frozenset(way[start : start + SHORTEST] for way in (signs, signs[::-1]) for start in starts)


def _stretches(found: bytearray) -> Iterator[tuple[int, int, bool]]:
    start = 0
    for is_part, stretch in groupby(found):
        end = start + sum(1 for _ in stretch)
        yield start, end, bool(is_part)
        start = end


_SEPARATOR = rb"[ :._-]{0,2}"
"""What may stand between the characters of a key, or between groups of them, to make it readable."""


@lru_cache(maxsize=8)
def _pattern(key: str) -> re.Pattern[bytes]:
    signs = _SEPARATOR.join(_any_spelling(sign) for sign in key)
    others = [key.encode().hex().encode(), *_in_base64(key.encode())]
    return re.compile(b"|".join([signs, *map(re.escape, others)]), re.IGNORECASE)


def _any_spelling(sign: str) -> bytes:
    """Match one character of the key in every way in which it may be written."""
    spellings = [
        re.escape(sign.encode()),
        b"".join(rb"%%(?:25)*%02x" % octet for octet in sign.encode()),
        b"".join(rb"\\+u%04x" % unit for unit in _utf_16(sign)),
        rb"(?:&|\\+u0026)#(?:0*%d|x0*%x);?" % (ord(sign), ord(sign)),
    ]
    spellings += [rb"\\+" + re.escape(sign.encode())] if sign in '"\\/' else []
    spellings += [b"&%s;" % name for name in _HTML.get(sign, ())]
    # In UTF-16 there is a zero before or after each character.
    return rb"(?:%s)\x00?" % b"|".join(spellings)


_HTML = {'"': (b"quot",), "&": (b"amp",), "<": (b"lt",), ">": (b"gt",), "'": (b"apos",)}


def _utf_16(sign: str) -> list[int]:
    data = sign.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _in_base64(key: bytes) -> list[bytes]:
    """Encode the key as part of a longer text: at each of three offsets, without the characters that it shares."""
    found = []
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + key)
        # The first and the last characters also encode bits of what is next to the key.
        own = whole[-(-offset * 4 // 3) : (offset + len(key)) * 4 // 3]
        found += [own, own.replace(b"+", b"-").replace(b"/", b"_")]
    return found
