import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smmplus.api import protocol
from smmplus.api.responses import Response
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    DuplicateOrderError,
    FollowUpError,
    InvalidOrderError,
    MalformedCallError,
    RedirectError,
    RefusedError,
    UnclearAnswerError,
    UnknownFollowUpError,
    UnknownRefusalError,
    UnreadableAnswerError,
)
from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Phase, Service
from tests.smmplus.api import test_error_texts as words
from tests.smmplus.api.test_error_wrappings import WRAPPINGS

ADD = protocol.add(OrderRequest.of(1, {"link": "https://example.com/a", "quantity": 1000}))


def read(call, document, status=200, headers=None):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return protocol.read_answer(call, Response(status, headers or {}, body))


def fault(call, document, status=200, headers=None):
    with pytest.raises(CallError) as caught:
        read(call, document, status, headers)
    return caught.value


# What is sent.


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (protocol.services(), [("action", "services")]),
        (protocol.balance(), [("action", "balance")]),
        (protocol.status("5"), [("action", "status"), ("order", "5")]),
        (protocol.refill("5"), [("action", "refill"), ("order", "5")]),
        (protocol.refill_status("7"), [("action", "refill_status"), ("refill", "7")]),
        (protocol.statuses(["5", "6"])[0], [("action", "status"), ("orders", "5,6")]),
        (protocol.refills(["5", "6"])[0], [("action", "refill"), ("orders", "5,6")]),
        (protocol.refill_statuses(["7", "8"])[0], [("action", "refill_status"), ("refills", "7,8")]),
        (protocol.cancel(["5"])[0], [("action", "cancel"), ("orders", "5")]),
        (ADD, [("action", "add"), ("service", "1"), ("link", "https://example.com/a"), ("quantity", "1000")]),
    ],
)
def test_a_call_sends_the_documented_fields_and_the_key(call, fields):
    assert call.form("secret") == [("key", "secret"), *fields]


@pytest.mark.parametrize(
    ("call", "effect"),
    [
        (protocol.services(), False),
        (protocol.balance(), False),
        (protocol.status("5"), False),
        (protocol.statuses(["5"])[0], False),
        (protocol.refill_status("7"), False),
        (protocol.refill_statuses(["7"])[0], False),
        (ADD, True),
        (protocol.refill("5"), True),
        (protocol.refills(["5"])[0], True),
        (protocol.cancel(["5"])[0], True),
    ],
)
def test_what_orders_refills_or_cancels_has_an_effect(call, effect):
    assert call.effect is effect


def test_a_call_about_orders_that_exist_is_a_follow_up():
    first = [protocol.services(), protocol.balance(), ADD]
    later = [protocol.status("5"), protocol.refill("5"), protocol.refill_status("7"), *protocol.cancel(["5"])]
    assert [call.is_follow_up for call in (*first, *later)] == [False] * 3 + [True] * 4


@pytest.mark.parametrize("many", [protocol.statuses, protocol.refills, protocol.refill_statuses, protocol.cancel])
def test_many_ids_are_split_into_hundreds_each_once(many):
    ids = [str(number) for number in range(250)]
    sent = [dict(call.form("k")) for call in many([*ids, *ids])]
    batches = [next(value for name, value in fields.items() if name.endswith("s")).split(",") for fields in sent]
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert [item for batch in batches for item in batch] == ids


@pytest.mark.parametrize("many", [protocol.statuses, protocol.refills, protocol.refill_statuses, protocol.cancel])
def test_no_ids_are_no_call(many):
    assert many([]) == []


# `add`.


@pytest.mark.parametrize(
    ("document", "order_id"),
    [
        ({"order": 23501}, "23501"),
        ({"order": "23501"}, "23501"),
        ({"order": " 23501 "}, "23501"),
        ({"order": "65a1b2c3d4e5f60718293a4b"}, "65a1b2c3d4e5f60718293a4b"),
        (b'{"order": 23501.0}', "23501"),
        ({"status": "success", "order": 23501}, "23501"),
        ({"error": None, "order": 23501}, "23501"),
        ({"error": "", "order": 23501}, "23501"),
        (b"\xef\xbb\xbf" + b'{"order": 23501}', "23501"),
        (b'<b>Notice</b>: x on line <b>2</b><br />\n{"order": 23501}', "23501"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 302, 400, 422, 429, 500, 502, 503])
def test_a_usable_order_id_means_accepted_whatever_stands_beside_it(document, order_id, status):
    assert read(ADD, document, status) == order_id


def test_an_order_id_beside_an_error_means_accepted():
    assert read(ADD, {"error": "Order could not be created", "order": 23501}) == "23501"


@pytest.mark.parametrize(
    "order",
    [
        None, "", 0, "0", "000", -1, "-1", "-", "_", True, False, [], {}, [5], {"id": 5}, 1.5, "null", "none", "a b",
        "5;6", "x" * 65, "9" * 65, "Order 5", "٣",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 201])
def test_success_without_a_usable_order_id_is_doubt(order, status):
    error = fault(ADD, {"status": "success", "order": order}, status)
    assert (type(error), error.may_have_taken_effect) == (UnclearAnswerError, True)


@pytest.mark.parametrize("body", [b'{"order": 1.0E+5000}', b'{"order": 1E+999999999}', b'{"order": 1e70}'])
def test_an_order_id_that_cannot_be_written_down_is_doubt(body):
    assert fault(ADD, body).may_have_taken_effect


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"OK", b"null", b"true", b"23501", b"<html>Just a moment...</html>", b'{"order": 235', b"[]", b"{}",
        b'{"status": "success"}', b'{"error": ""}', b'{"error": null}', b'{"order": null}', b"\xff\xfe\x00",
        b'["order"]',
        b'{"orders": {"error": "Bad link"}', b"Fatal error in x\n" + b'{"orders": {"error": "Bad link"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 204, 400, 408, 409, 413, 415, 422, 451, 499])
def test_an_answer_that_says_neither_yes_nor_no_is_doubt(body, status):
    error = fault(ADD, body, status)
    assert (type(error), error.may_have_taken_effect) == (UnclearAnswerError, True)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"error": "Bad link"}', b'{"error": "Rate limit exceeded"}', b'{"error": "Invalid API key"}'],
)
def test_from_500_on_an_add_is_in_doubt_whatever_the_body_says(status, body):
    assert fault(ADD, body, status).may_have_taken_effect


@pytest.mark.parametrize("text", words.DOUBT.strip().splitlines())
@pytest.mark.parametrize("status", [200, 400, 404, 422])
def test_a_text_that_leaves_doubt_is_doubt(text, status):
    error = fault(ADD, {"error": text}, status)
    assert (type(error), error.may_have_taken_effect) == (UnclearAnswerError, True)


REFUSED = [
    (text, kind)
    for listed, kind in (
        (words.ROW, InvalidOrderError),
        (words.ACCOUNT, AccountError),
        (words.DUPLICATE, DuplicateOrderError),
        (words.BUSY, BusyError),
        (words.MISTAKE, MalformedCallError),
        (words.FOLLOW_UP, FollowUpError),
        ("Некорректная ссылка", UnknownRefusalError),
    )
    for text in listed.strip().splitlines()
]


@pytest.mark.parametrize(("text", "kind"), REFUSED)
@pytest.mark.parametrize("status", [200, 400, 404, 422])
def test_a_refusal_is_its_kind_word_for_word_and_took_no_effect(text, kind, status):
    error = fault(ADD, {"error": text}, status)
    assert (type(error), error.text, error.may_have_taken_effect) == (kind, text, False)


@pytest.mark.parametrize(
    "body", [b"<html>Slow down</html>", b"", b'{"error": "Bad link"}', b'{"message": "slow"}', b"[]"]
)
def test_http_429_is_not_now_whatever_the_body(body):
    error = fault(ADD, body, 429, {"Retry-After": "3"})
    assert (type(error), error.retry_after, error.may_have_taken_effect) == (BusyError, 3.0, False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "Your order was placed"}', b'{"errors": ["Order could not be created", "Too many requests"]}',
        b'{"status": "success", "id": 23501}', b"Order could not be created", b'{"error": "a", "data": [{"order": 5}]}',
    ],
)  # fmt: skip
def test_http_429_beside_what_may_be_an_order_is_doubt(body):
    assert fault(ADD, body, 429).may_have_taken_effect


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_an_add_is_doubt_and_never_repeated(status):
    error = fault(ADD, b"<html>Moved</html>", status, {"Location": "https://elsewhere.example/"})
    assert (type(error), error.may_have_taken_effect, error.transient) == (RedirectError, True, False)


WRAPPED = [
    (kind, wrap(text))
    for text, kind in (
        ("Order could not be created", UnclearAnswerError),
        ("order_could_not_be_created", UnclearAnswerError),
        ("Not enough funds on balance", AccountError),
        ("neworder.error.not_enough_funds", AccountError),
        ("error.incorrect_service_id", InvalidOrderError),
        ("Too Many Attempts.", BusyError),
        ("You have active order with this link. Please wait until order being completed.", DuplicateOrderError),
        ("Некорректная ссылка", UnknownRefusalError),
    )
    for wrap in (*WRAPPINGS.values(), lambda text: [{"error": text}], lambda text: {"status": "fail", "message": text})
]


@pytest.mark.parametrize(("kind", "document"), WRAPPED)
@pytest.mark.parametrize("status", [200, 400, 422])
def test_the_kind_of_an_error_does_not_hang_on_its_wrapping(kind, document, status):
    error = fault(ADD, document, status)
    assert (type(error), error.may_have_taken_effect) == (kind, kind is UnclearAnswerError)


@pytest.mark.parametrize(
    "document",
    [
        {"error": True}, {"error": 1}, {"error": {"code": 105}}, {"error": [None]}, {"status": "fail"},
        {"success": False}, {"status": "fail", "error": ""}, {"message": "Order accepted"},
        {"status": "success", "message": "Bad link"}, {"status": "success", "error": "Замечание"},
        {"success": True, "errors": ["Замечание"]}, {"error": "success"}, {"error": "Order placed successfully"},
        {"error": "Bad link", "order": {"id": 5}}, {"error": "Bad link", "order": "N/A?"}, {"data": {"order": 5}},
        {"error": "Bad link", "data": {"order": 5}}, {"order_id": 23501}, {"id": 23501}, [{"order": "x"}],
        [{"error": "Bad link"}, {"order": 23501}], {"errors": ["Bad link", "Order could not be created"]},
        {"error": "Bad link", "message": "Failed to create order"}, {"error": {"code": 500, "message": "Bad link"}},
        {"error": {"code": "503", "message": "Rate limit exceeded"}}, {"error": "<p>ORDER  could not be created!</p>"},
        {"error": "Order&nbsp;could&#32;not be created"}, {"error": "Rate limit exceeded; your order was placed"},
        {"error": "", "order": {"error": "Bad link"}}, {"error": "Bad link", "data": [{"order": 23501}]},
        {"error": {"message": "Bad link", "order": "23501"}}, {"error": "Bad link", "order_number": 23501},
        {"error": "Bad link", "answer": '{"order":23501}'}, {"error": {"code": "E12", "text2": "Order not created"}},
        {"error": "Bad link", "info": "Order could not be created"},
        {"error": "Bad link", "data": {"order": "N/A?"}}, b'Notice: {"order": 23501} {"error": "Bad link"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400, 422])
def test_what_may_be_a_placed_order_in_disguise_is_doubt(document, status):
    assert fault(ADD, document, status).may_have_taken_effect


def test_words_that_nothing_calls_an_error_are_a_refusal_with_some_statuses_only():
    found = {status: type(fault(ADD, {"message": "Нельзя"}, status)) for status in (200, 400, 409, 422, 499)}
    refusing = {status for status, kind in found.items() if kind is UnknownRefusalError}
    assert (refusing, {*found.values()}) == ({400, 422}, {UnknownRefusalError, UnclearAnswerError})


@pytest.mark.parametrize("body", [b"Invalid API key", b'"Invalid API key"', b"<p>Invalid API key</p>"[3:18]])
def test_a_known_refusal_may_be_a_bare_text(body):
    assert isinstance(fault(ADD, body), AccountError)


@pytest.mark.parametrize("body", [b"OK", b"23501", b'"success"', b"Bad link maybe", b"Order could not be created"])
def test_any_other_bare_text_is_doubt(body):
    assert fault(ADD, body).may_have_taken_effect


SILENT = [b"", b" ", b"null", b"[]", b"{}", b'{"order": null}', b'{"error": ""}', b"<html>x</html>", b"Nope"]


@pytest.mark.parametrize("body", SILENT)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccountError), (402, AccountError), (403, AccountError), (404, AddressError), (405, AddressError)],
)
@pytest.mark.parametrize("call", [ADD, protocol.balance(), protocol.refill("5"), *protocol.cancel(["5"])])
def test_some_statuses_speak_alone(call, status, kind, body):
    error = fault(call, body, status)
    assert (type(error), error.may_have_taken_effect, error.transient) == (kind, False, False)


@pytest.mark.parametrize("status", [401, 403, 404, 405])
@pytest.mark.parametrize(
    "body",
    [b'{"order": 235', b'{"order": {"id": 5}}', b'{"status": "success"}', b"OK", b"23501", b'<b>x</b>{"order": "2'],
)
def test_a_status_says_nothing_beside_what_may_be_an_order(body, status):
    assert fault(ADD, body, status).may_have_taken_effect


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"message": "Unauthenticated."}', "Unauthenticated. (HTTP 401: the panel refuses the API key"),
        (401, b"", "no text (HTTP 401: the panel refuses the API key"),
        (403, b'{"error": true}', "(HTTP 403: the panel refuses the API key"),
        (402, b"{}", "(HTTP 402: the account has not enough funds"),
        (404, b'{"message": "The route api/v3 could not be found."}', "SMMPLUS_API_URL"),
        (404, b'{"error": "Not Found", "status": 404}', "SMMPLUS_API_URL"),
        (404, b"<html><h1>Not Found</h1></html>", "SMMPLUS_API_URL"),
        (405, b"Method Not Allowed", "SMMPLUS_API_URL"),
    ],
)
def test_what_a_status_says_is_told_with_its_remedy(status, body, words):
    assert words in str(fault(protocol.balance(), body, status))


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<title>Attention Required! | Cloudflare</title>", "(Cloudflare)"),
        ("<!DOCTYPE html><html><body>Sucuri WebSite Firewall - Access Denied", "(Sucuri)"),
        ("<html><title>403 Forbidden</title>", "'403 Forbidden'"),
        ("<h1>Access denied</h1>", "HTTP 403"),
    ],
)
def test_a_firewall_s_page_is_named_and_nothing_was_ordered(page, words):
    error = fault(ADD, page.encode(), 403)
    assert (type(error), error.may_have_taken_effect) == (AccountError, False)
    assert ("a web firewall" in str(error), "nothing was ordered" in str(error), words in str(error)) == (True,) * 3


@pytest.mark.parametrize(
    "order", ["23501x", "order-5", "0b9d7a3e-8a1c-4c58-9d2f-000000000005", "0123456789abcdef", "x1"]
)
def test_an_order_id_is_a_number_or_24_hexadecimal_digits(order):
    error = fault(ADD, {"order": order})
    assert (error.may_have_taken_effect, order[:6] in str(error), len(order) > 6 and order in str(error)) == (
        True, True, False,
    )  # fmt: skip


SCALARS = st.none() | st.booleans() | st.integers(-5, 10**30) | st.floats(allow_nan=False) | st.text(max_size=12)
NAMES = st.sampled_from(
    ["order", "error", "status", "orders", "key", "message", "charge", "1", "data", "refill", "cancel", "balance",
     "rate", "service", "max"]
)  # fmt: skip
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
PREFIXES = st.sampled_from([b"", b"\xef\xbb\xbf", b"Notice: x\n", b"<b>Warning</b>: {closure} [2]<br />\n"])
STATUSES = st.sampled_from([200, 201, 204, 301, 302, 400, 401, 402, 403, 404, 422, 429, 500, 502, 503, 504])


def clearly_refused(body, status):
    """Say whether a person who reads the answer would take it for a no."""
    says_no = any(word in body for word in (b'"error"', b'"message"'))
    return status in {401, 402, 403, 404, 405, 429} or (status < 500 and says_no)


def error_of(call, body, status):
    try:
        read(call, body, status)
    except CallError as error:
        return error
    return None


def judge(body, status):
    error = error_of(ADD, body, status)
    is_no = isinstance(error, RefusedError | AddressError) and clearly_refused(body, status)
    assert error is None or error.may_have_taken_effect or is_no
    assert error is not None or b"order" in body


@given(st.binary(max_size=300), STATUSES)
def test_arbitrary_bytes_are_doubt_or_a_clear_no(body, status):
    judge(body, status)


@pytest.mark.slow
@given(PREFIXES, JSON, STATUSES)
@example(b"", {"error": "\ud83d"}, 200)
def test_arbitrary_json_is_an_order_id_doubt_or_a_clear_no(prefix, document, status):
    judge(prefix + json.dumps(document).encode(), status)


@pytest.mark.slow
@given(PREFIXES, JSON, st.integers(min_value=1, max_value=400), st.sampled_from([200, 400, 422]))
@example(b"Notice: x\n", {"status": 1, "order": {"error": "Bad link"}}, 1, 200)
def test_a_document_cut_short_is_always_doubt(prefix, document, cut, status):
    whole = json.dumps({"first": document}).encode()
    assert fault(ADD, prefix + whole[: -min(cut, len(whole))], status).may_have_taken_effect


# Reads.


@pytest.mark.parametrize("status", [499, 400, 200])
def test_under_500_the_body_says_what_happened(status):
    assert isinstance(fault(ADD, {"error": "Bad link"}, status), InvalidOrderError)


@pytest.mark.parametrize("status", [200, 299])
def test_a_document_without_an_error_is_read_where_the_status_is_a_success(status):
    assert read(protocol.balance(), {"balance": "5"}, status).amount == 5


@pytest.mark.parametrize("status", [300, 302, 399, 400, 499])
def test_a_document_without_an_error_is_no_answer_where_the_status_is_no_success(status):
    assert isinstance(
        fault(protocol.balance(), {"balance": "5"}, status), RedirectError if status < 400 else UnclearAnswerError
    )


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_read_that_fails_at_the_panel_took_no_effect_and_may_be_repeated(status):
    error = fault(protocol.balance(), b"<html>", status)
    assert (error.may_have_taken_effect, error.transient) == (False, True)


LISTED = {
    "service": 1, "name": "Followers", "type": "Default", "category": "Instagram", "rate": "0.90", "min": "50",
    "max": "10000", "refill": True, "cancel": False,
}  # fmt: skip
SERVICE = Service("1", "Followers", "Default", "Instagram", Decimal("0.90"), 50, 10000, refill=True, cancel=False)


def listed(**changes):
    return {**LISTED, **changes}


@pytest.mark.parametrize("document", [[LISTED], {"services": [LISTED]}, {"status": "success", "services": [LISTED]}])
def test_the_price_list_may_come_wrapped(document):
    assert read(protocol.services(), document) == [SERVICE]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"service": "12"}, "id", "12"),
        ({"service": "65a1b2c3d4e5f60718293a4b"}, "id", "65a1b2c3d4e5f60718293a4b"),
        ({"rate": 0.9}, "rate", Decimal("0.9")),
        ({"rate": "1,234.50"}, "rate", Decimal("1234.50")),
        ({"min": 10}, "min", 10),
        ({"max": "1,000,000"}, "max", 1000000),
        ({"name": None}, "name", ""),
        ({"type": ""}, "type", "Default"),
        ({"type": None}, "type", "Default"),
        ({"type": " Package "}, "type", "Package"),
        ({"rate": "0"}, "rate", Decimal(0)),
        ({"refill": 1}, "refill", True),
        ({"refill": "1"}, "refill", True),
        ({"refill": "true"}, "refill", True),
        ({"refill": " Yes "}, "refill", True),
        ({"refill": "false"}, "refill", False),
        ({"refill": 0}, "refill", False),
        ({"refill": None}, "refill", False),
        ({"cancel": "True"}, "cancel", True),
        ({}, "dripfeed", None),
        ({"dripfeed": "1"}, "dripfeed", True),
        ({"dripfeed": False}, "dripfeed", False),
    ],
)
def test_a_service_s_field_may_be_written_otherwise(changes, field, value):
    (service,) = read(protocol.services(), [listed(**changes)])
    assert getattr(service, field) == value


@pytest.mark.parametrize("flag", ["refill", "cancel"])
def test_an_absent_flag_is_no(flag):
    (service,) = read(protocol.services(), [{name: value for name, value in LISTED.items() if name != flag}])
    assert getattr(service, flag) is False


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "the entry 'None' cannot be read"),
        ([], "the entry '[]' cannot be read"),
        ("text", "the entry 'text' cannot be read"),
        ({}, "service is missing, rate is missing, min is missing, max is missing"),
        (listed(service=None), "service is missing"),
        (listed(service=0), "service '0' cannot be read"),
        (listed(service=True), "service 'True' cannot be read"),
        (listed(service="x" * 65), f"service '{'x' * 40}' cannot be read"),
    ],
)
def test_a_row_without_an_id_is_listed_with_the_reason(row, reason):
    first, second, known = read(protocol.services(), [row, row, LISTED])
    assert (first.id, first.unusable, known) == ("", reason, SERVICE)
    assert second == first


def test_a_row_of_a_map_that_has_no_price_is_listed_with_the_reason():
    without = {name: value for name, value in LISTED.items() if name not in {"rate", "service"}}
    known, other = read(protocol.services(), {"1": LISTED, "2": without, "pages": {"page": 1}})
    assert (known, other.id, other.unusable) == (SERVICE, "2", "rate is missing")


@pytest.mark.parametrize("document", [{}, {"services": {}}, {"services": None}, {"balance": "1"}])
def test_what_is_no_price_list_is_unclear(document):
    assert isinstance(fault(protocol.services(), document), UnclearAnswerError)


STATUS = {"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157", "currency": "USD"}


@pytest.mark.parametrize("document", [STATUS, {"23501": STATUS}, {"order": 23501, **STATUS}])
def test_a_status_is_read_also_from_a_map_of_one(document):
    wanted = OrderStatus("Partial", Decimal("0.27819"), 3572, 157, "USD")
    assert read(protocol.status("23501"), document) == wanted


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"charge": 0.5}, "charge", Decimal("0.5")),
        ({"charge": "1,234.50000"}, "charge", Decimal("1234.50000")),
        ({"charge": "-0.5"}, "charge", Decimal("-0.5")),
        ({"charge": None}, "charge", None),
        ({"charge": "0,09"}, "charge", Decimal("0.09")),
        ({"charge": "0,035"}, "charge", Decimal("0.035")),
        ({"charge": "$0.35"}, "charge", Decimal("0.35")),
        ({"start_count": None}, "start_count", None),
        ({"start_count": ""}, "start_count", None),
        ({"start_count": "-1"}, "start_count", -1),
        ({"remains": -5}, "remains", -5),
        ({"remains": "-5"}, "remains", -5),
        ({"remains": "many"}, "remains", None),
        ({"remains": "9" * 5000}, "remains", None),
        ({"status": " PENDING "}, "status", "PENDING"),
        ({"status": "Вручную"}, "status", "Вручную"),
        ({"currency": None}, "currency", ""),
        ({"currency": "IDR"}, "currency", "IDR"),
    ],
)
def test_a_status_s_field_may_be_written_otherwise(changes, field, value):
    assert getattr(read(protocol.status("1"), {**STATUS, **changes}), field) == value


def test_nothing_left_while_pending_is_not_final():
    assert read(protocol.status("1"), {**STATUS, "status": "Pending", "remains": "0"}).phase is Phase.WAITING


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"status": "success", "order_status": "Pending"}, "Pending"),
        ({"status": "success", "order_status": "Pending", "charge": "0.9", "remains": "100"}, "Pending"),
        ({"status": "success", "data": {"status": "In progress", "charge": "0.9"}}, "In progress"),
        ({"status": "ok", "order": {"status": "Pending"}}, "Pending"),
        ({"success": True, "status": "Pending"}, "Pending"),
        ({"status": "fail", "order_status": "Completed"}, "Completed"),
        ({**STATUS, "status": "Success"}, "Success"),
        ({**STATUS, "status": "Fail"}, "Fail"),
    ],
)
def test_an_envelope_s_word_is_never_the_order_s(document, word):
    assert read(protocol.status("1"), document).status == word
    for wrap in ({"1": document}, {"orders": {"1": document}}, {"data": [{"id": 1, **document}]}):
        assert statuses(wrap, "1", "2")["1"].status == word


@pytest.mark.parametrize(
    "document", [{"status": "success"}, {"status": "ok", "charge": None, "remains": ""}, {"status": "fail"}]
)
def test_an_envelope_alone_is_no_status(document):
    assert type(fault(protocol.status("1"), document)) is UnreadableAnswerError


@pytest.mark.parametrize(
    "document",
    [
        {"error": "Incorrect order ID"}, {"status": {"error": "Incorrect order ID"}},
        {"status": {"error": {"message": "Incorrect order ID"}}}, {"status": "fail", "message": "Incorrect order ID"},
        {"1": {"error": "Incorrect order ID"}}, [{"error": "Incorrect order ID"}],
    ],
)  # fmt: skip
def test_a_no_to_a_single_status_is_a_no(document):
    error = fault(protocol.status("1"), document)
    assert (type(error), str(error)) == (FollowUpError, "Incorrect order ID")


@pytest.mark.parametrize("document", [{}, [], {"status": ""}, {"status": None}, {"status": 5}, {"charge": "1"}])
def test_a_status_without_a_word_is_unclear(document):
    assert isinstance(fault(protocol.status("1"), document), UnclearAnswerError)


def test_a_wrong_order_id_is_a_follow_up_s_error():
    assert isinstance(fault(protocol.status("1"), {"error": "Incorrect order ID"}), FollowUpError)


def statuses(document, *ids):
    (call,) = protocol.statuses(ids)
    return read(call, document)


@pytest.mark.parametrize(
    "document",
    [
        {"2": STATUS, "1": STATUS},
        [{"order": 1, **STATUS}, {"order": "2", **STATUS}],
        [{"order": 2, **STATUS}, {"order": 1, **STATUS}, {"order": 1, **STATUS}],
    ],
)
def test_statuses_may_come_as_a_map_or_a_list_in_any_order(document):
    assert {number: item.status for number, item in statuses(document, "1", "2").items()} == {
        "1": "Partial",
        "2": "Partial",
    }


@pytest.mark.parametrize(
    "item", [{"error": "Incorrect order ID"}, {"status": {"error": "Incorrect order ID"}}, {"error": "x", **STATUS}]
)
def test_an_id_s_own_error_is_that_ids_alone(item):
    found = statuses({"1": item, "2": STATUS}, "1", "2")
    assert (isinstance(found["1"], FollowUpError), found["2"].status) == (True, "Partial")


@pytest.mark.parametrize(
    "document",
    [
        {"2": STATUS},
        {"0": STATUS, "2": STATUS},
        {"2": STATUS, "1": {}},
        {"2": STATUS, "1": None},
        [{"order": 2, **STATUS}],
    ],
)
def test_an_id_that_the_answer_leaves_out_is_left_out(document):
    assert statuses(document, "1", "2").keys() == {"2"}


@pytest.mark.parametrize("document", [[], {}, [None], [5], {"0": STATUS}])
def test_an_answer_that_names_no_asked_id_is_an_error_that_quotes_it(document):
    error = fault(protocol.statuses(["1", "2"])[0], document)
    assert (type(error), error.transient) == (UnreadableAnswerError, False)
    assert json.dumps(document)[:60] in str(error)


def test_ids_that_were_not_asked_for_are_left_out():
    assert statuses({"1": STATUS, "99": STATUS}, "1", "2").keys() == {"1"}


def test_one_of_many_may_be_answered_like_the_single_form():
    assert statuses(STATUS, "1")["1"].status == "Partial"


@pytest.mark.parametrize("call", [protocol.status("1"), *protocol.statuses(["1"])])
def test_the_status_of_another_order_is_not_the_one_that_was_asked_for(call):
    assert isinstance(fault(call, {"order": 99, **STATUS}), UnreadableAnswerError)


def test_an_id_that_is_answered_in_two_ways_is_left_out():
    assert statuses(
        [{"order": 1, **STATUS}, {"order": 2, **STATUS}, {"order": 1, "status": "Pending"}], "1", "2"
    ).keys() == {"2"}


@pytest.mark.parametrize("call", [protocol.refill("1"), *protocol.cancel(["1"])])
def test_a_yes_to_another_order_is_none(call):
    assert fault(call, {"order": 99, "refill": 17, "cancel": 1}).may_have_taken_effect


@pytest.mark.parametrize("words", ["Order is in progress", "Order has been placed less than 24 hours ago"])
@pytest.mark.parametrize("call", [protocol.refill("1"), *protocol.cancel(["1"]), protocol.status("1")])
def test_what_leaves_doubt_of_an_add_is_a_no_to_all_else(call, words):
    error = fault(call, {"error": words})
    assert (type(error), error.may_have_taken_effect) == (UnknownFollowUpError, False)
    key = call.action
    if call.effect:
        many = {"refill": protocol.refills, "cancel": protocol.cancel}[key](["1", "2"])[0]
        found = read(many, [{"order": 1, key: {"error": words}}, {"order": 2, key: 17}])
        assert (str(found["1"]), found["2"]) == (words, "17")


def test_a_batch_may_fail_as_a_whole():
    (call,) = protocol.statuses(["1", "2"])
    assert isinstance(fault(call, {"error": "Incorrect order ID"}), FollowUpError)


@pytest.mark.parametrize(
    ("document", "refill_id"),
    [
        ({"refill": "1"}, "1"),
        ({"refill": 17}, "17"),
        ({"status": "success", "refill": 17}, "17"),
        ({"refill": {"refill": 17}}, "17"),
        ({"refill": {"id": 17, "order": 5}}, "17"),
    ],
)
def test_a_refill_s_id_is_read(document, refill_id):
    assert read(protocol.refill("5"), document) == refill_id


@pytest.mark.parametrize("document", [{"refill": []}, {"refill": None}, {"refill": "0"}, {"refill": {"order": 5}}, {}])
def test_a_refill_without_an_id_may_have_taken_effect(document):
    assert fault(protocol.refill("5"), document).may_have_taken_effect


@pytest.mark.parametrize(
    "document",
    [
        [{"order": 1, "refill": 17}, {"order": 2, "refill": {"error": "The order is not completed"}}],
        [{"order": 2, "error": "The order is not completed"}, {"order": 1, "refill": "17"}],
        {"1": {"refill": 17}, "2": {"error": "The order is not completed"}},
    ],
)
def test_refills_are_read_id_by_id(document):
    (call,) = protocol.refills(["1", "2"])
    found = read(call, document)
    assert (found["1"], str(found["2"])) == ("17", "The order is not completed")


@pytest.mark.parametrize(
    "document",
    [
        {"refill": {"error": "The order is not completed"}}, {"refill": {"error": ["The order is not completed"]}},
        {"error": "The order is not completed"}, {"status": "fail", "message": "The order is not completed"},
        {"refill": "The order is not completed"}, {"refill": False, "message": "The order is not completed"},
        {"refill": "1", "status": "fail", "message": "The order is not completed"},
        {"refill": {"id": 17, "success": False, "message": "The order is not completed"}},
        {"5": {"refill": {"error": "The order is not completed"}}},
    ],
)  # fmt: skip
def test_a_no_to_a_single_refill_is_a_no_and_took_no_effect(document):
    error = fault(protocol.refill("5"), document)
    assert (type(error), str(error)) == (FollowUpError, "The order is not completed")
    assert (error.may_have_taken_effect, error.transient) == (False, False)


@pytest.mark.parametrize(
    "document", [{"refill": "success"}, {"refill": True}, {"status": "success"}, {"refill": {"error": "Server error"}}]
)
def test_a_yes_to_a_refill_without_its_id_leaves_doubt(document):
    assert fault(protocol.refill("5"), document).may_have_taken_effect


@pytest.mark.parametrize("document", [{"status": {"error": "Refill not found"}}, {"error": "Refill not found"},
                                      {"status": "error", "message": "Refill not found"}])  # fmt: skip
def test_a_no_to_a_single_refill_status_is_a_no(document):
    error = fault(protocol.refill_status("7"), document)
    assert (type(error), str(error)) == (FollowUpError, "Refill not found")


@pytest.mark.parametrize(
    ("document", "word"),
    [({"status": "Error"}, "Error"), ({"status": "success", "refill_status": "In progress"}, "In progress")],
)
def test_a_refill_s_own_word_is_told_from_an_envelope_s(document, word):
    assert read(protocol.refill_status("7"), document) == word
    assert isinstance(fault(protocol.refill_status("7"), {"status": "success"}), UnreadableAnswerError)


def test_a_refill_s_status_is_its_word():
    assert read(protocol.refill_status("7"), {"status": " Completed "}) == "Completed"


@pytest.mark.parametrize("document", [{}, {"status": None}, {"status": ""}, []])
def test_a_refill_s_status_without_a_word_is_unclear(document):
    assert isinstance(fault(protocol.refill_status("7"), document), UnclearAnswerError)


def test_refill_statuses_are_read_id_by_id():
    (call,) = protocol.refill_statuses(["7", "8", "9"])
    found = read(call, [{"refill": 7, "status": "Rejected"}, {"refill": 8, "status": {"error": "Refill not found"}}])
    assert (found["7"], str(found["8"]), "9" in found) == ("Rejected", "Refill not found", False)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([{"order": 1, "cancel": 1}], "1"),
        ([{"order": "1", "cancel": "1"}], "1"),
        ({"1": {"cancel": "requested"}}, "requested"),
        ({"cancel": 1}, "1"),
        ({"cancel": 4711}, "4711"),
        ({"status": "Canceled"}, "Canceled"),
        ({"1": {"status": "Canceled"}}, "Canceled"),
        ({"cancel": "requested", "status": "Pending"}, "requested"),
        ({"cancel": "0", "status": "Canceled"}, "Canceled"),
        ({"cancel": "", "status": "Canceled"}, "Canceled"),
    ],
)
def test_a_cancel_s_answer_is_what_the_panel_said(document, said):
    (call,) = protocol.cancel(["1"])
    assert read(call, document) == {"1": said}


def test_a_cancel_s_own_error_is_that_ids_alone():
    (call,) = protocol.cancel(["1", "2"])
    found = read(call, [{"order": 1, "cancel": {"error": "Incorrect order ID"}}, {"order": 2, "cancel": 1}])
    assert (str(found["1"]), found["2"]) == ("Incorrect order ID", "1")


@pytest.mark.parametrize(
    "item",
    [
        {"cancel": 0}, {"cancel": "0"}, {"cancel": None}, {"cancel": []}, {}, {"cancel": ""}, {"status": "0"},
        {"status": ""}, {"cancel": {"id": 5}}, {"cancel": ["requested"], "status": "Canceled"}, {"status": "Pending"},
        {"cancel": 1, "status": "fail"}, {"status": "fail"}, {"status": 1}, {"error": "Something went wrong"},
    ],
)  # fmt: skip
def test_a_cancel_that_says_nothing_is_left_out(item):
    (call,) = protocol.cancel(["1", "2"])
    assert read(call, [{"order": 1, **item}, {"order": 2, "cancel": 1}]) == {"2": "1"}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"cancel": False}, "the panel answered 'false'"),
        ({"cancel": False, "message": "Too late"}, "Too late"),
        ({"cancel": False, "status": "Canceled", "message": "Too late"}, "Too late"),
        ({"cancel": "Not allowed"}, "Not allowed"),
        ({"cancel": "<b>Not</b> allowed"}, "Not allowed"),
        ({"cancel": "no"}, "the panel answered 'no'"),
        ({"cancel": {"error": {"message": "Not allowed"}}}, "Not allowed"),
        ({"cancel": {"status": "fail", "message": "Not allowed"}}, "Not allowed"),
        ({"status": "fail", "message": "Not allowed"}, "Not allowed"),
        ({"cancel": False, "status": "fail", "message": "Not allowed"}, "Not allowed"),
        ({"cancel": 0, "status": "error", "reason": "Not allowed"}, "Not allowed"),
        ({"success": False, "message": "Not allowed"}, "Not allowed"),
        ({"error": True, "message": "Not allowed"}, "Not allowed"),
        ({"cancel": 1, "error": "Not allowed"}, "Not allowed"),
    ],
)
def test_a_no_to_a_cancel_is_no_yes(item, words):
    (call,) = protocol.cancel(["1", "2"])
    found = read(call, [{"order": 1, **item}, {"order": 2, "cancel": 1}])
    assert (type(found["1"]), str(found["1"]), found["2"]) == (UnknownFollowUpError, words, "1")


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"status": "fail", "message": "This order cannot be canceled"}, FollowUpError),
        ({"status": "fail", "message": "Нельзя"}, UnknownFollowUpError),
        ({"status": "fail", "message": "Invalid API key"}, AccountError),
        ({"success": False, "message": "Too Many Attempts."}, BusyError),
        ({"cancel": False, "status": "fail"}, None),
        ({"cancel": "Not allowed"}, None),
    ],
)
def test_a_no_to_a_single_cancel_is_no_yes(document, kind):
    (call,) = protocol.cancel(["1"])
    if kind is None:
        assert type(read(call, document)["1"]) is UnknownFollowUpError
    else:
        error = fault(call, document)
        assert (type(error), error.may_have_taken_effect) == (kind, False)


@pytest.mark.parametrize(
    ("document", "balance"),
    [
        ({"balance": "100.84292", "currency": "USD"}, Balance(Decimal("100.84292"), "USD")),
        ({"status": "success", "balance": "1,234.50", "currency": "IDR"}, Balance(Decimal("1234.50"), "IDR")),
        ({"balance": 5}, Balance(Decimal(5), "")),
        ({"balance": "-0.5", "currency": None}, Balance(Decimal("-0.5"), "")),
    ],
)
def test_a_balance_is_read_exactly(document, balance):
    assert read(protocol.balance(), document) == balance


@pytest.mark.parametrize(
    ("call", "item", "result"),
    [
        (ADD, {"order": 5}, "5"),
        (protocol.balance(), {"balance": 5}, Balance(Decimal(5), "")),
        (protocol.refill("5"), {"refill": 7}, "7"),
        (protocol.refill_status("7"), {"status": "Completed"}, "Completed"),
    ],
)
def test_a_list_of_one_answers_a_call_for_one(call, item, result):
    assert read(call, [item]) == result


def test_an_answer_that_cannot_be_read_says_why_and_is_quoted_after_it():
    error = fault(protocol.status("5"), {"order": 6, "status": "Completed"})
    assert str(error).index("leaves out order 5: ") < str(error).index("Completed")


@pytest.mark.parametrize("document", [{}, [], {"balance": None}, {"balance": "much"}, {"balance": "1.000"}])
def test_what_is_no_balance_is_unclear(document):
    assert isinstance(fault(protocol.balance(), document), UnclearAnswerError)


BOTH_FORMS = (
    (protocol.status("9"), *protocol.statuses(["9"])),
    (protocol.status("9"), *protocol.statuses(["9", "8"])),
    (protocol.refill("9"), *protocol.refills(["9"])),
    (protocol.refill("9"), *protocol.refills(["9", "8"])),
    (protocol.refill_status("9"), *protocol.refill_statuses(["9"])),
    (protocol.refill_status("9"), *protocol.refill_statuses(["9", "8"])),
)
YES = {"status": "Completed", "refill": "9", "charge": "1"}
OF_NINE = (
    {"9": {"error": "Incorrect order ID"}},
    {"9": {"error": "Так нельзя"}},
    {"9": {"error": "Invalid API key"}},
    {"9": {"error": "Something went wrong"}},
    {"9": "Incorrect order ID"},
    {"9": "Order not found."},
    {"9": "Так нельзя"},
    {"9": YES},
    {"orders": {"9": YES}},
    {"orders": {"9": {"error": "Так нельзя"}}},
    {"orders": {"9": "Incorrect order ID"}},
    {"data": {"9": YES}},
    {"status": "fail", "orders": {"9": YES}},
    {"status": "fail", "data": {"9": YES}},
    {"status": "fail", "message": "Так нельзя", "data": {"9": YES}},
    {"orders": [{"order": 9, **YES}]},
    [{"order": 9, "refill": 9, "error": "Так нельзя"}],
)
OF_THE_CALL = (
    {"error": "Incorrect order ID"},
    {"error": "Так нельзя"},
    {"error": "Something went wrong"},
    {"error": "Invalid API key"},
    {"error": "Too Many Attempts."},
    {"status": "fail", "message": "Так нельзя"},
    {"message": "Incorrect order ID"},
    {"orders": {}},
    {"7": YES},
    {"7": {"error": "Incorrect order ID"}},
    [],
    {},
)


def outcome(call, document):
    """Give what a call says of order 9, whichever form it has."""
    try:
        said = read(call, document)
    except CallError as error:
        said = error
    said = said.get("9") if isinstance(said, dict) else said
    return (type(said), str(said), said.may_have_taken_effect) if isinstance(said, CallError) else said


@pytest.mark.parametrize("document", [*OF_NINE, *OF_THE_CALL])
@pytest.mark.parametrize(("single", "many"), BOTH_FORMS)
def test_both_forms_of_a_call_say_the_same(single, many, document):
    without_ids = re.compile(r"leaves out (order|refill) [0-9, ]+")
    one, other = outcome(single, document), outcome(many, document)
    assert re.sub(without_ids, "", str(one)) == re.sub(without_ids, "", str(other))


@pytest.mark.parametrize("document", [{"9": "Incorrect order ID"}, {"orders": {"9": {"error": "Incorrect order ID"}}}])
@pytest.mark.parametrize("call", [both[0] for both in BOTH_FORMS])
def test_a_refusal_under_the_id_is_read(call, document):
    assert outcome(call, document) == (FollowUpError, "Incorrect order ID", False)


@pytest.mark.parametrize("call", [call for both in BOTH_FORMS for call in both])
@pytest.mark.parametrize("wrap", [lambda item: item, lambda item: {"9": item}])
def test_an_unlisted_refusal_is_a_follow_ups_and_an_unknown_one(call, wrap):
    kind, words, in_doubt = outcome(call, wrap({"error": "Так нельзя"}))
    assert issubclass(kind, FollowUpError)
    assert issubclass(kind, UnknownRefusalError)
    assert (words, in_doubt) == ("Так нельзя", False)


@pytest.mark.parametrize("word", ["Success", "Order could not be created", "12", "", "Ничего"])
@pytest.mark.parametrize("call", [protocol.refill("9"), *protocol.refills(["9", "8"]), *protocol.cancel(["9"])])
def test_a_bare_text_that_is_no_known_refusal_leaves_doubt(call, word):
    assert fault(call, {"9": word}).may_have_taken_effect


@pytest.mark.parametrize("call", [protocol.refill("9"), *protocol.refills(["9"]), *protocol.cancel(["9"])])
@pytest.mark.parametrize("wrap", ["data", "orders"])
def test_a_yes_inside_a_fail_is_none(call, wrap):
    inner = {"9": {"refill": 5, "cancel": 1}}
    assert fault(call, {"status": "fail", wrap: inner}).may_have_taken_effect


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"services": rows}, lambda rows: {"data": rows}])
def test_services_may_be_a_map_by_id(wrap):
    row = {"name": "Likes", "type": "Default", "rate": "0.90", "min": "50", "max": "100"}
    found = read(protocol.services(), wrap({"7": row, "12": row}))
    assert [service.id for service in found] == ["7", "12"]
    numbered = read(protocol.services(), wrap({"0": {"service": 31, **row}, "2": {"service": 33, **row}}))
    assert [service.id for service in numbered] == ["31", "33"]


def test_a_map_without_prices_is_no_price_list():
    assert isinstance(fault(protocol.services(), {"7": {"name": "Likes"}}), UnreadableAnswerError)


EVERY_OTHER_CALL = (
    protocol.services(),
    protocol.balance(),
    protocol.status("1"),
    protocol.refill("1"),
    protocol.refill_status("1"),
    *protocol.statuses(["1", "2"]),
    *protocol.refills(["1"]),
    *protocol.refill_statuses(["1"]),
    *protocol.cancel(["1"]),
)


@given(st.binary(max_size=200) | JSON.map(lambda document: json.dumps(document).encode()), STATUSES)
def test_no_answer_to_any_call_raises_anything_but_a_call_error(body, status):
    for call in EVERY_OTHER_CALL:
        error = error_of(call, body, status)
        assert error is None or call.effect or not error.may_have_taken_effect


def test_merged_joins_the_calls_of_one_action():
    assert protocol.merged([{"1": "a"}, {}, {"2": "b"}]) == {"1": "a", "2": "b"}
