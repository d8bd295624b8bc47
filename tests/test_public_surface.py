"""What `import smmplus` offers, and what it costs."""

import subprocess
import sys

import pytest

import smmplus


@pytest.mark.parametrize("name", smmplus.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(smmplus, name).__name__ == name


def test_the_public_names_are_sorted():
    assert smmplus.__all__ == sorted(smmplus.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = smmplus.nothing


def test_naming_an_error_loads_neither_database_nor_http_client():
    heavy = {"aiohttp", "requests", "sqlalchemy", "pandas"}
    code = f"import sys, smmplus; smmplus.CallError; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
