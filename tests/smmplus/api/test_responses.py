import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.api.responses import NoJsonError, Response, parse_json, refusal, retry_after, unclear
from smmplus.errors import BusyError, RedirectError, UnclearAnswerError

NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: runs in <b>/var/www/api/v2.php</b> on line <b>217</b><br />\n"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b" \r\n",
        NOTICE,
        b"\xef\xbb\xbf" + NOTICE,
        b"Array ( [0] => x )\n",
        b"Error in {closure}()\n",
    ],
)
@pytest.mark.parametrize("after", [b"", b"\n", b"  "])
def test_what_stands_before_the_json_is_passed_over(before, after):
    assert parse_json(before + b'{"order": 23501}' + after) == {"order": 23501}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"5", b'"text"', b"true", b"<html></html>", b"{", b"[", b'{"order": 23501', b"[1, 2",
        b'{"order": 23501} <html>', b'{"order": 1}{"order": 2} x', b"{'order': 1}", b'{"a": NaN}', b'{"a": Infinity}',
        "\ufeff".encode("utf-16"), '{"order": 1}'.encode("utf-16"), b"[" * 100_000, b"x" + b"[" * 100_000,
        b'{"order": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_ends_with_no_json_document_is_no_json(body):
    with pytest.raises(NoJsonError):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "ok", "item": {"error": "Bad link"}',
        b'[{"order": 1}, {"error": "Bad link"}',
        NOTICE + b'{"status": "ok", "item": {"error": "Bad link"}',
        NOTICE + b'[{"order": 1}, {"error": "Bad link"}',
        NOTICE + b'[ {"error": "Bad link"}',
    ],
)
def test_the_inside_of_a_document_cut_short_is_no_answer(body):
    with pytest.raises(NoJsonError):
        parse_json(body)


def test_fractions_are_decimals():
    assert repr(parse_json(b'{"charge": 0.27819}')["charge"]) == "Decimal('0.27819')"


def test_broken_characters_are_replaced():
    assert parse_json(b'{"error": "\xff"}') == {"error": "\ufffd"}


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"\udc4d cut", "\ufffd cut"),
        (r"\uD83Dx", "\ufffdx"),
        (r"\ud83d\ud83d\udc4d", "\ufffd\U0001f44d"),
        (r"\ud83d\udc4d", "\U0001f44d"),
        (r"\\ud83d", r"\ud83d"),
        (r"\u00e9\n", "\u00e9\n"),
    ],
)
def test_half_of_a_pair_of_escapes_is_replaced(escaped, read):
    """A panel that cuts a text within an emoji sends one: no database takes it."""
    assert parse_json(f'{{"error": "{escaped}"}}'.encode()) == {"error": read}


@given(st.text())
def test_every_text_comes_through(text):
    read = parse_json(json.dumps({"error": text}).encode())["error"]
    assert read == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize("effect", [True, False])
def test_a_text_that_leaves_doubt_may_have_taken_effect_only_where_the_call_has_one(effect):
    error = refusal(["Order could not be created"], Response(200, {}, b""), effect=effect)
    assert (type(error), error.may_have_taken_effect) == (UnclearAnswerError, effect)


def test_not_now_carries_the_seconds_that_the_panel_asks_for():
    error = refusal(["Rate limit exceeded"], Response(429, {"RETRY-AFTER": "7"}, b""), effect=True)
    assert (type(error), error.retry_after) == (BusyError, 7.0)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_a_redirect_is_an_error_of_its_own(status):
    error = unclear(Response(status, {}, b""), effect=True)
    assert (type(error), error.may_have_taken_effect, error.transient) == (RedirectError, True, False)


@pytest.mark.parametrize("status", [200, 299, 400, 502])
def test_what_is_no_redirect_is_unclear(status):
    assert type(unclear(Response(status, {}, b"<html>"), effect=True)) is UnclearAnswerError


def test_an_unclear_answer_is_quoted_shortly():
    error = unclear(Response(502, {}, b"<h1>Bad\n\n Gateway</h1>" + b"x" * 5000), effect=False)
    assert "'<h1>Bad Gateway</h1>xxx" in str(error)
    assert len(str(error)) < 200


def test_an_empty_answer_is_called_nothing():
    assert "HTTP 200 and nothing else" in str(unclear(Response(200, {}, b" "), effect=False))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", None),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after({"Retry-After": value}, NOON) == seconds


def test_without_the_header_there_are_no_seconds():
    assert retry_after({"Content-Type": "text/html"}, NOON) is None


@given(st.text())
def test_any_retry_after_is_read_or_none(value):
    seconds = retry_after({"retry-after": value}, NOON)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("first", ['{"order": 5}', '{"error": "Bad link"}'])
@pytest.mark.parametrize("second", ['{"order": 6}', '{"error": "Rate limit exceeded"}', "[]"])
@pytest.mark.parametrize("notice", ["", "<b>Notice</b>: Undefined index\n"])
@pytest.mark.parametrize("between", ["", "\n", " HTTP/1.1 "])
def test_of_two_documents_in_one_body_neither_is_the_answer(notice, first, between, second):
    with pytest.raises(NoJsonError):
        parse_json((notice + first + between + second).encode())
