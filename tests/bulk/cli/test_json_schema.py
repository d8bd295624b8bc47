"""The documented shape of what commands print for programs."""

import json

import jsonschema
import pytest
import typer

from bulk.cli.app import app
from bulk.cli.json_lines import JsonLines
from bulk.model.fields import ORDER_FIELDS
from bulk.running.events import RunListener
from smmplus.journal.state_machine import State
from smmplus.reconciliation.balance_evidence import Verdict
from tests import json_schema
from tests.bulk.plans import LINK
from tests.json_schema import DEFS, SCHEMA, validate


def printing(group, before=()):
    """Yield the commands that have --json."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if any("--json" in parameter.opts for parameter in command.params):
            yield " ".join([*before, name])
        if hasattr(command, "list_commands"):
            yield from printing(command, [*before, name])


def test_every_command_that_prints_json_is_in_the_schema():
    names = {json_schema.SAME.get(name, name) for name in printing(typer.main.get_command(app))}
    assert names | {"sandbox", "statuses", "changes"} == set(DEFS["commands"])


def test_every_event_is_in_the_schema():
    own = {name for name in vars(JsonLines) if not name.startswith("_")}
    assert own == {name for name in vars(RunListener) if not name.startswith("_")} - {"agreed", "confirm"}
    assert len(own) == len(DEFS["events"].keys() - {"sheet_waiting", "sheet_moved"})  # of smmplus watch


def test_the_schema_is_one_and_knows_all_fields_and_states():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(DEFS["states"]["properties"]) == [state.value for state in State]
    assert set(DEFS["fields"]["properties"]) == set(ORDER_FIELDS) - {"service"}


def test_the_page_has_what_the_schema_says():
    """`python -m tests.json_schema` writes it."""
    assert json_schema.PAGE.read_text("utf-8").endswith(json_schema.page() + "\n")


def test_a_name_that_is_not_in_the_schema_is_noticed(smmplus):
    told = smmplus("balance", "--json").json
    with pytest.raises(jsonschema.ValidationError, match="other"):
        validate(["balance"], told | {"other": 1})


def test_a_run_prints_its_events_and_then_its_object(smmplus, path, lost):
    done = smmplus("run", path, "--yes", "--rate", "0", "--json-lines")
    *events, last = map(json.loads, done.out.splitlines())
    assert {event["event"] for event in events} == {"planned", "placing", "order", "written"}
    outcomes = sorted((event["row"], event["state"]) for event in events if event["event"] == "order")
    assert outcomes == [(2, "in_doubt"), (3, "placed")]
    assert (last["states"], last["exit_status"], done.status) == ({"placed": 1, "in_doubt": 1}, 4, 4)


def test_tracking_prints_its_events(smmplus, path):
    smmplus("run", path, "--yes", "--rate", "0")
    events = list(map(json.loads, smmplus("status", path, "--rate", "0", "--json-lines").out.splitlines()))
    assert {"version": 1, "event": "tracking", "orders": 2, "finished": 0} in events


def test_a_command_that_fails_prints_an_error(smmplus, path, monkeypatch):
    monkeypatch.setenv("SMMPLUS_API_KEY", "0123456789abcdef0123456789abcdef")
    told = json.loads(smmplus("run", path, "--yes", "--json-lines").out.splitlines()[-1])
    assert "SMMPLUS_API_KEY" in told["hint"]
    assert told["exit_status"] == 5


@pytest.mark.parametrize("wrong", [["--json-lines"], ["--json", "--json-lines", "--yes"]])
def test_what_cannot_be_is_refused(smmplus, path, wrong):
    assert smmplus("run", path, *wrong).status == 2
    assert LINK in path.read_text("utf-8")


def test_the_schema_knows_all_verdicts():
    verdicts = DEFS["doubt"]["properties"]["evidence"]["properties"]["verdict"]["enum"]
    assert verdicts == [verdict.name.lower() for verdict in Verdict]
