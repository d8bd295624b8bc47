"""A file is read in a process of its own: limited, without secrets, and whatever ends it is a refusal in words."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.options import ReadOptions
from bulk.reading import read_as, read_sheet, reader_worker, subprocess_reader
from bulk.reading.reader_worker import ResourceLimits, pack_column, parse, unpack_column
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.slow

BEFORE = (
    "import os, pickle, sys, time; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from bulk.reading import reader_worker; "
    "task = pickle.load(sys.stdin.buffer); reader_worker.limit(task.limits); "
)
SAY = "pickle.dump(reader_worker.ReadFailure({}, False), sys.stdout.buffer)"


@pytest.fixture
def orders(tmp_path) -> Path:
    return wb.book(tmp_path / "orders.xlsx", wb.header() + wb.order(2))


@pytest.fixture
def instead(monkeypatch):
    """Let the process do something else than to read, under the limits that it would have."""

    def patch(program: str, limits: ResourceLimits = ResourceLimits(200 << 20, 1, 60)) -> None:  # noqa: B008 -- it is frozen
        monkeypatch.setattr(subprocess_reader, "_PROGRAM", BEFORE + program)
        monkeypatch.setattr(subprocess_reader, "limits_for_size", lambda _size: limits)

    return patch


def refusal(path: Path) -> str:
    with pytest.raises(RefusedFileError) as caught:
        read_sheet(path)
    assert str(caught.value).startswith(f"{path}: reading it ")
    assert "Open it in Excel" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'service,link,comments,order_id\n7,é,"a\nb",\n,,,\n8,"x\ny",c,5\n'),
        ("a.csv", "service,link\n"),
        ("a.txt", "7 | https://x.com/é | 100\nwhat\n"),
    ],
)
def test_what_comes_back_is_what_was_read(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_sheet(path) == parse(path, ReadOptions())


def test_a_workbook_comes_back_as_it_was_read(tmp_path):
    rows = wb.header() + "".join(wb.order(at, quantity=str(at)) for at in range(2, 3000))
    path = wb.book(tmp_path / "a.xlsx", rows + wb.order(3000, service="1E20", attributes=' hidden="1"'))
    assert read_sheet(path) == parse(path, ReadOptions())
    assert len(read_sheet(path).problems) == 2


@settings(deadline=None)
@given(st.lists(st.text(), max_size=20) | st.lists(st.sampled_from(["", "7", "a\nb"]), max_size=50))
def test_a_column_is_unpacked_as_it_was_packed(texts):
    assert list(unpack_column(pack_column(texts))) == texts


@pytest.mark.parametrize("kind", [SheetError, RefusedFileError])
def test_errors_come_back_as_what_they_were(tmp_path, kind):
    path = tmp_path / ("a.csv" if kind is SheetError else "a.ods")
    path.write_text("nothing")
    with pytest.raises(kind) as caught:
        read_sheet(path)
    assert type(caught.value) is kind


def test_a_process_that_dies_is_a_refusal(orders, instead):
    instead("os.abort()")
    assert "was ended by signal 6, so it was refused" in refusal(orders)


def test_a_process_that_fails_is_a_refusal_without_the_words_of_a_library(orders, instead):
    instead("raise KeyError('name')")
    words = refusal(orders)
    assert "reading it ended with status 1, so" in words
    assert "Traceback" not in words


def test_too_much_memory_is_a_refusal(orders, instead):
    instead("bytearray(1 << 30)")
    assert "needed more than 200 MiB of memory" in refusal(orders)


def test_too_much_processor_time_is_a_refusal(orders, instead):
    instead("\nwhile True: pass")
    assert "took more than 1 seconds of processor time" in refusal(orders)


def test_a_process_that_hangs_is_a_refusal(orders, instead):
    instead("time.sleep(600)", ResourceLimits(200 << 20, 1, 0.5))
    assert "took more than 0 seconds" in refusal(orders)


def test_a_process_that_says_nothing_is_a_refusal(orders, instead):
    instead("pass")
    assert "returned no result" in refusal(orders)


def test_nothing_but_an_answer_is_taken_from_it(orders, instead):
    instead("sys.stdout.buffer.write(b'cposix\\nsystem\\n(S\"false\"\\ntR.')")
    assert "returned no result" in refusal(orders)


def test_what_kills_calamine_kills_the_process_alone(tmp_path, monkeypatch):
    """Without the guard, one cell at the end of the grid aborts the interpreter, or fills the memory."""
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.row(1_048_576, wb.number("XFD1048576", "1")))
    off = "import bulk.reading.reader_worker as p; p.check_workbook = lambda *_: {}; "
    monkeypatch.setattr(
        subprocess_reader, "_PROGRAM", subprocess_reader._PROGRAM.replace("from bulk", f"{off}from bulk")
    )
    assert "of memory" in refusal(path)


def test_a_python_that_cannot_be_started_is_told(orders, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(orders))
    with pytest.raises(SheetError, match="the process that reads it cannot be started"):
        read_sheet(orders)


def test_keys_and_passwords_stay_here(orders, instead, monkeypatch):
    for name in ("SMMPLUS_API_KEY", "SMMPLUS_API_KEY_SHOP", "SMMPLUS_JOURNAL", "AIRFLOW_CONN_X", "AIRFLOW__CORE__KEY"):
        monkeypatch.setenv(name, "secret")
    instead(SAY.format("' '.join(f'{name}={value}' for name, value in os.environ.items()) or 'none'"))
    with pytest.raises(SheetError) as caught:
        read_sheet(orders)
    assert "PATH=" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_problems_and_refusals_are_in_the_language_of_the_person(tmp_path, monkeypatch):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "id")
    sheet = read_sheet(wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2, attributes=' hidden="1"')))
    assert [(each.where, each.message) for each in sheet.problems] == [("baris 2", "tersembunyi dan berisi pesanan")]
    with pytest.raises(RefusedFileError, match="jenis berkas tidak dikenal"):
        read_sheet(tmp_path / "a.doc")


def test_ctrl_c_is_left_to_the_process_that_a_person_started(orders, monkeypatch):
    """Every process of a terminal gets it; this one is ended by the other, or not at all."""
    interrupted = (
        "import os; old = reader_worker.read; "
        "reader_worker.read = lambda *how: (os.kill(os.getpid(), 2), old(*how))[1]; "
    )
    program = subprocess_reader._PROGRAM.replace(
        "from bulk.reading.reader_worker import main; main()", "from bulk.reading import reader_worker; "
    )
    monkeypatch.setattr(subprocess_reader, "_PROGRAM", f"{program}{interrupted}reader_worker.main()")
    assert len(read_sheet(orders).frame) == 1


def test_what_is_read_depends_on_the_path_and_how(tmp_path):
    path = wb.book(tmp_path / "a.xlsx", wb.header() + wb.order(2) + wb.order(3, attributes=' hidden="1"'))
    assert len(read_as(path, ReadOptions(hidden="skip")).frame) == 1
    assert len(read_as(path, ReadOptions(hidden="include")).frame) == 2
    with pytest.raises(SheetError, match="no worksheet 'Other'"):
        read_as(path, ReadOptions(sheet="Other"))


def test_a_way_to_treat_hidden_rows_that_does_not_exist_is_refused():
    with pytest.raises(SheetError, match="'hide': it must be one of refuse, include, skip"):
        ReadOptions(hidden="hide")


def test_a_relative_path_is_found(tmp_path, monkeypatch, orders):
    monkeypatch.chdir(tmp_path)
    assert len(read_sheet(Path("orders.xlsx")).frame) == 1


def test_it_starts_with_what_it_needs_alone():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, bulk.reading.reader_worker; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert "python_calamine" in loaded
    heavy = {"pandas", "numpy", "sqlalchemy", "typer", "rich", "requests", "aiohttp", "openpyxl", "airflow", "asyncio"}
    assert heavy.isdisjoint(loaded)


def test_a_platform_without_limits_is_left_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    reader_worker.limit(ResourceLimits(1, 1, 1))


def test_an_honest_file_may_take_several_times_what_it_needs():
    small, large = subprocess_reader.limits_for_size(2_000), subprocess_reader.limits_for_size(100 << 20)
    assert small.memory_bytes <= 500_000_000
    assert small.processor_seconds == 60
    assert large.memory_bytes > 2 << 30
    assert large.processor_seconds > 1000
