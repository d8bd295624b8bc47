"""What of all that arrives on a call's own connection is its answer."""

import pytest

from smmplus.api.protocol import (
    add,
    balance,
    cancel,
    read_answer,
    refill,
    refill_status,
    refills,
    services,
    status,
    statuses,
)
from smmplus.api.responses import Response
from smmplus.api.single_answer import Received
from smmplus.errors import BusyError, FollowUpError, InvalidOrderError, UnclearAnswerError
from smmplus.orders.models import OrderRequest

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"order":5}'
ENDLESS = b'HTTP/1.1 200 OK\r\n\r\n{"order":5}'
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nA: b\r\n\r\n"
ORDER = OrderRequest.of(1, {"link": "https://example.com/a", "quantity": 1})


def after(*pieces):
    received = Received()
    for piece in pieces:
        received.add(piece)
    return received.whole, received.closed, bool(received.fault)


WHOLE, CLOSED, FAULT = (True, False, False), (True, True, False), (True, False, True)


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_is_whole_at_its_last_byte(cut):
    assert after(ANSWER[:cut] or ANSWER[:1], ANSWER[cut or 1 :]) == WHOLE
    if cut:
        assert after(ANSWER[:cut]) == (False, False, False)


@pytest.mark.parametrize("cut", range(1, len(INTERIM + ANSWER)))
def test_interim_answers_are_passed_over_however_they_arrive(cut):
    text = INTERIM + ANSWER
    received = Received()
    received.add(text[:cut])
    received.add(text[cut:])
    assert (received.data, received.whole, received.fault) == (ANSWER, True, "")


def test_a_change_of_protocols_is_an_answer():
    assert after(b"HTTP/1.1 101 Switching Protocols\r\n\r\n") == WHOLE


@pytest.mark.parametrize("more", [b"x", b"\n", ANSWER, INTERIM + ANSWER])
def test_one_byte_more_is_a_fault(more):
    assert after(ANSWER + more) == FAULT
    assert after(ANSWER, more) == FAULT


def test_an_answer_without_a_length_ends_with_the_close():
    assert after(ENDLESS) == (False, False, False)
    assert after(ENDLESS, b"") == CLOSED


def test_another_answer_within_it_is_a_fault():
    assert after(ENDLESS, ANSWER, b"") == (True, True, True)
    assert after(b'HTTP/1.0 200 OK\r\n\r\nNotice: HTTP\n{"order":5}', b"") == CLOSED


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_what_is_not_http_is_a_fault(garbage):
    assert after(garbage)[2]


# What is made of an answer after which the server left the connection open.


def left_open(body, code=200):
    return Response(code, {}, body, closed=False)


def test_an_order_id_counts_on_a_connection_that_stays_open():
    assert read_answer(add(ORDER), left_open(b'{"order": 5}')) == "5"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 429), (b'{"error": "Rate limit exceeded"}', 200), (b'{"error": "Bad link"}', 200),
        (b'{"error": "?"}', 422),
        (b'{"error": "Invalid API key"}', 401), (b'{"error": "Not enough funds"}', 200), (b"", 408),
        (b'{"error": "You have active order with this link"}', 200), (b'{"error": "Incorrect request"}', 200),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [add(ORDER), refill("1"), *refills(["1"]), *cancel(["1"])])
def test_a_refusal_on_a_connection_that_stays_open_leaves_doubt(call, body, code):
    with pytest.raises(UnclearAnswerError) as caught:
        read_answer(call, left_open(body, code))
    assert caught.value.may_have_taken_effect


def test_the_refusal_is_named_word_for_word():
    with pytest.raises(UnclearAnswerError, match="'Bad link'"):
        read_answer(add(ORDER), left_open(b'{"error": "Bad link"}'))


def test_the_same_refusal_before_the_close_is_one():
    with pytest.raises(InvalidOrderError):
        read_answer(add(ORDER), Response(200, {}, b'{"error": "Bad link"}'))


@pytest.mark.parametrize(("code", "error"), [(429, BusyError), (200, FollowUpError)])
def test_a_read_that_is_refused_takes_no_effect_either_way(code, error):
    with pytest.raises(error):
        read_answer(status("1"), left_open(b'{"error": "Incorrect order ID"}', code))


# Which call has a connection of its own.


@pytest.mark.parametrize(
    ("call", "alone"),
    [
        (add(ORDER), True), (refill("1"), True), (refills(["1", "2"])[0], True), (cancel(["1", "2"])[0], True),
        (balance(), True), (status("1"), True), (refill_status("1"), True), (statuses(["1"])[0], True),
        (services(), True), (statuses(["1", "2"])[0], False),
    ],
)  # fmt: skip
def test_a_call_whose_answer_does_not_name_it_has_a_connection_of_its_own(call, alone):
    assert call.alone is alone
