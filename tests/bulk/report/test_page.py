"""The page shows foreign texts as texts, and needs nothing from elsewhere."""

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from bulk.model.errors import SheetError
from bulk.report.page import MOST_ROWS, render, spaced, write_page
from smmplus.journal.refills_and_cancels import RequestState
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderRequest
from tests.bulk.plans import request
from tests.bulk.report.reported import ago, asked, order, reported

EVIL = "<script>alert('x')</script>\"'><img src=https://evil.example/x onerror=alert(1)>{{ 7*7 }}&amp;"
ENDED = {"final": True, "order_status": "Completed", "remains": "0"}


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)

    def values(self, *names):
        return [value for _tag, name, value in self.attributes if name in names]


def page_of(*orders, **scope):
    return Page(render(reported(*orders, **scope)))


def evil_page():
    wanted = OrderRequest.of(EVIL, {"link": EVIL, "quantity": "100"})
    about = {"campaign": EVIL, "account": EVIL, "error": EVIL, "order_id": EVIL, "currency": EVIL}
    doubt = order(wanted, **about | {"state": State.IN_DOUBT})
    placed = order(wanted, **about, order_status=EVIL, remains=EVIL, charge=Decimal(1), cost=Decimal(1))
    other = order(request("JavaScript:alert(1)"), campaign="other")
    return page_of(doubt, placed, other, sheet=EVIL, campaigns=(EVIL,), account=EVIL)


def test_foreign_texts_are_texts():
    page = evil_page()
    assert not {"script", "img", "iframe", "object", "embed", "form", "base"} & {*page.tags}
    assert [name for _tag, name, _value in page.attributes if name.startswith("on")] == []
    shown = "".join(page.texts)
    for text in (EVIL, "JavaScript:alert(1)"):
        assert text in shown
    assert "49" not in [text.strip() for text in page.texts]


def test_nothing_comes_from_elsewhere():
    page = evil_page()
    style = "".join(text for text in page.texts if ":root" in text)
    assert not re.search(r"url\(|@import|@font-face|https?:", style)
    assert page.values("src", "srcset", "data", "poster", "background", "action", "xlink:href") == []
    assert "link" not in page.tags
    (policy,) = (value for value in page.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_only_links_of_orders_lead_elsewhere_and_say_not_from_where():
    page = page_of(order(request("https://example.com/?a=1&b=2")), order(request("javascript:alert(1)")))
    links = [(name, value) for tag, name, value in page.attributes if tag == "a"]
    assert links == [("href", "https://example.com/?a=1&b=2"), ("rel", "noopener noreferrer")]
    assert "no-referrer" in page.values("content")


def test_amounts_are_shown_to_the_last_digit_by_currency():
    page = page_of(
        order(cost=Decimal("0.00000000000000000001"), **ENDED, charge=Decimal("0.00000000000000000001")),
        order(cost=Decimal("12345678901234567890.12345"), currency="IDR"),
    )
    shown = " ".join(page.texts)
    assert "0.00000000000000000001 USD" in shown
    assert "12345678901234567890.12345 IDR" in shown


def test_what_needs_attention_comes_first():
    texts = [text.strip() for text in page_of(order(state=State.IN_DOUBT, order_id=None)).texts if text.strip()]
    at = texts.index("Needs attention")
    assert texts[at + 1].startswith("1 order in doubt")
    assert texts[at + 2] == "smmplus doubts"
    assert "Nothing needs attention." in page_of(order(**ENDED)).texts


def test_delivery_is_shown_as_what_it_is():
    over = order(request(service="7"), **ENDED | {"remains": "-12"})
    part = order(request(service="8"), final=True, order_status="Partial", remains="40")
    package = order(OrderRequest.of("9", {"link": "https://a.example"}), **ENDED)
    shown = " ".join(page_of(over, part, package).texts)
    assert "100 of 100 delivered, 12 more than ordered" in shown
    assert "60 of 100 delivered, 40 not delivered" in shown
    assert "delivery of 1 order not known" in shown
    assert "112 / 100" in shown


def test_refills_and_cancels_are_counted():
    one = order(**ENDED, requests=[asked(), asked(RequestState.REJECTED)])
    assert "2 refills: 1 accepted, 1 rejected" in " ".join(page_of(one).texts)


def test_orders_are_filtered_by_status_campaign_and_service():
    orders = [
        order(request(service="7"), **ENDED),
        order(request(service="8"), **ENDED),
        order(request(service="8"), campaign="other", polled_at=None, sent_at=ago(hours=1)),
    ]
    page = page_of(*orders)
    assert page.values("value") == ["", "waiting", "completed", "", "c0", "c1", "", "s0", "s1"]
    classes = [value for tag, name, value in page.attributes if tag == "tr" and name == "class"]
    assert classes == ["waiting s0 c0", "completed s1 c1", "completed s0 c1"]
    assert page_of(order(**ENDED)).values("value") == []


def test_a_long_list_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr("bulk.report.page.MOST_ROWS", 2)
    assert MOST_ROWS == 5000
    page = page_of(*(order(**ENDED) for _number in range(5)))
    assert len([value for tag, name, value in page.attributes if (tag, name) == ("tr", "class")]) == 2
    assert any("… and 3 more" in text for text in page.texts)


def test_a_report_without_orders_is_a_page():
    page = page_of()
    assert "Report: All orders" in page.texts
    assert "table" not in page.tags


def test_the_page_is_in_the_language_of_the_person(monkeypatch):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "id")
    page = page_of(order(**ENDED))
    assert "id" in page.values("lang")
    assert "Perlu diperhatikan" in page.texts


def test_numbers_have_groups_that_no_language_takes_for_a_decimal_sign():
    assert (spaced(1234567), spaced(12), spaced(-1234)) == ("1\u202f234\u202f567", "12", "-1\u202f234")


def test_an_earlier_report_is_replaced_and_nothing_else(tmp_path):
    path = tmp_path / "a.report.html"
    write_page(reported(), path)
    write_page(reported(order(**ENDED)), path)
    assert "example.com" in path.read_text("utf-8")
    path.write_text("<!doctype html><p>mine")
    with pytest.raises(SheetError, match="--force"):
        write_page(reported(), path)
    assert path.read_text() == "<!doctype html><p>mine"
    write_page(reported(), path, force=True)
    assert "smmplus report" in path.read_text("utf-8")
    with pytest.raises(SheetError):
        write_page(reported(), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.report.html"]
