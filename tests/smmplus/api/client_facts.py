"""What holds for both clients alike: they are two shells over one core. The test files make each a class of tests."""

import logging
import ssl
import threading
import traceback
from decimal import Decimal

import pytest
import trustme

from smmplus.api.panel import Panel
from smmplus.api.rate_limit import RateLimit
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    FollowUpError,
    LostAnswerError,
    NeverSentError,
    RedirectError,
    UnclearAnswerError,
    UnknownRefusalError,
    UnreadableAnswerError,
)
from smmplus.orders.models import OrderRequest
from tests.smmplus.wire import PATIENCE, Deaf, Once, RawServer, TunnelProxy, http, refused_port

KEY = "0123456789abcdef0123456789abcdef"
ORDER = OrderRequest.of(1, {"link": "https://example.com/a", "quantity": 1000})


def placed(_request):
    return http({"order": 23501})


def panel_at(server, **settings):
    return Panel(KEY, server.url(), **{"connect_timeout": 10.0, "read_timeout": PATIENCE, **settings})


def order_for(link, **fields):
    return OrderRequest.of(1, {"link": link, "quantity": 1000, **fields})


@pytest.mark.e2e
class ClientFacts:
    """Subclasses give `client(panel, waits=…, rate=…, in_flight=…)`: a context with blocking methods.

    Nothing sleeps: the pauses are written into `waits`.
    """

    def client(self, panel, **options):
        raise NotImplementedError

    def fault(self, panel, method="add_order", argument=ORDER, **options):
        """Make one call that fails to the end of its repetitions, and give its error."""
        with self.client(panel, **options) as client, pytest.raises(CallError) as caught:
            getattr(client, method)(*([] if argument is None else [argument]))
        return caught.value

    # Every action, against the simulated panel.

    def test_the_price_list(self, panel):
        with self.client(panel) as client:
            services = {service.id: service for service in client.services()}
        assert (services["1"].rate, services["1"].min, services["1"].refill) == (Decimal("0.90"), 50, True)

    def test_the_balance(self, sandbox, panel):
        sandbox.balance("123.456")
        with self.client(panel) as client:
            assert client.balance().amount == Decimal("123.456")

    def test_an_order_is_placed_once_with_all_of_its_fields(self, sandbox, panel, link):
        with self.client(panel) as client:
            order_id = client.add_order(order_for(link, runs=2, interval=30))
        (order,) = [order for order in sandbox.orders() if order["link"] == link]
        assert (order["order"], order["quantity"]) == (order_id, 2000)
        assert order["fields"] == {"service": "1", "link": link, "quantity": "1000", "runs": "2", "interval": "30"}

    def test_comments_arrive_line_by_line_in_every_script(self, sandbox, panel, link):
        comments = "Bagus! 👍\nTrès joli & +1=2\n100%"
        with self.client(panel) as client:
            client.add_order(OrderRequest.of(7, {"link": link, "comments": comments}))
        (order,) = [order for order in sandbox.orders() if order["link"] == link]
        assert order["fields"]["comments"] == comments

    def test_an_order_s_status(self, panel, link):
        with self.client(panel) as client:
            status = client.order_status(client.add_order(order_for(link)))
        assert (status.status, status.charge, status.remains, status.currency) == (
            "Pending",
            Decimal("0.9"),
            1000,
            "USD",
        )

    def test_a_wrong_order_s_status(self, panel):
        assert isinstance(self.fault(panel, "order_status", "999999999"), FollowUpError)

    def test_the_statuses_of_more_than_a_hundred_orders(self, sandbox, panel, link):
        with self.client(panel, in_flight=4) as client:
            ids = [client.add_order(order_for(f"{link}/{number}")) for number in range(101)]
            before = sandbox.calls("status")
            found = client.order_statuses([*ids, "999999999"])
        assert {number: type(found[number]).__name__ for number in found} == {
            **dict.fromkeys(ids, "OrderStatus"),
            "999999999": "FollowUpError",
        }
        assert sandbox.calls("status") == before + 2

    def test_refills(self, sandbox, panel, link):
        with self.client(panel) as client:
            one, other, young = (client.add_order(order_for(f"{link}/{number}")) for number in range(3))
            sandbox.advance(3600)
            young = client.add_order(order_for(f"{link}/young"))
            refill = client.refill(one)
            found = client.refills([other, young])
            assert client.refill_status(refill) == "Pending"
            words = client.refill_statuses([refill, found[other], "999999999"])
        assert isinstance(found[young], FollowUpError)
        assert (words[refill], words[found[other]], type(words["999999999"])) == ("Pending", "Pending", FollowUpError)

    def test_cancels(self, panel, link):
        with self.client(panel) as client:
            order_id = client.add_order(order_for(link))
            found = client.cancel([order_id, "999999999"])
        assert (found[order_id], type(found["999999999"])) == ("1", FollowUpError)

    def test_more_than_a_hundred_ids_of_every_kind_are_split(self):
        ids = [str(number) for number in range(1, 152)]

        def answer(request):
            first = next(value for name, value in request.fields.items() if name.endswith("s")).split(",")[0]
            return http({first: {"status": "Completed", "refill": 7, "cancel": 1}})

        with RawServer(answer) as server, self.client(panel_at(server)) as client:
            for method in ("order_statuses", "refills", "refill_statuses", "cancel"):
                assert getattr(client, method)(ids).keys() == {"1", "101"}
        sent = [
            next(value for name, value in request.fields.items() if name.endswith("s")) for request in server.requests
        ]
        assert sorted(text.count(",") + 1 for text in sent) == [51, 51, 51, 51, 100, 100, 100, 100]

    def test_a_lone_balance_with_two_readings_is_settled_by_the_price_list(self):
        row = {"service": 1, "name": "x", "type": "Default", "rate": "0,90", "min": "10", "max": "1.000"}
        answers = {"balance": {"balance": "10.000", "currency": "IDR"}, "services": [row]}
        with (
            RawServer(lambda request: http(answers[request.fields["action"]])) as server,
            self.client(panel_at(server)) as client,
        ):
            assert client.balance().amount == 10_000
        assert [request.fields["action"] for request in server.requests] == ["balance", "services", "balance"]

    def test_a_lone_price_with_two_readings_is_settled_by_the_balance(self):
        row = {"service": 1, "name": "x", "type": "Default", "rate": "1.200", "min": "10", "max": "500"}
        answers = {"balance": {"balance": "100.84292"}, "services": [row]}
        with (
            RawServer(lambda request: http(answers[request.fields["action"]])) as server,
            self.client(panel_at(server)) as client,
        ):
            (service,) = client.services()
        assert (service.rate, service.unusable) == (Decimal("1.2"), "")

    def test_what_nothing_settles_is_said_at_once_and_the_price_list_is_given_with_its_reasons(self):
        row = {"service": 1, "name": "x", "type": "Default", "rate": "1.200", "min": "10", "max": "500"}
        answers = {"balance": {"balance": "1,000"}, "services": [row]}
        with RawServer(lambda request: http(answers[request.fields["action"]])) as server:
            error = self.fault(panel_at(server), "balance", None)
            with self.client(panel_at(server)) as client:
                (service,) = client.services()
        assert (type(error), "has two readings" in str(error)) == (UnreadableAnswerError, True)
        assert service.unusable == "rate '1.200' cannot be read"
        assert len(server.requests) == 4

    @pytest.mark.parametrize("body", [b"", b'{"message": "Nope"}', b"<html>x</html>"])
    @pytest.mark.parametrize(("status", "kind"), [(401, AccountError), (403, AccountError), (404, AddressError)])
    def test_a_status_that_speaks_alone_ends_a_read_at_once(self, status, kind, body):
        with RawServer(lambda _: http(body, status)) as server:
            error = self.fault(panel_at(server), "balance", None)
        assert (type(error), len(server.requests)) == (kind, 1)

    # The wire.

    def test_a_call_is_a_post_of_a_form_without_the_key_in_its_head(self):
        with RawServer(placed) as server, self.client(panel_at(server)) as client:
            client.add_order(ORDER)
        (request,) = server.requests
        assert request.head.startswith("POST /api/v2 HTTP/1.1\r\n")
        assert "content-type: application/x-www-form-urlencoded\r\n" in request.head.lower() + "\r\n"
        assert "accept: application/json\r\n" in request.head.lower() + "\r\n"
        assert KEY not in request.head
        assert request.fields == {
            "key": KEY,
            "action": "add",
            "service": "1",
            "link": ORDER.values["link"],
            "quantity": "1000",
        }

    def test_an_add_whose_answer_is_lost_may_have_been_placed(self):
        with RawServer(lambda _: None) as server:
            error = self.fault(panel_at(server))
        assert (type(error), error.may_have_taken_effect, len(server.adds)) == (LostAnswerError, True, 1)

    def test_a_read_whose_answer_is_lost_took_no_effect(self):
        with RawServer(lambda _: None) as server:
            error = self.fault(panel_at(server), "order_status", "1")
        assert (type(error), error.may_have_taken_effect) == (LostAnswerError, False)

    @pytest.mark.parametrize("method", ["refill", "cancel"])
    def test_a_refill_or_cancel_whose_answer_is_lost_may_have_taken_effect(self, method):
        with RawServer(lambda _: None) as server:
            error = self.fault(panel_at(server), method, "1" if method == "refill" else ["1"])
        assert (type(error), error.may_have_taken_effect) == (LostAnswerError, True)

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Le",
            b"\x16\x03\x01garbage\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"SSH-2.0-OpenSSH\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        ],
    )  # fmt: skip
    def test_an_answer_that_breaks_off_or_is_no_http_leaves_doubt(self, answer):
        with RawServer(lambda _: Once(answer)) as server:
            error = self.fault(panel_at(server))
        assert (error.may_have_taken_effect, len(server.adds)) == (True, 1)

    def test_an_answer_that_does_not_come_in_time_leaves_doubt(self):
        over = threading.Event()
        with RawServer(lambda _: over.wait(PATIENCE) and None) as server:
            error = self.fault(panel_at(server, read_timeout=0.2))
            over.set()
        assert (type(error), error.may_have_taken_effect) == (LostAnswerError, True)

    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    def test_an_order_of_which_a_part_has_left_may_have_been_placed(self):
        comments = "\n".join(["a comment of some length"] * 500_000)  # more than the machine's buffers hold
        with Deaf() as server:
            error = self.fault(panel_at(server), argument=OrderRequest.of(7, {"comments": comments}))
        assert (type(error), error.may_have_taken_effect, server.connections) == (LostAnswerError, True, 1)

    def test_an_add_is_seen_once_whatever_dies(self):
        """Neither the client nor a library below it sends an order again by itself."""
        with RawServer(lambda _: None) as server:
            self.fault(panel_at(server))
        assert len(server.requests) == 1

    def test_an_add_on_a_connection_that_died_is_seen_once(self):
        """A pooled connection that dies as the order arrives: libraries like to send again on a new one."""
        answers = iter([http({"balance": "1", "currency": "USD"}), None, http({"order": 1})])
        with RawServer(lambda _: next(answers)) as server, self.client(panel_at(server)) as client:
            client.balance()
            with pytest.raises(LostAnswerError):
                client.add_order(ORDER)
        assert len(server.adds) == 1

    def test_a_read_is_repeated_after_a_lost_answer(self):
        answers = iter([None, http(b"<html>", 502), http({"balance": "1", "currency": "USD"})])
        with RawServer(lambda _: next(answers)) as server, self.client(panel_at(server)) as client:
            assert client.balance().amount == 1
        assert len(server.requests) == 3

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_an_add_is_not_repeated_after_a_gateway_s_error(self, status):
        with RawServer(lambda _: http(b"<html>", status)) as server:
            error = self.fault(panel_at(server))
        assert (type(error), len(server.requests)) == (UnclearAnswerError, 1)

    def test_a_refused_connection_was_never_sent(self):
        error = self.fault(Panel(KEY, f"http://127.0.0.1:{refused_port()}/"))
        assert (type(error), error.may_have_taken_effect) == (NeverSentError, False)
        assert str(error) == "the panel could not be reached: Connection refused"

    def test_an_add_is_repeated_where_it_was_never_sent(self):
        waits = []
        self.fault(Panel(KEY, f"http://127.0.0.1:{refused_port()}/"), waits=waits)
        assert len([wait for wait in waits if wait >= 1]) == 5

    def test_a_name_that_cannot_be_looked_up_was_never_sent(self):
        error = self.fault(Panel(KEY, "https://no-such-panel.invalid/api/v2"))
        assert (type(error), error.may_have_taken_effect) == (NeverSentError, False)

    def test_a_connection_that_does_not_come_about_was_never_sent(self, full_server):
        error = self.fault(Panel(KEY, full_server, connect_timeout=0.2))
        assert (type(error), error.may_have_taken_effect) == (NeverSentError, False)

    def test_a_tls_handshake_that_is_not_answered_was_never_sent(self):
        with RawServer(lambda _: None) as server:
            url = f"https://127.0.0.1:{server.port}/"
            error = self.fault(Panel(KEY, url, connect_timeout=0.2, read_timeout=0.2))
        assert (type(error), [request for request in server.requests if b"add" in request.body]) == (NeverSentError, [])

    def test_a_server_that_speaks_no_tls_was_never_sent_to(self):
        with RawServer(lambda _: None, greeting=b"220 mail.example ESMTP\r\n") as server:
            error = self.fault(Panel(KEY, f"https://127.0.0.1:{server.port}/", connect_timeout=2.0, read_timeout=2.0))
        assert (type(error), error.may_have_taken_effect) == (NeverSentError, False)

    @pytest.mark.usefixtures("fresh_tls")
    def test_an_untrusted_certificate_is_never_sent_to(self):
        with RawServer(placed, tls_server(trustme.CA())) as server:
            error = self.fault(panel_at(server))
        assert (type(error), server.requests) == (NeverSentError, [])

    @pytest.mark.usefixtures("fresh_tls")
    def test_another_host_s_certificate_is_never_sent_to(self, monkeypatch, tmp_path):
        authority = trustme.CA()
        trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
        with RawServer(placed, tls_server(authority, "elsewhere.example")) as server:
            error = self.fault(panel_at(server))
        assert (type(error), server.requests) == (NeverSentError, [])

    @pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    @pytest.mark.usefixtures("fresh_tls")
    def test_a_certificate_that_the_environment_trusts_is_right(self, monkeypatch, tmp_path, name):
        authority = trustme.CA()
        trust(authority, name, monkeypatch, tmp_path)
        with RawServer(placed, tls_server(authority)) as server, self.client(panel_at(server)) as client:
            assert client.add_order(ORDER) == "23501"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_never_followed(self, status):
        with RawServer(placed) as second:
            moved = http(b"", status, Location=second.url())
            with RawServer(lambda _: moved) as first:
                error = self.fault(panel_at(first))
        assert (type(error), error.may_have_taken_effect, second.connections) == (RedirectError, True, 0)

    def test_the_sandbox_s_redirect_of_a_trailing_slash_is_not_followed(self, sandbox):
        before = sandbox.calls("add")
        error = self.fault(Panel(sandbox.key, sandbox.address + "/"))
        assert (type(error), sandbox.calls("add")) == (RedirectError, before)

    def test_a_panel_on_loopback_is_not_asked_through_a_proxy(self, monkeypatch):
        with RawServer(placed) as proxy, RawServer(placed) as server:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
            with self.client(panel_at(server)) as client:
                assert client.add_order(ORDER) == "23501"
        assert (proxy.connections, len(server.adds)) == (0, 1)

    def test_a_proxy_that_cannot_be_reached_means_never_sent(self, monkeypatch):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{refused_port()}")
        assert type(self.fault(Panel(KEY, "https://panel.example/api/v2"))) is NeverSentError

    def test_a_proxy_that_refuses_the_tunnel_means_never_sent(self, monkeypatch):
        with RawServer(lambda _: Once(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            error = self.fault(Panel(KEY, "https://panel.example/api/v2"))
        assert (type(error), KEY in proxy.requests[0].head) == (NeverSentError, False)

    @pytest.mark.usefixtures("fresh_tls")
    def test_an_order_goes_through_a_proxy_s_tunnel_encrypted(self, monkeypatch, tmp_path):
        authority = trustme.CA()
        trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
        with RawServer(placed, tls_server(authority, "panel.example")) as server, TunnelProxy(server.port) as proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            with self.client(Panel(KEY, "https://panel.example/api/v2")) as client:
                assert client.add_order(ORDER) == "23501"
        assert (proxy.tunnels[0].split()[:2], len(server.adds)) == (["CONNECT", "panel.example:443"], 1)

    @pytest.mark.usefixtures("fresh_tls")
    def test_an_untrusted_certificate_behind_a_proxy_s_tunnel_is_never_sent_to(self, monkeypatch):
        with (
            RawServer(placed, tls_server(trustme.CA(), "panel.example")) as server,
            TunnelProxy(server.port) as proxy,
        ):
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            error = self.fault(Panel(KEY, "https://panel.example/api/v2"))
        assert (type(error), server.requests, len(proxy.tunnels)) == (NeverSentError, [], 6)

    # Pace.

    def test_calls_keep_to_the_rate(self):
        waits = []
        with RawServer(placed) as server, self.client(panel_at(server), rate=0.01, waits=waits) as client:
            for _ in range(3):
                client.add_order(ORDER)
        assert len(waits) == 2
        assert [round(wait, -2) for wait in waits] == [100, 200]

    def test_a_429_halves_the_pace(self, monkeypatch):
        answers = iter([http({"error": "Rate limit exceeded"}, 429), http({"order": 1})])
        paces = recorded_paces(monkeypatch)
        with RawServer(lambda _: next(answers)) as server, self.client(panel_at(server), rate=1000) as client:
            client.add_order(ORDER)
        assert paces == [500.0]

    def test_retry_after_is_waited_for(self):
        waits = []
        answers = iter([http({"error": "Rate limit exceeded"}, 429, Retry_After=77), http({"order": 1})])
        with RawServer(lambda _: next(answers)) as server, self.client(panel_at(server), waits=waits) as client:
            assert client.add_order(ORDER) == "1"
        assert 77.0 in waits

    def test_a_panel_that_asks_for_hours_is_not_waited_for(self):
        waits = []
        slow = http({"error": "Rate limit exceeded"}, 429, Retry_After=7200)
        with RawServer(lambda _: slow) as server:
            error = self.fault(panel_at(server), waits=waits)
        assert (type(error), waits, len(server.requests)) == (BusyError, [], 1)

    # The key.

    @pytest.mark.parametrize(
        "answer",
        [
            http({"error": f"The request with key {KEY} was declined"}),
            http({"error": f"The request with key {KEY} was declined"}, 502),
            http(f"<html>{KEY}</html>".encode()),
            http(f"key={KEY}".encode(), 502),
            http({"error": f"Rate limit exceeded for {KEY}"}, 429),
            http(b"", 302, Location=f"/?key={KEY}"),
            None,
        ],
    )
    def test_the_key_reaches_no_error_and_no_log(self, answer, caplog):
        caplog.set_level(logging.DEBUG)
        with RawServer(lambda _: answer) as server:
            error = self.fault(panel_at(server))
        written = "".join(traceback.format_exception(error))
        assert KEY in server.requests[0].body.decode()
        assert KEY not in f"{written} {error!r} {error.__dict__} {caplog.text}"

    def test_the_key_reaches_no_error_of_a_connection(self, caplog):
        caplog.set_level(logging.DEBUG)
        error = self.fault(Panel(KEY, f"http://127.0.0.1:{refused_port()}/"))
        assert KEY not in "".join(traceback.format_exception(error)) + caplog.text

    def test_a_key_that_the_panel_echoes_is_taken_out(self, sandbox, panel):
        sandbox.faults({"fault": "echo_key", "action": "add"})
        error = self.fault(panel)
        assert isinstance(error, UnknownRefusalError)
        assert error.text == "The request with key [API key] was declined"

    def test_a_wrong_key_is_the_account_s_error(self, sandbox):
        error = self.fault(Panel("a-wrong-key-of-some-length", sandbox.address))
        assert (type(error), "wrong-key" in str(error)) == (AccountError, False)


def tls_server(authority, host="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def trust(authority, name, monkeypatch, folder):
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv(name, str(path))


def recorded_paces(monkeypatch):
    paces = []
    slow_down = RateLimit.slow_down

    def record(self, *arguments):
        slow_down(self, *arguments)
        paces.append(self.current)

    monkeypatch.setattr(RateLimit, "slow_down", record)
    return paces
