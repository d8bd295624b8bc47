"""A journal that was restored from a backup, and sheets with rows that were placed since the backup."""

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command import (
    Ledger,
    Order,
    Workplace,
    assert_nothing_twice,
    orders,
    read_rows,
    without_results,
    write_sheet,
)
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e

NEW = orders(1, name="new")


@pytest.fixture(scope="module")
def restored(shared_panel: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Place two rows, back the journal up, place two more, and lose it; the sheet is as it was before those two.

    Once for all tests, which get copies.
    """
    shared_panel.balance("1000")
    workplace = Workplace(tmp_path_factory.mktemp("restored"), shared_panel, Ledger.from_here(shared_panel))
    sheet = workplace.sheet("week.csv", orders(2))
    assert workplace.run(sheet).status == 0
    assert workplace.command("journal", "copy", "backup.sqlite3").status == 0
    change(sheet, *placed_since())
    before = sheet.read_bytes()
    assert workplace.run(sheet).json["sent"] == 2
    sheet.write_bytes(before)
    workplace.journal.parent.rename(workplace.folder / "lost")
    assert workplace.command("journal", "restore", "backup.sqlite3", "--yes").status == 0
    workplace.ledger.earlier = workplace.ledger.orders()
    return workplace


@pytest.fixture
def sheet(restored: Workplace, workplace: Workplace) -> Path:
    shutil.copytree(restored.folder, workplace.folder, dirs_exist_ok=True)
    workplace.ledger.earlier = restored.ledger.earlier
    workplace.panel.balance("999.86")
    return workplace.folder / "week.csv"


def placed_since() -> list[Order]:
    """Give the rows that were placed since the backup."""
    return orders(4)[2:]


def change(sheet: Path, *more: Order) -> None:
    """Keep the first two rows of a sheet, and write others below them, as a person would."""
    kept = read_rows(sheet)[:2]
    write_sheet(sheet, [*kept, *({**dict.fromkeys(kept[0], ""), **row} for row in more)])


def run_unasked(workplace: Workplace, sheet: Path, *options: str) -> tuple[int, str]:
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", *options)
    return done.status, done.said


def test_a_run_that_nobody_is_asked_about_is_stopped_before_it_sends_them_again(workplace: Workplace, sheet: Path):
    status, said = run_unasked(workplace, sheet)
    assert (status, workplace.ledger.count()) == (3, 4)
    assert "Nothing was placed. This journal was restored on" in said
    assert "2 rows to be sent are new to it" in said
    assert "the balance fell by 0.07 USD more than it knows. Look at" in said
    assert workplace.command("check", sheet, "--json").status == 3
    assert_nothing_twice(workplace.ledger.orders())


def test_with_a_person_s_word_it_goes_on_and_the_campaign_is_asked_about_no_more(workplace: Workplace, sheet: Path):
    change(sheet, *NEW)
    assert run_unasked(workplace, sheet, "--not-placed-since-backup")[0] == 0
    assert workplace.ledger.count() == 5
    change(sheet, *NEW, *orders(1, name="newer"))
    assert run_unasked(workplace, sheet, "--adopt")[0] == 0
    assert workplace.ledger.count() == 6
    assert run_unasked(workplace, workplace.sheet("other.csv", orders(1, name="other")))[0] == 3
    assert_nothing_twice(workplace.ledger.orders())


def test_rows_that_carry_their_ids_are_left_out_with_skip_bad(workplace: Workplace, sheet: Path):
    ids = [workplace.ledger.order_id(row["link"]) for row in placed_since()]
    since = [row | {"order_id": order_id} for row, order_id in zip(placed_since(), ids, strict=True)]
    change(sheet, *since, *NEW)
    assert run_unasked(workplace, sheet, "--not-placed-since-backup", "--skip-bad")[0] == 3  # two rows have problems
    assert [row["order_id"] for row in read_rows(sheet)[2:]] == [*ids, workplace.ledger.order_id(NEW[0]["link"])]
    assert_nothing_twice(workplace.ledger.orders())


def test_a_person_is_asked_with_what_is_known(workplace: Workplace, sheet: Path):
    change(sheet, *NEW)
    done = workplace.command("run", sheet, "--rate", "0", "--wait", "0", answer="n\n")
    assert (done.status, workplace.ledger.count()) == (7, 4)
    assert "the balance fell by 0.07 USD more than it knows. Look at the panel's order page" in done.said
    assert "Place 1 order for 0.035 USD from account default" in done.said
    assert ", none of them placed since the backup?" in done.said
    assert workplace.command("run", sheet, "--rate", "0", "--wait", "0", answer="y\n").status == 0
    assert [without_results(row) for row in read_rows(sheet)] == [*orders(2), *NEW]
    assert workplace.ledger.count() == 5


def test_the_whole_journal_is_settled_by_a_command(workplace: Workplace, sheet: Path):
    change(sheet, *NEW)
    assert workplace.command("journal", "settle", "--yes", "--json").json == {
        "journal": str(workplace.journal),
        "settled": True,
    }
    assert run_unasked(workplace, sheet)[0] == 0
    assert workplace.ledger.count() == 5
