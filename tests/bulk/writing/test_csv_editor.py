import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.model.sheet import RESULT_FIELDS
from bulk.reading import read_sheet
from bulk.writing import write_results
from bulk.writing.result_cells import clean

pytestmark = pytest.mark.usefixtures("read_here")


def write(tmp_path, text: str | bytes, results, *, encoding: str | None = None) -> bytes:
    """Write results into a CSV file of this text; give its bytes afterwards."""
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    sheet = read_sheet(path, encoding=encoding)
    written = write_results(sheet, results, expected_digest=sheet.digest)
    assert (written.path, written.in_place, written.reason) == (path, True, "")
    again = read_sheet(path, encoding=encoding)
    assert again.digest == written.digest
    assert (
        again.frame[list(sheet.columns)]
        .drop(columns=[*RESULT_FIELDS], errors="ignore")
        .equals(sheet.frame.drop(columns=[*RESULT_FIELDS], errors="ignore"))
    )
    return path.read_bytes()


def test_results_stand_in_their_lines_and_other_lines_are_padded(tmp_path):
    after = write(tmp_path, "service,link\n7,x\n8,y\n", {3: {"order_id": "1", "order_status": "Pending"}})
    assert after == b"service,link,order_id,order_status\n7,x,,\n8,y,1,Pending\n"


def test_whatever_is_no_result_keeps_every_byte(tmp_path):
    text = 'Title; "x"\r\n\r\nservice;"link";note\r\n"7";x;"a\r\n""b"""\r\n\r\n 8;y; \r\n;;'
    after = write(tmp_path, text, {4: {"order_id": "2"}, 7: {"order_id": "1"}})
    assert after.decode() == (
        'Title; "x"\r\n\r\nservice;"link";note;order_id\r\n"7";x;"a\r\n""b""";2\r\n\r\n 8;y; ;1\r\n;;;'
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_stay(tmp_path, end):
    after = write(tmp_path, f"service,link{end}7,x{end}8,y", {2: {"order_id": "1"}})
    assert after.decode() == f"service,link,order_id{end}7,x,1{end}8,y,"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_the_byte_order_mark_stays(tmp_path, encoding):
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    after = write(tmp_path, f"{mark}service,link\n7,é\n".encode(encoding), {2: {"error": "ü"}})
    assert after == f"{mark}service,link,error\n7,é,ü\n".encode(encoding)


def test_the_encoding_that_was_asked_for_is_written(tmp_path):
    after = write(tmp_path, "service,link\n7,é\n".encode("cp1252"), {2: {"error": "ü 语"}}, encoding="cp1252")
    assert after == "service,link,error\n7,é,ü ?\n".encode("cp1252")


def test_a_declared_delimiter_stays(tmp_path):
    after = write(tmp_path, "sep=|\nservice|link\n7|x\n", {3: {"error": "a|b"}})
    assert after == b'sep=|\nservice|link|error\n7|x|"a|b"\n'


def test_a_file_that_quotes_everything_quotes_results_too(tmp_path):
    after = write(tmp_path, '\ufeff"service","link"\n"7","x"\n"8","y"\n', {2: {"order_id": "1"}})
    assert after.decode("utf-8") == '\ufeff"service","link","order_id"\n"7","x","1"\n"8","y",\n'


def test_existing_results_are_replaced_in_the_way_they_are_quoted(tmp_path):
    after = write(
        tmp_path,
        'service,order_id,link,order_status\n7,,x,"Pending"\n8,5,y,"a,b"\n',
        {
            2: {"order_id": "1", "order_status": "Done"},
            3: {"order_status": ""},
        },
    )
    assert after == b'service,order_id,link,order_status\n7,1,x,"Done"\n8,5,y,""\n'


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@a", "'x", "\uff1d1", "-", "--1"])
def test_what_looks_like_a_formula_gets_an_apostrophe(tmp_path, text):
    after = write(tmp_path, "service,link\n7,x\n", {2: {"error": text}})
    assert after.decode() == f"service,link,error\n7,x,'{text}\n"
    assert read_sheet(tmp_path / "a.csv").frame.at[2, "error"] == text


@pytest.mark.parametrize("text", ["-5", "-0.45", "100"])
def test_a_number_is_no_formula(tmp_path, text):
    assert write(tmp_path, "service,link\n7,x\n", {2: {"remains": text}}).decode().endswith(f"7,x,{text}\n")


def test_a_result_never_moves_the_lines_below(tmp_path):
    """Neither does one that takes the place of a text of several lines: numbers of rows are numbers of lines."""
    text = 'service,link,error\n7,x,"two\nlines"\n8,y,\n'
    after = write(tmp_path, text, {2: {"error": "one\r\nline"}, 4: {"error": ""}})
    assert after == b'service,link,error\n7,x,"one line\n"\n8,y,\n'
    assert list(read_sheet(tmp_path / "a.csv").frame["error"]) == ["one line", ""]


@pytest.mark.parametrize(
    ("header", "behind"), [("service,link", ""), ("service,link,", ","), ("service,link, ,", ", ,")]
)
def test_new_columns_begin_behind_the_last_name_whatever_a_row_has_there(tmp_path, header, behind):
    lines = [header, "7,x,y", "8", "9,z", "9,w,", "9,v,,,", ",,,", "", "9,u,,,note", '"9","t, ",']
    results = {number: {"order_id": "1", "error": "e"} for number in (2, 4, 5, 6, 9)}
    after = write(tmp_path, "\n".join([*lines, ""]), results).decode().splitlines()
    assert after[0].removesuffix(behind) == "service,link,order_id,error"
    assert after[1:] == [
        "7,x,1,e,y", "8,,,", "9,z,1,e", "9,w,1,e,", "9,v,1,e,,,", ",,,,,", "", "9,u,1,e,,,note", '"9","t, ",,,',
    ]  # fmt: skip
    assert [problem.row for problem in read_sheet(tmp_path / "a.csv").problems] == [2, 9]


def test_a_result_is_written_into_a_cell_that_the_row_lacks(tmp_path):
    after = write(tmp_path, "service,link,quantity,order_id,note\n7,x\n8,y,1\n", {2: {"order_id": "5"}})
    assert after == b"service,link,quantity,order_id,note\n7,x,,5,\n8,y,1\n"


def test_one_sheet_serves_for_many_writes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("service,link\n7,x\n")
    sheet = read_sheet(path)
    first = write_results(sheet, {2: {"order_id": "1"}}, expected_digest=sheet.digest)
    second = write_results(sheet, {2: {"order_status": "Completed"}}, expected_digest=first.digest)
    assert second.in_place
    assert path.read_text() == "service,link,order_id,order_status\n7,x,1,Completed\n"


def test_an_encoding_that_does_not_lead_back_to_the_same_bytes_is_left_alone(tmp_path):
    """cp932 has two codes for one sign: writing the text again would change the order's own cells."""
    path = tmp_path / "a.csv"
    data = b"service,link\n7,x\x87\x90\n"
    path.write_bytes(data)
    sheet = read_sheet(path, encoding="cp932")
    written = write_results(sheet, {2: {"order_id": "1"}}, expected_digest=sheet.digest)
    assert (written.in_place, "cp932" in written.reason, path.read_bytes()) == (False, True, data)
    assert read_sheet(written.path).frame.at[2, "order_id"] == "1"


value = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)
anything = st.lists(st.tuples(value, value, value), min_size=1, max_size=5)
results = st.dictionaries(st.integers(0, 4), st.dictionaries(st.sampled_from(RESULT_FIELDS), value, min_size=1))


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=anything, first=results, second=results, mark=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), end=st.sampled_from(["\n", "\r\n"]),
    columns=st.permutations(["service", "comments", "note", "error"]),
)  # fmt: skip
def test_orders_and_results_come_back_as_they_were_written(tmp_path, rows, first, second, mark, quoting, end, columns):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=mark, quoting=quoting, lineterminator=end)
    writer.writeheader()
    writer.writerows({"service": a, "comments": b, "note": c, "error": a} for a, b, c in rows)
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())
    sheet = read_sheet(path)
    digest, expected = sheet.digest, {}
    for given_results in (first, second):
        kept = {sheet.frame.index[at]: fields for at, fields in given_results.items() if at < len(sheet.frame)}
        for row, fields in kept.items():
            expected.setdefault(row, {}).update(fields)
        digest = write_results(sheet, kept, expected_digest=digest).digest
    again = read_sheet(path)
    assert list(again.frame.index) == list(sheet.frame.index)
    assert again.frame[["service", "comments"]].equals(sheet.frame[["service", "comments"]])
    assert [problem.row for problem in again.problems] == [problem.row for problem in sheet.problems]
    for row, fields in expected.items():
        for field, text in fields.items():
            assert (again.frame.at[row, field] if field in again.columns else "") == clean(text)
