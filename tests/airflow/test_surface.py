"""Remedies as operators phrase them."""

import inspect

import pytest

from airflow_provider_smmplus.operators._sheets import OF_OPERATORS, SheetOperator
from airflow_provider_smmplus.utils.arguments import AIRFLOW
from airflow_provider_smmplus.utils.failures import how_to_repeat
from bulk.model.options import DEFAULTS, OPTIONS
from smmplus.journal.journal import Journal
from tests.bulk.remedies import Recording, bare_options, must_be_pasted, remedies, texts

OF_THE_CONNECTION = {"account", "journal"}


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        ({"skip_bad": True}, "skip_bad=True"),
        ({"sheet": "Orders"}, "worksheet='Orders'"),
        ({"hidden": "skip"}, "hidden='skip'"),
        ({"headers": ["Their name=link"]}, "headers={'Their name': 'link'}"),
    ],
)
def test_a_remedy_is_phrased_as_an_argument(remedy, words):
    assert AIRFLOW.phrase(**remedy) == words


def test_no_message_names_an_option_of_a_command_outside_of_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recording = Recording(AIRFLOW)
    with Journal(f"sqlite:///{tmp_path / 'journal' / 'journal.sqlite3'}") as journal:
        for text in texts(recording, how_to_repeat, journal, tmp_path):
            assert not bare_options(text), text
            must_be_pasted(text)
    assert remedies() <= recording.phrased
    arguments = set(inspect.signature(SheetOperator.__init__).parameters)
    assert {AIRFLOW.name(option) for option in recording.phrased - OF_THE_CONNECTION} <= arguments


def test_arguments_and_their_defaults_are_those_that_the_options_have():
    arguments = inspect.signature(SheetOperator.__init__).parameters
    own = {"self", "path", "object_conn_id", "results", "kwargs"}
    assert set(arguments) - own == {AIRFLOW.name(option) for option in OF_OPERATORS}
    described = " ".join((SheetOperator.__doc__ or "").split())
    for option in set(OF_OPERATORS) - {"campaign"}:
        assert (arguments[AIRFLOW.name(option)].default or None) == (DEFAULTS[option] or None)
        assert f":param {AIRFLOW.name(option)}: {OPTIONS[option].help}" in described
