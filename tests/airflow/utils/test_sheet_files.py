"""Sheets from the file system and from object storage."""

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach

from airflow_provider_smmplus.utils.sheet_files import default_results, is_local, local, path_of, store
from smmplus.errors import ConfigurationError


@pytest.fixture
def bucket():
    """Give a folder of an object store that lives in memory."""
    import fsspec  # noqa: PLC0415 (Airflow's)

    attach("memory", fs=fsspec.filesystem("memory")).fs.store.clear()
    return "memory://bucket/sheets"


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/sheets/week.xlsx", True),
        ("week.xlsx", True),
        ("file:///sheets/week.xlsx", True),
        (r"C:\sheets\week.xlsx", True),
        ("s3://bucket/week.xlsx", False),
        ("gs://bucket/week.xlsx", False),
    ],
)
def test_which_files_are_of_this_machine(path, here):
    assert is_local(path) is here


def test_an_address_of_the_file_system_is_its_path():
    assert str(path_of("file:///my%20sheets/week%231.xlsx")) == "/my sheets/week#1.xlsx"
    assert str(path_of("/my%20sheets/week.xlsx")) == "/my%20sheets/week.xlsx"


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("s3://bucket/week.xlsx", "s3://bucket/week.results.xlsx"),
        ("s3://bucket/a.b/week", "s3://bucket/a.b/week.results"),
        ("s3://bucket/a.b/week.1.csv", "s3://bucket/a.b/week.1.results.csv"),
    ],
)
def test_results_have_a_name_of_their_own(path, beside):
    assert default_results(path) == beside


def test_a_file_is_worked_on_where_it_is(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text("one")
    with local(str(path), conn_id=None, results=None) as sheet:
        assert (sheet.path, sheet.results) == (path, None)
        assert store(sheet, None) == str(path)
        assert store(sheet, tmp_path / "week.results.csv") == str(tmp_path / "week.results.csv")


def test_a_file_whose_results_go_elsewhere_stays_as_it_is(tmp_path):
    path, results = tmp_path / "week.csv", tmp_path / "done.csv"
    path.write_text("one")
    with local(str(path), conn_id=None, results=str(results)) as sheet:
        sheet.path.write_text("two")
        assert store(sheet, sheet.path) == str(results)
    assert (path.read_text(), results.read_text()) == ("one", "two")
    assert not sheet.path.exists()


@pytest.mark.parametrize("results", ["{}/week.csv", "{}/./week.csv", "file://{}/week.csv"])
def test_a_file_that_is_its_own_results_is_worked_on_where_it_is(tmp_path, results):
    path = tmp_path / "week.csv"
    path.write_text("one")
    with local(str(path), conn_id=None, results=results.format(tmp_path)) as sheet:
        assert (sheet.path, sheet.results) == (path, None)


def test_an_object_is_never_its_own_results(bucket):
    """No store refuses to replace what somebody changed meanwhile."""
    sheet_at = f"{bucket}/week.csv"
    words = pytest.raises(ConfigurationError, match="Use another object")
    with words, local(sheet_at, conn_id=None, results=sheet_at):
        pass


def test_an_object_is_fetched_and_its_results_lie_beside_it(bucket):
    sheet_at = f"{bucket}/week.csv"
    ObjectStoragePath(sheet_at).parent.mkdir(parents=True, exist_ok=True)
    ObjectStoragePath(sheet_at).write_text("one")
    with local(sheet_at, conn_id=None, results=None) as sheet:
        assert (sheet.path.name, sheet.path.read_text()) == ("week.csv", "one")
        sheet.path.write_text("two")
        assert store(sheet, sheet.path) == f"{bucket}/week.results.csv"
    assert ObjectStoragePath(sheet_at).read_text() == "one"
    assert ObjectStoragePath(f"{bucket}/week.results.csv").read_text() == "two"
    assert not sheet.path.parent.exists()


@pytest.mark.parametrize("results", [None, "done.csv"])
def test_an_object_or_file_that_is_not_there_is_named(bucket, tmp_path, results):
    missing = f"{bucket}/nowhere.csv" if results is None else str(tmp_path / "nowhere.csv")
    words = pytest.raises(ConfigurationError, match=r"the sheet .*nowhere\.csv does not exist")
    with words, local(missing, conn_id=None, results=results):
        pass


def test_a_storage_that_airflow_does_not_know_is_named():
    words = pytest.raises(ConfigurationError, match=r"nowhere://bucket/week\.csv cannot be opened: .*nowhere.*Install")
    with words, local("nowhere://bucket/week.csv", conn_id=None, results=None):
        pass
