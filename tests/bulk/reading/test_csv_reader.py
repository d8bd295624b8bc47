import pytest

from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.sheet import Sheet
from bulk.planning.orders import order_rows
from bulk.reading import read_sheet

pytestmark = pytest.mark.usefixtures("read_here")


def read(tmp_path, text: str | bytes, name: str = "a.csv", **options: str) -> Sheet:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_sheet(path, **options)


def cells(sheet: Sheet) -> dict[int, list[str]]:
    return {row: list(values) for row, *values in sheet.frame.itertuples(name=None)}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(tmp_path, mark):
    others = ",;|".replace(mark, "")
    sheet = read(tmp_path, mark.join(["service", "link", "quantity"]) + "\n" + mark.join(["7", f"x{others}", "100"]))
    assert (cells(sheet), sheet.problems) == ({2: ["7", f"x{others}", "100"]}, ())


def test_a_declared_delimiter_is_honoured_and_its_line_counted(tmp_path):
    sheet = read(tmp_path, "sep=;\r\nservice;link;quantity\r\n7;x;100\r\n")
    assert (cells(sheet), sheet.header_row) == ({3: ["7", "x", "100"]}, 2)


def test_a_declared_delimiter_rules_out_every_other(tmp_path):
    with pytest.raises(SheetError, match="no header row"):
        read(tmp_path, "sep=;\nservice,link\n7,x\n")


def test_row_numbers_are_lines_as_a_text_editor_counts_them(tmp_path):
    sheet = read(tmp_path, 'title\n\nservice,link,comments\n7,x,"a\nb"\n\n8,y,c\n')
    assert cells(sheet) == {4: ["7", "x", "a\nb"], 7: ["8", "y", "c"]}
    assert sheet.where(7, "link") == "line 7, link"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(tmp_path, end):
    sheet = read(tmp_path, f'service,link,comments{end}7,x,"a{end}b"{end}8,y,c')
    assert cells(sheet) == {2: ["7", "x", "a\nb"], 4: ["8", "y", "c"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_or_utf_8_decides(tmp_path, encoding):
    sheet = read(tmp_path, "layanan,tautan,jumlah\n7,é,100\n".encode(encoding))
    assert cells(sheet) == {2: ["7", "é", "100"]}


def test_any_other_encoding_must_be_named(tmp_path):
    data = "service,link\n7,é\n".encode("cp1252")
    with pytest.raises(SheetError, match=r"a\.csv: not in UTF-8.*--encoding"):
        read(tmp_path, data)
    sheet = read(tmp_path, data, encoding="cp1252")
    assert (cells(sheet), sheet.encoding) == ({2: ["7", "é"]}, "cp1252")


@pytest.mark.parametrize("encoding", ["ascii", "no-such", "rot13"])
def test_an_encoding_that_does_not_fit_is_refused(tmp_path, encoding):
    with pytest.raises(SheetError, match=f"cannot be read as {encoding}"):
        read(tmp_path, "service,link\n7,é\n".encode("cp1252"), encoding=encoding)


def test_half_of_utf_16_is_refused(tmp_path):
    with pytest.raises(SheetError, match="cannot be read as utf-16-le"):
        read(tmp_path, "service,link\n7,x\n".encode("utf-16")[:-1])


def test_nul_characters_are_refused(tmp_path):
    with pytest.raises(RefusedFileError, match="NUL"):
        read(tmp_path, "service,link\n7,\0x\n")


@pytest.mark.parametrize("header", ["service,link,quantity", "service,link,quantity,", "service,link,quantity, ,,"])
@pytest.mark.parametrize("line", ["7,x,1,000", "7,x,100,note", "7,x,100,,,,note", "7,x,,note"])
def test_a_value_beyond_the_last_column_is_a_problem_and_no_order(tmp_path, header, line):
    sheet = read(tmp_path, f"{header}\n{line}\n8,y,5\n")
    (problem,) = sheet.problems
    assert (problem.where, problem.row, problem.value) == ("line 2", 2, line)
    assert "to the right of the last column" in problem.message
    assert cells(sheet) == {2: [line, "", ""], 3: ["8", "y", "5"]}
    assert list(order_rows(sheet)) == [3]


@pytest.mark.parametrize("behind", ["", ",,", ", "])
@pytest.mark.parametrize("line", ["7,x,5", "7,x,5,", "7,x,5,,", "7,x,5,,,,,,", "7,x,5, ,\u00a0,", '7,x,5,"",""'])
def test_empty_cells_at_the_end_of_a_row_may_be_missing_or_too_many(tmp_path, behind, line):
    sheet = read(tmp_path, f"service,link,quantity,comments{behind}\n{line}\n8,y,6,c\n")
    assert (cells(sheet), sheet.problems) == ({2: ["7", "x", "5", ""], 3: ["8", "y", "6", "c"]}, ())


def test_a_note_next_to_the_table_is_no_surplus(tmp_path):
    """A delimiter that is not quoted would move a value into the column next to the table, not further."""
    sheet = read(tmp_path, "service,link,quantity,,\n7,x,5,,call first\n")
    assert (cells(sheet), sheet.problems) == ({2: ["7", "x", "5"]}, ())


def test_empty_rows_of_any_width_are_passed_over(tmp_path):
    sheet = read(tmp_path, "service,link,quantity\n,\n,,\n\n7,x,1\n,,,,\n")
    assert (list(sheet.frame.index), sheet.problems) == ([5], ())


def test_a_quote_that_is_never_closed_is_refused(tmp_path):
    with pytest.raises(SheetError, match=r"a\.csv, line 3: .*never closed"):
        read(tmp_path, 'service,link,quantity\n7,x,1\n8,"y,2\n9,z,3\n')


def test_a_quote_that_swallows_rows_is_a_problem(tmp_path):
    sheet = read(tmp_path, 'service,link,quantity\n7,"x,1\n8,y",2\n')
    (problem,) = sheet.problems
    assert (problem.where, problem.field) == ("line 2, link", "link")


@pytest.mark.parametrize("value", ["00123", "NA", "", "nan", "1E3", "1.000", "=1+1", "'5", "TRUE"])
def test_values_are_text_as_they_stand(tmp_path, value):
    sheet = read(tmp_path, f"service,link,quantity\n7,x,{value}\n")
    assert (sheet.frame.at[2, "quantity"], sheet.problems) == (value, ())


def test_spaces_around_values_and_names_are_stripped(tmp_path):
    assert cells(read(tmp_path, " service , link\n 7\u00a0,\u200bx \n")) == {2: ["7", "x"]}


def test_the_apostrophe_before_a_written_formula_is_taken_away_in_results_alone(tmp_path):
    sheet = read(tmp_path, "service,link,error\n'=7,'=x,'=cmd\n8,y,'plain\n")
    assert cells(sheet) == {2: ["'=7", "'=x", "=cmd"], 3: ["8", "y", "'plain"]}


def test_a_doubled_column_is_refused(tmp_path):
    with pytest.raises(SheetError, match="both mean link"):
        read(tmp_path, "service,link,url\n7,x,y\n")


def test_an_empty_file_has_no_header(tmp_path):
    with pytest.raises(SheetError, match="no header row"):
        read(tmp_path, "")


def test_tabs_have_an_ending_of_their_own(tmp_path):
    assert cells(read(tmp_path, "service\tlink\n7\tx\n", name="a.tsv")) == {2: ["7", "x"]}


def test_a_cell_beyond_all_measure_is_refused(tmp_path):
    with pytest.raises(SheetError, match="line 2"):
        read(tmp_path, f"service,link\n7,{'x' * 200_000}\n")


def test_the_encoding_that_is_passed_is_tried_before_utf_8(tmp_path):
    """These bytes are right in both, and mean something else."""
    data = "service,link\n7,Ã©\n".encode("cp1252")
    assert cells(read(tmp_path, data, encoding="cp1252")) == {2: ["7", "Ã©"]}
    assert cells(read(tmp_path, data)) == {2: ["7", "é"]}
    assert cells(read(tmp_path, "service,link\n7,\u8bed\n", encoding="ascii")) == {2: ["7", "\u8bed"]}
