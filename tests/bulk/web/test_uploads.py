"""What may be uploaded, under which names, and what is kept of it."""

import json

import pytest

from bulk.model.errors import SheetError
from bulk.web import sheets
from bulk.web.uploads import Approval, Outcome, Uploads, plain_name
from tests.bulk.plans import LINK
from tests.bulk.web.site import Site, Visitor, csv_of, words_of

WEEK = csv_of(f"2,{LINK},100")


def add(uploads: Uploads, name: str = "week.csv", data: bytes = b"x"):
    return uploads.add(name, data, account="default", campaign="week", by="ani")


@pytest.fixture
def uploads(tmp_path) -> Uploads:
    return Uploads(tmp_path / "uploads")


NAMES = {
    "../../x.csv": "x.csv",
    "..\\..\\x.csv": "x.csv",
    "/etc/passwd.csv": "passwd.csv",
    "C:\\Users\\Ani\\week.xlsx": "week.xlsx",
    "CON.xlsx": "CON.xlsx",
    "a\r\nset-cookie: x.csv": "aset-cookie: x.csv",
    "\u202egpj.csv": "gpj.csv",
    "Kampanye – «Ñandú» 📈.csv": "Kampanye – «Ñandú» 📈.csv",
    "x" * 5000 + ".csv": "x" * 146 + ".csv",
    "nul\0.csv": "nul.csv",
    '"quoted".csv': '"quoted".csv',
}


@pytest.mark.parametrize(("name", "kept"), NAMES.items())
def test_a_name_is_shown_and_is_never_a_path(uploads: Uploads, tmp_path, name, kept):
    assert plain_name(name) == kept
    upload = add(uploads, plain_name(name))
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    folder = f"uploads/{upload.id}"
    assert files == [f"{folder}/about.json", f"{folder}/sheet{upload.ending}"]
    assert uploads.find(upload.id) == upload


@pytest.mark.parametrize("name", ["week", "week.pdf", "week.csv.exe", ".csv", "", "week.", "/"])
def test_what_has_the_name_of_no_sheet_is_refused(uploads: Uploads, tmp_path, name):
    with pytest.raises(SheetError, match="is not a sheet: upload a CSV or XLSX file"):
        add(uploads, plain_name(name))
    assert not uploads.root.exists()


@pytest.mark.parametrize("upload_id", ["", "..", "../x", "0123456789abcde", "0123456789abcdeg", "0123456789ABCDEF"])
def test_only_ids_of_uploads_are_looked_up(uploads: Uploads, upload_id):
    add(uploads)
    assert uploads.find(upload_id) is None


def test_a_folder_that_is_no_upload_is_passed_over(uploads: Uploads):
    upload = add(uploads)
    (uploads.root / "0123456789abcdef").mkdir()
    (uploads.root / "notes").mkdir()
    (uploads.root / "notes.txt").write_text("x", "utf-8")
    assert uploads.all() == [upload]


def test_an_approval_replaces_the_earlier_one_of_its_person_only(uploads: Uploads):
    upload = add(uploads)
    first, other = Approval("ani", "2026-01-01", "a", "1 USD"), Approval("../budi", "2026-01-02", "a", "1 USD")
    later = Approval("ani", "2026-01-03", "b", "2 USD")
    for each in (first, other, later):
        uploads.approve(upload, each)
    assert uploads.approvals(upload) == [other, later]


def test_the_end_of_a_run_is_kept_until_the_next_begins(uploads: Uploads):
    upload = add(uploads)
    assert uploads.outcome(upload) is None
    uploads.end(upload, Outcome("2026-01-01", 7, ("Interrupted",)))
    assert uploads.outcome(upload) == Outcome("2026-01-01", 7, ["Interrupted"])
    uploads.end(upload, None)
    assert uploads.outcome(upload) is None


def test_assigned_headers_are_kept(uploads: Uploads):
    add(uploads)
    uploads.remember_headers([("Tautan post", "link")])
    uploads.remember_headers([("Jml", "quantity"), ("Tautan post", "username")])
    assert Uploads(uploads.root).known_headers() == [("Tautan post", "username"), ("Jml", "quantity")]


# Over HTTP.


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../../x.csv", "Ñandú – 📈.csv", "x" * 300 + ".csv"])
def test_a_sheet_comes_back_under_its_name(site: Site, ani: Visitor, read_here, name):
    ani.upload(name, WEEK)
    (upload,) = site.uploads.all()
    assert upload.name == plain_name(name)
    back = ani.get(f"/sheets/{upload.id}/file")
    assert (back.text, back.headers["content-disposition"].split(";")[0]) == (WEEK, "attachment")
    assert "\n" not in back.headers["content-disposition"]
    assert back.headers["content-type"] == "application/octet-stream"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"files": {"file": ("week.pdf", b"x")}}, "week.pdf is not a sheet: upload a CSV or XLSX file"),
        ({"files": {"file": ("", b"")}}, "Choose a file, or paste orders"),
        ({"data": {"account": "default", "text": " "}}, "Choose a file, or paste orders"),
        ({"data": {"account": "../x", "text": "2 | x | 1"}}, "there is no account '../x'"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(site: Site, ani: Visitor, form, words):
    answer = ani.post("/upload", **({"data": {"account": "default"}} | form))
    assert (answer.status_code, words in words_of(answer)) == (409, True)
    assert site.uploads.all() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.csv", b"", "empty"),
        ("page.xlsx", b"<html><body>Sign in</body></html>", "page.xlsx"),
        ("zip.xlsx", b"PK\x03\x04broken", "zip.xlsx"),
        ("bytes.csv", bytes(range(256)) * 20, "bytes.csv"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_explained_on_its_page(ani: Visitor, name, data, words):
    page = ani.upload(name, data)
    assert page.status_code == 200
    assert "uploads" not in words_of(page)
    assert words in words_of(page)
    assert "Upload another sheet" in words_of(page)


@pytest.mark.slow
def test_a_file_that_is_too_large_is_refused(site: Site, ani: Visitor, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_BYTES", 1000)
    monkeypatch.setattr("bulk.web.uploads.MOST_BYTES", 1000)
    assert ani.upload("large.csv", b"x" * 1001).status_code == 409
    assert ani.upload("larger.csv", b"x" * (2 << 20)).status_code == 409
    assert site.uploads.all() == []


@pytest.mark.slow
def test_a_form_without_a_length_is_refused(site: Site, ani: Visitor):
    def pieces():
        for _ in range(3):
            yield b"x" * 1000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert ani.post("/upload", pieces(), headers=headers).status_code == 411
    assert site.uploads.all() == []


@pytest.mark.slow
def test_pasted_text(site: Site, ani: Visitor, read_here):
    page = ani.post("/upload", {"account": "default", "text": f"2 | {LINK} | 100\n", "campaign": "Pasted"})
    (upload,) = site.uploads.all()
    assert (upload.campaign, upload.ending) == ("Pasted", ".txt")
    assert "Place 1 order" in words_of(page)


@pytest.mark.slow
def test_headers_are_assigned_once_and_used_where_they_fit(site: Site, ani: Visitor, read_here):
    page = ani.upload("a.csv", csv_of(f"2,{LINK},100", header="service,Pranala,Kolom Q"))
    assert "Pranala" in words_of(page)
    (upload,) = site.uploads.all()
    fields = {"header": ["Pranala", "Kolom Q"], "field": ["link", "quantity"]}
    assert "Place 1 order" in words_of(ani.post(f"/sheets/{upload.id}/headers", fields))
    again = ani.upload("b.csv", csv_of(f"2,{LINK}/2,100", header="service,PRANALA,Kolom Q"))
    assert "Place 1 order" in words_of(again)
    # A sheet that has these fields already keeps them.
    other = ani.upload("c.csv", csv_of(f"2,{LINK}/3,100,note,9", header="service,link,quantity,Pranala,Kolom Q"))
    assert f"{LINK}/3" in other.text
    assert "0.035 USD" in words_of(other)
    assert json.loads((site.uploads.root / "headers.json").read_bytes()) == {
        "Pranala": "link",
        "Kolom Q": "quantity",
    }


@pytest.mark.slow
def test_two_columns_cannot_be_the_same_field(site: Site, ani: Visitor, read_here):
    ani.upload("a.csv", csv_of(f"2,{LINK},100", header="service,Pranala,Kolom Q"))
    (upload,) = site.uploads.all()
    fields = {"header": ["Pranala", "Kolom Q"], "field": ["link", "link"]}
    answer = ani.post(f"/sheets/{upload.id}/headers", fields)
    assert (answer.status_code, "one column only" in words_of(answer)) == (409, True)
    assert site.uploads.known_headers() == []
