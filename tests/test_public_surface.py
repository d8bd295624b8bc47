"""What `import smmplus` and `import bulk` offer, and what it costs."""

import subprocess
import sys

import pytest

import bulk
import smmplus

PACKAGES = (smmplus, bulk)


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__])
def test_every_public_name_can_be_had(package, name):
    assert getattr(package, name).__name__ == name


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_names_are_sorted(package):
    assert package.__all__ == sorted(package.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_naming_an_error_loads_neither_database_nor_http_client():
    heavy = {"aiohttp", "requests", "sqlalchemy", "pandas"}
    code = f"import sys, smmplus; smmplus.CallError; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_name_of_bulk_loads_nothing():
    heavy = {"aiohttp", "requests", "sqlalchemy", "pandas", "numpy", "openpyxl", "smmplus"}
    code = f"import sys, bulk; bulk.SheetError, bulk.RunError, bulk.__all__; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_running_a_frame_needs_no_command_line():
    code = "import sys, bulk; bulk.run; print({'typer', 'rich'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
