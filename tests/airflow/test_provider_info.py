"""What Airflow is told of the provider."""

import inspect
import json
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules

import airflow.sdk
import jsonschema
import pytest
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink
from airflow.triggers.base import BaseTrigger

import airflow_provider_smmplus
from airflow_provider_smmplus.get_provider_info import get_provider_info
from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.utils.connection import settings_of
from tests.airflow.connections import connection_of

INFO = get_provider_info()
AIRFLOW = Path(airflow.sdk.__file__).parents[1]


def test_airflow_finds_it_by_its_entry_point():
    (found,) = [each for each in entry_points(group="apache_airflow_provider") if "smmplus" in each.value]
    assert found.load() is get_provider_info


def test_it_is_what_airflows_schema_asks_for():
    jsonschema.validate(INFO, json.loads((AIRFLOW / "provider_info.schema.json").read_text()))


@pytest.mark.parametrize(
    ("kind", "base"),
    [("hooks", BaseHook), ("operators", BaseOperator), ("sensors", BaseOperator), ("triggers", BaseTrigger)],
)
def test_every_module_that_it_names_holds_classes_and_none_is_forgotten(kind, base):
    named = {name for group in INFO[kind] for name in group["python-modules"]}
    package = import_module(f"airflow_provider_smmplus.{kind}")
    held = set()
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        members = vars(import_module(module.name)).items()
        own = [each for name, each in members if name.startswith("SmmPlus") and each.__module__ == module.name]
        if any(inspect.isclass(each) and issubclass(each, base) for each in own if each.__name__ != "SmmPlusOperator"):
            held.add(module.name)
    assert named == held


def test_the_link_that_it_names_is_one():
    for path in INFO["extra-links"]:
        module, _, name = path.rpartition(".")
        assert issubclass(getattr(import_module(module), name), BaseOperatorLink)


def test_the_plugin_is_found_by_its_entry_point_too():
    (named,) = INFO["plugins"]
    (found,) = entry_points(group="airflow.plugins", name=named["name"])
    assert found.value.replace(":", ".") == named["plugin-class"]
    assert found.load().name == named["name"]


def test_the_connection_type_is_the_hooks():
    (kind,) = INFO["connection-types"]
    module, _, name = kind["hook-class-name"].rpartition(".")
    assert getattr(import_module(module), name) is SmmPlusHook
    assert (kind["connection-type"], kind["hook-name"]) == (SmmPlusHook.conn_type, SmmPlusHook.hook_name)


def test_every_field_of_the_form_says_what_it_is_and_is_read():
    fields = INFO["connection-types"][0]["conn-fields"]
    assert all(field["label"] and field["description"].endswith(".") for field in fields.values())
    plain = settings_of(connection_of())
    for name, other in {"journal_conn_id": "x", "rate": 7, "connect_timeout": 7, "read_timeout": 7}.items():
        assert name in fields
        assert settings_of(connection_of(json.dumps({name: other}))) != plain
    assert len(fields) == 4


def test_the_defaults_of_the_form_are_those_of_the_code():
    fields = INFO["connection-types"][0]["conn-fields"]
    shown = {name: field["schema"]["default"] for name, field in fields.items() if "default" in field["schema"]}
    assert settings_of(connection_of(json.dumps(shown))) == settings_of(connection_of())
    assert len(shown) == 3


def test_the_package_names_its_version():
    assert airflow_provider_smmplus.__version__
