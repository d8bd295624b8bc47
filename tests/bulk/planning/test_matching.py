"""Who is who: which order of the journal each row is."""

from collections import Counter, defaultdict
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.planning.build_plan import _find_known
from bulk.planning.matching import ORDERED, Known, match_rows
from bulk.planning.orders import OrderRow
from smmplus.journal.entry import key_of
from smmplus.journal.state_machine import State
from tests.bulk.plans import LINK, Ledger, entry_of, request, row, rows_of, sheet_of

# How long an example takes is the machine's affair.
random_cases = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def bound(ledger, sheet, *, unfinished=True, **options):
    """Bind a sheet to what a real journal knows."""
    rows = rows_of(sheet)
    place = ledger.place(unfinished=unfinished)
    known = _find_known(ledger.journal, place, rows.values())
    return match_rows(sheet, rows, known, campaign_id=place.campaign_id, batch_id=place.batch_id, **options)


def messages(binding):
    return {problem.row: problem.message for problem in binding.problems}


# A row that carries an id.


def test_a_row_with_an_id_is_that_order(week):
    first, second = week.accepted("501"), week.accepted("502", nth=2)
    binding = bound(week, sheet_of(row(order_id="502"), row(order_id="501")))
    assert binding.entries == {2: second, 3: first}


def test_an_id_binds_in_a_finished_batch_of_another_campaign_too(week):
    other = Ledger.of(week.journal, "last", "last.csv")
    entry = other.accepted("501")
    other.finish()
    assert bound(week, sheet_of(row(order_id="501"))).entries == {2: other.now(entry)}


def test_an_id_that_the_journal_does_not_know_is_a_problem(week):
    binding = bound(week, sheet_of(row(order_id="999")))
    assert messages(binding) == {2: "the journal knows no such order"}
    assert (binding.problems[0].where, binding.problems[0].value) == ("line 2, order_id", "999")
    assert (binding.entries, binding.new, binding.questions) == ({}, {}, {})


def taken_back(week, nth=1):
    """Leave an order in doubt that a person said is order 501, and took that back."""
    doubt = week.in_doubt(nth=nth)
    week.journal.resolve_as_placed(week.account, doubt, "501", why="")
    week.journal.take_back(week.now(doubt), why="")
    return week.now(doubt)


def test_a_wrong_id_that_was_taken_back_stands_for_the_order_that_it_was_written_for(week):
    doubt = taken_back(week)
    week.finish()
    assert bound(week, sheet_of(row(order_id="501")), unfinished=False).entries == {2: week.now(doubt)}
    assert week.plan(sheet_of(row(order_id="501"))).journal_warnings.unknown_ids == 0


def test_it_does_so_although_it_is_another_row_s_by_now(week):
    doubt, other = taken_back(week), week.in_doubt(request(LINK + "/2"))
    week.journal.resolve_as_placed(week.account, other, "501", why="")
    week.journal.resolve_as_placed(week.account, doubt, "502", why="")
    rows = sheet_of(row(order_id="501"), row(link=LINK + "/2"))
    assert bound(week, rows).entries == {2: week.now(doubt), 3: week.now(other)}


def test_an_id_that_was_resolved_again_as_it_was_is_that_order(week):
    doubt, other = taken_back(week), taken_back(week, nth=2)
    week.journal.resolve_as_placed(week.account, doubt, "501", why="")
    assert bound(week, sheet_of(row(order_id="501"))).entries == {2: week.now(doubt)}
    assert bound(week, sheet_of(row(order_id="501"), row())).entries == {2: week.now(doubt), 3: other}


def test_a_wrong_id_at_a_row_that_was_changed_or_copied_is_a_problem(week):
    taken_back(week)
    binding = bound(week, sheet_of(row(order_id="501"), row(order_id="501"), row(quantity="200", order_id="501")))
    assert messages(binding).keys() == {3, 4}


def test_an_id_of_another_account_is_not_known(week):
    Ledger.of(week.journal, account="shop").accepted("501")
    assert messages(bound(week, sheet_of(row(order_id="501")))) == {2: "the journal knows no such order"}


def test_an_unknown_id_where_an_equal_order_is_in_doubt_leads_to_resolve(week):
    """So it is where the journal could not take the id: emptying the cell would not help."""
    doubt = week.in_doubt()
    (problem,) = bound(week, sheet_of(row(order_id="501"))).problems
    assert problem.remedy == f"if it is this order: `smmplus resolve {doubt.name} --order-id 501`"


def test_an_id_in_two_rows_is_a_problem_of_the_second(week):
    entry = week.accepted("501")
    binding = bound(week, sheet_of(row(order_id="501"), row(order_id="501")))
    assert binding.entries == {2: entry}
    assert messages(binding) == {3: "row 2 carries the same order"}
    assert binding.new == {}


def test_a_row_whose_order_was_for_something_else_is_a_problem_that_says_for_what(week):
    week.accepted("501")
    binding = bound(week, sheet_of(row(quantity="150", order_id="501")))
    (problem,) = binding.problems
    assert problem.message == f"this order was placed for something else (service 2, link {LINK}, quantity 100)"
    assert binding.new == {}


def test_a_copied_row_with_a_changed_link_does_not_keep_the_right_one_from_its_order(week):
    entry = week.accepted("501")
    binding = bound(week, sheet_of(row(LINK + "/2", order_id="501"), row(order_id="501")))
    assert binding.entries == {3: entry}
    assert set(messages(binding)) == {2}


def test_two_ids_of_one_order_in_two_rows_are_one_order_in_two_rows(week):
    entry = week.accepted("501")
    rows = rows_of(sheet := sheet_of(row(order_id="501"), row(order_id="502")))
    known = Known({"501": entry, "502": entry}, [entry], [entry])
    binding = match_rows(sheet, rows, known, campaign_id=week.campaign, batch_id=week.batch)
    assert binding.entries == {2: entry}
    assert messages(binding) == {3: "row 2 carries the same order"}


def test_a_row_with_an_id_leaves_the_other_equal_orders_to_the_rows_without(week):
    first, second = week.accepted("501"), week.accepted("502", nth=2)
    binding = bound(week, sheet_of(row(), row(order_id="501")))
    assert binding.entries == {2: second, 3: first}


def test_an_order_whose_id_is_at_a_changed_row_is_the_last_that_an_equal_row_is_taken_for(week):
    carried, free = week.accepted("501"), week.accepted("502", nth=2)
    changed = row(LINK + "/2", order_id="501")
    assert bound(week, sheet_of(changed, row())).entries == {3: free}
    assert bound(week, sheet_of(changed, row(), row())).entries == {3: free, 4: carried}


# The sheet's own unfinished batch.


@pytest.mark.parametrize("made", ["planned", "refused", "accepted", "in_doubt", "submitting"])
def test_a_row_is_the_equal_entry_of_the_unfinished_batch(week, made):
    entry = getattr(week, made)()
    binding = bound(week, sheet_of(row()))
    assert binding.entries == {2: week.now(entry)}
    assert (binding.new, binding.questions, binding.missing) == ({}, {}, [])


def test_a_row_of_other_content_is_new(week):
    week.accepted("501")
    binding = bound(week, sheet_of(row(), row(quantity="150")))
    assert binding.new == {3: key_of(request(quantity="150"), 1)}


def test_of_equal_entries_those_that_may_have_cost_money_come_first(week):
    planned, doubtful, accepted = week.planned(), week.in_doubt(nth=2), week.accepted("501", nth=3)
    assert bound(week, sheet_of(row(), row())).entries == {2: doubtful, 3: accepted}
    assert bound(week, sheet_of(row(), row(), row())).entries == {2: doubtful, 3: accepted, 4: planned}


def test_one_row_more_than_equal_entries_is_new_and_gets_the_next_number(week):
    week.accepted("501"), week.accepted("502", nth=7)
    assert bound(week, sheet_of(row(), row(), row())).new == {4: key_of(request(), 8)}


def test_equal_rows_that_are_new_get_numbers_of_their_own(week):
    assert bound(week, sheet_of(row(), row())).new == {2: key_of(request(), 1), 3: key_of(request(), 2)}


def test_numbers_of_another_campaign_do_not_count(week):
    Ledger.of(week.journal, "last").planned(nth=4)
    assert bound(week, sheet_of(row())).new == {2: key_of(request(), 1)}


def test_blanks_around_a_cell_change_no_order(week):
    entry = week.accepted("501")
    assert bound(week, sheet_of(row(f" {LINK} "))).entries == {2: entry}


# Orders placed elsewhere.


@pytest.fixture
def finished(week):
    """One order of a finished batch of the same sheet."""
    entry = week.accepted("501")
    week.finish()
    return week.now(entry)


def test_a_row_equal_to_an_order_of_a_finished_batch_is_a_question(week, finished):
    binding = bound(week, sheet_of(row()), unfinished=False)
    assert binding.questions == {2: finished}
    assert (binding.entries, binding.new) == ({}, {})


@pytest.mark.parametrize(("campaign", "source"), [("week", "other.csv"), ("other", "week.csv"), ("other", "other.csv")])
@pytest.mark.parametrize("made", ["accepted", "in_doubt", "submitting"])
def test_a_row_equal_to_an_order_of_another_file_or_campaign_is_a_question(week, campaign, source, made):
    entry = getattr(Ledger.of(week.journal, campaign, source), made)()
    assert bound(week, sheet_of(row())).questions == {2: entry}


def test_adopt_makes_it_the_same_order(week, finished):
    binding = bound(week, sheet_of(row(), row()), unfinished=False, adopt=True)
    assert binding.entries == {2: finished}
    assert binding.new == {3: key_of(request(), 2)}
    assert binding.questions == {}


def test_a_campaign_named_by_a_person_is_not_asked_about_orders_of_other_campaigns(week):
    Ledger.of(week.journal, "last").accepted("501")
    binding = bound(week, sheet_of(row()), is_named=True)
    assert binding.new == {2: key_of(request(), 1)}
    assert binding.questions == {}


def test_it_is_asked_about_orders_of_its_own(week, finished):
    assert bound(week, sheet_of(row()), unfinished=False, is_named=True).questions == {2: finished}


@pytest.mark.parametrize("made", ["planned", "refused"])
def test_what_another_campaign_never_placed_is_not_asked_about(week, made):
    getattr(Ledger.of(week.journal, "last"), made)()
    assert bound(week, sheet_of(row())).new == {2: key_of(request(), 1)}


def test_an_order_of_another_account_is_not_asked_about(week):
    Ledger.of(week.journal, account="shop").accepted("501")
    assert bound(week, sheet_of(row())).new == {2: key_of(request(), 1)}


@pytest.mark.parametrize("made", ["planned", "refused"])
def test_what_the_campaign_never_placed_is_taken_up(week, made):
    entry = getattr(week, made)()
    week.finish()
    assert bound(week, sheet_of(row()), unfinished=False).entries == {2: week.now(entry)}


def test_the_question_comes_before_what_was_never_placed(week):
    """Were the planned entry sent, the same would be ordered twice: it was ordered elsewhere since."""
    week.planned()
    placed = Ledger.of(week.journal, "copy", "copy.csv").accepted("501")
    binding = bound(week, sheet_of(row()))
    assert binding.questions == {2: placed}
    assert binding.entries == {}


# Orders that no row stands for.


@pytest.mark.parametrize("made", ["accepted", "in_doubt", "submitting"])
def test_an_order_of_the_unfinished_batch_without_a_row_is_missing(week, made):
    entry = getattr(week, made)()
    assert bound(week, sheet_of(row(LINK + "/2"))).missing == [entry]


@pytest.mark.parametrize("made", ["planned", "refused"])
def test_what_was_never_placed_may_go(week, made):
    getattr(week, made)()
    assert bound(week, sheet_of(row(LINK + "/2"))).missing == []


def test_orders_of_a_finished_batch_may_go(week, finished):
    assert bound(week, sheet_of(row(LINK + "/2")), unfinished=False).missing == []


def test_an_order_whose_row_carries_a_wrong_id_is_missing(week):
    entry = week.accepted("501")
    assert bound(week, sheet_of(row(order_id="999"))).missing == [entry]


def test_an_order_that_is_asked_about_is_not_missing():
    rows = rows_of(sheet := sheet_of(row()))
    entry = entry_of(campaign_id=2, batch_id=1)
    assert match_rows(sheet, rows, Known({}, [entry], [entry]), campaign_id=1, batch_id=None).missing == []


# Whatever journal and whatever sheet.

CONTENTS = [request(), request(LINK + "/2"), request(quantity="150")]
CELLS = [row(), row(LINK + "/2"), row(quantity="150")]


@st.composite
def journals(draw):
    """Entries of three campaigns in batches of two each; (campaign, key) is unique, as the database sees to."""
    numbers = defaultdict(lambda: count(1))
    entries = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        campaign, content = draw(st.integers(1, 3)), draw(st.sampled_from(CONTENTS))
        skipped = draw(st.integers(0, 2))
        nth = [next(numbers[campaign, content]) for _ in range(skipped + 1)][-1]
        state = draw(st.sampled_from(list(State)))
        entries.append(
            entry_of(
                content,
                number,
                state,
                campaign_id=campaign,
                batch_id=campaign * 10 + draw(st.integers(0, 1)),
                key=key_of(content, nth),
                order_id=str(500 + number) if state is State.PLACED else None,
            )
        )
    return entries


@st.composite
def cases(draw):
    """Make a journal, the rows of a sheet, and what a person said."""
    entries = draw(journals())
    ids = st.sampled_from(["", "", "", "999", *(entry.order_id for entry in entries if entry.order_id)])
    some = draw(st.lists(st.tuples(st.sampled_from(CELLS), ids), max_size=10))
    right = [(CELLS[CONTENTS.index(entry.request)], entry.order_id) for entry in entries if entry.order_id is not None]
    kept = draw(st.lists(st.sampled_from(right), max_size=6, unique_by=lambda pair: pair[1])) if right else []
    rows = [{**cells, "order_id": order_id} for cells, order_id in draw(st.permutations([*some, *kept]))]
    said = {
        "campaign_id": 1,
        "batch_id": draw(st.sampled_from([None, 10, 11])),
        "adopt": draw(st.booleans()),
        "is_named": draw(st.booleans()),
    }
    return entries, rows, said


SHEET = sheet_of(row(order_id=""))


def order_row(number, cells):
    return OrderRow(number, CONTENTS[CELLS.index(without_id(cells))], cells["order_id"])


def without_id(cells):
    return {name: text for name, text in cells.items() if name != "order_id"}


def bind_case(entries, rows, said):
    known = Known(
        {entry.order_id: entry for entry in entries if entry.order_id},
        entries,
        [entry for entry in entries if entry.batch_id == said["batch_id"]],
    )
    numbered = {number: order_row(number, cells) for number, cells in enumerate(rows, start=2)}
    return match_rows(SHEET, numbered, known, **said)


def what_of(binding, number):
    """Say what a row is, without its number."""
    if number in binding.entries:
        return "is", binding.entries[number].id
    if number in binding.questions:
        return "asks", binding.questions[number].id
    return ("new", binding.new[number]) if number in binding.new else ("wrong",)


@pytest.mark.slow
@random_cases
@given(cases())
def test_no_entry_is_two_rows_and_every_row_is_one_thing(case):
    entries, rows, said = case
    binding = bind_case(entries, rows, said)
    used = Counter(entry.id for entry in (*binding.entries.values(), *binding.questions.values()))
    assert set(used.values()) <= {1}
    parts = [*binding.entries, *binding.questions, *binding.new, *(problem.row for problem in binding.problems)]
    assert sorted(parts) == list(range(2, len(rows) + 2))


@random_cases
@given(cases())
def test_a_row_is_never_an_entry_of_other_content(case):
    entries, rows, said = case
    binding = bind_case(entries, rows, said)
    for found in (binding.entries, binding.questions):
        for number, entry in found.items():
            assert entry.request == CONTENTS[CELLS.index(without_id(rows[number - 2]))]


@random_cases
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(case, random):
    """Equal rows are interchangeable; whatever differs keeps what it was."""
    entries, rows, said = case
    shuffled = random.sample(rows, len(rows))

    def found(some):
        binding = bind_case(entries, some, said)
        told = Counter((tuple(cells.items()), what_of(binding, n)) for n, cells in enumerate(some, start=2))
        return told, sorted(entry.id for entry in binding.missing)

    assert found(rows) == found(shuffled)


@random_cases
@given(cases())
def test_an_equal_order_is_never_passed_over_for_a_new_one_or_one_to_be_sent(case):
    entries, rows, said = case
    binding = bind_case(entries, rows, said)
    taken = {entry.id for entry in (*binding.entries.values(), *binding.questions.values())}
    sent = {key.rpartition("-")[0] for key in binding.new.values()}
    sent |= {entry.key.rpartition("-")[0] for entry in binding.entries.values() if entry.state not in ORDERED}
    for entry in entries:
        elsewhere_anew = said["is_named"] and entry.campaign_id != said["campaign_id"]
        if entry.state in ORDERED and entry.id not in taken and not elsewhere_anew:
            assert entry.key.rpartition("-")[0] not in sent


@random_cases
@given(cases())
def test_keys_of_new_rows_are_unused_and_differ(case):
    entries, rows, said = case
    binding = bind_case(entries, rows, said)
    keys = [*binding.new.values(), *(entry.key for entry in entries if entry.campaign_id == said["campaign_id"])]
    assert len(keys) == len(set(keys))


@random_cases
@given(cases())
def test_every_order_of_the_batch_has_a_row_or_is_missing(case):
    entries, rows, said = case
    binding = bind_case(entries, rows, said)
    taken = {entry.id for entry in (*binding.entries.values(), *binding.questions.values())}
    of_batch = {entry.id for entry in entries if entry.batch_id == said["batch_id"] and entry.state in ORDERED}
    assert {entry.id for entry in binding.missing} == of_batch - taken
