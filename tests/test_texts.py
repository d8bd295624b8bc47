"""Texts for people: marked in the code, translated in the catalogue, in the language of the person."""

import ast
import string

import pytest

from smmplus.texts import _, choose_language, counted
from tests.catalogue import (
    MARKS,
    ROOT,
    calls_of,
    calls_of_templates,
    sources,
    text_of,
    text_of_template,
    texts,
    translations,
)

CALLS = [(path, call) for path in sources() for call in calls_of(path)]


def places(text):
    return {name for _text, name, _spec, _kind in string.Formatter().parse(text) if name is not None}


def test_a_text_has_a_value_for_each_of_its_places():
    """Otherwise a message would end in an error of the program."""
    wrong = []
    for path, call in CALLS:
        text = text_of(call)
        if call.func.id != "_" or text is None or any(word.arg is None for word in call.keywords):
            continue
        if call.keywords and places(text) != {word.arg for word in call.keywords}:
            wrong.append(f"{path.relative_to(ROOT)}:{call.lineno}: {text}")
    assert wrong == []


def test_a_text_of_the_page_has_a_value_for_each_of_its_places():
    wrong = [
        f"{path.name}:{call.lineno}: {text}"
        for path, call in calls_of_templates()
        if (text := text_of_template(call)) is not None
        and call.node.name == "_"
        and places(text) != {word.key for word in call.kwargs}
    ]
    assert wrong == []


def test_no_text_is_put_together_before_it_is_looked_up():
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, call in CALLS
        if isinstance(call.args[MARKS[call.func.id]], ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def test_a_translation_has_the_places_of_its_text():
    assert [text for text, done in translations().items() if done and places(text) != places(done)] == []


def test_the_catalogue_has_every_text_and_no_other():
    """`python -m tests.catalogue` brings it up to date."""
    assert set(translations()) == set(texts())


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "id_ID.UTF-8"}, "id"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "id_ID"}, "id"),
        ({"LANG": "id_ID.UTF-8", "LC_MESSAGES": "de_DE"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "id_ID.UTF-8", "SMMPLUS_LANGUAGE": "en"}, "en"),
        ({"LANG": "C.UTF-8", "SMMPLUS_LANGUAGE": "id"}, "id"),
    ],
)
def test_the_language_is_the_chosen_one_or_that_of_the_machine(environment, language):
    choose_language(environment)
    assert environment["SMMPLUS_LANGUAGE"] == language


@pytest.mark.parametrize("language", ["en", "xx", ""])
def test_any_other_language_is_english(monkeypatch, language):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", language)
    assert (_("about {duration}", duration="{x}"), counted(1, "order"), counted(2, "order")) == (
        "about {x}",
        "1 order",
        "2 orders",
    )


def test_braces_in_values_stay_as_they_are():
    assert _("about {duration}", duration="{duration}") == "about {duration}"


def test_every_text_has_a_translation():
    assert [text for text, done in translations().items() if not done] == []
