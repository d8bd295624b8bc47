"""The same words in every wrapping that panels use."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.api.error_wrappings import Said, is_absent, names_an_order, said, without_markup

WORDS = "Not enough funds on balance"

WRAPPINGS = {
    "a text": lambda text: {"error": text},
    "an object with message": lambda text: {"error": {"message": text}},
    "an object with text": lambda text: {"error": {"text": text}},
    "an object with msg": lambda text: {"error": {"msg": text}},
    "an object with detail": lambda text: {"error": {"detail": text, "id": "a1b2"}},
    "an object with code": lambda text: {"error": {"code": text}},
    "an object with error": lambda text: {"error": {"error": text}},
    "an object with a name of its own": lambda text: {"error": {"what": text}},
    "a list": lambda text: {"error": [text]},
    "a list of objects": lambda text: {"error": [{"message": text}]},
    "errors": lambda text: {"errors": [text]},
    "errors by field": lambda text: {"errors": {"quantity": [text]}},
    "errors by field, with a message": lambda text: {"message": text, "errors": {"quantity": [text]}},
    "true, and a message": lambda text: {"error": True, "message": text},
    "1, and a message": lambda text: {"error": 1, "msg": text},
    '"true", and a reason': lambda text: {"error": "true", "reason": text},
    "in capitals": lambda text: {"Error": {"Message": text}},
    "error_message": lambda text: {"error_message": text},
    "with tags": lambda text: {"error": f"<div class='alert'><b>{text}</b></div>"},
    "with a line break": lambda text: {"error": text.replace(" ", "<br/>", 1)},
    "with entities": lambda text: {"error": text.replace(" ", "&nbsp;")},
    "within data": lambda text: {"data": {"error": text}},
    "objects within objects": lambda text: {"error": {"error": {"errors": [{"message": {"text": text}}]}}},
    "beside a number": lambda text: {"error": {"code": 105, "message": text}},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_words_are_found_in_every_wrapping(wrapping):
    assert said(WRAPPINGS[wrapping](WORDS)) == Said((WORDS,), is_error=True)


@pytest.mark.parametrize(
    "document",
    [
        {"error": ""}, {"error": None}, {"error": False}, {"error": 0}, {"error": []}, {"error": {}},
        {"error": "false"}, {"error": "null"}, {"error": " None "}, {"errors": []}, {"error": "0"}, {"order": 5}, {},
        [], None, "text", 5,
    ],
)  # fmt: skip
def test_what_has_no_error_says_nothing(document):
    assert said(document) == Said()


@pytest.mark.parametrize("document", [{"error": True}, {"error": 1}, {"error": {"message": ""}}, {"error": [None, 7]}])
def test_an_error_may_be_without_words(document):
    assert said(document) == Said((), is_error=True)


@pytest.mark.parametrize(
    ("document", "sign"),
    [
        ({"status": "fail"}, False), ({"status": "Error"}, False), ({"success": False}, False), ({"status": 0}, False),
        ({"status": 404}, False), ({"status": "success"}, True), ({"success": True}, True), ({"ok": 1}, True),
        ({"status": 200}, True), ({"status": "success", "ok": False}, False), ({"status": "Pending"}, None),
        ({"status": "Completed"}, None), ({"code": 0, "message": ""}, None),
    ],
)  # fmt: skip
def test_the_sign_of_an_envelope(document, sign):
    assert said(document).sign is sign


def test_a_code_of_a_broken_server_has_words():
    assert said({"error": {"code": 500, "message": "Whoops"}}).texts == ("Whoops", "server error 500")


def test_words_that_stand_twice_are_told_once():
    assert said({"error": "Bad link", "message": "Bad link", "code": "bad_link"}).texts == ("Bad link", "bad_link")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a <b>bold</b> word", "a bold word"), ("5 &lt; 6 &amp; 7", "5 < 6 & 7"), ("5 < 6", "5 < 6"), ("x<br>y", "x y"),
        ("<!-- hidden -->seen", "seen"), ("&amp;lt;", "&lt;"), ("", ""),
    ],
)  # fmt: skip
def test_markup_is_taken_out(text, read):
    assert without_markup(text) == read


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"order": {"id": 5}}, True), ({"order_id": 5}, True), ({"data": {"order": "x"}}, True), ({"Order": "x"}, True),
        ({"order": None}, False), ({"order": 0}, False), ({"order": ""}, False), ({"errors": {"order": ["x"]}}, False),
        ([], False),
    ],
)  # fmt: skip
def test_whether_an_answer_names_an_order(document, names):
    assert names_an_order(document) is names


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=9)


@given(JSON)
def test_any_document_is_read(document):
    assert all(isinstance(text, str) and text for text in said(document).texts)
    assert isinstance(is_absent(document), bool)


@given(st.integers(min_value=1, max_value=400))
def test_no_depth_is_too_deep(depth):
    document = json.loads('{"error":' * depth + '"x"' + "}" * depth)
    assert said(document).is_error
