"""Every module can be imported by itself, whichever of its package a program imports first."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import importlib, sys
import grimp

graph = grimp.build_graph(sys.argv[1], cache_dir=None)
for package in graph.modules:  # the packages that a module is in run before it
    for name in graph.find_descendants(package):
        for importer in graph.find_modules_that_directly_import(name):
            if not importer.startswith(f"{package}."):
                graph.add_import(importer=importer, imported=package)
for name in sorted(graph.modules):
    # What is in no circle of imports with a module is complete before the module begins, whatever was imported first.
    circle = graph.find_upstream_modules(name) & graph.find_downstream_modules(name)
    for again in {name} | circle:
        sys.modules.pop(again, None)
    try:
        importlib.import_module(name)
    except ImportError as error:
        print("FAILED", name, error)
"""


CIRCLES: dict[str, set[str]] = {}
"""What is still in a circle that fails, by package. A module that leaves its circle leaves this list."""


@pytest.mark.parametrize("package", ["smmplus", "bulk", "airflow_provider_smmplus"])
def test_every_module_can_be_imported_alone(package):
    program = [sys.executable, "-c", PROGRAM, package]
    done = subprocess.run(program, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    # What Airflow is imported for is logged here, too.
    told = (line.split(" ", 2) for line in done.stdout.splitlines() if line.startswith("FAILED "))
    failed = {name: error for _mark, name, error in told}
    assert failed.keys() == CIRCLES.get(package, set()), done.stdout
