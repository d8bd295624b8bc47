import errno
import os
import sys

import openpyxl
import pytest

from bulk.files import atomic_write
from bulk.model.errors import SheetError
from bulk.model.options import ReadOptions
from bulk.model.sheet import ORDER_RESULTS, RESULT_FIELDS
from bulk.reading import read_as, read_sheet
from bulk.writing import results_path, write_results
from bulk.writing.result_cells import CELL_LIMIT, CUT_MARK, clean
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.usefixtures("read_here")

RESULT = {"order_id": "23501", "error": "=x"}


def csv_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("service,note,link\n7,n,x\n8,,y\n")
    return path


def xlsx_file(tmp_path):
    return wb.book(tmp_path / "orders.xlsx", wb.header() + wb.order(2))


def write(path, results=None, digest=None):
    sheet = read_sheet(path)
    return write_results(sheet, {2: RESULT} if results is None else results, expected_digest=digest or sheet.digest)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
@pytest.mark.parametrize(("lock", "program"), [("~${}", "Excel"), (".~lock.{}#", "LibreOffice")])
def test_a_file_that_is_open_elsewhere_is_left_alone(tmp_path, make, lock, program):
    """The results go beside it, into the file as it stands, columns that mean nothing here included."""
    path = make(tmp_path)
    data = path.read_bytes()
    (tmp_path / lock.format(path.name)).touch()
    written = write(path)
    assert (written.path, written.in_place) == (tmp_path / f"orders.results{path.suffix}", False)
    assert program in written.reason
    assert path.read_bytes() == data
    again = read_sheet(written.path)
    assert again.frame.loc[2, [*RESULT]].to_dict() == RESULT
    assert (again.digest, again.ignored) == (written.digest, read_sheet(path).ignored)


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_file_that_was_changed_is_left_alone(tmp_path, make):
    """The results go beside it, with the orders as they were read."""
    path = make(tmp_path)
    sheet, data = read_sheet(path), path.read_bytes()
    path.write_bytes(data + b"\n")
    written = write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    assert (written.in_place, written.reason) == (False, "the file was changed since it was read")
    assert path.read_bytes() == data + b"\n"
    again = read_sheet(written.path)
    assert list(again.columns) == [*sheet.columns, *ORDER_RESULTS]
    assert again.frame.loc[2, [*RESULT]].to_dict() == RESULT
    assert again.frame["link"].to_list() == sheet.frame["link"].to_list()


def test_a_file_that_is_gone_is_left_gone(tmp_path):
    path = csv_file(tmp_path)
    sheet = read_sheet(path)
    path.unlink()
    written = write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    assert (names(tmp_path), written.in_place) == (["orders.results.csv"], False)


def test_a_change_while_the_results_are_being_written_is_noticed(tmp_path, monkeypatch):
    path = csv_file(tmp_path)
    sync = os.fsync

    def save_meanwhile(handle):
        path.write_text("somebody else")
        sync(handle)

    sheet = read_sheet(path)
    monkeypatch.setattr(os, "fsync", save_meanwhile)
    written = write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    assert (written.in_place, path.read_text()) == (False, "somebody else")
    assert names(tmp_path) == ["orders.csv", "orders.results.csv"]


def test_mass_order_text_gets_a_table_beside_it(tmp_path):
    path = tmp_path / "orders.txt"
    path.write_text("7 | x | 5\n8 | 6 | y\n")
    written = write(path, {2: RESULT})
    assert (written.path.name, written.in_place) == ("orders.results.csv", False)
    lines = written.path.read_text(encoding="utf-8-sig").splitlines()
    assert lines == ["service,link,quantity," + ",".join(ORDER_RESULTS), "7,x,5,,,,,,,,", "8,y,6,23501,,,,,,'=x,"]


def test_results_as_read_are_kept_in_a_fresh_file(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("service,link,order_id,order_status\n7,x,1,Pending\n")
    sheet = read_sheet(path)
    written = write_results(sheet, {2: {"order_status": "Completed"}}, expected_digest="another")
    assert read_sheet(written.path).frame.loc[2, ["order_id", "order_status"]].to_list() == ["1", "Completed"]


def test_a_fresh_workbook_holds_text_alone(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2, link="=1+1"))
    sheet = read_sheet(path)
    written = write_results(sheet, {2: RESULT}, expected_digest="another")
    assert wb.by_calamine(written.path)[1][:4] == ["7", "=1+1", "100", "23501"]


def test_nothing_but_the_file_is_left_behind(tmp_path):
    write(csv_file(tmp_path))
    assert names(tmp_path) == ["orders.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_permissions_are_kept(tmp_path):
    path = csv_file(tmp_path)
    path.chmod(0o640)
    write(path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a privilege for links")
def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target = csv_file(tmp_path / "there")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    written = write(link)
    assert (written.in_place, link.is_symlink()) == (True, True)
    assert "23501" in target.read_text()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "Close it in other programs"),
        (errno.EIO, "permissions"),
    ],
)
@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_failure_to_write_leaves_everything_as_it_was(tmp_path, monkeypatch, make, number, words):
    path = make(tmp_path)
    data = path.read_bytes()

    def fail(_handle):
        raise OSError(number, os.strerror(number))

    sheet = read_sheet(path)
    monkeypatch.setattr(atomic_write.os, "fsync", fail)
    with pytest.raises(SheetError, match=words) as caught:
        write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    assert path.name in str(caught.value)
    assert (path.read_bytes(), names(tmp_path)) == (data, [path.name])


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    path = csv_file(tmp_path)
    sheet = read_sheet(path)
    sync, calls = os.fsync, []

    def only_files(handle):
        calls.append(handle)
        if len(calls) > 1:
            raise OSError(errno.EINVAL, "no folder")
        sync(handle)

    monkeypatch.setattr(atomic_write.os, "fsync", only_files)
    assert write_results(sheet, {2: RESULT}, expected_digest=sheet.digest).in_place


def test_an_unknown_row_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="no order in row 9"):
        write(csv_file(tmp_path), {9: RESULT})


def test_an_unknown_field_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="'link' is not a result field"):
        write(csv_file(tmp_path), {2: {"link": "y"}})


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_no_results_change_no_byte_of_the_content(tmp_path, make):
    path = make(tmp_path)
    before = wb.unpacked(path) if path.suffix == ".xlsx" else path.read_bytes()
    assert write(path, {}).in_place
    assert (wb.unpacked(path) if path.suffix == ".xlsx" else path.read_bytes()) == before


def test_the_results_file_stands_beside_the_sheet(tmp_path):
    assert results_path(read_sheet(csv_file(tmp_path))) == tmp_path / "orders.results.csv"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\n\tb", "a b"),
        ("\x00a\x07\x1b[0m\x9f", "a[0m"),
        ("\ud800a\ufffe\ufeff", "a"),
        (" a  b ", "a  b"),
        ("a\u2028b\x85c", "a b c"),
        ("👍 é", "👍 é"),
    ],
)
def test_what_no_cell_can_hold_is_dropped(text, cleaned):
    assert clean(text) == cleaned


def test_a_text_of_the_longest_length_stays(tmp_path):
    assert clean("x" * CELL_LIMIT) == "x" * CELL_LIMIT


@pytest.mark.parametrize("text", ["x" * (CELL_LIMIT + 1), "👍" * CELL_LIMIT])
def test_a_longer_text_is_cut_with_a_mark(text):
    cut = clean(text)
    assert cut.endswith(CUT_MARK)
    assert CELL_LIMIT - 1 <= len(cut.encode("utf-16-le")) // 2 <= CELL_LIMIT


@pytest.mark.parametrize(("age", "left"), [(2 * 3600, []), (60, [".orders.csv.abc.smmplus.tmp"])])
def test_what_a_killed_process_left_behind_is_swept_up_once_it_is_old(tmp_path, age, left):
    path = csv_file(tmp_path)
    old = tmp_path / ".orders.csv.abc.smmplus.tmp"
    old.write_text("half a sheet")
    then = old.stat().st_mtime - age
    os.utime(old, (then, then))
    write(path)
    assert [name for name in names(tmp_path) if name != path.name] == left


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_write_protected_file_is_left_alone(tmp_path, make):
    """Its folder is writable: it could be replaced all the same."""
    path = make(tmp_path)
    data = path.read_bytes()
    path.chmod(0o444)
    written = write(path)
    assert (written.in_place, written.reason) == (False, "it is write-protected")
    assert path.read_bytes() == data
    assert read_sheet(written.path).frame.at[2, "order_id"] == "23501"


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_results_that_somebody_looks_at_are_left_alone(tmp_path, make):
    path = make(tmp_path)
    sheet = read_sheet(path)
    (tmp_path / f"~${path.name}").touch()
    first = write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    data = first.path.read_bytes()
    (tmp_path / f".~lock.{first.path.name}#").touch()
    second = write_results(sheet, {2: RESULT | {"order_id": "7"}}, expected_digest=sheet.digest)
    assert second.path.name == f"orders.results-2{path.suffix}"
    assert first.path.read_bytes() == data
    assert read_sheet(second.path).frame.at[2, "order_id"] == "7"


STYLES = [
    "service,link,quantity",
    "Service,Link,Quantity",
    "Service ID,Post Link,Qty",
    "SERVICE,LINK,QTY",
    "Service_ID,Link,Qty",
    "service id,link,qty",
    "Layanan,Tautan,Jumlah (pcs)",
    "layanan,tautan,jumlah",
    "LAYANAN,TAUTAN,JUMLAH",
]


def sheet_with(folder, kind, headings):
    names = headings.split(",")
    if kind == "csv":
        path = folder / "orders.csv"
        path.write_text(f"{headings}\n7,https://x.com/p,100\n")
        return path
    path = wb.book(folder / "orders.xlsx", wb.header(names=tuple(names)) + wb.order(2))
    if kind == "saved":
        openpyxl.load_workbook(path).save(path)  # its texts are shared strings
    return path


@pytest.mark.parametrize("kind", ["csv", "inline", "saved"])
@pytest.mark.parametrize("headings", STYLES)
def test_results_are_known_again_under_headings_in_the_style_of_the_sheet(tmp_path, kind, headings):
    path = sheet_with(tmp_path, kind, headings)
    first = read_sheet(path)
    written = write_results(first, {2: dict.fromkeys(RESULT_FIELDS, "1")}, expected_digest=first.digest)
    later = write_results(first, {2: dict.fromkeys(RESULT_FIELDS, "2")}, expected_digest=written.digest)
    assert later.in_place
    if kind == "saved":
        openpyxl.load_workbook(path).save(path)
    again = read_sheet(path)
    assert list(again.columns) == ["service", "link", "quantity", *RESULT_FIELDS]
    assert again.frame.loc[2, [*RESULT_FIELDS]].to_list() == ["2"] * len(RESULT_FIELDS)
    last = write_results(again, {2: dict.fromkeys(RESULT_FIELDS, "3")}, expected_digest=again.digest)
    assert last.in_place
    assert list(read_sheet(path).columns) == list(again.columns)
    assert read_sheet(path).frame.loc[2, "order_id"] == "3"
    assert read_sheet(path).ignored == ()


@pytest.mark.parametrize("kind", ["csv", "inline", "saved"])
def test_a_column_that_a_person_mapped_is_never_taken_for_results(tmp_path, kind):
    path = sheet_with(tmp_path, kind, "Order ID,Link,Quantity")
    options = ReadOptions(headers=(("Order ID", "service"),))
    sheet = read_as(path, options)
    written = write_results(sheet, {2: RESULT}, expected_digest=sheet.digest)
    write_results(sheet, {2: RESULT}, expected_digest=written.digest)
    again = read_as(path, options)
    assert again.frame.loc[2, ["service", "order_id", "error"]].to_list() == ["7", "23501", "=x"]
