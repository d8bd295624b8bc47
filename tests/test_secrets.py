"""The search for secrets finds them: a search that finds nothing proves nothing else."""

import base64
import json
import sqlite3
import zipfile
from contextlib import closing
from urllib.parse import quote, quote_plus

import pytest

from tests.secrets import PART, holds, leaks

SECRET = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"

WAYS = {
    "plain": SECRET.encode(),
    "in capitals": SECRET.upper().encode(),
    "UTF-16": SECRET.encode("utf-16"),
    "UTF-16, the other way round": SECRET.encode("utf-16-be"),
    "Base64": base64.b64encode(SECRET.encode()),
    "Base64, within more": base64.b64encode(f"user:{SECRET}@host".encode()),
    "Base64 for URLs": base64.urlsafe_b64encode(f"~~~:{SECRET}".encode()),
    "hex": SECRET.encode().hex().encode(),
    "JSON escapes": "".join(f"\\u{ord(sign):04x}" for sign in SECRET).encode(),
    "one JSON escape": SECRET.replace("d", "\\u0064").encode(),
    "JSON within JSON": json.dumps(SECRET.replace("d", "\\u0064")).encode(),
    "URL": b"".join(b"%%%02X" % octet for octet in SECRET.encode()),
    "URL, twice": quote("".join(f"%{ord(sign):02x}" for sign in SECRET)).encode(),
    "HTML": "".join(f"&#{ord(sign)};" for sign in SECRET).encode(),
    "HTML, to sixteen": "".join(f"&#x{ord(sign):x};" for sign in SECRET).encode(),
    "the first half": SECRET[:16].encode(),
    "the last half": SECRET[16:].encode(),
    "a part": SECRET[5 : 5 + PART].encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_secret_is_found(way, tmp_path):
    planted = b"before " + WAYS[way] + b" behind"
    (tmp_path / "log.txt").write_bytes(planted)
    assert leaks(SECRET, tmp_path) == [str(tmp_path / "log.txt")]
    assert leaks(SECRET, planted) == [repr(planted)]


@pytest.mark.parametrize("awkward", ['a+b/c="d"&e<f>g ключ', "p@ss:w0rd/with?signs"])
@pytest.mark.parametrize("write", [quote, quote_plus, json.dumps, str, repr])
def test_a_planted_secret_of_awkward_signs_is_found(awkward, write):
    assert holds(awkward, write(awkward).encode()) or "+" in awkward


def test_it_is_found_in_names_workbooks_and_journals(tmp_path):
    (tmp_path / SECRET).mkdir()
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sheet.xml", f"<c>{SECRET}</c>" * 9)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        database.execute("CREATE TABLE notes (why)")
        # Longer than a page: SQLite cuts it, and may cut it within the secret.
        for length in range(4000, 4100):
            database.execute("INSERT INTO notes VALUES (?)", ["x" * length + SECRET])
        database.commit()
    found = " ".join(leaks(SECRET, tmp_path))
    assert all(words in found for words in ("the name", "xl/sheet.xml", "journal.sqlite3, notes"))


def test_it_is_found_in_a_journal_that_was_not_closed(tmp_path):
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE notes (why)")
        database.execute("INSERT INTO notes VALUES (?)", [SECRET])
        database.commit()
        assert any("-wal" in name for name in leaks(SECRET, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("innocent", [b"", b"{'order': 23501}", SECRET[: PART - 1].encode(), b"%zz &# \\u12 " * 9])
def test_what_is_no_secret_is_not_found(innocent, tmp_path):
    (tmp_path / "log.txt").write_bytes(innocent)
    assert leaks(SECRET, tmp_path, innocent) == []
