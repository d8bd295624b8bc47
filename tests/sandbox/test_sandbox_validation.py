import datetime as dt

import pytest

from smmplus.sandbox.catalogue import SERVICES, TYPES, parse_catalogue

GOOD = {
    "Default": ({"quantity": "1000"}, 1000),
    "Package": ({}, 1),
    "Custom Comments": ({"comments": "nice\r\n\r\ngreat\n"}, 2),
    "Custom Comments Package": ({"comments": "nice\ngreat"}, 1),
    "Mentions": ({"quantity": "10", "usernames": "a\nb"}, 10),
    "Mentions with Hashtags": ({"quantity": "10", "usernames": "a", "hashtags": "#x\n#y"}, 10),
    "Mentions Custom List": ({"usernames": "a\nb\nc"}, 3),
    "Mentions Hashtag": ({"quantity": "10", "hashtag": "#x"}, 10),
    "Mentions User Followers": ({"quantity": "10", "username": "a"}, 10),
    "Mentions Media Likers": ({"quantity": "10", "media": "https://instagram.com/p/1"}, 10),
    "Comment Likes": ({"quantity": "10", "username": "a"}, 10),
    "Comment Replies": ({"username": "a", "comments": "one\ntwo"}, 2),
    "Poll": ({"quantity": "10", "answer_number": "2"}, 10),
    "Invites from Groups": ({"quantity": "50", "groups": "g1\ng2"}, 50),
    "SEO": ({"quantity": "10", "keywords": "buy shoes\nshoes"}, 10),
    "Web Traffic": (
        {"quantity": "100", "country": "US", "device": "5", "type_of_traffic": "1", "google_keyword": "shoes"},
        100,
    ),
    "Subscriptions": ({"username": "a", "min": "10", "max": "20", "delay": "90", "expiry": "31/12/2030"}, 0),
}
SERVICE_OF = {service.type: service for service in reversed(SERVICES) if not service.disabled}


def order(batch, kind, **changes):
    fields = {**GOOD[kind][0], **changes}
    if kind == "Subscriptions":
        fields = {"link": None, **fields}
    return batch.add(service=SERVICE_OF[kind].service, **{"quantity": None, **fields})


def test_the_table_of_good_orders_covers_every_type():
    assert GOOD.keys() == TYPES.keys() == {service.type for service in SERVICES}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_accepted_and_bills_its_units(batch, kind):
    accepted = str(order(batch, kind)["order"])
    assert batch.state.orders[accepted].units == GOOD[kind][1]


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in TYPES for field in TYPES[kind].required])
def test_a_required_field_may_not_be_missing(batch, kind, field):
    assert order(batch, kind, **{field: None}) == {"error": f"Incorrect {field}"}


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in TYPES for field in (*TYPES[kind].required, *TYPES[kind].optional)]
)
def test_a_field_may_not_be_empty(batch, kind, field):
    others = {"runs": "1", "interval": "1"} if field in {"runs", "interval"} else {}
    assert order(batch, kind, **{**others, field: ""}) == {"error": f"Incorrect {field}"}


@pytest.mark.parametrize("kind", TYPES)
def test_a_field_of_no_use_to_the_type_is_refused(batch, kind):
    assert order(batch, kind, colour="red") == {"error": "Incorrect request: unexpected field colour"}


@pytest.mark.parametrize(
    "text", ["1e3", "1000abc", " 1000", "1000 ", "+1000", "-5", "1.0", "0100", "\u0661\u0660\u0660", "9" * 16]
)
def test_a_quantity_is_plain_digits(batch, text):
    assert batch.add(quantity=text) == {"error": "Incorrect quantity"}


@pytest.mark.parametrize(
    "link",
    ["", "instagram.com/x", "ftp://a.b/c", "https://", "https://nodot/x", "https://a.b/c d", "@", "@a b", "http://a.b\n",
     "javascript:alert(1)", "https://a.b/" + "x" * 2048, "https://u:p@a.b/"],
)  # fmt: skip
def test_a_bad_link_is_refused(batch, link):
    assert batch.add(link=link) == {"error": "Bad link"}


@pytest.mark.parametrize("link", ["http://a.b", "HTTPS://A.b:8080/c?d=e#f", "@some_one", "https://t.me/каналы"])
def test_a_good_link_is_accepted(batch, link):
    assert "order" in batch.add(link=link)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"quantity": "49"}, "Quantity less than minimal 50"),
        ({"quantity": "100001"}, "Quantity more than maximum 100000"),
        ({"quantity": "0"}, "Quantity less than minimal 50"),
        ({"quantity": "50000", "runs": "3", "interval": "60"}, "Quantity more than maximum 100000"),
        ({"quantity": "49", "runs": "3", "interval": "60"}, "Quantity less than minimal 50"),
        ({"runs": "2"}, "Incorrect interval"),
        ({"interval": "2"}, "Incorrect runs"),
        ({"runs": "0", "interval": "2"}, "Incorrect runs"),
        ({"service": "4", "runs": "2", "interval": "2"}, "Dripfeed is not supported by this service"),
        ({"service": "999"}, "Incorrect service ID"),
        ({"service": "01"}, "Incorrect service ID"),
        ({"service": None}, "Incorrect service ID"),
        ({"service": "28"}, "Disabled service ID"),
        ({"link": None}, "Bad link"),
    ],
)
def test_a_wrong_order_is_refused_with_the_panels_words(batch, fields, error):
    assert batch.add(**fields) == {"error": error}


@pytest.mark.parametrize("quantity", ["50", "100000"])
def test_the_limits_themselves_are_allowed(batch, quantity):
    assert "order" in batch.add(quantity=quantity)


@pytest.mark.parametrize(
    ("kind", "changes", "error"),
    [
        ("Web Traffic", {"device": "6"}, "Incorrect device"),
        ("Web Traffic", {"type_of_traffic": "0"}, "Incorrect type_of_traffic"),
        ("Web Traffic", {"google_keyword": None}, "Incorrect google_keyword"),
        ("Web Traffic", {"type_of_traffic": "2"}, "Incorrect referring_url"),
        ("Subscriptions", {"delay": "20"}, "Incorrect delay"),
        ("Subscriptions", {"delay": "630"}, "Incorrect delay"),
        ("Subscriptions", {"expiry": "31/02/2030"}, "Incorrect expiry"),
        ("Subscriptions", {"expiry": "2030-12-31"}, "Incorrect expiry"),
        ("Subscriptions", {"min": "21"}, "Incorrect max"),
        ("Subscriptions", {"min": "9"}, "Quantity less than minimal 10"),
        ("Subscriptions", {"max": "10001"}, "Quantity more than maximum 10000"),
        ("Subscriptions", {"link": "https://a.b"}, "Incorrect request: unexpected field link"),
        ("Mentions", {"usernames": "two words"}, "Incorrect usernames"),
        ("Mentions Media Likers", {"media": "123"}, "Incorrect media"),
        ("Custom Comments", {"comments": "\n \n"}, "Incorrect comments"),
        ("Custom Comments", {"quantity": "two"}, "Incorrect quantity"),
        ("Custom Comments", {"comments": "\n".join(["x"] * 501)}, "Quantity more than maximum 500"),
        ("Package", {"quantity": "1"}, "Incorrect request: unexpected field quantity"),
    ],
)
def test_the_rules_of_single_types(batch, kind, changes, error):
    assert order(batch, kind, **changes) == {"error": error}


@pytest.mark.parametrize(
    ("kind", "field", "text", "units"),
    [
        ("Mentions Custom List", "usernames", "test, testing", 2),
        ("Mentions Custom List", "usernames", "test,testing,\r\nfb\n", 3),
        ("Mentions with Hashtags", "hashtags", "#a, #b", 10),
        ("Custom Comments", "comments", "nice, really\ngreat", 2),
        ("Custom Comments", "quantity", "7", 2),
        ("Custom Comments Package", "quantity", "2", 1),
        ("Comment Replies", "quantity", "2", 2),
    ],
)
def test_what_published_clients_send_is_accepted(batch, kind, field, text, units):
    accepted = str(order(batch, kind, **{field: text})["order"])
    assert batch.state.orders[accepted].units == units


@pytest.mark.parametrize(
    ("now", "is_accepted"), [("2030-12-30", True), ("2030-12-31T23:59:59", True), ("2031-01-01", False)]
)
def test_a_day_of_expiry_that_is_over_is_refused(batch, now, is_accepted):
    seconds = dt.datetime.fromisoformat(f"{now}+00:00" if "T" in now else f"{now}T00:00+00:00").timestamp()
    answer = order(batch, "Subscriptions", now=seconds)
    assert ("order" in answer) if is_accepted else (answer == {"error": "Incorrect expiry"})


DOCUMENTED = [
    {"service": 1, "name": "Followers", "type": "Default", "category": "First Category",
     "rate": "0.90", "min": "50", "max": "10000", "refill": True, "cancel": True},
    {"service": 2, "name": "Comments", "type": "Custom Comments", "category": "Second Category",
     "rate": "8", "min": "10", "max": "1500", "refill": False, "cancel": True},
]  # fmt: skip
"""The service list of the API's documentation (https://smm.plus/api)."""


def test_the_documented_services_take_the_documented_fields(batch):
    batch.state.services = parse_catalogue(DOCUMENTED)
    assert batch.call("services") == DOCUMENTED
    assert "order" in batch.add(service=1, quantity=50, runs=2, interval=5)
    assert "order" in batch.add(service=2, quantity=None, comments="\n".join("abcdefghij"))
    assert batch.add(service=2, quantity=None, comments="a", runs=2) == {
        "error": "Incorrect request: unexpected field runs"
    }


def test_a_catalogue_may_say_that_a_service_has_no_drip_feed(batch):
    batch.state.services = parse_catalogue([{**DOCUMENTED[0], "dripfeed": False}])
    assert batch.add(runs=2, interval=5) == {"error": "Dripfeed is not supported by this service"}


FAILINGS = [
    ({"service": "999"}, "Incorrect service ID"),
    ({"link": "nowhere"}, "Bad link"),
    ({"runs": "x"}, "Incorrect runs"),
    ({"quantity": "many"}, "Incorrect quantity"),
    ({"quantity": "49"}, "Quantity less than minimal 50"),
]


@pytest.mark.parametrize("first", range(len(FAILINGS)))
def test_of_several_failings_the_first_in_the_panels_order_is_told(batch, first):
    batch.call("balance")
    batch.state.balances["sandbox"] *= 0
    fields = {}
    for failing, _ in reversed(FAILINGS[first:]):
        fields |= failing
    assert batch.add(**fields) == {"error": FAILINGS[first][1]}


def test_the_duplicate_guard_speaks_before_the_funds(new_desk):
    batch = new_desk(balance="0.9", duplicate_guard=True)
    batch.add()
    assert batch.add()["error"].startswith("You have active order with this link.")


def test_the_limits_speak_before_the_duplicate_guard(new_desk):
    batch = new_desk(duplicate_guard=True)
    batch.add()
    assert batch.add(quantity=1) == {"error": "Quantity less than minimal 50"}
