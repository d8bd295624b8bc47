"""The key, and a proxy's password, reach no error, log or representation of either client; only TLS carries them."""

import asyncio
import base64
import datetime as dt
import http.client
import json
import logging
import pickle
import traceback
from urllib.parse import quote

import pytest
import trustme

from smmplus.api.async_client import AsyncClient
from smmplus.api.client import Client
from smmplus.api.panel import Panel, check_url, proxy_of
from smmplus.errors import CallError, ConfigurationError, NeverSentError
from tests.secrets import holds, leaks
from tests.smmplus.api import test_async_client, test_client
from tests.smmplus.api.client_facts import ORDER, panel_at, placed, tls_server, trust
from tests.smmplus.wire import Once, RawServer, refused_port
from tests.smmplus.wire import http as answer_of

pytestmark = pytest.mark.e2e

SHELLS = {"Client": test_client.TestClient().client, "AsyncClient": test_async_client.TestAsyncClient().client}

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
PASSWORD = "proxy-pa55-0a1b2c3d4e5f"


@pytest.fixture(params=SHELLS)
def client(request):
    """Give the way to open a client."""
    return SHELLS[request.param]


def escaped(shape):
    return "".join(shape.format(ord(sign)) for sign in KEY)


ECHOES = {
    "plain": KEY,
    "capitals": KEY.upper(),
    "a JSON escape": KEY.replace("d", "\\u0064"),
    "JSON escapes": escaped("\\u{:04X}"),
    "JSON within JSON": json.dumps(json.dumps({"key": KEY}))[1:-1].replace("d", "\\\\u0064"),
    "a URL": "".join(f"%{ord(sign):02x}" for sign in KEY),
    "a URL, twice": quote("".join(f"%{ord(sign):02x}" for sign in KEY)),
    "HTML": escaped("&#{};"),
    "hex": KEY.encode().hex(),
    "Base64": base64.b64encode(f"key={KEY}&action=add".encode()).decode(),
}

PLACES = {
    "an error": '{{"error": "The key {} was declined"}}',
    "a busy error": '{{"error": "Rate limit exceeded for {}"}}',
    "an error that is no text": '{{"error": {{"key": "{}", "code": 7}}}}',
    "an order id": '{{"order": "{}"}}',
    "the name of a field": '{{"{}": "error"}}',
    "a page": "<html><body><p>{}</p></body></html>",
    "a notice of PHP": '<br />\nNotice: {} in api.php\n{{"error": "no"}}',
}


@pytest.mark.parametrize("status", [200, 401, 429, 502])
@pytest.mark.parametrize("place", PLACES)
def test_an_echoed_key_is_in_no_error(client, place, status, caplog):
    """Every way of writing it in one test: that the answers differ in nothing else is what is needed here."""
    caplog.set_level(logging.DEBUG)
    for echo in ECHOES.values():
        body = PLACES[place].format(echo).encode()
        with RawServer(lambda _, body=body, echo=echo: answer_of(body, status, X_Echo=echo, Retry_After=KEY)) as server:
            error = fault(client, Panel(KEY, server.url()))
        assert holds(KEY, body)
        assert leaks(KEY, everything_of(error), caplog.text) == []


def everything_of(error):
    """Give all that a program could write down of an error, and of those behind it."""
    told = ["".join(traceback.format_exception(error))]
    while error is not None:
        told += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def fault(client, panel):
    with client(panel) as opened, pytest.raises(CallError) as caught:
        opened.add_order(ORDER)
    return caught.value


def test_an_answer_that_breaks_off_within_the_key(client):
    for length in range(12, 32):
        body = f'{{"error": "declined: {KEY[:length]}'.encode()
        with RawServer(lambda _, body=body: answer_of(body)) as server:
            assert leaks(KEY, everything_of(fault(client, Panel(KEY, server.url())))) == []


@pytest.mark.parametrize("reply", [None, b"no http", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + KEY.encode()])
def test_a_connection_that_fails_tells_no_key(client, reply):
    with RawServer(lambda _: Once(reply) if reply else None) as server:
        error = fault(client, panel_with_key(server))
    assert leaks(KEY, everything_of(error)) == []


def panel_with_key(server):
    return Panel(KEY, server.url(), read_timeout=20.0)


def test_names_words_and_ids_tell_no_key(client):
    service = {"service": f"1{KEY}", "name": KEY, "type": KEY, "category": KEY, "rate": "1", "min": "1", "max": "9"}
    answers = {
        "services": [service, {**service, "service": "2"}],
        "balance": {"balance": "5", "currency": KEY},
        "status": {"status": KEY, "charge": KEY, "start_count": KEY, "remains": "1", "currency": KEY},
        "refill": {"refill": KEY},
    }
    server = RawServer(lambda request: answer_of(answers[request.fields["action"]]))
    with server, client(panel_with_key(server)) as opened:
        told = [opened.services(), opened.balance(), opened.order_status("1")]
        with pytest.raises(CallError) as caught:
            opened.refill("1")
    assert leaks(KEY, repr(told), everything_of(caught.value)) == []


def test_the_libraries_tell_no_key_however_talkative_they_are(client, caplog, capfd, monkeypatch):
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 0)
    for name in ("aiohttp", "asyncio", "urllib3", "requests", "tenacity", "sqlalchemy", "smmplus"):
        caplog.set_level(logging.DEBUG, logger=name)
    replies = iter([answer_of({"error": "Rate limit exceeded"}, 429), answer_of({"error": KEY}, 502)])
    with RawServer(lambda _: next(replies)) as server:
        error = fault(client, panel_with_key(server))
    assert caplog.records
    assert leaks(KEY, everything_of(error), caplog.text, *capfd.readouterr()) == []


def test_no_representation_tells_the_key():
    panel = Panel(KEY)
    with Client(panel) as client:
        told = [
            panel,
            client,
            AsyncClient(panel),
            [panel],
            {"panel": panel},
            client.__dict__,
            AsyncClient(panel).__dict__,
        ]
        assert leaks(KEY, repr(told), str(told), f"{panel}", *map(str, told)) == []


def test_an_unforeseen_error_within_a_call_tells_no_key(client, monkeypatch):
    """Where the program itself breaks, the traceback is all that is left."""

    def broken(*_):
        raise RuntimeError("an error that nobody foresaw")

    monkeypatch.setattr("smmplus.api.protocol.read_answer", broken)
    server = RawServer(placed)
    with server, client(panel_with_key(server)) as opened, pytest.raises(RuntimeError) as caught:
        opened.add_order(ORDER)
    assert leaks(KEY, everything_of(caught.value)) == []


@pytest.mark.parametrize("key", [KEY + "\udcff", KEY + "\n", f" {KEY}", KEY + "\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_told(key):
    with pytest.raises(ConfigurationError) as caught:
        Panel(key)
    assert leaks(KEY, everything_of(caught.value)) == []


def test_errors_that_travel_between_processes_carry_no_key(client):
    with RawServer(lambda _: answer_of({"error": KEY})) as server:
        error = fault(client, panel_with_key(server))
    assert leaks(KEY, pickle.dumps(error)) == []


# A proxy's password.


def proxied(monkeypatch, address):
    monkeypatch.setenv("https_proxy", address)
    return Panel(KEY, "https://panel.example/api/v2")


@pytest.mark.parametrize(
    "reply",
    [
        "HTTP/1.1 407 {}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 407 Authentication required\r\nContent-Length: 41\r\nX-Echo: {}\r\n\r\n{}",
        "HTTP/1.1 500 {}\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        "{}\r\n\r\n",
    ],
)
def test_a_proxy_that_echoes_its_password_is_not_repeated(client, monkeypatch, reply, caplog):
    caplog.set_level(logging.DEBUG)
    for echo in (PASSWORD, base64.b64encode(f"user:{PASSWORD}".encode()).decode()):
        with RawServer(lambda _, echo=echo: Once(reply.format(echo, echo).encode())) as proxy:
            error = fault(client, proxied(monkeypatch, f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"))
        assert (type(error), leaks(PASSWORD, everything_of(error), caplog.text)) == (NeverSentError, [])
        assert not any(holds(KEY, request.head.encode() + request.body) for request in proxy.requests)


def test_a_proxy_that_cannot_be_reached_does_not_tell_its_password(client, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    for host in (f"127.0.0.1:{refused_port()}", "no-such-proxy.invalid:3128"):
        error = fault(client, proxied(monkeypatch, f"http://user:{PASSWORD}@{host}"))
        assert leaks(PASSWORD, everything_of(error), caplog.text) == []


@pytest.mark.parametrize(
    "address", ["http://user:{}@proxy:port", "http://user:{}@", "http://user:{}@[::1", "socks5://user:{}@proxy:1080",
                "http://user:{} @proxy:1", "user:{}@proxy:99999"]
)  # fmt: skip
def test_a_proxy_that_is_no_address_is_refused_and_not_repeated(monkeypatch, address):
    monkeypatch.setenv("https_proxy", address.format(PASSWORD))
    with pytest.raises(ConfigurationError, match="https_proxy") as caught:
        proxy_of("https://panel.example/api/v2")
    assert leaks(PASSWORD, everything_of(caught.value)) == []


# HTTPS alone, but for loopback.


@pytest.mark.parametrize(
    "url",
    [
        "http://0.0.0.0/", "http://0/", "http://[::]/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
        "http://127.1/", "http://127.0.0.1./", "http://localhost./", "http://localhost.localdomain/", "http://ip6-localhost/",
        "http://localtest.me/", "http://127.0.0.1.nip.io/", "http://localhost@evil.example/", "http://127.0.0.1@evil.example/",
        "http://evil.example@127.0.0.1/", "http://127.0.0.1:80@evil.example/", "http://127.0.0.1\\@evil.example/",
        "http://evil.example\\@127.0.0.1/", "http://127.0.0.1\\.evil.example/", "http://127.0.0.1#@evil.example/",
        "http://127.0.0.1?@evil.example/", "http://127.0.0.1\t.evil.example/", "http://127.0.0.1\n.evil.example/",
        "http://127。0。0。1/", "http://ⓛocalhost/", "http://\uff4cocalhost/", "http://l\u043ecalhost/", "http://%6cocalhost/",
        "http://127.0.0.1%2eevil.example/", "http://[::ffff:8.8.8.8]/", "http://[fe80::1]/", "http://[::1].evil.example/",
        " http://evil.example/", "http:/evil.example/", "http:evil.example", "HTTP://EVIL.EXAMPLE/", "//evil.example/",
        "http://169.254.169.254/", "http://10.0.0.1/", "ws://127.0.0.1/", "file:///etc/passwd", "http+unix://127.0.0.1/",
        "https://smm.plus\\@evil.example/", "https://smm.plus /", "https://smm.plus\t/", "https://user@smm.plus/",
    ],
)  # fmt: skip
def test_an_address_that_would_show_the_key_or_that_readers_understand_differently_is_refused(url):
    with pytest.raises(ConfigurationError):
        check_url(url)


def test_an_address_is_not_repeated_beyond_its_host():
    """A key may have been pasted into it."""
    with pytest.raises(ConfigurationError, match=r"http://smm\.plus is not encrypted") as caught:
        Panel(KEY, f"http://smm.plus/api/v2/{KEY}")
    assert leaks(KEY, everything_of(caught.value)) == []


@pytest.mark.usefixtures("fresh_tls")
@pytest.mark.parametrize(("begins", "ends"), [(-30, -1), (1, 30)])
def test_a_certificate_out_of_its_time_is_never_sent_to(client, monkeypatch, tmp_path, begins, ends):
    authority = trustme.CA()
    trust(authority, "SSL_CERT_FILE", monkeypatch, tmp_path)
    today = dt.datetime.now(dt.UTC)
    context = tls_server(authority)
    authority.issue_cert(
        "127.0.0.1", not_before=today + dt.timedelta(days=begins), not_after=today + dt.timedelta(days=ends)
    ).configure_cert(context)
    with RawServer(placed, context) as server:
        error = fault(client, panel_at(server))
    assert (type(error), server.requests) == (NeverSentError, [])


def test_the_key_travels_in_a_body_alone(client):
    """Heads and addresses stand in the logs of servers and proxies."""
    with RawServer(placed) as server, client(panel_with_key(server)) as opened:
        opened.add_order(ORDER)
    assert leaks(KEY, *(request.head for request in server.requests)) == []
    assert KEY.encode() in server.requests[0].body


async def test_a_task_in_asyncio_s_debug_mode_tells_no_key(caplog):
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every step is told
    with RawServer(placed) as server:
        async with AsyncClient(panel_with_key(server), rate=0) as client:
            call = asyncio.create_task(client.add_order(ORDER))
            await call
    loop.set_debug(False)
    assert "Executing" in caplog.text
    assert leaks(KEY, caplog.text, repr(call)) == []
