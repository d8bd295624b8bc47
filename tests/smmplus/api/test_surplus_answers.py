"""A server that says more than it was asked: a call with an effect believes one answer, alone, or it is in doubt."""

import ssl
import time

import pytest
import trustme

from smmplus.api.panel import Panel
from smmplus.errors import BusyError, CallError, InvalidOrderError, LostAnswerError, NeverSentError, UnclearAnswerError
from smmplus.orders.models import OrderRequest
from tests.smmplus.api.client_facts import ORDER, panel_at, tls_server, trust
from tests.smmplus.shells import asynchronous, synchronous
from tests.smmplus.wire import Once, RawServer, Reset, TunnelProxy, http

pytestmark = pytest.mark.e2e

OURS = http({"order": 23501})
FOREIGN = http({"order": 99})
BUSY = http({"error": "Rate limit exceeded"}, 429)
IDLE = http(b"<html>Request Time-out</html>", 408, Connection="close")
SURPLUS = {"200": FOREIGN, "408": IDLE, "429": BUSY, "twice": OURS}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + b'{"order": 23501}' + b"\r\n0\r\n\r\n"
ENDLESS = b'HTTP/1.1 200 OK\r\n\r\n{"order": 23501}'
"""An answer that the close ends."""


@pytest.fixture(params=[synchronous, asynchronous], ids=["requests", "aiohttp"])
def client(request):
    return request.param


def outcome(client, server, method="add_order", argument=ORDER, **settings):
    """Make one call: its result, or its error."""
    with client(panel_at(server, **settings)) as opened:
        try:
            return getattr(opened, method)(argument)
        except CallError as error:
            return error


def is_doubt(error):
    return isinstance(error, UnclearAnswerError | LostAnswerError) and error.may_have_taken_effect


@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.6])
@pytest.mark.parametrize("keeps", [False, True], ids=["closes", "keeps"])
def test_what_comes_after_the_answer_puts_the_order_in_doubt(client, surplus, pause, keeps):
    with RawServer(lambda _: [OURS, pause, surplus], keeps=keeps) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.6])
@pytest.mark.parametrize("keeps", [False, True], ids=["closes", "keeps"])
def test_what_comes_before_the_answer_is_not_taken_for_it(client, surplus, pause, keeps):
    with RawServer(lambda _: [surplus, pause, OURS], keeps=keeps) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


@pytest.mark.parametrize("surplus", [BUSY, IDLE, http({"error": "Bad link"})], ids=["429", "408", "bad-row"])
def test_an_answer_that_would_let_the_order_be_sent_again_is_believed_only_once_the_server_has_closed(client, surplus):
    """The true answer may come later than any pause that one would wait for."""
    with RawServer(lambda _: [surplus, 2.0, OURS], keeps=True) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


def test_an_order_id_is_believed_after_a_second_where_the_server_never_closes(client):
    with RawServer(lambda _: OURS, keeps=True) as server:
        began = time.monotonic()
        found = outcome(client, server)
    assert (found, time.monotonic() - began >= 1) == ("23501", True)


def test_a_connection_that_the_server_never_closes_is_closed_by_the_client(client):
    with RawServer(lambda _: OURS, keeps=True) as server, client(panel_at(server)) as opened:
        opened.add_order(ORDER)
        give_up = time.monotonic() + 10
        while server._open and time.monotonic() < give_up:
            time.sleep(0.01)
        assert server._open == set()


@pytest.mark.parametrize(
    "tail",
    [b"\r\n", b" ", b"garbage", b"HTTP/1.1 429", b"\x00", b"0\r\n\r\n"],
    ids=["line", "blank", "text", "head", "zero", "chunk"],
)
@pytest.mark.parametrize("answer", [OURS, CHUNKED], ids=["length", "chunked"])
def test_an_answer_longer_than_it_says_is_not_believed(client, answer, tail):
    with RawServer(lambda _: answer + tail) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


@pytest.mark.parametrize("answer", [OURS, CHUNKED, ENDLESS], ids=["length", "chunked", "endless"])
def test_one_answer_is_believed_however_its_length_is_told(client, answer):
    with RawServer(lambda _: answer) as server:
        assert outcome(client, server) == "23501"


@pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS)
def test_a_second_answer_within_one_that_only_the_close_ends_is_seen(client, surplus):
    with RawServer(lambda _: b"HTTP/1.1 200 OK\r\n\r\nNotice: x" + ENDLESS[19:] + surplus) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


def test_an_answer_in_many_pieces_is_one(client):
    with RawServer(lambda _: [piece for byte in OURS for piece in (bytes([byte]), 0.001)]) as server:
        assert outcome(client, server) == "23501"


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
)
def test_an_interim_answer_is_passed_over(client, interim):
    with RawServer(lambda _: [interim, 0.02, interim, OURS]) as server:
        assert outcome(client, server) == "23501"


def test_an_interim_answer_and_no_more_is_no_answer(client):
    with RawServer(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n") as server:
        assert is_doubt(outcome(client, server))


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", *SURPLUS.values(), b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_what_a_server_says_before_it_is_asked_is_never_an_answer(client, said):
    with RawServer(lambda _: OURS, greeting=said) as server:
        found = outcome(client, server)
    # It arrives before the order leaves, and nothing is sent; or just after, and then there are two answers.
    never_sent = isinstance(found, NeverSentError) and not server.adds
    interim = found == "23501" and b" 100 " in said
    assert never_sent or interim or (is_doubt(found) and len(server.adds) == 1)


@pytest.mark.parametrize("said", SURPLUS.values(), ids=SURPLUS)
def test_what_a_server_says_before_it_has_read_the_order_is_never_the_answer(client, said):
    with RawServer(lambda _: [0.05, OURS], hasty=said) as server:
        found = outcome(client, server)
    never_sent = isinstance(found, NeverSentError) and not server.adds
    assert never_sent or (is_doubt(found) and len(server.adds) == 1)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize("said", [BUSY, FOREIGN, IDLE], ids=["429", "200", "408"])
def test_an_answer_to_half_an_order_is_not_believed(client, said):
    """The order is larger than the buffers between client and server: half of it is still to leave."""
    order = OrderRequest.of(7, {"link": "https://example.com/a", "comments": "\n".join(["a comment"] * 1_500_000)})
    with RawServer(lambda _: Once(b""), hasty=said) as server:
        found = outcome(client, server, argument=order)
    assert is_doubt(found) or isinstance(found, NeverSentError)


@pytest.mark.parametrize(
    ("method", "argument", "good"),
    [("refill", "1", {"refill": "7"}), ("refills", ["1", "2"], []), ("cancel", ["1"], [{"order": 1, "cancel": 1}])],
)
@pytest.mark.parametrize("surplus", [BUSY, IDLE, FOREIGN], ids=["429", "408", "200"])
def test_refills_and_cancels_are_in_doubt_by_the_same_rule(client, method, argument, good, surplus):
    for pieces in ([surplus, 0.05, http(good)], [http(good), 0.05, surplus]):
        with RawServer(lambda _, pieces=pieces: pieces) as server:
            found = outcome(client, server, method, argument)
        assert (is_doubt(found), len(server.requests)) == (True, 1)


def test_a_refusal_before_the_close_is_believed(client):
    with RawServer(lambda _: http({"error": "Bad link"})) as server:
        assert type(outcome(client, server)) is InvalidOrderError


def test_an_alone_429_is_asked_again(client):
    answers = iter([BUSY, BUSY, OURS])
    with RawServer(lambda _: next(answers)) as server:
        assert (outcome(client, server), len(server.adds)) == ("23501", 3)


def test_a_reset_after_a_429_is_no_close(client):
    """A server that breaks off has not said that nothing would have followed."""
    with RawServer(lambda _: Reset(BUSY)) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


# Reads.


BALANCE = {"balance": "5", "currency": "USD"}
STATUS = {"status": "Completed", "charge": "1", "remains": "0", "currency": "USD"}


@pytest.mark.parametrize(
    ("method", "arguments", "good", "foreign"),
    [
        ("balance", [], BALANCE, {**BALANCE, "balance": "900"}),
        ("order_status", ["1"], STATUS, {**STATUS, "status": "Canceled"}),
        ("order_statuses", [["1"]], STATUS, {**STATUS, "status": "Canceled"}),
        ("refill_status", ["1"], {"status": "Completed"}, {"status": "Rejected"}),
    ],
)
def test_a_read_whose_answer_names_nothing_is_not_shifted(client, method, arguments, good, foreign):
    answers = iter([[http(foreign), 0.05, http(good)], [http(good), 0.05, http(foreign)]])
    with RawServer(lambda _: next(answers, http(good))) as server, client(panel_at(server)) as opened:
        found = getattr(opened, method)(*arguments)
        again = getattr(opened, method)(*arguments)
    assert (found == again, "900" in str(found), "Canceled" in str(found), "Rejected" in str(found)) == (
        True,
        False,
        False,
        False,
    )
    assert (len(server.requests), server.connections) == (4, 4)


def statuses_of(request):
    return http({number: {**STATUS, "charge": number} for number in request.fields["orders"].split(",")})


def test_reads_that_name_what_they_answer_share_a_connection(client):
    with RawServer(statuses_of) as server, client(panel_at(server)) as opened:
        for first in range(3):
            opened.order_statuses([str(first), str(first + 1)])
    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("surplus", [BUSY, http([]), http({"7": STATUS, "1": STATUS})], ids=["429", "list", "statuses"])
def test_what_stands_on_a_kept_connection_is_not_taken_for_the_next_answer(client, surplus):
    shifted = iter([[0.02, surplus]])

    def answer(request):
        return [statuses_of(request), *next(shifted, [])]

    with RawServer(answer) as server, client(panel_at(server)) as opened:
        opened.order_statuses(["1", "2"])
        time.sleep(0.1)
        found = opened.order_statuses(["1", "3"])
    assert {number: str(status.charge) for number, status in found.items()} == {"1": "1", "3": "3"}
    assert len(server.requests) == 2


# TLS.


@pytest.mark.usefixtures("fresh_tls")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_the_connection_of_each_order_resumes_the_tls_session_of_the_one_before(client, monkeypatch, tmp_path, version):
    authority = trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    context = tls_server(authority)
    context.minimum_version = context.maximum_version = version
    with RawServer(lambda _: OURS, context) as server, client(panel_at(server)) as opened:
        for _ in range(4):
            opened.add_order(ORDER)
    assert server.resumed == [False, True, True, True]


@pytest.mark.usefixtures("fresh_tls")
def test_a_session_is_offered_to_no_other_server(client, monkeypatch, tmp_path):
    """What was verified for one name says nothing of another: its certificate is looked at."""
    authority, stranger = trustme.CA(), trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    with RawServer(lambda _: OURS, tls_server(authority)) as server:
        assert outcome(client, server) == "23501"
    with RawServer(lambda _: OURS, tls_server(stranger, "localhost")) as server:
        panel = Panel("0123456789abcdef", f"https://localhost:{server.port}/")
        with client(panel) as opened, pytest.raises(NeverSentError):
            opened.add_order(ORDER)
    assert server.requests == []


@pytest.mark.usefixtures("fresh_tls")
@pytest.mark.parametrize(
    "pieces", [[OURS, 0.05, BUSY], [BUSY, 0.05, OURS], [OURS + BUSY]], ids=["after", "before", "one"]
)
@pytest.mark.parametrize("keeps", [False, True], ids=["closes", "keeps"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_surplus_answer_within_tls_is_seen(client, monkeypatch, tmp_path, pieces, keeps, version):
    authority = trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    context = tls_server(authority)
    context.minimum_version = context.maximum_version = version
    with RawServer(lambda _: pieces, context, keeps=keeps) as server:
        found = outcome(client, server)
    assert (is_doubt(found), len(server.adds)) == (True, 1)


@pytest.mark.usefixtures("fresh_tls")
def test_a_surplus_answer_in_a_proxy_s_tunnel_is_seen(client, monkeypatch, tmp_path):
    authority = trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    with (
        RawServer(lambda _: [BUSY, 0.05, OURS], tls_server(authority, "panel.example")) as server,
        TunnelProxy(server.port) as proxy,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        panel = Panel("0123456789abcdef", "https://panel.example/api/v2")
        with client(panel) as opened, pytest.raises(UnclearAnswerError) as caught:
            opened.add_order(ORDER)
    assert (caught.value.may_have_taken_effect, len(server.adds), len(proxy.tunnels)) == (True, 1, 1)


@pytest.mark.usefixtures("fresh_tls")
@pytest.mark.parametrize("said", [BUSY, b"HTTP/1.1 200 OK\r\n\r\n", OURS], ids=["429", "opened-twice", "200"])
def test_what_a_proxy_says_beside_its_tunnel_is_never_an_answer(client, monkeypatch, tmp_path, said):
    authority = trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    with (
        RawServer(lambda _: OURS, tls_server(authority, "panel.example")) as server,
        TunnelProxy(server.port, surplus=said) as proxy,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with client(Panel("0123456789abcdef", "https://panel.example/api/v2")) as opened:
            try:
                found = opened.add_order(ORDER)
            except NeverSentError:
                found = None
    assert found == ("23501" if server.adds else None)
    assert len(server.adds) <= 1


@pytest.mark.parametrize("method", ["balance", "add_order"])
def test_no_busy_answer_is_invented(client, method):
    """What is not believed slows nothing down and repeats nothing."""
    with (
        RawServer(lambda _: [BUSY, 0.05, BUSY]) as server,
        client(panel_at(server)) as opened,
        pytest.raises(CallError) as caught,
    ):
        getattr(opened, method)(*([ORDER] if method == "add_order" else []))
    assert not isinstance(caught.value, BusyError)
