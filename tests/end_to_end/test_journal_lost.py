"""A journal that lost its tail, was put back as an older copy, or was deleted or replaced under a run.

The panel's ledger is the judge: nothing is placed twice, and what was ordered stands in the sheet or in a rescue file.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.end_to_end.command import Desk, Ledger, Running, assert_nothing_twice, orders, read_rows, wait_until

pytestmark = pytest.mark.e2e

ROWS = 12


def copied(desk: Desk, to: str, endings: Iterable[str] = ("", "-wal", "-shm", ".locks", ".rescue", ".runs")) -> Path:
    """Copy what is next to the journal, file by file, as `cp` does."""
    folder = desk.folder / to
    folder.mkdir()
    for ending in endings:
        source = Path(f"{desk.journal}{ending}")
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        elif source.exists():
            shutil.copy(source, folder / source.name)
    return folder


def killed(desk: Desk, sheet: Path, count: int = 5) -> None:
    """Kill a run with orders placed and others under way."""
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with desk.start_run(sheet, "--in-flight", "3") as running:
        wait_until(lambda: desk.ledger.count() >= count, f"{count} orders in the ledger")
        running.kill()
    desk.panel.faults()


def run_unasked(desk: Desk, sheet: Path, *options: str) -> tuple[int, str]:
    done = desk.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", *options)
    return done.status, done.said


def assert_stops(desk: Desk, sheet: Path) -> str:
    """Check that nobody's rows are sent, twice over, and give the words of the first time."""
    before = desk.ledger.count()
    status, said = run_unasked(desk, sheet)
    assert status in {3, 4}, said
    assert run_unasked(desk, sheet)[0] in {3, 4}
    assert desk.ledger.count() == before
    assert_nothing_twice(desk.ledger.orders())
    return said


@pytest.fixture
def sheet(desk: Desk) -> Path:
    return desk.sheet("week.csv", orders(ROWS))


# Its end is lost.


def test_the_log_deleted_after_a_kill(desk: Desk, sheet: Path):
    killed(desk, sheet)
    Path(f"{desk.journal}-wal").unlink()
    said = assert_stops(desk, sheet)
    assert "has lost what was written into it after" in said
    assert "Nothing was sent" in said
    placed = {order["link"] for order in desk.ledger.orders()}
    rest = [row for row in orders(ROWS) if row["link"] not in placed]
    other = desk.sheet("rest.csv", rest)
    assert run_unasked(desk, other, "--not-placed-since-backup")[0] == 0
    assert desk.ledger.count() == ROWS
    assert_nothing_twice(desk.ledger.orders())


def test_it_is_said_once_and_by_whoever_looks_first(desk: Desk, sheet: Path):
    killed(desk, sheet)
    Path(f"{desk.journal}-wal").unlink()
    assert "lacks the last commits" in desk.command("journal", "check").said
    first, second = desk.command("doubts"), desk.command("doubts")
    assert ("has lost" in first.said, "has lost" in second.said) == (True, False)
    assert "it has lost what was written into it" in desk.command("journal").said
    assert desk.command("journal", "check").status == 0
    assert_stops(desk, sheet)


@pytest.mark.parametrize("beside", [(), (".locks", ".runs", ".rescue"), ("-shm", ".runs"), (".locks",)])
def test_the_file_alone_is_copied_after_a_kill_and_used_elsewhere(desk: Desk, sheet: Path, beside: tuple[str, ...]):
    killed(desk, sheet)
    elsewhere = copied(desk, "elsewhere", ("", *beside))
    desk.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / desk.journal.name}"
    assert "has lost what was written into it after" in assert_stops(desk, sheet)


def test_the_file_alone_is_copied_under_a_run_and_used_elsewhere(desk: Desk, sheet: Path):
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with desk.start_run(sheet, "--in-flight", "3") as running:
        wait_until(lambda: desk.ledger.count() >= 5, "five orders in the ledger")
        elsewhere = copied(desk, "elsewhere", ("",))
        assert running.finish().status == 0
    sheet = desk.sheet("once-more.csv", orders(ROWS))
    desk.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / desk.journal.name}"
    assert "has lost what was written into it after" in assert_stops(desk, sheet)


@pytest.mark.parametrize("endings", [("",), ("", "-wal", "-shm")])
def test_an_older_copy_of_between_two_runs_is_put_back(desk: Desk, sheet: Path, endings: tuple[str, ...]):
    assert desk.run(desk.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    older = copied(desk, "older", endings)
    before = sheet.read_bytes()
    assert desk.run(sheet).status == 0
    sheet.write_bytes(before)
    shutil.copytree(older, desk.journal.parent, dirs_exist_ok=True)
    assert "does not know the run of process" in assert_stops(desk, sheet)


@pytest.mark.parametrize("after", [4, 8])
def test_a_copy_of_under_a_run_is_put_back_after_it(desk: Desk, sheet: Path, after: int):
    before = sheet.read_bytes()
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
    with desk.start_run(sheet, "--in-flight", "2") as running:
        wait_until(lambda: desk.ledger.count() >= after, "orders in the ledger")
        older = copied(desk, "older", ("", "-wal", "-shm"))
        assert running.finish().status == 0
    sheet.write_bytes(before)
    shutil.copytree(older, desk.journal.parent, dirs_exist_ok=True)
    assert "lacks the last commits of the run of process" in assert_stops(desk, sheet)


def test_an_older_copy_of_the_whole_folder_is_put_back_in_the_same_place(desk: Desk, sheet: Path):
    """The user's own folder knows the later run."""
    assert desk.run(desk.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    desk.journal.parent.rename(desk.folder / "later")
    shutil.copytree(desk.folder / "later", desk.folder / "older")
    (desk.folder / "later").rename(desk.journal.parent)
    before = sheet.read_bytes()
    assert desk.run(sheet).status == 0
    sheet.write_bytes(before)
    shutil.rmtree(desk.journal.parent)
    (desk.folder / "older").rename(desk.journal.parent)
    assert "does not know the run of process" in assert_stops(desk, sheet)


# No false alarms.


@pytest.mark.parametrize("count", [1, 5, 9])
def test_a_killed_run_s_folder_goes_on_where_it_is_and_elsewhere(desk: Desk, sheet: Path, count: int):
    killed(desk, sheet, count)
    elsewhere = copied(desk, "elsewhere")
    desk.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{elsewhere / desk.journal.name}"
    again = desk.run(sheet)
    assert again.status in {0, 4}
    assert "lost" not in again.said.replace("answer is lost", "")
    assert_nothing_twice(desk.ledger.orders())


def test_clean_runs_and_looks_in_any_order_raise_no_alarm(desk: Desk, sheet: Path):
    assert desk.run(sheet, "--first", "3").status == 0
    for command in ("doubts", "journal"):
        assert "has lost" not in desk.command(command).said
    assert desk.run(sheet, "--first", "3").status == 0
    folder = desk.journal.parent
    folder.rename(desk.folder / "moved")
    desk.settings["SMMPLUS_JOURNAL"] = f"sqlite:///{desk.folder / 'moved' / desk.journal.name}"
    done = desk.run(sheet)
    assert (done.status, desk.ledger.count(), "has lost" in done.said) == (0, ROWS, False)


# Under a run.


def under_way(desk: Desk, sheet: Path, *options: str) -> Running:
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 0.3})
    return desk.start("run", sheet, "--yes", "--rate", "0", "--in-flight", "2", *options)


def delete(desk: Desk) -> None:
    desk.journal.unlink()


def delete_all(desk: Desk) -> None:
    shutil.rmtree(desk.journal.parent)


def move_away(desk: Desk) -> None:
    desk.journal.parent.rename(desk.folder / "gone")


def replace(desk: Desk) -> None:
    other = desk.folder / "other.sqlite3"
    shutil.copy(desk.journal, other)
    other.rename(desk.journal)


def delete_the_log(desk: Desk) -> None:
    Path(f"{desk.journal}-wal").unlink()


def empty(desk: Desk) -> None:
    desk.journal.write_bytes(b"")


@pytest.mark.parametrize("harm", [delete, delete_all, move_away, replace, delete_the_log, empty])
def test_harmed_under_a_run(desk: Desk, sheet: Path, harm):
    with under_way(desk, sheet, "--wait", "0") as running:
        wait_until(lambda: desk.ledger.count() >= 4, "four orders in the ledger")
        harm(desk)
        at = desk.ledger.count()
        done = running.finish()
    # What was at the panel or about to leave it, and nothing of the rest.
    assert desk.ledger.count() <= at + 4
    assert done.status == 7
    assert "was deleted, moved or replaced" in done.said
    placed = {str(order["order"]) for order in desk.ledger.orders()}
    assert {row["order_id"] for row in read_rows(sheet)} - {""} == placed
    rescued = {
        line
        for path in (desk.folder / "data").rglob("rescue/*/*")
        for line in path.read_text().split()
        if line.strip('",') in placed
    }
    if harm in {delete_all, move_away}:
        assert rescued
    assert_nothing_twice(desk.ledger.orders())


def test_a_second_run_beside_a_live_one_whose_folder_was_emptied_is_refused(desk: Desk, sheet: Path):
    with held_up(desk, sheet) as running:
        shutil.rmtree(desk.journal.parent)
        second = desk.run(sheet)
        assert (second.status, f"process {running.pid} on" in second.said) == (6, True)
        assert "is still placing orders with the file that was here before" in second.said
        assert not desk.journal.exists()
        running.kill()
    desk.panel.faults()
    third = desk.run(sheet)
    assert (third.status, "did not end in good order" in third.said, desk.ledger.count()) == (7, True, 2)
    Path(third.json["error"].rpartition(" delete ")[2]).unlink()
    assert desk.run(sheet).status == 0  # a person's word


def held_up(desk: Desk, sheet: Path) -> Running:
    """Start a run whose first two orders are taken by the panel, which never answers."""
    desk.panel.faults({"fault": "hang_after_accept", "action": "add"})
    running = desk.start_run(sheet, "--in-flight", "2")
    wait_until(lambda: desk.ledger.count() == 2, "two orders in the ledger")
    return running


def test_an_older_copy_is_put_back_beside_a_live_run(desk: Desk, sheet: Path):
    assert desk.run(desk.sheet("earlier.csv", orders(1, name="earlier"))).status == 0
    older = copied(desk, "older")
    desk.ledger = Ledger.from_here(desk.panel)
    with held_up(desk, sheet) as running:
        shutil.rmtree(desk.journal.parent)
        shutil.copytree(older, desk.journal.parent)
        second = desk.run(sheet)
        assert (second.status, f"process {running.pid} on" in second.said, desk.ledger.count()) == (6, True, 2)
        running.kill()
    desk.panel.faults()
    assert "does not know the run of process" in assert_stops(desk, sheet)


def test_deleted_while_the_question_waits(desk: Desk, sheet: Path):
    with desk.start("run", sheet, "--rate", "0", "--wait", "0", answers=True) as running:
        wait_until(lambda: Path(f"{desk.journal}.runs").is_dir() and desk.ledger.calls("services") > 0, "the question")
        wait_until(lambda: desk.query("SELECT * FROM balances") != [], "the balance in the journal")
        shutil.rmtree(desk.journal.parent)
        done = running.finish("y\n")
    assert (done.status, desk.ledger.count()) == (7, 0)
    assert "was deleted, moved or replaced" in done.said


def test_deleted_while_the_orders_are_followed(desk: Desk, sheet: Path):
    with under_way(desk, sheet, "--poll", "0.2") as running:
        wait_until(lambda: desk.ledger.calls("status") > 0, "the first question for a status")
        shutil.rmtree(desk.journal.parent)
        done = running.finish()
    assert (done.status, desk.ledger.count()) == (7, ROWS)
    assert {row["order_id"] for row in read_rows(sheet)} == {str(order["order"]) for order in desk.ledger.orders()}


def test_moved_away_and_back_between_two_commits_costs_nothing(desk: Desk, sheet: Path):
    desk.panel.faults({"fault": "latency", "action": "add", "seconds": 1.5})
    with desk.start_run(sheet, "--in-flight", "16") as running:
        wait_until(lambda: desk.ledger.calls("add") == ROWS, "all orders at the panel")
        desk.journal.parent.rename(desk.folder / "gone")
        (desk.folder / "gone").rename(desk.journal.parent)
        assert running.finish().status == 0
    desk.assert_each_row_once(sheet)


def test_put_back_after_it_was_moved_away_under_a_run(desk: Desk, sheet: Path):
    with under_way(desk, sheet, "--wait", "0") as running:
        wait_until(lambda: desk.ledger.count() >= 4, "four orders in the ledger")
        desk.journal.parent.rename(desk.folder / "gone")
        assert running.finish().status == 7
    desk.panel.faults()
    (desk.folder / "gone").rename(desk.journal.parent)
    assert desk.run(sheet).status in {0, 4}
    assert desk.ledger.count() == ROWS
    desk.assert_books_agree()


def test_through_a_link_it_is_the_same_journal(desk: Desk, sheet: Path):
    with held_up(desk, sheet):
        link = desk.folder / "link.sqlite3"
        link.symlink_to(desk.journal)
        other = desk.command("run", sheet, "--yes", "--wait", "0", SMMPLUS_JOURNAL=f"sqlite:///{link}")
        hard = desk.folder / "hard.sqlite3"
        hard.hardlink_to(desk.journal)
        harder = desk.command("run", sheet, "--yes", "--wait", "0", SMMPLUS_JOURNAL=f"sqlite:///{hard}")
        hard.unlink()
    assert (other.status, harder.status, desk.ledger.count()) == (6, 6, 2)
    assert "is being placed by process" in other.said
    assert "the same file as" in harder.said
