"""Messages that the command line and the operators share, in an operator's words."""

import inspect
import re
from pathlib import Path

import pytest

import bulk
from airflow_provider_smmplus.operators.sheet_base import SheetOperator
from airflow_provider_smmplus.wording import _ARGUMENTS, in_arguments


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("leave them out with --skip-bad", "leave them out with skip_bad=True"),
        ("say --adopt; or say --campaign with a new name", "say adopt=True; or say campaign=… with a new name"),
        ("Choose one with --sheet.", "Choose one with worksheet=…."),
        ("`smmplus resolve a/b --account shop --order-id 7`", "`smmplus resolve a/b --account shop --order-id 7`"),
        ("a--adopt --adopted --sheet-x", "a--adopt --adopted --sheet-x"),
    ],
)
def test_options_are_told_as_arguments(message, words):
    assert in_arguments(message) == words


def test_every_argument_is_one_of_the_operators():
    names = inspect.signature(SheetOperator.__init__).parameters
    assert {word.partition("=")[0] for word in _ARGUMENTS.values()} <= set(names)


OF_COMMANDS = {"--remember-map", "--force", "--order-id", "--none", "--account", "--export"}


def test_no_option_that_a_message_names_is_forgotten():
    """Of the code that operators run, too; the command line has its own."""
    folder = Path(bulk.__file__).parent
    paths = [path for path in folder.rglob("*.py") if path.relative_to(folder).parts[0] != "cli"]
    named = {option for path in paths for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", path.read_text("utf-8"))}
    assert named - OF_COMMANDS == set(_ARGUMENTS)
