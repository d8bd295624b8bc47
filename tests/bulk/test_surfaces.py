"""Remedies as the command line and Python phrase them."""

import inspect
import pickle

import pytest
import typer

import bulk
from bulk.cli.app import app
from bulk.dataframes import how_to_repeat
from bulk.model.surfaces import COMMAND_LINE, PYTHON
from tests.bulk.remedies import Recording, bare_options, must_be_pasted, remedies, texts

READING = {"encoding", "headers", "hidden", "sheet", "use_hyperlinks"}
"""How files are read; a DataFrame is not in a file."""


@pytest.mark.parametrize(
    ("remedy", "command", "python"),
    [
        ({"skip_bad": True}, "--skip-bad", "skip_bad=True"),
        ({"campaign": "week 2"}, "--campaign 'week 2'", "campaign='week 2'"),
        ({"hidden": "include"}, "--include-hidden", "hidden='include'"),
        ({"hidden": "skip"}, "--visible-only", "hidden='skip'"),
        ({"headers": ["Their name=link"]}, "--map 'Their name=link'", "headers={'Their name': 'link'}"),
    ],
)
def test_a_remedy_is_phrased_as_it_is_written_there(remedy, command, python):
    assert COMMAND_LINE.phrase(**remedy) == command
    assert PYTHON.phrase(**remedy) == python


@pytest.mark.parametrize("surface", [COMMAND_LINE, PYTHON])
def test_a_surface_goes_to_another_process(surface):
    assert pickle.loads(pickle.dumps(surface)).phrase(skip_bad=True) == surface.phrase(skip_bad=True)  # noqa: S301


@pytest.fixture
def told(journal, tmp_path, monkeypatch):
    """Give all messages of a surface, and the options that they name."""
    monkeypatch.chdir(tmp_path)

    def tell(surface, how_to_repeat):
        recording = Recording(surface)
        return [text for text in texts(recording, how_to_repeat, journal, tmp_path) if text], recording.phrased

    return tell


@pytest.mark.slow
def test_in_python_no_message_names_an_option_of_a_command_outside_of_a_command(told):
    messages, phrased = told(PYTHON, how_to_repeat)
    for text in messages:
        assert not bare_options(text), text
        must_be_pasted(text)
    assert remedies() <= phrased


def test_bulk_has_every_argument_that_its_messages_name(told):
    _, phrased = told(PYTHON, how_to_repeat)
    for function in (bulk.check, bulk.run):
        assert phrased - READING <= set(inspect.signature(function).parameters)


def test_on_the_command_line_every_option_is_one_of_the_command(told):
    messages, _ = told(COMMAND_LINE, lambda **_: "")
    run = typer.main.get_command(app).get_command(None, "run")
    named = set().union(*map(bare_options, messages))
    assert {"--skip-bad", "--adopt", "--map", "--include-hidden"} <= named
    assert named <= {option for parameter in run.params for option in parameter.opts}
    for text in messages:
        must_be_pasted(text)
