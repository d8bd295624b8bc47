"""What Airflow is told of this provider; read at start-up, so that nothing is imported for it."""

from typing import Any

_NAME = "smm.plus"
_PACKAGE = "airflow_provider_smmplus"
_OPERATORS = ("account", "orders", "refills", "sheets")


def get_provider_info() -> dict[str, Any]:
    """Describe the provider: the connection type with its form, and where the classes are."""
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
                "python-modules": [
                    f"{_PACKAGE}.operators.{name}" for name in ("account", "orders", "refills", "sheets")
                ],
            }
        ],
        "sensors": [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.sensors.smmplus"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.triggers.smmplus"]}],
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
        "description": "The id of a PostgreSQL connection whose database holds the journal of all orders. Needed where "
        "workers do not share a disk; empty for a SQLite file under AIRFLOW_HOME, with the LocalExecutor alone.",
        "schema": {"type": ["string", "null"]},
    },
    "rate": {
        "label": "Calls a second",
        "description": "How often one task calls the panel; 0 for no limit. Tasks side by side each take as many: put "
        "them into a pool.",
        "schema": {"type": ["number", "null"], "default": 1.0, "minimum": 0},
    },
    "connect_timeout": {
        "label": "Connect time-out (s)",
        "description": "How long to wait for a connection. An order is sent again only where none came about.",
        "schema": {"type": ["number", "null"], "default": 10, "exclusiveMinimum": 0},
    },
    "read_timeout": {
        "label": "Read time-out (s)",
        "description": "How long to wait for an answer. An order whose answer does not come is in doubt.",
        "schema": {"type": ["number", "null"], "default": 60, "exclusiveMinimum": 0},
    },
}
