"""The page about Airflow is held to the code: what it shows runs, and what there is stands on it."""

import importlib
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from airflow.sdk import Connection

from airflow_provider_smmplus.get_provider_info import get_provider_info
from airflow_provider_smmplus.utils.connection import settings_of
from smmplus.api.panel import DEFAULT_URL

ROOT = Path(__file__).parents[2]
AIRFLOW = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", AIRFLOW, re.MULTILINE | re.DOTALL)


def shown_examples():
    """Give the examples that a page shows: (file, mark) -> code."""
    shown = re.findall(r"^<!-- (\w+\.py): (\w+) -->\n```python\n(.*?)^```", AIRFLOW, re.MULTILINE | re.DOTALL)
    return {(name, mark): code for name, mark, code in shown}


def marked_examples():
    """Give what the example DAGs mark for it."""
    marked = {}
    for path in (ROOT / "example_dags").glob("*.py"):
        parts = re.findall(
            r"# \[START (\w+)\]\n(.*?)^ *# \[END \1\]", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        marked |= {(path.name, mark): textwrap.dedent(code).strip("\n") + "\n" for mark, code in parts}
    return marked


def test_the_airflow_page_shows_the_example_dags_as_they_are_and_all_that_they_mark():
    assert shown_examples() == marked_examples()
    assert len(blocks("python")) == len(shown_examples())


@pytest.mark.parametrize(
    "module",
    [
        "operators.account",
        "operators.orders",
        "operators.refills",
        "operators.reports",
        "operators.sheets",
        "sensors.smmplus",
    ],
)
def test_every_operator_and_sensor_is_documented(module):
    found = importlib.import_module(f"airflow_provider_smmplus.{module}")
    own = [
        name for name, item in vars(found).items() if name.startswith("SmmPlus") and item.__module__ == found.__name__
    ]
    assert own
    assert [name for name in own if f"| `{name}`" not in AIRFLOW and f", `{name}`" not in AIRFLOW] == []


@pytest.mark.parametrize("name", ["DEFAULT", "SHOP"])
def test_the_connections_of_the_airflow_page_are_understood(name):
    lines = [line for line in "\n".join(blocks("sh")).splitlines() if f"AIRFLOW_CONN_SMMPLUS_{name}=" in line]
    (text,) = (shlex.split(line)[1].partition("=")[2] for line in lines)
    made = Connection.from_json(text, conn_id=name) if text.startswith("{") else Connection.from_uri(text, conn_id=name)
    settings = settings_of(made)
    assert (settings.panel.url, settings.panel.key, settings.rate) == (DEFAULT_URL, "KEY", 2.0)
    assert settings.account == {"DEFAULT": "main", "SHOP": "shop"}[name]
    assert settings.journal_conn_id == {"DEFAULT": None, "SHOP": "smmplus_journal"}[name]


def test_every_field_of_the_connection_is_documented():
    (form,) = get_provider_info()["connection-types"]
    labels = [*form["ui-field-behaviour"]["relabeling"].values(), *(f["label"] for f in form["conn-fields"].values())]
    assert [label for label in labels if label.removesuffix(" (s)") not in AIRFLOW] == []
