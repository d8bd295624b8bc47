import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from smmplus.api.redaction import MARK, without_key

KEY = "0123abcd0123abcd4567ef8901abcdef"
AWKWARD = 'ключ+"with/все&<signs>😀'


def escaped(key, shape):
    return "".join(shape.format(ord(sign)) for sign in key)


WAYS = {
    "plain": lambda key: key.encode(),
    "in capitals": lambda key: key.upper().encode(),
    "for JSON": lambda key: json.dumps(key)[1:-1].encode(),
    "for JSON within JSON": lambda key: json.dumps(json.dumps(key))[3:-3].encode(),
    "for a form": lambda key: quote_plus(key).encode(),
    "for a URL": lambda key: quote(key, safe="").encode(),
    "for a URL, twice": lambda key: quote(quote(key, safe=""), safe="").encode(),
    "for a URL, every sign": lambda key: b"".join(b"%%%02x" % octet for octet in key.encode()),
    "for HTML": lambda key: html.escape(key).encode(),
    "in HTML's numbers": lambda key: escaped(key, "&#{};").encode(),
    "in HTML's numbers to sixteen": lambda key: escaped(key, "&#x{:X};").encode(),
    "in UTF-16": lambda key: key.encode("utf-16-le"),
    "in UTF-16, the other way round": lambda key: key.encode("utf-16-be"),
    "in hex": lambda key: key.encode().hex().encode(),
    "in Base64": lambda key: base64.b64encode(key.encode()).rstrip(b"="),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", [KEY, AWKWARD])
def test_a_key_is_taken_out_however_it_is_written(key, way):
    if key == AWKWARD and ("UTF-16" in way or way == "in capitals"):
        pytest.skip("signs beyond Latin-1 have no zeros in UTF-16, and keep their case: no key holds any")
    body = b"{'error': '" + WAYS[way](key) + b"' declined}"
    before, mark, behind = without_key(body, key).replace(b"\x00", b"").partition(MARK)
    assert (before, mark, behind.endswith(b"' declined}")) == (b"{'error': '", MARK, True)
    # Of Base64 a last sign may stay, which holds less than six bits of the key.
    assert len(behind) - len(b"' declined}") <= (way == "in Base64")


def test_every_sign_as_a_json_escape():
    body = b'{"error": "' + escaped(KEY, "\\u{:04x}").encode() + b'"}'
    assert without_key(body, KEY) == b'{"error": "' + MARK + b'"}'


@pytest.mark.parametrize(
    "letter", ["\\u0061", "\\U0061".lower(), "%61", "&#97;", "&#x61;", "\\u0026#97;", "\\u0026#x61;", "A", "\\\\u0061"]
)
def test_plain_and_escaped_signs_may_be_mixed(letter):
    assert without_key(f"<{KEY.replace('a', letter)}>".encode(), KEY) == b"<" + MARK + b">"


@pytest.mark.parametrize("before", [b"", b"u", b"us", b"user:", b"someone:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_within_something_in_base64(before, encode):
    key = "?>?>~~kEy+0123456789"
    body = encode(before + key.encode() + b":end")
    found = without_key(body, key)
    assert MARK in found
    kept = found.replace(MARK, b"")
    assert len(kept) <= len(body) - len(key) * 4 // 3 + 2


@pytest.mark.parametrize("length", range(8, 32))
def test_the_beginning_of_a_key_with_which_a_body_breaks_off(length):
    assert without_key(b'{"error": "' + KEY[:length].encode(), KEY) == b'{"error": "' + MARK


@pytest.mark.parametrize("length", [8, 12, 24, 31])
@pytest.mark.parametrize("signs", [KEY, KEY.upper(), KEY[::-1]], ids=["as it is", "in capitals", "backwards"])
def test_a_part_of_a_key_is_taken_out(signs, length):
    """As an order's id, 24 of its digits would look right."""
    for start in {0, (len(KEY) - length) // 2, len(KEY) - length}:
        body = b'{"order": "' + signs[start : start + length].encode() + b'"}'
        assert without_key(body, KEY) == b'{"order": "' + MARK + b'"}'


def test_parts_that_overlap_are_one_mark_and_what_stands_between_stays():
    body = f"<{KEY[:20]}> and <{KEY[5:31]}!>".encode()
    assert without_key(body, KEY) == b"<" + MARK + b"> and <" + MARK + b"!>"


def test_a_key_twice():
    assert without_key(f"{KEY} or {KEY}".encode(), KEY) == MARK + b" or " + MARK


@pytest.mark.parametrize(
    "body",
    [
        b'{"order": 23501}',
        b'{"order": "0123456"}',
        b"",
        b"\x00",
        KEY[:7].encode(),
        KEY[-7:].encode(),
        b'{"order": 23501234567}',
    ],
)
def test_what_is_not_the_key_stays_as_it_is(body):
    assert without_key(body, KEY) is body or without_key(body, KEY) == body


def test_a_word_too_short_for_a_key_stays():
    """It could be part of an order id, and an order id is money."""
    assert without_key(b'{"order": "65a1b2c3"}', "a1b2") == b'{"order": "65a1b2c3"}'


@pytest.mark.parametrize(("size", "between"), [(1, "-"), (1, " "), (4, " "), (4, "-"), (8, ":"), (2, ": ")])
def test_a_key_written_in_groups_is_taken_out(size, between):
    groups = between.join(KEY[at : at + size] for at in range(0, len(KEY), size))
    assert without_key(f"<{groups}>".encode(), KEY) == b"<" + MARK + b">"
