"""The panel over real HTTP, in this process, on a free port of this machine."""

import asyncio
import random
import time
from decimal import Decimal
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from smmplus.sandbox.app import create_app
from smmplus.sandbox.catalogue import default_catalogue
from smmplus.sandbox.panel import Panel
from smmplus.sandbox.records import State
from smmplus.sandbox.storage import Clock

ADD = {"action": "add", "service": "1", "link": "https://a.b/c", "quantity": "1000"}


class Site:
    """A sandbox and a client of it. Its clock stands still unless advanced."""

    def __init__(self, base, session):
        self.base, self.session = base, session

    def post(self, path="/api/v2", **options):
        return self.session.post(self.base + path, allow_redirects=False, **options)

    async def call(self, **fields):
        async with self.post(data={"key": "sandbox-key", **fields}) as response:
            return await response.json(content_type=None)

    async def control(self, name, sent, status=200):
        async with self.post(f"/control/{name}", json=sent) as response:
            assert response.status == status
            return await response.json()

    async def get(self, path):
        async with self.session.get(self.base + path) as response:
            return response.status, await (response.json() if "json" in response.content_type else response.text())

    async def ordered(self):
        return len((await self.get("/ledger"))[1]["orders"])


@pytest.fixture
async def site():
    source = random.Random(0)  # noqa: S311
    panel = Panel(State(default_catalogue()), {"sandbox-key": "sandbox"}, Clock(0.0, 0.0, 0.0), source, lambda: 0.0)
    panel.start(0.0, Decimal(1000))
    async with TestServer(create_app(panel)) as server, aiohttp.ClientSession() as session:
        yield Site(f"http://127.0.0.1:{server.port}", session)


async def test_an_order_over_http(site):
    assert await site.call(**ADD) == {"order": 23501}
    assert await site.call(action="balance") == {"balance": "999.1", "currency": "USD"}


async def test_a_wrong_key_is_refused_before_anything_else(site):
    async with site.post(data={"key": "wrong", "action": "nothing"}) as response:
        assert response.status == 200
        assert await response.json() == {"error": "Invalid API key"}


async def test_get_is_answered_405(site):
    assert await site.get("/api/v2") == (405, {"error": "Incorrect request"})


async def test_a_trailing_slash_is_answered_308(site):
    async with site.post("/api/v2/", data={"key": "sandbox-key", **ADD}) as response:
        assert (response.status, response.headers["Location"]) == (308, "/api/v2")
    assert await site.ordered() == 0


async def test_json_and_multipart_are_refused(site):
    for options in (
        {"json": {"key": "sandbox-key", **ADD}},
        {"data": aiohttp.FormData(ADD, default_to_multipart=True)},
    ):
        async with site.post(**options) as response:
            words = "Incorrect request: send a form as application/x-www-form-urlencoded, in UTF-8"
            assert await response.json() == {"error": words}


async def test_fields_in_the_url_are_refused(site):
    async with site.post("/api/v2?key=sandbox-key", data={"key": "sandbox-key", **ADD}) as response:
        assert await response.json() == {"error": "Incorrect request: fields in the URL"}


async def test_the_ledger_counts_orders_calls_and_balances(site):
    await site.call(**ADD)
    await site.call(**{**ADD, "link": "nowhere"})
    await site.call(action="sandbox-key")
    async with site.post(data={"action": "add"}):
        pass
    _, ledger = await site.get("/ledger")
    assert [order["order"] for order in ledger["orders"]] == ["23501"]
    assert ledger["calls"] == {"add": 2, "unknown": 1, "malformed": 1}
    assert (ledger["balances"], ledger["count"]) == ({"sandbox": "999.1"}, 1)
    assert "sandbox-key" not in str(ledger)


async def test_the_ledger_without_orders_still_counts_them(site):
    await site.call(**ADD)
    _, ledger = await site.get("/ledger?orders=no")
    assert (ledger["orders"], ledger["count"]) == ([], 1)


async def test_the_clock_is_advanced(site):
    await site.call(**ADD)
    assert await site.control("advance", {"seconds": 1200}) == {"clock": 1200.0}
    assert (await site.call(action="status", order="23501"))["status"] == "Completed"


async def test_a_balance_is_set(site):
    assert await site.control("balance", {"key": "sandbox", "balance": "0.50"}) == {"balance": "0.5"}
    assert await site.call(**ADD) == {"error": "Not enough funds on balance"}


async def test_a_service_is_changed(site):
    await site.control("services", {"service": "1", "rate": "2.00", "min": 10})
    await site.control("services", {"service": 2, "disabled": True})
    services = await site.call(action="services")
    assert (services[0]["rate"], services[0]["min"], services[1]["service"]) == ("2.00", "10", 3)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("advance", {"seconds": -1}), ("advance", {}), ("advance", {"seconds": "1"}), ("advance", []),
        ("balance", {"key": "nobody", "balance": "1"}), ("balance", {"key": "sandbox", "balance": 1}),
        ("balance", {"key": "sandbox", "balance": "1e3"}), ("services", {"service": "999"}), ("services", []),
        ("services", {"service": "1", "rate": 2}), ("services", {"service": "1", "colour": "red"}),
        ("faults", [{"fault": "nope"}]), ("faults", {}),
    ],
)  # fmt: skip
async def test_a_wrong_control_call_is_a_clear_error(site, name, sent):
    assert "error" in await site.control(name, sent, status=400)


async def test_control_wants_json(site):
    async with site.post("/control/faults", data="no json") as response:
        assert response.status == 400


async def test_pages_for_people(site):
    await site.call(**{**ADD, "link": "https://a.b/<script>"})
    assert "Not simulated" in (await site.get("/"))[1]
    status, page = await site.get("/order/23501")
    assert status == 200
    assert "https://a.b/&lt;script&gt;" in page
    assert (await site.get("/order/1"))[0] == 404


async def test_orders_are_found_by_number_and_by_link(site):
    for name in ("one", "two"):
        await site.call(**{**ADD, "link": f"https://a.b/<{name}>"})
    _, page = await site.get("/orders?search=23502")
    assert "23502" in page
    assert "23501" not in page
    assert "&lt;two&gt;" in page
    _, page = await site.get("/orders?search=%3Cone")
    assert "23501" in page
    assert "23502" not in page


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize(("moment", "ordered"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(("how", "more"), [("drop", {}), ("hang", {"seconds": 0.01})])
async def test_the_connection_ends_without_an_answer(site, how, moment, ordered, more, reset):
    await site.control("faults", [{"fault": f"{how}_{moment}_accept", "action": "add", "reset": reset, **more}])
    with pytest.raises(aiohttp.ClientOSError if reset else aiohttp.ServerDisconnectedError):
        await site.call(**ADD)
    assert await site.ordered() == ordered


async def test_a_hang_holds_the_connection(site):
    await site.control("faults", [{"fault": "hang_after_accept", "seconds": 0.5}])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(site.call(**ADD), 0.1)
    assert await site.ordered() == 1


@pytest.mark.parametrize(
    ("rule", "status", "part", "ordered"),
    [
        ({"fault": "http_502"}, 502, b"Bad Gateway", 0),
        ({"fault": "http_502", "after_accept": True}, 502, b"Bad Gateway", 1),
        ({"fault": "html"}, 200, b"<html>", 0),
        ({"fault": "html", "after_accept": True}, 200, b"<html>", 1),
        ({"fault": "empty"}, 200, b"", 0),
        ({"fault": "empty", "after_accept": True}, 200, b"", 1),
        ({"fault": "truncated_json"}, 200, b'{"order', 1),
        ({"fault": "refuse", "text": "Try again later", "status": 422}, 422, b"Try again later", 0),
        ({"fault": "429"}, 429, b"Rate limit", 0),
        ({"fault": "maintenance"}, 503, b"<html>", 0),
        ({"fault": "bom"}, 200, b'\xef\xbb\xbf{"order":23501}', 1),
        ({"fault": "php_notice"}, 200, b"<b>Notice</b>", 1),
        ({"fault": "order_null"}, 200, b'{"order":null}', 1),
        ({"fault": "order_null", "after_accept": False}, 200, b'{"order":null}', 0),
        ({"fault": "success_without_order"}, 200, b'{"status":"success"}', 1),
        ({"fault": "translated"}, 200, b'{"error":"\\u041d', 0),
        ({"fault": "id_as_string"}, 200, b'"23501"', 1),
        ({"fault": "id_as_hex"}, 200, b'"000000000000000000005bcd"', 1),
        ({"fault": "echo_key"}, 200, b"sandbox-key", 0),
        ({"fault": "error_status"}, 200, b"23501", 1),
    ],
)
async def test_each_fault_as_it_is_seen_and_what_was_really_ordered(site, rule, status, part, ordered):
    assert await site.control("faults", [{"action": "add", **rule}]) == {"rules": 1}
    async with site.post(data={"key": "sandbox-key", **ADD}) as response:
        assert response.status == status
        assert part in await response.read()
    assert await site.ordered() == ordered
    assert await site.get("/control/faults") == (200, [{"fault": rule["fault"], "applied": 1}])


async def test_retry_after_is_a_header(site):
    await site.control("faults", [{"fault": "429", "retry_after": 2, "calls": [1]}])
    async with site.post(data={"key": "sandbox-key", "action": "balance"}) as response:
        assert response.headers["Retry-After"] == "2"
    assert "balance" in await site.call(action="balance")


async def test_an_error_may_come_with_a_status_of_its_own(site):
    await site.control("faults", [{"fault": "error_status", "status": 404}])
    async with site.post(data={"key": "sandbox-key", "action": "status", "order": "1"}) as response:
        assert response.status == 404
        assert await response.json() == {"error": "Incorrect order ID"}


async def test_latency_delays_the_right_answer(site):
    await site.control("faults", [{"fault": "latency", "seconds": 0.05}])
    started = time.monotonic()
    assert await site.call(**ADD) == {"order": 23501}
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"moment": "before"}, [b"429", b"200"]),
        ({"moment": "after"}, [b"200", b"429"]),
        ({"moment": "after", "status": 408}, [b"200", b"408"]),
        ({"moment": "before", "status": 200}, [b"200", b"200"]),
        ({"moment": "doubled"}, [b"200", b"200"]),
    ],
)
async def test_a_surplus_answer_is_on_the_wire(site, rule, said):
    await site.control("faults", [{"fault": "surplus_answer", "action": "add", **rule}])
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.base.rpartition(":")[2]))
    form = urlencode({"key": "sandbox-key", **ADD}).encode()
    head = f"POST /api/v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(form)}\r\n"
    writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + form)
    answers = await reader.read()
    writer.close()
    assert [head.split()[0] for head in answers.split(b"HTTP/1.1 ")[1:]] == said
    assert answers.count(b'{"order":23501}') == 1 + (rule["moment"] == "doubled")
    assert await site.ordered() == 1


async def test_an_order_given_up_by_its_client_is_accepted(site):
    await site.control("faults", [{"fault": "latency", "seconds": 0.3}])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(site.call(**ADD), 0.1)
    assert await site.ordered() == 1


async def test_two_orders_at_once_spend_the_last_money_once(site):
    await site.control("balance", {"key": "sandbox", "balance": "0.90"})
    answers = await asyncio.gather(site.call(**ADD), site.call(**ADD))
    assert sorted(answers, key=str) == [{"error": "Not enough funds on balance"}, {"order": 23501}]
