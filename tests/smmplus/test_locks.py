from smmplus.journal.locks import FileLocks


def test_a_lock_is_held_against_others(tmp_path):
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    assert (one.take("run-1"), other.take("run-1")) == (True, False)
    one.drop_all()


def test_a_lock_that_is_held_is_kept(tmp_path):
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    assert (one.take("run-1"), one.take("run-1"), other.take("run-1")) == (True, True, False)
    one.drop_all()


def test_a_lock_given_back_is_free(tmp_path):
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    one.take("run-1")
    one.drop("run-1")
    assert other.take("run-1")
    other.drop_all()


def test_all_locks_are_given_back(tmp_path):
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    one.take("a")
    one.take("b")
    one.drop_all()
    assert (other.take("a"), other.take("b")) == (True, True)
    other.drop_all()


def test_locks_of_other_names_are_free(tmp_path):
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    assert (one.take("a"), other.take("b")) == (True, True)
    one.drop_all()
    other.drop_all()


def test_a_lock_dropped_for_ever_leaves_no_file(tmp_path):
    locks = FileLocks(tmp_path)
    locks.take("run-1")
    locks.drop("run-1", forever=True)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_not_held_is_dropped_without_a_word(tmp_path):
    FileLocks(tmp_path).drop("run-1", forever=True)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_made(tmp_path):
    locks = FileLocks(tmp_path / "deep" / "locks")
    assert locks.take("a")
    locks.drop_all()
