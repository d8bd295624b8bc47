"""What a DAG file meets while it is parsed: nothing heavy, no work, and arguments that stay as they were written."""

import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module

import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_smmplus.get_provider_info import get_provider_info
from airflow_provider_smmplus.operators._base import SmmPlusOperator

pytestmark = pytest.mark.slow

INFO = get_provider_info()

HEAVY = (
    "pandas",
    "numpy",
    "aiohttp",
    "requests",
    "certifi",
    "openpyxl",
    "python_calamine",
    "sqlalchemy",
    "bulk.report",
    "bulk.running.run",
)

DAG_MODULE = "airflow_provider_smmplus.dags.smmplus_sheet"

_WHAT_COMES = """
import json, sys
import airflow.sdk
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator, ObjectStoragePath, conf
before = set(sys.modules)
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules(*kinds):
    info = get_provider_info()
    return [name for kind in kinds for group in info[kind] for name in group["python-modules"]]


def classes():
    """Give every operator and sensor that DAG authors use."""
    for name in modules("operators", "sensors"):
        for each in vars(import_module(name)).values():
            is_operator = inspect.isclass(each) and issubclass(each, BaseOperator) and each.__module__ == name
            if is_operator and each.__name__.startswith("SmmPlus") and each is not SmmPlusOperator:
                yield each


CLASSES = list(classes())
every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def own_arguments(cls):
    """Name the arguments that this project's classes take, through all of its bases."""
    names = {}
    for base in cls.__mro__:
        if base.__module__.startswith("airflow_provider_smmplus"):
            names |= inspect.signature(inspect.unwrap(base.__init__)).parameters
    return {
        name: argument
        for name, argument in names.items()
        if argument.kind is inspect.Parameter.KEYWORD_ONLY and name != "deferrable"
    }


# Only the project's own needs: what Airflow itself needs anyway is no cost of ours.
def test_nothing_heavy_is_imported_while_dag_files_are_parsed():
    command = [sys.executable, "-c", _WHAT_COMES, *modules("hooks", "operators", "sensors"), DAG_MODULE]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    brought = json.loads(ran.stdout.splitlines()[-1])
    assert [name for name in brought if name in HEAVY or name.startswith(tuple(f"{each}." for each in HEAVY))] == []
    assert "airflow_provider_smmplus.operators.sheets" in brought


def test_a_plugin_brings_nothing_of_the_page_into_schedulers_and_workers():
    plugin = INFO["plugins"][0]["plugin-class"].rpartition(".")[0]
    program = _WHAT_COMES.replace("before =", "import airflow.plugins_manager; before =")
    ran = subprocess.run([sys.executable, "-c", program, plugin], capture_output=True, text=True, check=True)
    # Airflow itself has imported the provider's description.
    assert json.loads(ran.stdout.splitlines()[-1]) == [plugin.rpartition(".")[0], plugin]


def test_all_of_the_promised_classes_are_there():
    assert {cls.__name__ for cls in CLASSES} == {
        "SmmPlusServicesOperator", "SmmPlusAddOrderOperator", "SmmPlusOrderStatusOperator", "SmmPlusRefillOperator",
        "SmmPlusRefillStatusOperator", "SmmPlusCancelOperator", "SmmPlusBalanceOperator", "SmmPlusCheckSheetOperator",
        "SmmPlusSplitSheetOperator", "SmmPlusPlaceSheetOperator", "SmmPlusTrackSheetOperator",
        "SmmPlusWriteBackOperator", "SmmPlusSheetOperator", "SmmPlusReportOperator", "SmmPlusOrderSensor",
        "SmmPlusRefillSensor", "SmmPlusBalanceSensor", "SmmPlusServiceSensor",
    }  # fmt: skip


class Anything:
    """A value that fails whatever is done with it."""

    def _fails(self, *_):
        raise AssertionError("something was done with an argument while the DAG file is parsed")

    __str__ = __bool__ = __len__ = __iter__ = __eq__ = __hash__ = __float__ = __int__ = __lt__ = __gt__ = _fails


@every_class
def test_each_argument_is_kept_as_it_comes_under_its_own_name(cls):
    given = {name: Anything() for name in own_arguments(cls) if name not in {"timeout", "poke_interval"}}
    with DAG("campaign", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        task = cls(task_id="task", **given)
    assert {name for name, value in given.items() if getattr(task, name) is not value} == set()


@every_class
def test_each_template_field_is_an_argument(cls):
    assert set(cls.template_fields) <= set(own_arguments(cls))
    assert len(set(cls.template_fields)) == len(cls.template_fields)


NEVER_TEMPLATED = {
    # how it waits
    "poll_interval", "timeout", "wait_for_completion", "cancel_on_kill",
    # what its author decides once
    "retry_refused", "skip_bad", "use_hyperlinks", "allow_duplicates", "adopt", "hidden", "ignore_missing",
    "not_placed_since_backup", "fail_on_refused", "most",
    "part_size",
}  # fmt: skip


@every_class
def test_whatever_a_person_would_template_is_templated(cls):
    assert set(own_arguments(cls)) - NEVER_TEMPLATED == set(cls.template_fields)


@every_class
def test_it_can_be_mapped(cls):
    needed = {
        name: "501" for name, argument in own_arguments(cls).items() if argument.default is inspect.Parameter.empty
    }
    with DAG("campaign", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        expanded = needed and {next(iter(needed)): ["501", "502"]}
        others = {name: value for name, value in needed.items() if name not in expanded}
        cls.partial(task_id="mapped", **others).expand(**(expanded or {"smmplus_conn_id": ["a", "b"]}))
    assert dag.task_dict["mapped"].is_mapped


@every_class
def test_its_arguments_are_documented(cls):
    words = "\n".join(base.__doc__ or "" for base in cls.__mro__ if base.__module__.startswith("airflow_provider"))
    assert [name for name in own_arguments(cls) if f":param {name}:" not in words] == []


@every_class
def test_the_connection_has_the_usual_default(cls):
    assert own_arguments(cls)["smmplus_conn_id"].default == "smmplus_default"


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, BaseSensorOperator)])
@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_sensors_wait_in_both_modes(cls, mode):
    needed = {name: "501" for name, one in own_arguments(cls).items() if one.default is inspect.Parameter.empty}
    with DAG("campaign", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        assert cls(task_id="wait", mode=mode, **needed).reschedule is (mode == "reschedule")
