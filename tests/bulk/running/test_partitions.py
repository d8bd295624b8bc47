"""A sheet placed in parts, side by side, against the simulated panel; its ledger is the judge."""

import threading
from decimal import Decimal

import pytest

from bulk.model.options import Options
from bulk.running.events import RunListener
from bulk.running.partitions import place_part, price_increase, split
from smmplus.api import retry
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError, JournalConflictError
from smmplus.journal import budgets
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, entry_of, service
from tests.panel import SandboxProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sandbox():
    with SandboxProcess("--speed", "0") as process:
        yield process


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Have each call sent once: the pauses of the retry policy are seconds, and it has tests of its own."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    monkeypatch.setattr(retry, "PATIENCE", 0.0)


@pytest.fixture
def panel(sandbox):
    sandbox.faults()
    sandbox.balance("1000")
    sandbox.service("2", rate="0.9")
    return Panel(sandbox.key, sandbox.address)


@pytest.fixture
def options(tmp_path, request):
    """Give five rows of a campaign of the test's own."""
    path = tmp_path / "week.csv"
    rows = "".join(f"2,{LINK}/{request.node.name}/{number},100\n" for number in range(5))
    path.write_text(f"service,link,quantity\n{rows}", "utf-8")
    return Options(path, campaign=request.node.name, batch="dag run", rate=0, wait=0, lock_wait=0)


@pytest.fixture
def ordered(sandbox, request):
    return lambda: [order for order in sandbox.orders() if f"/{request.node.name}/" in order["link"]]


def cut(options, panel, journal, size=2):
    return split(options, panel, journal, RunListener(agreed=True), size=size)


def place(options, panel, journal, keys):
    return place_part(options, panel, journal, keys, RunListener(agreed=True))


def test_a_split_is_the_same_in_every_try_and_sends_nothing(options, panel, journal, ordered):
    first, again = cut(options, panel, journal), cut(options, panel, journal)
    assert [len(part) for part in first.parts] == [2, 2, 1]
    assert first.parts == again.parts
    assert len({key for part in first.parts for key in part}) == 5
    assert (first.blocked, ordered()) == ("", [])


def test_a_split_after_parts_were_placed_is_still_the_same(options, panel, journal):
    first = cut(options, panel, journal)
    place(options, panel, journal, first.parts[1])
    assert cut(options, panel, journal).parts == first.parts


@pytest.mark.parametrize("size", [0, -1])
def test_a_part_holds_at_least_one_order(options, panel, journal, size):
    with pytest.raises(ConfigurationError, match=f"a part must have at least 1 order, not {size}"):
        cut(options, panel, journal, size)


def test_what_stands_in_the_way_gives_no_parts(options, panel, journal):
    options.path.write_text("service,link,quantity\n2,nonsense,many\n", "utf-8")
    found = cut(options, panel, journal)
    assert found.parts == ()
    assert "1 row has problems" in found.blocked


def test_too_little_money_gives_no_parts(options, panel, journal, sandbox):
    sandbox.balance("0.10")
    found = cut(options, panel, journal)
    assert (found.parts, found.blocked) == ((), "the balance is short by 0.35")


def test_every_part_is_placed_once_however_often(options, panel, journal, ordered):
    parts = cut(options, panel, journal).parts
    for _ in range(2):
        for keys in parts:
            part = place(options, panel, journal, keys)
            assert [entry.state for entry in part.entries] == [State.PLACED] * len(keys)
            assert part.progress.stop is None
    assert len(ordered()) == 5


def test_two_processes_on_one_part_place_each_order_once(options, panel, journal, tmp_path, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    failures = []

    def work():
        try:
            with Journal(f"sqlite:///{journal.path}") as own:
                place(options, panel, own, keys)
        except Exception as error:  # noqa: BLE001 (it is told by the assertion)
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ordered()) == 5
    assert all(entry.state is State.PLACED for entry in place(options, panel, journal, keys).entries)


def test_a_doubt_of_a_part_is_left_alone(options, panel, journal, sandbox, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [2]})
    place(options, panel, journal, keys)
    sandbox.faults()
    again = place(options, panel, journal, keys)
    assert sorted(entry.state.value for entry in again.entries) == ["in_doubt"] + ["placed"] * 4
    assert len(ordered()) == 5


def test_what_a_dead_worker_left_is_a_doubt(options, panel, journal, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    with Journal(f"sqlite:///{journal.path}") as dying:
        campaign = dying.ensure_campaign(dying.ensure_account(panel.url, "default"), options.campaign)
        dying.commit([Intent(dying.with_keys(campaign, [keys[0]])[keys[0]].id)])
    states = [entry.state for entry in place(options, panel, journal, keys).entries]
    assert states == [State.IN_DOUBT] + [State.PLACED] * 4
    assert len(ordered()) == 4


def test_a_price_that_rose_since_the_split_stops_the_part(options, panel, journal, sandbox, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    sandbox.service("2", rate="0.95")
    part = place(options, panel, journal, keys)
    assert part.progress.stop is Stop.PRICE
    assert "changed from 0.09 to 0.095" in part.progress.reason
    assert {entry.state for entry in part.entries} == {State.NOT_SENT}
    assert ordered() == []
    cut(options, panel, journal)
    assert place(options, panel, journal, keys).progress.stop is None, "a new split takes the new price"


def test_the_campaigns_budget_holds_for_all_parts(options, panel, journal, ordered):
    parts = cut(options, panel, journal).parts
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, "default"), options.campaign)
    budgets.set_budget(journal, campaign, Decimal("0.27"))
    for keys in parts:
        place(options, panel, journal, keys)
    assert len(ordered()) == 3


def test_keys_that_the_journal_does_not_know_stop_it(options, panel, journal, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    with pytest.raises(JournalConflictError, match=r"does not have 1 of the part's orders, for example unknown: "):
        place(options, panel, journal, [*keys, "unknown"])
    assert ordered() == []


def test_a_part_of_what_is_done_asks_the_panel_nothing(options, panel, journal, sandbox):
    (keys,) = cut(options, panel, journal, size=5).parts
    place(options, panel, journal, keys)
    before = sandbox.ledger_without_orders()["calls"]
    place(options, panel, journal, keys)
    assert sandbox.ledger_without_orders()["calls"] == before


def test_a_refused_order_is_not_sent_again_by_a_retry_of_the_part(options, panel, journal, sandbox, ordered):
    (keys,) = cut(options, panel, journal, size=5).parts
    campaign = journal.ensure_campaign(journal.ensure_account(panel.url, "default"), options.campaign)
    first = journal.with_keys(campaign, [keys[0]])[keys[0]]
    (attempt,) = journal.commit([Intent(first.id)])
    journal.commit([Outcome(first.id, attempt.number, Event.REFUSAL, None, error="Bad link")])
    part = place(options, panel, journal, keys)
    assert part.entries[0].state is State.REJECTED
    assert len(ordered()) == 4


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ([service(rate="1.5")], ""),
        ([service(rate="1.4")], ""),
        ([service(rate="1.51")], "changed from 0.15 to 0.151"),
        ([], "service 2 no longer exists"),
    ],
)
def test_what_is_dearer_is_named(services, words):
    assert words in price_increase([entry_of()], {each.id: each for each in services})
    assert bool(words) == bool(price_increase([entry_of()], {each.id: each for each in services}))
