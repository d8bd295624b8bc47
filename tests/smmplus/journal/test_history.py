from datetime import UTC, datetime, timedelta

import pytest

from smmplus.journal.history import history_of
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event
from tests.databases import DATABASES
from tests.smmplus.batches import Batch

RUNS_ON = DATABASES


class Clock:
    """It is ten minutes later each time, so that whatever happens has a time of its own."""

    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(minutes=10)
        return self.time


@pytest.fixture
def batch(journal_url):
    with Journal(journal_url, now=Clock()) as journal:
        yield Batch(journal)


def life(batch, entry):
    """Give kind and details of each event."""
    with batch.journal.reading() as connection:
        events = history_of(connection, batch.now(entry))
    return [(event.kind, dict(event.about)) for event in events]


def kinds(batch, entry):
    return [kind for kind, _about in life(batch, entry)]


def test_an_attempt_that_came_into_doubt_stays_after_the_next_one(batch):
    entry = batch.in_doubt()
    batch.journal.resolve_as_not_placed(entry, why="not on the page")
    batch.settle(batch.intend(entry), Event.ORDER_ID, "501")
    told = life(batch, entry)
    assert [kind for kind, _about in told] == ["planned", "sent", "in_doubt", "resolved", "sent", "answered"]
    assert [about["attempt"] for kind, about in told if kind == "sent"] == ["1", "2"]
    assert all(about["user"] and about["host"] for kind, about in told if kind == "sent")
    assert (told[2][1]["error"], told[3][1]["why"], told[5][1]["order_id"]) == ("no answer", "not on the page", "501")


def test_a_doubt_that_is_open_again_is_one(batch):
    entry = batch.in_doubt()
    batch.journal.resolve_as_placed(batch.account, entry, "501", why="saw it")
    batch.journal.take_back(batch.now(entry), why="another's")
    assert kinds(batch, entry) == ["planned", "sent", "in_doubt", "resolved", "taken_back"]


def test_a_second_order_id_is_an_answer_beside_its_alarm(batch):
    (entry,) = batch.plan()
    attempt = batch.intend(entry)
    batch.settle(attempt, Event.ORDER_ID, "501")
    batch.settle(attempt, Event.LATE_ORDER_ID, "502")
    answers = [about["order_id"] for kind, about in life(batch, entry) if kind == "answered"]
    assert (answers, "alarm" in kinds(batch, entry)) == (["501", "502"], True)


def test_what_a_restored_journal_only_suspects_was_not_sent(batch):
    (entry,) = batch.plan()
    batch.rows(
        "UPDATE entries SET state = 'in_doubt', sent_at = '2026-01-02T00:00:00.000+00:00', "
        "settled_at = '2026-01-03T00:00:00.000+00:00', error = 'restored'"
    )
    assert life(batch, entry)[1:] == [("in_doubt", {"error": "restored"})]


def test_an_order_id_that_a_person_found_is_in_the_resolution_alone(batch):
    entry = batch.in_doubt()
    batch.journal.resolve_as_placed(batch.account, entry, "501", why="saw it")
    assert kinds(batch, entry) == ["planned", "sent", "in_doubt", "resolved"]


def test_a_rejected_order_ends_with_the_panel_s_words(batch):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), Event.REFUSAL, error="Bad link")
    assert life(batch, entry)[-1] == ("rejected", {"attempt": "1", "error": "Bad link"})
