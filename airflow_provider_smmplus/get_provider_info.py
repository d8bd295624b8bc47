"""The description of this provider. Airflow reads it at start-up, so it imports nothing."""

from typing import Any

_NAME = "smm.plus"
_PACKAGE = "airflow_provider_smmplus"
_OPERATORS = ("account", "orders", "refills", "reports", "sheets")


def get_provider_info() -> dict[str, Any]:
    """Return the description: the connection type with its form, and the modules of the classes."""
    return {
        "package-name": "airflow-provider-smmplus",
        "name": _NAME,
        "description": "Paid social-media campaigns on the smm.plus API: no order placed twice, none lost.",
        "integrations": [
            {"integration-name": _NAME, "external-doc-url": "https://smm.plus/api", "tags": ["service"]},
        ],
        "hooks": [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.hooks.smmplus"]}],
        "operators": [
            {
                "integration-name": _NAME,
                "python-modules": [f"{_PACKAGE}.operators.{name}" for name in _OPERATORS],
            }
        ],
        "sensors": [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.sensors.smmplus"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.triggers.smmplus"]}],
        "plugins": [{"name": "smmplus", "plugin-class": f"{_PACKAGE}.plugins.smmplus.SmmPlusPlugin"}],
        "config": {"smmplus": {"description": "The page for people who have spreadsheets.", "options": _OPTIONS}},
        "extra-links": [f"{_PACKAGE}.links.smmplus.SmmPlusOrdersLink"],
        "connection-types": [
            {
                "connection-type": "smmplus",
                "hook-class-name": f"{_PACKAGE}.hooks.smmplus.SmmPlusHook",
                "hook-name": _NAME,
                "ui-field-behaviour": _FORM,
                "conn-fields": _FIELDS,
            }
        ],
    }


_FORM = {
    "hidden-fields": ["schema", "port"],
    "relabeling": {"host": "API URL", "password": "API key", "login": "Account name"},
    "placeholders": {
        "host": "https://smm.plus/api/v2",
        "login": "default",
        "password": "the key of the panel's API page",
    },
}

_FIELDS = {
    "journal_conn_id": {
        "label": "Journal connection",
        "description": "ID of the PostgreSQL connection whose database holds the journal of all orders. Required "
        "unless the executor is LocalExecutor. If empty, the journal is a SQLite file in AIRFLOW_HOME.",
        "schema": {"type": ["string", "null"]},
    },
    "rate": {
        "label": "Calls per second",
        "description": "API calls per second of one task; 0 for no limit. To limit parallel tasks, use a pool.",
        "schema": {"type": ["number", "null"], "default": 1.0, "minimum": 0},
    },
    "connect_timeout": {
        "label": "Connect time-out (s)",
        "description": "How long to wait for a connection. An order is sent again only if there was no connection.",
        "schema": {"type": ["number", "null"], "default": 10, "exclusiveMinimum": 0},
    },
    "read_timeout": {
        "label": "Read time-out (s)",
        "description": "How long to wait for an answer. An order without an answer is in doubt.",
        "schema": {"type": ["number", "null"], "default": 60, "exclusiveMinimum": 0},
    },
}

_OPTIONS = {
    "uploads": {
        "description": "Where uploaded sheets are kept: a folder that all workers see, or a URL of Airflow's object "
        "storage, such as s3://connection@bucket/uploads. If empty, a folder in AIRFLOW_HOME, with the LocalExecutor.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "s3://aws_default@bucket/uploads",
        "default": "",
    },
    "approval": {
        "description": "Who approves a sheet: one, or four_eyes for two persons.",
        "version_added": "0.1.0",
        "type": "string",
        "example": None,
        "default": "one",
    },
    "accounts": {
        "description": "IDs of the connections to choose from, with commas. If empty, all of the type smmplus in the "
        "database and the environment. Those of a secrets backend must be listed here.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "smmplus_default,smmplus_shop",
        "default": "",
    },
    "parts_at_once": {
        "description": "Parts of 500 orders of a sheet that are placed at the same time. Each makes as many calls per "
        "second as the connection says.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": None,
        "default": "1",
    },
}
