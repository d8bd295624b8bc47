"""Commands in Indonesian, against the sandbox: the same outcomes, and no text in English that has a translation."""

import re
import string

import pytest

from bulk.cli.texts import SUMMARIES
from tests.bulk.plans import LINK
from tests.catalogue import translations

pytestmark = pytest.mark.slow

SHORTEST = 18
"""Characters of the longest part of a text, without its places: shorter ones may be a name or a word of the panel."""


def pattern_of(text):
    """Return what finds a text, with any values in its places."""
    parts = [re.escape(" ".join(part.split())) for part, *_ in string.Formatter().parse(text)]
    return re.compile(".{0,200}?".join(filter(None, parts))) if max(map(len, parts)) >= SHORTEST else None


STORED = {"no answer from the panel ({error})"}
"""Errors of orders are kept in the journal, which is in English, and shown as they are."""

ENGLISH = [
    (text, pattern)
    for text, done in translations().items()
    if text not in STORED and done and done != text and (pattern := pattern_of(text)) is not None
]


@pytest.fixture
def indonesian(monkeypatch, smmplus):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", "id")

    def call(*arguments, answer=None):
        done = smmplus(*arguments, answer=answer)
        assert [text for text, pattern in ENGLISH if pattern.search(done.words)] == []
        return done

    return call


def test_english_output_would_be_noticed(smmplus, path):
    said = smmplus("check", path).words
    assert [text for text, pattern in ENGLISH if pattern.search(said)] != []


def test_a_sheet_is_checked_placed_and_updated(indonesian, path):
    checked = indonesian("check", path)
    assert (checked.status, "akan dikirim: 2 baris seharga" in checked.words) == (0, True)
    placed = indonesian("run", path, "--rate", "0", answer="y\n")
    assert (placed.status, "Pesan 2 pesanan seharga" in placed.words) == (0, True)
    assert "order_id" in path.read_text("utf-8-sig").splitlines()[0]
    assert (indonesian("run", path, "--yes").status, indonesian("status", path).status) == (0, 0)


def test_no_answer_in_indonesian_is_no(indonesian, path):
    declined = indonesian("run", path, answer="\n")
    assert "Dibatalkan. Tidak ada yang dikirim." in declined.words
    assert "order_id" not in path.read_text("utf-8")


def test_problems_and_their_remedies(indonesian, path):
    path.write_text(f"service,link,quantity\n2,{LINK},many\n99,{LINK},100\n", "utf-8")
    assert indonesian("check", path).status == 3


def test_an_order_in_doubt_is_listed(indonesian, lost, path):
    assert indonesian("run", path, "--yes", "--rate", "0").status == 4
    listed = indonesian("doubts")
    assert (listed.status, "Jika tidak dipesan, pakai --not-placed" in listed.words) == (0, True)


@pytest.mark.parametrize("name", [None, *(name for name in SUMMARIES if name != "sandbox")])
def test_help(indonesian, name):
    assert indonesian(*filter(None, [name]), "-h").status == 0
