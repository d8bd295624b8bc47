"""How orders in doubt look."""

import io
import shlex
import sys
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from bulk.cli.doubt_tables import show_doubts, show_finding
from smmplus.journal.balances import Observation
from smmplus.journal.state_machine import State
from smmplus.reconciliation.balance_evidence import Evidence, Verdict
from smmplus.reconciliation.doubt_matching import Finding
from tests.bulk.plans import LINK, entry_of, request


def said(shown, *things, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    shown(console, *things)
    return console.file.getvalue()


def words(*things, **about):
    return " ".join(said(*things, **about).split())


def seen(amount, hour):
    time = f"2026-02-03T{hour:02d}:00:00.000+00:00"
    return Observation(hour, time, time, Decimal(amount), "USD", Decimal(0), Decimal(0))


DOUBT = entry_of(state=State.IN_DOUBT, error="no answer (TimeoutError)")
WEIGHED = Evidence(
    seen("10", 3), seen("9.55", 5), Verdict.DEBITED, fell=Decimal("0.45"), orders=2, accepted=Decimal("0.3")
)


def test_no_doubt():
    assert words(show_doubts, [], {}) == "No orders are in doubt."


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("campaign", ["week", "the week of the very long name that nobody shortened in time"])
def test_nothing_of_a_doubt_is_cut(width, campaign):
    """Who cannot read a key whole cannot settle its order."""
    doubts = [
        entry_of(request(f"{LINK}/{n}"), n, State.IN_DOUBT, campaign=campaign, error="no answer (TimeoutError)")
        for n in (1, 2)
    ]
    text = said(show_doubts, doubts, {doubt.id: WEIGHED for doubt in doubts}, width=width)
    shown, _, below = text.partition("Look for each")
    for doubt in doubts:
        assert doubt.name in below
    told = "".join(shown.split())
    for piece in ("0.15USDexpected", "3Feb2026,04:05:06UTC", "fromweek.csv", "noanswer(TimeoutError)"):
        assert all(letter in told for letter in piece)
    assert max(len(line) for line in shown.splitlines()) <= width


def test_a_doubt_is_one_row_of_a_table_with_what_the_balance_says():
    text = said(show_doubts, [DOUBT], {DOUBT.id: WEIGHED}, width=400)
    for words in (
        "0.15 USD expected", "3 Feb 2026, 04:05:06 UTC, from week.csv", "no answer (TimeoutError)",
        "before: 10.00 USD at 3 Feb 2026, 03:00:00 UTC", "after: 9.55 USD at 3 Feb 2026, 05:00:00 UTC",
        "dropped by: 0.45; 2 confirmed orders in between explain 0.30; 0.15 unexplained", Verdict.DEBITED.value,
    ):  # fmt: skip
        assert words in text
    head = next(line for line in text.splitlines() if line.strip())
    assert head.split() == ["sent", "order", "charge", "balance"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no time.tzset")
@pytest.mark.usefixtures("jakarta")
def test_times_are_those_of_the_person_who_reads_them():
    text = said(show_doubts, [DOUBT], {DOUBT.id: WEIGHED}, width=400)
    assert "3 Feb 2026, 11:05:06 WIB" in text
    assert "UTC" not in text


def test_what_else_may_be_in_the_fall_is_told():
    told = words(show_doubts, [DOUBT], {DOUBT.id: replace(WEIGHED, others=3)}, width=400)
    assert "2 confirmed orders in between explain 0.30; 3 more may be in it; 0.15 unexplained" in told


def test_a_balance_that_was_not_read_is_told_as_such_and_how_to_read_it():
    told = said(show_doubts, [DOUBT], {DOUBT.id: Evidence(None, None, Verdict.INCONCLUSIVE)}, width=400)
    assert "before: not read before it was sent" in told
    assert "after: not read since; to read it: smmplus reconcile" in told
    assert "dropped" not in told


def test_a_balance_from_before_is_shown_though_none_was_read_after():
    told = said(show_doubts, [DOUBT], {DOUBT.id: Evidence(seen("10", 3), None, Verdict.INCONCLUSIVE)}, width=400)
    assert "before: 10.00 USD at 3 Feb 2026, 03:00:00 UTC" in told
    assert "after: not read since; to read it: smmplus reconcile" in told


def test_the_command_that_reads_the_balance_carries_the_account():
    doubt = entry_of(state=State.IN_DOUBT, account="shop")
    told = said(show_doubts, [doubt], {doubt.id: Evidence(None, None, Verdict.INCONCLUSIVE)}, width=400)
    assert "not read since; to read it: smmplus reconcile --account shop" in told
    assert "smmplus reconcile --probe --account shop" in told


def test_a_doubt_tells_what_was_ordered_where_little_is_known():
    doubt = entry_of(state=State.IN_DOUBT, cost=None, sent_at=None, account="shop")
    told = said(show_doubts, [doubt], {}, width=400)
    for piece in (
        "account shop",
        "an unknown time, from week.csv",
        f"service 2 link={LINK} quantity=100",
        "unknown",
    ):
        assert piece in told


def test_of_many_doubts_the_command_for_a_campaign_and_the_sheet_are_named():
    doubts = [entry_of(request(f"{LINK}/{n}"), n, State.IN_DOUBT, campaign="week 2", account="shop") for n in (1, 2)]
    text = said(show_doubts, doubts, {}, width=60)
    assert "smmplus resolve --campaign 'week 2' --not-placed --account shop" in text
    assert text.count("--campaign") == 1
    assert "smmplus doubts --export doubts.csv" in text


def test_long_comments_are_cut():
    doubt = entry_of(request(comments="x" * 1000), state=State.IN_DOUBT)
    told = said(show_doubts, [doubt], {}, width=1000)
    assert ("x" * 200 in told, "x" * 301 in told, "…" in told) == (True, False, True)


@pytest.mark.parametrize("campaign", ["it's week 2", "a/b c", "-n", '"x" $HOME `y`'])
def test_the_command_that_settles_it_can_be_copied(campaign):
    odd = entry_of(state=State.IN_DOUBT, campaign=campaign, account="shop")
    text = said(show_doubts, [odd], {}, width=40)
    (line,) = (line for line in text.splitlines() if "NUMBER" in line and "smmplus resolve" in line)
    parts = shlex.split(line)[1:]
    assert (odd.name in parts, parts[:2], "--order-id" in parts) == (True, ["smmplus", "resolve"], True)
    assert parts[parts.index("--account") + 1] == "shop"


def test_a_finding_names_the_command_for_each_order_that_it_may_be():
    text = said(show_finding, Finding(DOUBT, ("601", "602"), why="two of them"), width=40)
    assert "still in doubt: two of them" in text
    for order_id in ("601", "602"):
        assert f"  smmplus resolve week/{DOUBT.key} --order-id {order_id}\n" in text


def test_of_many_candidates_the_first_are_named():
    text = said(show_finding, Finding(DOUBT, tuple(map(str, range(600, 612))), why="many"), width=40)
    assert text.count("smmplus resolve") == 10
    assert "… and 2 more" in text


def test_without_a_candidate_both_commands_are_named():
    text = said(show_finding, Finding(DOUBT, why="none found"))
    assert "--order-id NUMBER" in text
    assert "--not-placed" in text


def test_what_was_taken_up_can_be_taken_back():
    text = words(show_finding, Finding(DOUBT, ("601",), "601", "everything agrees"))
    undo = f"if that is wrong: smmplus resolve {DOUBT.name} --undo"
    assert text == f"matched to order 601: everything agrees {undo}"
