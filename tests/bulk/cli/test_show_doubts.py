"""How orders in doubt look."""

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from bulk.cli.show_doubts import show_doubts, show_finding
from smmplus.journal import State
from smmplus.journal.balances import Observation
from smmplus.journal.evidence import Evidence, Verdict
from smmplus.reconcile import Finding
from tests.bulk.jobs import LINK, entry_of, request


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
    assert words(show_doubts, [], {}) == "no order is in doubt"


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("campaign", ["week", "the week of the very long name that nobody shortened in time"])
def test_nothing_of_a_doubt_is_cut(width, campaign):
    """Who cannot read a key whole cannot settle its order."""
    doubts = [
        entry_of(request(f"{LINK}/{n}"), n, State.IN_DOUBT, campaign=campaign, error="no answer (TimeoutError)")
        for n in (1, 2)
    ]
    text = said(show_doubts, doubts, {doubt.id: WEIGHED for doubt in doubts}, width=width)
    told = " ".join(text.split())
    for doubt in doubts:
        assert doubt.name in told
        assert f"{LINK}/{doubt.id}"[:40] in told
    assert "0.15 USD expected" in told
    assert "2026-02-03 04:05:06 UTC, from week.csv" in told
    assert "no answer (TimeoutError)" in told
    tables = text.partition("Look for each")[0].splitlines()
    assert max(len(line) for line in tables if campaign not in line) <= width


def test_the_balance_tells_what_fell_what_is_known_of_it_and_what_that_says():
    told = words(show_doubts, [DOUBT], {DOUBT.id: WEIGHED})
    assert "before 10.00 USD at 2026-02-03 03:00:00 UTC after 9.55 USD at 2026-02-03 05:00:00 UTC" in told
    assert "fell by 0.45, known of it: 0.30 for 2 accepted in between; left: 0.15" in told
    assert Verdict.DEBITED.value in told


def test_what_else_may_be_in_the_fall_is_told():
    told = words(show_doubts, [DOUBT], {DOUBT.id: replace(WEIGHED, others=3)})
    assert "0.30 for 2 accepted in between; 3 more may be in it; left: 0.15" in told


def test_a_balance_that_was_not_read_is_told_as_such():
    told = words(show_doubts, [DOUBT], {DOUBT.id: Evidence(None, None, Verdict.NO_BALANCE)})
    assert "before no balance known after no balance known balance it was not read both" in told
    assert "fell" not in told


def test_a_doubt_tells_what_was_ordered_where_little_is_known():
    doubt = entry_of(state=State.IN_DOUBT, cost=None, sent_at=None, account="shop")
    told = words(show_doubts, [doubt], {})
    assert f"account shop sent at an unknown time, from week.csv what service 2 link={LINK} quantity=100" in told
    assert "charge not known" in told


def test_long_comments_are_cut():
    doubt = entry_of(request(comments="x" * 1000), state=State.IN_DOUBT)
    told = said(show_doubts, [doubt], {}, width=1000)
    assert ("x" * 200 in told, "x" * 301 in told, "…" in told) == (True, False, True)


def test_the_command_that_settles_it_can_be_copied():
    odd = entry_of(state=State.IN_DOUBT, campaign="it's week 2", account="shop")
    text = said(show_doubts, [odd], {}, width=40)
    assert f"""  smmplus resolve 'it'"'"'s week 2/{odd.key}' --order-id NUMBER --account shop """ in text
    assert f"""  smmplus resolve 'it'"'"'s week 2/{odd.key}' --not-placed --account shop """ in text
    assert f"  smmplus resolve week/{DOUBT.key} --order-id NUMBER " in said(show_doubts, [DOUBT], {})


def test_a_finding_names_the_command_for_each_order_that_it_may_be():
    text = said(show_finding, Finding(DOUBT, ("601", "602"), why="two of them"), width=40)
    assert "not settled: two of them" in text
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


def test_what_was_taken_up_needs_no_command():
    text = words(show_finding, Finding(DOUBT, ("601",), "601", "everything agrees"))
    assert text == "taken up as order 601: everything agrees"
