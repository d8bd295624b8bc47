"""Clients that others publish, unmodified, with every call that they have, against the real program.

`smmpy` 0.1.0, `babismm` 1.0.1 (module `smm`) and `safesmm` 0.1.0 are on PyPI, and needed by nothing but these tests:
where one is not installed, its test is skipped. Of the PHP class `Api` that panels show on their page about the API
(for example https://smpanelim.net/api), the bytes are sent that its `connect` sends: `name=urlencode(value)`, joined
with `&`.
"""

import importlib
import json
import urllib.request
from urllib.parse import quote_plus

import pytest

from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e
LINK = "http://example.com/test"


@pytest.fixture(scope="module")
def panel():
    with SandboxProcess("--speed", "0") as process:
        yield process


def module(name, package):
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{package} is not installed: pip install {package}")


def completed(panel, *order_ids):
    """Let the orders finish, and return their IDs."""
    panel.advance(1300)
    return order_ids


def check_follow_up(panel, client):
    """Make every call about orders that smmpy and its successor babismm have."""
    one, other = completed(panel, *(client.add_order(1, LINK, 100)["order"] for _ in range(2)))
    assert client.get_status(one)["status"] == "Completed"
    assert [held["status"] for held in client.get_multi_status([one, other]).values()] == ["Completed"] * 2
    refill = client.create_refill(one)["refill"]
    (refilled,) = client.create_multi_refill([other])
    assert client.get_refill_status(refill) == {"status": "Pending"}
    assert client.get_multi_refill_status([refill, refilled["refill"]])[1]["status"] == "Pending"
    (cancelled,) = client.cancel_orders([client.add_order(1, LINK, 100)["order"]])
    assert cancelled["cancel"] == 1


def check_account(client):
    assert {service["type"] for service in client.get_services()} >= {"Default", "Custom Comments"}
    assert client.get_balance()["currency"] == "USD"


def test_smmpy(panel):
    client = module("smmpy", "smmpy").smm(panel.address, panel.key)
    check_account(client)
    check_follow_up(panel, client)
    assert client.add_order(1, LINK, 100, runs=2, interval=5)["order"]
    # It cannot leave the quantity out.
    assert client.add_order(7, LINK, 2, comments="good pic\ngreat photo")["order"]
    with pytest.raises(Exception, match="Quantity less than minimal 50"):
        client.add_order(1, LINK, 1)


def test_babismm(panel):
    package = module("smm", "babismm")
    with package.SMM(panel.address, panel.key) as client:
        check_account(client)
        check_follow_up(panel, client)
        assert client.add_order(1, LINK, 100, runs=2, interval=5)["order"]
        assert client.add_order(7, LINK, 2, comments="good pic\ngreat photo")["order"]
        assert client.add_order(6, LINK)["order"]
        assert client.add_order(21, username="test", min=10, max=11, posts=0, delay=30, expiry="31/12/2099")["order"]
        assert client.add_order(10, LINK, 100, usernames="test, testing", hashtags="#goodphoto")["order"]
        with pytest.raises(package.SMMAPIError, match="Incorrect request: unexpected field colour"):
            client.add_order(1, LINK, 100, colour="red")


def test_safesmm(panel):
    package = module("safesmm", "safesmm")
    client = package.SafeSMM(panel.key, api_url=panel.address)
    assert client.balance()["currency"] == "USD"
    assert len(client.services()) > 20
    one, other = completed(panel, *(client.add_order(1, LINK, 100)["order"] for _ in range(2)))
    assert client.status(one)["status"] == "Completed"
    assert client.multi_status([one, other]).keys() == {str(one), str(other)}
    assert client.refill(one)["refill"]
    assert client.add_order(1, LINK, 100, runs=5, interval=30)["order"]
    commented = client.add_order(7, LINK, comments="a\nb")["order"]
    assert client.cancel(commented) == [{"order": commented, "cancel": 1}]
    with pytest.raises(package.SafeSMMError, match="Incorrect order ID"):
        client.status(1)


def php(panel, action, **fields):
    """Send what the PHP class sends, and return what its `json_decode` would."""
    sent = {"key": panel.key, "action": action, **fields}
    body = "&".join(f"{name}={quote_plus(str(value), safe='-_.')}" for name, value in sent.items()).encode()
    request = urllib.request.Request(panel.address, body)  # noqa: S310 - loopback
    request.add_header("User-Agent", "Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)")
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        return json.load(answer)


EXAMPLES = [
    (1, {"link": LINK, "quantity": 100, "runs": 2, "interval": 5}),
    (1, {"link": LINK, "quantity": 100}),
    (7, {"link": LINK, "comments": "good pic\ngreat photo\n:)\n;)"}),
    (10, {"link": LINK, "quantity": 100, "usernames": "test, testing", "hashtags": "#goodphoto"}),
    (11, {"link": LINK, "usernames": "test\nexample\nfb"}),
    (12, {"link": LINK, "quantity": 1000, "hashtag": "test"}),
    (13, {"link": LINK, "quantity": 1000, "username": "test"}),
    (14, {"link": LINK, "quantity": 1000, "media": "http://example.com/p/Ds2kfEr24Dr"}),
    (6, {"link": LINK}),
    (21, {"username": "username", "min": 100, "max": 110, "posts": 0, "delay": 30, "expiry": "11/11/2099"}),
    (21, {"username": "username", "min": 100, "max": 110, "old_posts": 5, "delay": 30, "expiry": "11/11/2099"}),
    (15, {"link": LINK, "quantity": 100, "username": "test"}),
    (17, {"link": LINK, "quantity": 100, "answer_number": "7"}),
    (18, {"link": LINK, "quantity": 100, "groups": "group1\ngroup2"}),
    (19, {"link": LINK, "quantity": 100, "keywords": "test, testing"}),
    (20, {"link": LINK, "quantity": 100, "country": "US", "device": 1, "type_of_traffic": 1, "google_keyword": "test"}),
]
"""The orders that the class's page shows, with the services of the sandbox's own list, and an expiry to come."""


@pytest.mark.parametrize(("service", "fields"), EXAMPLES)
def test_each_example_of_the_php_class_is_accepted(panel, service, fields):
    assert isinstance(php(panel, "add", service=service, **fields).get("order"), int)


def test_the_php_class(panel):
    one, other = completed(panel, *(php(panel, "add", service=1, link=LINK, quantity=100)["order"] for _ in range(2)))
    assert php(panel, "status", order=one)["status"] == "Completed"
    assert php(panel, "status", orders=f"{one},{other},1")["1"] == {"error": "Incorrect order ID"}
    refill = php(panel, "refill", order=one)["refill"]
    refilled, _ = php(panel, "refill", orders=f"{other},{one}")
    assert php(panel, "refill_status", refill=refill) == {"status": "Pending"}
    assert len(php(panel, "refill_status", refills=f"{refill},{refilled['refill']}")) == 2
    assert php(panel, "cancel", orders=f"{one},{other}")[0]["cancel"] == {"error": "This order cannot be canceled"}
    assert php(panel, "balance")["currency"] == "USD"
    assert php(panel, "services")[0]["service"] == 1
