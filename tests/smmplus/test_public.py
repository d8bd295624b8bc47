import importlib
import subprocess
import sys

import pytest

import smmplus


@pytest.mark.parametrize("name", smmplus.__all__)
def test_every_public_name_is_there(name):
    assert getattr(smmplus, name).__name__ in {name, "key_of"}


def test_a_name_that_is_not_public_is_none_of_it():
    with pytest.raises(AttributeError, match="no attribute 'protocol_of_old'"):
        _ = smmplus.protocol_of_old


def test_every_error_that_a_caller_can_meet_is_public():
    errors = importlib.import_module("smmplus.errors")
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds - set(smmplus.__all__) == set()


@pytest.mark.e2e
def test_naming_an_error_loads_neither_a_database_nor_a_client():
    code = (
        "import sys, smmplus; smmplus.SmmPlusError; print({'sqlalchemy', 'aiohttp', 'requests'} & sys.modules.keys())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
