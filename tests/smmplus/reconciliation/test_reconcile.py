"""Asking a panel for what became of orders in doubt, however panels answer."""

from contextlib import contextmanager

import pytest

from smmplus.api import retry
from smmplus.api.client import Client
from smmplus.errors import AccountError, CallError
from smmplus.journal.state_machine import Event, State
from smmplus.reconciliation.reconcile import look, observe, probe
from tests.smmplus.api.client_facts import panel_at
from tests.smmplus.batches import Batch, attempt_of
from tests.smmplus.wire import RawServer, http

pytestmark = pytest.mark.e2e


class FakePanel:
    """A panel with a balance, orders of this account, and a habit of answering bad ids."""

    def __init__(self, habit="each"):
        self.habit = habit
        self.balance = "10"
        self.orders = {}
        self.calls = []
        self.before_answer = lambda: None

    def __call__(self, request):
        if request.fields["action"] == "balance":
            return http({"balance": self.balance, "currency": "USD"})
        ids = request.fields["orders"].split(",")
        self.calls.append(ids)
        self.before_answer()
        unknown = [order_id for order_id in ids if order_id not in self.orders]
        if unknown and self.habit in {"one error", "translated"}:
            return http({"error": "Incorrect order ID" if self.habit == "one error" else "Неверный ID"})
        known = {
            order_id: {"status": "Pending", "charge": self.orders[order_id], "remains": "1", "currency": "USD"}
            for order_id in ids
            if order_id in self.orders
        }
        errors = {} if self.habit == "left out" else {each: {"error": "Incorrect order ID"} for each in unknown}
        return http(known | errors)


@contextmanager
def client_of(panel):
    with RawServer(panel) as server, Client(panel_at(server), rate=0) as client:
        yield client


def lose(batch, client, panel, charge="1.5", after="8.5", order_id="102"):
    """Lose the answer to an order between two others that are known."""
    batch.accepted("101", cost="0")
    observe(client, batch.journal, batch.account)
    doubt = batch.in_doubt(cost=charge)
    batch.accepted("106", cost="0")
    panel.balance = after
    panel.orders |= {order_id: charge}
    return doubt


@pytest.mark.parametrize("habit", ["each", "left out", "one error", "translated"])
def test_a_lost_order_is_found_however_a_panel_answers_bad_ids(batch, habit):
    panel = FakePanel(habit)
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        found = probe(client, batch.journal, batch.account)
    now = batch.now(doubt)
    assert (now.state, now.order_id, found.open) == (State.PLACED, "102", [])
    assert {order_id for call in panel.calls for order_id in call} == {"102", "103", "104", "105"}
    assert (found.probe.asked, found.probe.calls, found.probe.cut) == (4, len(panel.calls), False)


def test_a_panel_that_rounds_its_charges_to_cents(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel, charge="0.085", after="9.91")
        panel.orders["102"] = "0.09"
        probe(client, batch.journal, batch.account)
    assert batch.now(doubt).order_id == "102"


def test_calls_spent_on_halves_count(batch):
    panel = FakePanel("one error")
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        found = probe(client, batch.journal, batch.account, most_calls=2)
    assert (len(panel.calls), found.probe.cut, batch.now(doubt).state) == (2, True, State.IN_DOUBT)


def test_after_the_last_order_a_stretch_is_asked_for_and_cut_where_it_was_told_to(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        batch.accepted("101", cost="0")
        observe(client, batch.journal, batch.account)
        doubt = batch.in_doubt(cost="1.5")
        panel.balance, panel.orders = "8.5", {"102": "1.5"}
        (finding,) = probe(client, batch.journal, batch.account, most_calls=9).findings
        assert (len(panel.calls), finding.candidates, batch.now(doubt).state) == (9, ("102",), State.IN_DOUBT)
        found = probe(client, batch.journal, batch.account, most_calls=10)
    assert (found.probe.asked, found.probe.cut, batch.now(doubt).order_id) == (1000, False, "102")


def test_looking_settles_nothing_and_asks_for_no_id(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        found = look(client, batch.journal, batch.account)
    assert (panel.calls, batch.now(doubt).state, len(found.open), found.probe) == ([], State.IN_DOUBT, 1, None)


def test_an_id_of_another_account_name_at_the_same_panel_is_known(journal, batch):
    """One key may go by two names."""
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        Batch(journal, account="shop").accepted("102", cost="1.5")
        found = probe(client, journal, batch.account)
    assert (batch.now(doubt).state, dict(found.probe.answers)) == (State.IN_DOUBT, {})


def test_an_id_that_is_written_down_while_the_panel_is_asked_is_not_taken(batch):
    """Its own answer came: the order in doubt is another one."""
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        (other,) = batch.plan(cost="1.5")
        attempt = batch.intend(other)
        panel.before_answer = lambda: batch.settle(attempt, Event.ORDER_ID, "102")
        found = probe(client, batch.journal, batch.account)
    assert (batch.now(doubt).state, batch.now(other).order_id) == (State.IN_DOUBT, "102")
    assert dict(found.probe.answers) == {}


def test_while_an_order_is_under_way_an_unknown_id_may_be_its(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        (other,) = batch.plan(cost="1.5")
        batch.intend(other)
        (finding,) = probe(client, batch.journal, batch.account).findings
    assert (batch.now(doubt).state, finding.candidates) == (State.IN_DOUBT, ("102",))


@pytest.mark.parametrize("cost", ["1.5", "1.51", None])
def test_an_order_that_one_in_doubt_of_another_account_name_may_be_is_taken_for_neither(journal, batch, cost):
    """One API key under two names: one order was placed, the other never, and both answers were lost."""
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        rival = Batch(journal, account="shop", campaign="autumn").in_doubt(cost=cost)
        found = probe(client, journal, batch.account)
    assert [batch.now(entry).state for entry in (doubt, rival)] == [State.IN_DOUBT, State.IN_DOUBT]
    assert [(finding.doubt.id, finding.candidates) for finding in found.open] == [
        (doubt.id, ("102",)),
        (rival.id, ("102",)),
    ]
    assert all(entry.id in found.evidence for entry in (doubt, rival))


def test_an_order_in_doubt_of_another_account_name_that_cannot_be_it_is_not_shown_and_blurs_the_balance(journal, batch):
    panel = FakePanel()
    with client_of(panel) as client:
        rival = Batch(journal, account="shop").in_doubt(cost="7")
        doubt = lose(batch, client, panel)
        (finding,) = probe(client, journal, batch.account).findings
    assert (batch.now(doubt).state, batch.now(rival).state) == (State.IN_DOUBT, State.IN_DOUBT)
    assert (finding.doubt.id, finding.candidates) == (doubt.id, ("102",))
    assert "does not show" in finding.why


def test_while_an_order_of_another_account_name_is_under_way_an_unknown_id_may_be_its(journal, batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        shop = Batch(journal, account="shop")
        (other,) = shop.plan(cost="1.5")
        shop.intend(other)
        probe(client, journal, batch.account)
    assert batch.now(doubt).state is State.IN_DOUBT


def test_accounts_at_other_panels_are_in_nobodys_way(journal, batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        elsewhere = Batch(journal, url="https://other.example/api/v2")
        elsewhere.in_doubt(cost="1.5")
        elsewhere.intend(*elsewhere.plan(cost="1.5"))
        probe(client, journal, batch.account)
    assert batch.now(doubt).order_id == "102"


# What was not asked for.


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], "no order id of this account is known"),
        (["5f2c9a7b1d3e4f5061728394"], "the order ids of this panel are not numbers"),
    ],
)
def test_where_no_id_could_be_asked_for_that_is_told_and_is_no_evidence(batch, known, why):
    panel = FakePanel()
    with client_of(panel) as client:
        for order_id in known:
            batch.accepted(order_id, cost="0")
        doubt = batch.in_doubt(cost="1.5")
        found = probe(client, batch.journal, batch.account)
    (finding,) = found.findings
    assert (panel.calls, found.probe.asked, batch.now(doubt).state) == ([], 0, State.IN_DOUBT)
    assert finding.why == f"no order id was looked up, so this is no sign that it was not placed: {why}"


def test_between_two_known_ids_that_leave_none_free_nothing_is_asked_for(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        batch.accepted("101", cost="0")
        batch.in_doubt(cost="1.5")
        batch.accepted("102", cost="0")
        (finding,) = probe(client, batch.journal, batch.account).findings
    assert (panel.calls, "leave none free" in finding.why) == ([], True)


def test_an_order_that_comes_into_doubt_while_the_panel_is_asked_is_told_apart(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        first = lose(batch, client, panel)
        late = []
        panel.before_answer = lambda: late or late.append(batch.in_doubt(cost="9"))
        found = probe(client, batch.journal, batch.account)
    words = {finding.doubt.id: finding.why for finding in found.findings}
    assert "2 orders of this account are in doubt" in words[first.id]
    assert "while the panel was asked" in words[late[0].id]


def test_a_panel_that_goes_down_while_it_is_asked_settles_nothing_and_says_so(batch, monkeypatch):
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    monkeypatch.setattr(retry, "PATIENCE", 0.0)
    panel = FakePanel()

    def answer(request):
        return panel(request) if request.fields["action"] == "balance" else http(b"", status=503)

    with RawServer(answer) as server, Client(panel_at(server), rate=0) as client:
        doubt = lose(batch, client, panel)
        with pytest.raises(CallError, match="nothing was recorded"):
            probe(client, batch.journal, batch.account)
    assert batch.now(doubt).state is State.IN_DOUBT


def test_nothing_to_settle_costs_no_call_but_the_balance(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        found = probe(client, batch.journal, batch.account)
    assert (panel.calls, found.findings, found.observation.amount) == ([], (), 10)


def test_an_id_that_comes_late_after_another_was_taken_up_raises_the_alarm(batch):
    panel = FakePanel()
    with client_of(panel) as client:
        doubt = lose(batch, client, panel)
        probe(client, batch.journal, batch.account)
    taken = batch.now(doubt)
    same = batch.settle(attempt_of(taken), Event.ORDER_ID, "102")
    other = batch.settle(attempt_of(taken), Event.ORDER_ID, "104")
    assert (same.alarm, other.alarm) == ("", "two orders for one row: 102 and 104")
    assert batch.now(doubt).order_id == "102"


def test_a_key_that_is_refused_is_told_as_such(batch):
    with (
        RawServer(lambda _: http({"error": "Invalid API key"})) as server,
        Client(panel_at(server), rate=0) as client,
        pytest.raises(AccountError),
    ):
        probe(client, batch.journal, batch.account)
