"""Airflow connections, made as the form, a URI or JSON make them."""

from airflow.sdk import Connection

KEY = "key-0123456789abcdef"


def connection_of(extra=None, **fields):
    """Make a connection of the type `smmplus` as the form gives it."""
    given = {"conn_id": "panel", "conn_type": "smmplus", "password": KEY, **fields}
    return Connection(**given, extra=extra)


def connection_from(uri):
    return Connection.from_uri(uri, conn_id="panel")
