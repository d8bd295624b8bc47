from threading import Timer

import pytest
from sqlalchemy import create_engine

from smmplus.errors import JournalError
from smmplus.journal.backends.file_locks import FileLocks, is_free
from smmplus.journal.backends.pg_locks import AdvisoryLocks
from tests.databases import DATABASES, on_sqlite
from tests.postgres import fresh_database, server

RUNS_ON = DATABASES


@pytest.fixture(scope="module")
def engine():
    """Give a database, for the locks need no tables."""
    made = create_engine(server().url(fresh_database()).replace("postgresql:", "postgresql+psycopg:"))
    yield made
    made.dispose()


@pytest.fixture
def make(database, tmp_path, request):
    """Give what makes the locks of one process after the other."""
    made = []

    def make():
        if database == "postgresql":
            made.append(AdvisoryLocks(request.getfixturevalue("engine"), tmp_path.name))
        else:
            made.append(FileLocks(tmp_path))
        return made[-1]

    yield make
    for locks in made:
        locks.drop_all()


def test_a_lock_is_held_against_others(make):
    one, other = make(), make()
    assert (one.take("run-1"), other.take("run-1")) == (True, False)


def test_a_lock_that_is_held_is_kept(make):
    one, other = make(), make()
    assert (one.take("run-1"), one.take("run-1"), other.take("run-1")) == (True, True, False)


def test_a_lock_given_back_is_free(make):
    one, other = make(), make()
    one.take("run-1")
    one.take("run-1")
    one.drop("run-1")
    assert other.take("run-1")


def test_all_locks_are_given_back(make):
    one, other = make(), make()
    one.take("a")
    one.take("b")
    one.drop_all()
    assert (other.take("a"), other.take("b")) == (True, True)


def test_locks_of_other_names_are_free(make):
    one, other = make(), make()
    assert (one.take("a"), other.take("b")) == (True, True)


def test_a_lock_is_waited_for_in_vain_no_longer_than_told(make):
    one, other = make(), make()
    one.take("a")
    assert not other.take("a", wait=0.05)


def test_who_takes_locks_again_after_giving_all_back_holds_them(make):
    one, other = make(), make()
    one.take("a")
    one.drop_all()
    assert (one.take("a"), other.take("a")) == (True, False)


def test_a_lock_that_is_not_held_is_dropped_without_a_word(make):
    make().drop("run-1", forever=True)


def test_locks_that_are_held_are_confirmed(make):
    locks = make()
    locks.confirm()
    locks.take("a")
    locks.confirm()


def test_a_lock_dropped_for_ever_leaves_no_file(tmp_path):
    locks = FileLocks(tmp_path)
    locks.take("run-1")
    locks.drop("run-1", forever=True)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_is_not_held_is_not_made(tmp_path):
    FileLocks(tmp_path).drop("run-1", forever=True)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_made(tmp_path):
    locks = FileLocks(tmp_path / "deep" / "locks")
    assert locks.take("a")
    locks.drop_all()


def test_a_lock_is_waited_for_until_it_is_free(engine):
    one = AdvisoryLocks(engine, "waiting")
    other = AdvisoryLocks(engine, "waiting", sleep=lambda _: one.drop("a"))
    one.take("a")
    assert other.take("a", wait=60)
    one.drop_all()
    other.drop_all()


def test_locks_of_another_journal_in_the_same_database_are_free(engine):
    one, other = AdvisoryLocks(engine, "first"), AdvisoryLocks(engine, "second")
    assert (one.take("a"), other.take("a")) == (True, True)
    one.drop_all()
    other.drop_all()


def test_locks_whose_connection_is_lost_are_not_confirmed_and_never_taken_again(engine):
    locks, other = AdvisoryLocks(engine, "lost"), AdvisoryLocks(engine, "lost")
    locks.take("a")
    server().execute(f"SELECT pg_terminate_backend({locks._connection.info.backend_pid}, 60000)")
    with pytest.raises(JournalError, match="is lost"):
        locks.confirm()
    with pytest.raises(JournalError, match="is lost"):
        locks.take("b")
    assert other.take("a")
    locks.drop("a")
    locks.drop_all()
    other.drop_all()


@on_sqlite
def test_a_lock_that_cannot_be_made_is_told_as_the_journal_s_affair(database, tmp_path):
    """A full disk, a folder that belongs to somebody else."""
    (tmp_path / "no folder").touch()
    with pytest.raises(JournalError, match="no lock can be made"):
        FileLocks(tmp_path / "no folder").take("run-1")


def test_a_process_that_only_looks_at_a_lock_is_not_taken_for_the_one_that_holds_it(tmp_path, monkeypatch):
    monkeypatch.setattr("smmplus.journal.backends.file_locks.LOOK_SECONDS", 30.0)
    looking = FileLocks(tmp_path)
    assert looking.take("run-1")
    leaves = Timer(0.1, looking.drop, ["run-1"])
    leaves.start()
    assert is_free(FileLocks(tmp_path), "run-1")
    leaves.join()


def test_a_lock_that_stays_taken_is_not_free(tmp_path):
    alive = FileLocks(tmp_path)
    assert alive.take("run-1")
    assert not is_free(FileLocks(tmp_path), "run-1")
    alive.drop("run-1")
