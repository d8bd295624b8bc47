"""What `import smmplus` and `import bulk` offer, and what it costs."""

import subprocess
import sys

import pytest

import bulk
import smmplus

pytestmark = pytest.mark.slow

PACKAGES = (smmplus, bulk)
HEAVY = {"aiohttp", "requests", "sqlalchemy", "pandas", "numpy", "openpyxl", "typer", "rich"}


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__])
def test_every_public_name_can_be_had(package, name):
    value = getattr(package, name)
    assert getattr(value, "__name__", name) in {name, f"smmplus.{name}"}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_names_are_sorted_and_are_what_completion_offers(package):
    assert package.__all__ == sorted(package.__all__) == dir(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import smmplus; smmplus.errors.CallError, smmplus.__all__, smmplus.__version__, dir(smmplus)", set()),
        ("import bulk; bulk.SheetError, bulk.ExitStatus, bulk.__all__, dir(bulk)", set()),
        ("import bulk; bulk.run", HEAVY - {"typer", "rich"}),
    ],
    ids=["smmplus", "bulk", "bulk.run"],
)
def test_a_name_loads_no_more_than_it_needs(code, loaded):
    code = f"import sys; {code}; print(sorted({HEAVY} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(eval(found.stdout)) <= loaded  # noqa: S307 - our own list
