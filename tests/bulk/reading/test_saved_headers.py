"""Mapped headers: as options, merged with those saved next to the sheet, and saved."""

import json

import pytest

from bulk.model.errors import SheetError
from bulk.model.fields import FIELDS
from bulk.model.options import Options, ReadOptions
from bulk.reading import read_as
from bulk.reading.saved_headers import load_headers, map_path, merge_headers, parse_headers, save_headers
from bulk.running.run import read
from tests.bulk.plans import LINK


def test_headers_are_said_as_theirs_and_ours():
    assert parse_headers(["Alamat Pos=link", " Pcs = jumlah ", "a=b=Service ID"]) == (
        ("Alamat Pos", "link"),
        ("Pcs", "quantity"),
        ("a=b", "service"),
    )


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_said(field):
    assert parse_headers([f"Theirs={field}"]) == (("Theirs", field),)


@pytest.mark.parametrize("text", ["Alamat", "Alamat=", "=link", " =link", "Alamat=address", ""])
def test_anything_else_is_refused_with_the_fields(text):
    with pytest.raises(SheetError, match=r"--map has .*Their header=link.* Fields are: service, link"):
        parse_headers([text])


@pytest.mark.parametrize("said", [["A=link", "B=link"], ["A=link", "a=quantity"], ["A=link", "A=url"]])
def test_nothing_is_said_twice(said):
    with pytest.raises(SheetError, match=r"is mapped to link, and .*Map one of them"):
        parse_headers(said)


def test_what_is_said_now_goes_before_what_is_kept():
    kept = (("Alamat", "link"), ("Pcs", "quantity"), ("Kode", "service"))
    assert merge_headers((("Tautan baru", "link"), ("pcs", "runs")), kept) == (
        ("Tautan baru", "link"),
        ("pcs", "runs"),
        ("Kode", "service"),
    )


def test_what_is_kept_is_read_again(tmp_path):
    sheet, headers = tmp_path / "week.csv", (("Alamat \u00e9", "link"), ('"Pcs"', "quantity"))
    sheet.write_text("", "utf-8")
    assert load_headers(sheet) == ()
    assert save_headers(sheet, headers) == tmp_path / "week.map.json"
    assert load_headers(sheet) == headers
    assert save_headers(sheet, headers[:1]) == map_path(sheet)
    assert load_headers(sheet) == headers[:1]


def test_a_marked_copy_of_a_sheet_has_the_same_headers(tmp_path):
    assert map_path(tmp_path / "week.problems-2.xlsx") == map_path(tmp_path / "week.csv")


FORMAT = "headers of a sheet of smmplus orders, version 1"
FOREIGN = [
    (b"", "is not JSON"),
    (b"{", "is not JSON"),
    (b"\xff\xfe\x00", "is not JSON"),
    (b"[" * 60_000, "is not JSON"),
    (b"null", "was not written by smmplus"),
    (b"[]", "was not written by smmplus"),
    (b'{"version": 3, "sources": []}', "was not written by smmplus"),
    (json.dumps({"format": f"{FORMAT}0", "headers": {"A": "link"}}).encode(), "was not written by smmplus"),
    (json.dumps({"format": FORMAT}).encode(), "names no headers"),
    (json.dumps({"format": FORMAT, "headers": {}}).encode(), "names no headers"),
    (json.dumps({"format": FORMAT, "headers": ["A"]}).encode(), "names no headers"),
    (json.dumps({"format": FORMAT, "headers": {"A": "address"}}).encode(), "maps 'A' to 'address'"),
    (json.dumps({"format": FORMAT, "headers": {"A": ["link"]}}).encode(), "which is not a field"),
    (json.dumps({"format": FORMAT, "headers": {" ": "link"}}).encode(), "which is not a field"),
    (json.dumps({"format": FORMAT, "headers": {"A": "link", "B": "link"}}).encode(), "Map one of them"),
    (json.dumps({"format": FORMAT, "headers": {"A": "link"}, "x": "y" * 70_000}).encode(), "is too large"),
]


@pytest.mark.parametrize(("data", "words"), FOREIGN)
def test_a_broken_or_foreign_file_is_refused_in_words(tmp_path, data, words):
    sheet = tmp_path / "week.csv"
    sheet.write_text(f"service,link,quantity\n2,{LINK},100\n", "utf-8")
    map_path(sheet).write_bytes(data)
    with pytest.raises(SheetError, match=rf"week\.map\.json.*({words})"):
        read_as(sheet, ReadOptions())


def test_a_folder_of_that_name_is_refused_too(tmp_path):
    map_path(tmp_path / "week.csv").mkdir()
    with pytest.raises(SheetError, match=r"week\.map\.json: is not a file"):
        load_headers(tmp_path / "week.csv")


def theirs(tmp_path, **options):
    path = tmp_path / "week.csv"
    path.write_text(f"kode,alamat,pcs\n2,{LINK},100\n", "utf-8")
    return Options(path, **options)


SAID = parse_headers(["Kode=service", "Alamat=link", "Pcs=quantity"])


def test_a_map_is_kept_when_it_is_asked_for_and_fits(tmp_path):
    sheet = read(theirs(tmp_path, headers=SAID, remember_map=True))
    assert sheet.headers_from == map_path(sheet.path)
    again = read(theirs(tmp_path))
    assert (again.headers, again.headers_from) == (SAID, sheet.headers_from)
    assert again.frame.to_dict("records") == [{"service": "2", "link": LINK, "quantity": "100"}]


def test_it_is_not_kept_unasked(tmp_path):
    assert read(theirs(tmp_path, headers=SAID)).headers_from is None
    assert not map_path(tmp_path / "week.csv").exists()


def test_a_map_that_does_not_fit_is_not_kept(tmp_path):
    with pytest.raises(SheetError, match="'Wrong' is mapped to runs"):
        read(theirs(tmp_path, headers=(*SAID, ("Wrong", "runs")), remember_map=True))
    assert not map_path(tmp_path / "week.csv").exists()


def test_more_can_be_said_than_is_kept(tmp_path):
    read(theirs(tmp_path, headers=SAID, remember_map=True))
    path = tmp_path / "week.csv"
    path.write_text(f"kode,alamat,pcs,kali,jarak\n2,{LINK},100,2,5\n", "utf-8")
    more = parse_headers(["Kali=runs", "Jarak=interval"])
    assert read(Options(path, headers=more, remember_map=True)).frame.shape == (1, 5)
    assert set(load_headers(path)) == {*SAID, *more}
