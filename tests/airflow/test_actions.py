"""docs/actions.md says of every action of the API how it is used from everywhere, and what it names exists."""

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
import typer

from airflow_provider_smmplus.get_provider_info import get_provider_info
from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from bulk.cli.app import app
from bulk.model.fields import FIELDS, ORDER_FIELDS
from bulk.model.sheet import RESULT_FIELDS
from smmplus import AsyncClient, Client, OrderRequest
from smmplus.api import protocol
from smmplus.api.panel import Panel
from smmplus.errors import SmmPlusError

PAGE = (Path(__file__).parents[2] / "docs" / "actions.md").read_text("utf-8")
SURFACES = ("client", "hook", "operator", "sensor", "command", "columns")
SAMPLES = {
    "request": OrderRequest.of(1, {"link": "https://example.com/post", "quantity": 100}),
    "order_id": "1",
    "order_ids": ["1"],
    "refill_id": "1",
    "refill_ids": ["1"],
}
"""Arguments of the calls."""


def rows() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each action of the table with its cells."""
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            action, *cells = line.strip("| ").split(" | ")
            yield action, dict(zip(SURFACES, cells, strict=True))


TABLE = dict(rows())


def names(cell: str) -> list[str]:
    """Return what a cell names; nothing of one that says why it is empty."""
    return [] if cell.startswith("none: ") else re.findall(r"`([^`]+)`", cell)


def named(surface: str) -> set[str]:
    return {name for cells in TABLE.values() for name in names(cells[surface])}


def calls() -> Iterator[str]:
    """Yield every call of the API as the table writes it: an action has two rows if it takes one ID or many."""
    made = []
    for name, function in inspect.getmembers(protocol, inspect.isfunction):
        about = inspect.signature(function)
        if name[0] != "_" and "Call[" in str(about.return_annotation):
            call = function(*(SAMPLES[each] for each in about.parameters))
            made.append(call[0] if isinstance(call, list) else call)
    actions = [call.action for call in made]
    for call in made:
        has_two = actions.count(call.action) > 1
        yield f"`{call.action}`" + (f" with `{call.fields[0][0]}`" if has_two else "")


def classes(kind: str) -> set[str]:
    """Return the operators or sensors of the provider."""
    modules = [import_module(name) for group in get_provider_info()[kind] for name in group["python-modules"]]
    found = [each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)]
    own = {module.__name__ for module in modules}
    return {each.__name__ for each in found if each.__module__ in own and not each.__name__.startswith("_")}


def methods(kind: type) -> set[str]:
    """Return the public methods of a class of its own."""
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name in vars(kind) and name[0] != "_"}


def test_every_action_of_the_api_has_a_row():
    assert len(TABLE) == 10
    assert sorted(TABLE) == sorted(calls())


@pytest.mark.parametrize("action", TABLE)
@pytest.mark.parametrize("surface", SURFACES)
def test_a_cell_names_something_or_says_why_not(action, surface):
    cell = TABLE[action][surface]
    assert names(cell) or re.fullmatch(r"none: .{10,}", cell)


def test_both_clients_have_the_methods_and_no_others():
    assert named("client") == methods(Client) - {"close"} == methods(AsyncClient) - {"ask", "turn"}


def test_the_hook_has_the_methods_twice():
    asynchronous = {name for name in methods(SmmPlusHook) if f"a{name}" in methods(SmmPlusHook)}
    assert named("hook") == asynchronous


def test_every_operator_and_sensor_is_one_of_the_provider():
    calling_nothing = {"SmmPlusSplitSheetOperator", "SmmPlusWriteBackOperator", "SmmPlusReportOperator"}
    assert named("operator") == classes("operators") - calling_nothing
    assert named("sensor") == classes("sensors")


@pytest.mark.parametrize("line", sorted(named("command")))
def test_every_command_and_its_option_exists(line):
    program, name, *options = line.split()
    command = typer.main.get_command(app).get_command(None, name)
    assert program == "smmplus"
    assert {*options} <= {option for each in command.params for option in each.opts}


def test_every_column_is_one_of_a_sheet():
    assert named("columns") <= {*FIELDS}
    results = {*RESULT_FIELDS} - {"updated_at"}  # the time of the others
    assert named("columns") - {*ORDER_FIELDS} == results


@pytest.mark.e2e
@pytest.mark.parametrize("action", TABLE)
async def test_both_clients_send_the_action(action, sandbox):
    panel, wanted = Panel(sandbox.key, url=sandbox.address), action.split("`")[1]
    before = sandbox.calls(wanted)
    (method,) = names(TABLE[action]["client"])
    arguments = [SAMPLES[name] for name in inspect.signature(getattr(Client, method)).parameters if name != "self"]
    with suppress(SmmPlusError), Client(panel) as client:
        getattr(client, method)(*arguments)
    with suppress(SmmPlusError):
        async with AsyncClient(panel) as client:
            await getattr(client, method)(*arguments)
    assert sandbox.calls(wanted) == before + 2
