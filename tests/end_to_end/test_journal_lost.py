"""A journal that lost its tail, was put back as an older copy, or was deleted or replaced under a run.

The panel's ledger is the judge: nothing is placed twice, and what was ordered stands in the sheet or in a rescue file.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.end_to_end.command import Ledger, Running, Workplace, assert_nothing_twice, orders, read_rows, wait_until

pytestmark = pytest.mark.e2e

ROWS = 12


def copied(
    workplace: Workplace, to: str, endings: Iterable[str] = ("", "-wal", "-shm", ".locks", ".rescue", ".runs")
) -> Path:
    """Copy what is next to the journal, file by file, as `cp` does."""
    folder = workplace.folder / to
    folder.mkdir()
    for ending in endings:
        source = Path(f"{workplace.journal}{ending}")
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        elif source.exists():
            shutil.copy(source, folder / source.name)
    return folder


def killed(workplace: Workplace, sheet: Path, count: int = 5) -> None:
    """Kill a run with orders placed and others under way."""
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with workplace.start_run(sheet, "--in-flight", "3") as running:
        wait_until(lambda: workplace.ledger.count() >= count, f"{count} orders in the ledger")
        running.kill()
    workplace.panel.faults()


def run_unasked(workplace: Workplace, sheet: Path, *options: str) -> tuple[int, str]:
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", *options)
    return done.status, done.said


def assert_stops(workplace: Workplace, sheet: Path) -> str:
    """Check that nobody's rows are sent, twice over, and give the words of the first time."""
    before = workplace.ledger.count()
    status, said = run_unasked(workplace, sheet)
    assert status in {3, 4}, said
    assert run_unasked(workplace, sheet)[0] in {3, 4}
    assert workplace.ledger.count() == before
    assert_nothing_twice(workplace.ledger.orders())
    return said


@pytest.fixture
def sheet(workplace: Workplace) -> Path:
    return workplace.sheet("week.csv", orders(ROWS))


# Its end is lost.


def test_the_log_deleted_after_a_kill(workplace: Workplace, sheet: Path):
    killed(workplace, sheet)
    Path(f"{workplace.journal}-wal").unlink()
    said = assert_stops(workplace, sheet)
    assert "has lost what was written into it after" in said
    assert "Nothing was placed" in said
    placed = {order["link"] for order in workplace.ledger.orders()}
    rest = [row for row in orders(ROWS) if row["link"] not in placed]
    other = workplace.sheet("rest.csv", rest)
    assert run_unasked(workplace, other, "--not-placed-since-backup")[0] == 0
    assert workplace.ledger.count() == ROWS
    assert_nothing_twice(workplace.ledger.orders())


def test_it_is_said_once_and_by_whoever_looks_first(workplace: Workplace, sheet: Path):
    killed(workplace, sheet)
    Path(f"{workplace.journal}-wal").unlink()
    assert "lacks the last commits" in workplace.command("journal", "check").said
    first, second = workplace.command("doubts"), workplace.command("doubts")
    assert ("has lost" in first.said, "has lost" in second.said) == (True, False)
    assert "it lost everything recorded after" in workplace.command("journal").said
    assert workplace.command("journal", "check").status == 0
    assert_stops(workplace, sheet)


@pytest.mark.parametrize("beside", [(), (".locks", ".runs", ".rescue"), ("-shm", ".runs"), (".locks",)])
def test_the_file_alone_is_copied_after_a_kill_and_used_elsewhere(
    workplace: Workplace, sheet: Path, beside: tuple[str, ...]
):
    killed(workplace, sheet)
    elsewhere = copied(workplace, "elsewhere", ("", *beside))
    workplace.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / workplace.journal.name}"
    assert "has lost what was written into it after" in assert_stops(workplace, sheet)


def test_the_file_alone_is_copied_under_a_run_and_used_elsewhere(workplace: Workplace, sheet: Path):
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with workplace.start_run(sheet, "--in-flight", "3") as running:
        wait_until(lambda: workplace.ledger.count() >= 5, "five orders in the ledger")
        elsewhere = copied(workplace, "elsewhere", ("",))
        assert running.finish().status == 0
    sheet = workplace.sheet("once-more.csv", orders(ROWS))
    workplace.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / workplace.journal.name}"
    assert "has lost what was written into it after" in assert_stops(workplace, sheet)


@pytest.mark.parametrize("endings", [("",), ("", "-wal", "-shm")])
def test_an_older_copy_of_between_two_runs_is_put_back(workplace: Workplace, sheet: Path, endings: tuple[str, ...]):
    assert workplace.run(workplace.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    older = copied(workplace, "older", endings)
    before = sheet.read_bytes()
    assert workplace.run(sheet).status == 0
    sheet.write_bytes(before)
    shutil.copytree(older, workplace.journal.parent, dirs_exist_ok=True)
    assert "does not know the run of process" in assert_stops(workplace, sheet)


@pytest.mark.parametrize("after", [4, 8])
def test_a_copy_of_under_a_run_is_put_back_after_it(workplace: Workplace, sheet: Path, after: int):
    before = sheet.read_bytes()
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with workplace.start_run(sheet, "--in-flight", "2") as running:
        wait_until(lambda: workplace.ledger.count() >= after, "orders in the ledger")
        older = copied(workplace, "older", ("", "-wal", "-shm"))
        assert running.finish().status == 0
    sheet.write_bytes(before)
    shutil.copytree(older, workplace.journal.parent, dirs_exist_ok=True)
    assert "lacks the last commits of the run of process" in assert_stops(workplace, sheet)


def test_an_older_copy_of_the_whole_folder_is_put_back_in_the_same_place(workplace: Workplace, sheet: Path):
    """The user's own folder knows the later run."""
    assert workplace.run(workplace.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    workplace.journal.parent.rename(workplace.folder / "later")
    shutil.copytree(workplace.folder / "later", workplace.folder / "older")
    (workplace.folder / "later").rename(workplace.journal.parent)
    before = sheet.read_bytes()
    assert workplace.run(sheet).status == 0
    sheet.write_bytes(before)
    shutil.rmtree(workplace.journal.parent)
    (workplace.folder / "older").rename(workplace.journal.parent)
    assert "does not know the run of process" in assert_stops(workplace, sheet)


# No false alarms.


@pytest.mark.parametrize("count", [1, 5, 9])
def test_a_killed_run_s_folder_goes_on_where_it_is_and_elsewhere(workplace: Workplace, sheet: Path, count: int):
    killed(workplace, sheet, count)
    elsewhere = copied(workplace, "elsewhere")
    workplace.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / workplace.journal.name}"
    again = workplace.run(sheet)
    assert again.status in {0, 4}
    assert "lost" not in again.said.replace("answer is lost", "")
    assert_nothing_twice(workplace.ledger.orders())


def test_clean_runs_and_looks_in_any_order_raise_no_alarm(workplace: Workplace, sheet: Path):
    assert workplace.run(sheet, "--first", "3").status == 0
    for command in ("doubts", "journal"):
        assert "has lost" not in workplace.command(command).said
    assert workplace.run(sheet, "--first", "3").status == 0
    folder = workplace.journal.parent
    folder.rename(workplace.folder / "moved")
    workplace.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{workplace.folder / 'moved' / workplace.journal.name}"
    done = workplace.run(sheet)
    assert (done.status, workplace.ledger.count(), "has lost" in done.said) == (0, ROWS, False)


# Under a run.


def under_way(workplace: Workplace, sheet: Path, *options: str) -> Running:
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    return workplace.start("run", sheet, "--yes", "--rate", "0", "--in-flight", "2", *options)


def delete(workplace: Workplace) -> None:
    workplace.journal.unlink()


def delete_all(workplace: Workplace) -> None:
    shutil.rmtree(workplace.journal.parent)


def move_away(workplace: Workplace) -> None:
    workplace.journal.parent.rename(workplace.folder / "gone")


def replace(workplace: Workplace) -> None:
    other = workplace.folder / "other.sqlite3"
    shutil.copy(workplace.journal, other)
    other.rename(workplace.journal)


def delete_the_log(workplace: Workplace) -> None:
    Path(f"{workplace.journal}-wal").unlink()


def empty(workplace: Workplace) -> None:
    workplace.journal.write_bytes(b"")


@pytest.mark.parametrize("harm", [delete, delete_all, move_away, replace, delete_the_log, empty])
def test_harmed_under_a_run(workplace: Workplace, sheet: Path, harm):
    with under_way(workplace, sheet, "--wait", "0") as running:
        wait_until(lambda: workplace.ledger.count() >= 4, "four orders in the ledger")
        harm(workplace)
        at = workplace.ledger.count()
        done = running.finish()
    # What was at the panel or about to leave it, and nothing of the rest.
    assert workplace.ledger.count() <= at + 4
    assert done.status == 7
    assert "was deleted, moved or replaced" in done.said
    placed = {str(order["order"]) for order in workplace.ledger.orders()}
    assert {row["order_id"] for row in read_rows(sheet)} - {""} == placed
    rescued = {
        line
        for path in (workplace.folder / "data").rglob("rescue/*/*")
        for line in path.read_text().split()
        if line.strip('",') in placed
    }
    if harm in {delete_all, move_away}:
        assert rescued
    assert_nothing_twice(workplace.ledger.orders())


def test_a_second_run_beside_a_live_one_whose_folder_was_emptied_is_refused(workplace: Workplace, sheet: Path):
    with held_up(workplace, sheet) as running:
        shutil.rmtree(workplace.journal.parent)
        second = workplace.run(sheet)
        assert (second.status, f"process {running.pid} on" in second.said) == (6, True)
        assert "is still placing orders with the file that was here before" in second.said
        assert not workplace.journal.exists()
        running.kill()
    workplace.panel.faults()
    third = workplace.run(sheet)
    assert (third.status, "did not end in good order" in third.said, workplace.ledger.count()) == (7, True, 2)
    Path(third.json["error"].rpartition(" delete ")[2]).unlink()
    assert workplace.run(sheet).status == 0  # a person's word


def held_up(workplace: Workplace, sheet: Path) -> Running:
    """Start a run whose first two orders are taken by the panel, which never answers."""
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    running = workplace.start_run(sheet, "--in-flight", "2")
    wait_until(lambda: workplace.ledger.count() == 2, "two orders in the ledger")
    return running


def test_an_older_copy_is_put_back_beside_a_live_run(workplace: Workplace, sheet: Path):
    assert workplace.run(workplace.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    older = copied(workplace, "older")
    workplace.ledger = Ledger.from_here(workplace.panel)
    with held_up(workplace, sheet) as running:
        shutil.rmtree(workplace.journal.parent)
        shutil.copytree(older, workplace.journal.parent)
        second = workplace.run(sheet)
        assert (second.status, f"process {running.pid} on" in second.said, workplace.ledger.count()) == (6, True, 2)
        running.kill()
    workplace.panel.faults()
    assert "does not know the run of process" in assert_stops(workplace, sheet)


def test_deleted_while_the_question_waits(workplace: Workplace, sheet: Path):
    with workplace.start("run", sheet, "--rate", "0", "--wait", "0", answers=True) as running:
        wait_until(
            lambda: Path(f"{workplace.journal}.runs").is_dir() and workplace.ledger.calls("services") > 0,
            "the question",
        )
        wait_until(lambda: workplace.query("SELECT * FROM balances") != [], "the balance in the journal")
        shutil.rmtree(workplace.journal.parent)
        done = running.finish("y\n")
    assert (done.status, workplace.ledger.count()) == (7, 0)
    assert "was deleted, moved or replaced" in done.said


def test_deleted_while_the_orders_are_followed(workplace: Workplace, sheet: Path):
    with under_way(workplace, sheet, "--wait", "final", "--poll", "0.2") as running:
        wait_until(lambda: workplace.ledger.calls("status") > 0, "the first question for a status")
        shutil.rmtree(workplace.journal.parent)
        done = running.finish()
    assert (done.status, workplace.ledger.count()) == (7, ROWS)
    assert {row["order_id"] for row in read_rows(sheet)} == {str(order["order"]) for order in workplace.ledger.orders()}


def test_moved_away_and_back_between_two_commits_costs_nothing(workplace: Workplace, sheet: Path):
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 1.5})
    with workplace.start_run(sheet, "--in-flight", "16") as running:
        wait_until(lambda: workplace.ledger.calls("add") == ROWS, "all orders at the panel")
        workplace.journal.parent.rename(workplace.folder / "gone")
        (workplace.folder / "gone").rename(workplace.journal.parent)
        assert running.finish().status == 0
    workplace.assert_each_row_once(sheet)


def test_put_back_after_it_was_moved_away_under_a_run(workplace: Workplace, sheet: Path):
    with under_way(workplace, sheet, "--wait", "0") as running:
        wait_until(lambda: workplace.ledger.count() >= 4, "four orders in the ledger")
        workplace.journal.parent.rename(workplace.folder / "gone")
        assert running.finish().status == 7
    workplace.panel.faults()
    (workplace.folder / "gone").rename(workplace.journal.parent)
    assert workplace.run(sheet).status in {0, 4}
    assert workplace.ledger.count() == ROWS
    workplace.assert_books_agree()


def test_through_a_link_it_is_the_same_journal(workplace: Workplace, sheet: Path):
    with held_up(workplace, sheet):
        link = workplace.folder / "link.sqlite3"
        link.symlink_to(workplace.journal)
        other = workplace.command("run", sheet, "--yes", "--wait", "0", SMMPLUS_JOURNAL=f"sqlite:///{link}")
        hard = workplace.folder / "hard.sqlite3"
        hard.hardlink_to(workplace.journal)
        harder = workplace.command("run", sheet, "--yes", "--wait", "0", SMMPLUS_JOURNAL=f"sqlite:///{hard}")
        hard.unlink()
    assert (other.status, harder.status, workplace.ledger.count()) == (6, 6, 2)
    assert "is being placed by process" in other.said
    assert "the same file as" in harder.said
