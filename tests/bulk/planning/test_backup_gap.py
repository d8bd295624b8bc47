"""Rows that are new to a restored journal."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bulk.model.options import Options
from bulk.planning.blockers import backup_gap_message, rows_in_backup_gap
from bulk.planning.build_plan import build_plan
from smmplus.journal.maintenance.restore import Backup
from smmplus.reconciliation.balance_drops import Fall
from tests.bulk.plans import LINK, blocker_of, prices, request, row, sheet_of

BACKUP = Backup("2026-01-01T12:00:00.000+00:00", "2026-01-02T13:30:00.000+00:00")
FALL = Fall("2026-01-01T11:00:00.000+00:00", "2026-01-02T13:31", Decimal("3.50"), Decimal("1.00"), "USD")

WORDS = (
    "This journal was restored on 2 Jan 2026, 13:30 UTC from a backup of 1 Jan 2026, 12:00 UTC, and knows no order "
    "placed in between. 2 rows to be sent are new to it, and may have been placed then, row 2 the first"
)


@pytest.fixture
def planned(week):
    """Give the way to plan a sheet with a restored journal."""

    def plan(*rows, backup=BACKUP, fall=None, **options):
        sheet = sheet_of(*rows)
        place, asked = replace(week.place(), backup=backup), Options(sheet.path, **options)
        return build_plan(sheet, replace(prices(), fall=fall), place, week.journal, asked)

    return plan


def test_rows_that_a_restored_journal_does_not_know_stop_a_run_that_nobody_is_asked_about(planned):
    words = blocker_of(planned(row(), row(LINK + "/2")))
    assert words.startswith(f"{WORDS}. Look at the panel's order page")
    assert all(option in words for option in ("--skip-bad", "--not-placed-since-backup"))


def test_a_journal_that_was_never_lost_or_is_settled_stops_nothing(planned):
    plan = planned(row(), backup=None)
    assert (rows_in_backup_gap(plan), backup_gap_message(plan), blocker_of(plan)) == ([], "", "")


def test_a_person_says_yes_at_the_question_or_by_the_option(planned):
    assert planned(row()).blocker.is_confirmable
    assert planned(row(), not_placed_since_backup=True).blocker is None


def test_rows_that_the_journal_knows_are_sent_without_a_question(week, planned):
    week.accepted("501")
    week.planned(request(LINK + "/2"))
    week.refused(request(LINK + "/3"), meaning="BAD_ROW")
    plan = planned(row(), row(LINK + "/2"), row(LINK + "/3"))
    assert (len(plan.to_send), blocker_of(plan)) == (2, "")
    (unknown,) = rows_in_backup_gap(planned(row(), row(LINK + "/2"), row(LINK + "/4")))
    assert unknown.row.number == 4


def test_an_account_that_the_backup_does_not_know_asks_too(planned):
    """It may have been used first between the backup and the loss."""
    plan = planned(row())
    assert plan.journal_warnings.is_new
    assert blocker_of(plan)


def test_rows_that_are_left_for_later_are_counted(planned):
    assert backup_gap_message(planned(row(), row(LINK + "/2"), first=1)) == WORDS


def test_one_row_is_told_as_one(planned):
    assert "1 row to be sent is new to it" in backup_gap_message(planned(row()))


def test_a_fall_of_the_balance_is_told(planned):
    words = backup_gap_message(planned(row(), row(LINK + "/2"), fall=FALL))
    assert words == f"{WORDS}; since 1 Jan 2026, 11:00 UTC the balance fell by 2.5 USD more than it knows"


def test_a_journal_that_kept_no_time_of_its_restoring_is_told_without(planned):
    words = backup_gap_message(planned(row(), backup=Backup(BACKUP.made_at, "")))
    assert words.startswith("This journal was restored from a backup of 1 Jan 2026, 12:00 UTC, ")


def test_what_is_wrong_with_the_sheet_comes_first(planned):
    assert blocker_of(planned(row(), row(quantity="x"))).startswith("1 row has problems")
