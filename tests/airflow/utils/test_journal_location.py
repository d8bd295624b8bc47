"""Where the journal lies, and that a task always meets the same one."""

import json
from pathlib import Path

import pytest
from airflow.sdk import Connection

from airflow_provider_smmplus.utils.connection import REMEMBERED, journal_url, postgresql_url, remember
from smmplus.errors import ConfigurationError, JournalConflictError

HOME = Path("/airflow")


def url(executors=("LocalExecutor",), journal_conn_id=None, connection=None):
    return journal_url(journal_conn_id, connection=lambda _: connection, executors=executors, home=HOME)


def postgres(extra=None, **fields):
    given = {"conn_id": "journal", "conn_type": "postgres", "host": "db", **fields}
    return Connection(**given, extra=None if extra is None else json.dumps(extra))


@pytest.mark.parametrize(
    "executors", [["LocalExecutor"], ["airflow.executors.local_executor.LocalExecutor"], ["LocalExecutor"] * 2]
)
def test_with_the_local_executor_the_journal_is_a_file_under_airflow_home(executors):
    assert url(executors) == "sqlite:////airflow/smmplus/journal.sqlite3"


@pytest.mark.parametrize(
    "executors",
    [
        ["CeleryExecutor"],
        ["KubernetesExecutor"],
        ["EdgeExecutor"],
        ["LocalExecutor", "CeleryExecutor"],
        ["airflow.providers.celery.executors.celery_executor.CeleryExecutor"],
        ["my.LocalExecutors"],
    ],
)
def test_a_file_is_refused_where_workers_do_not_share_a_disk(executors):
    with pytest.raises(ConfigurationError, match=r"^with .*the workers do not share a disk.*journal_conn_id") as raised:
        url(executors)
    assert executors[-1] in str(raised.value)


def test_with_a_connection_any_executor_will_do():
    found = url(["CeleryExecutor"], "journal", postgres(login="me", password="p@ss/word", port=5433, schema="smm"))
    assert found == "postgresql://me:p%40ss%2Fword@db:5433/smm"


def test_only_settings_of_the_servers_library_are_taken_from_the_extra_fields():
    extra = {"sslmode": "require", "cursor": "dictcursor", "sslrootcert": "/ca.pem"}
    assert postgresql_url(postgres(extra)) == "postgresql://db?sslmode=require&sslrootcert=%2Fca.pem"


@pytest.mark.parametrize("kind", ["sqlite", "mysql", "http", "smmplus"])
def test_a_connection_of_another_type_is_refused_in_words(kind):
    with pytest.raises(
        ConfigurationError, match=rf"connection 'journal' is of the type '{kind}'.*PostgreSQL"
    ) as raised:
        postgresql_url(postgres(conn_type=kind, password="secret"))
    assert "secret" not in str(raised.value)


class Store(dict):
    """A task's state, as the task state store keeps it."""

    def set(self, key, value, *, retention=None):
        self[key] = (value, retention)

    def get(self, key, default=None):
        return super().get(key, (default,))[0]


def test_the_first_try_keeps_the_journals_uuid_for_ever():
    store = Store()
    remember("uuid-1", "here", store, for_ever="for ever")
    assert store == {REMEMBERED: ("uuid-1", "for ever")}


def test_a_later_try_with_the_same_journal_goes_on():
    store = Store()
    remember("uuid-1", "here", store, for_ever=None)
    remember("uuid-1", "there", store, for_ever=None)


def test_a_later_try_with_another_journal_stops_and_keeps_the_first():
    store = Store()
    remember("uuid-1", "here", store, for_ever=None)
    with pytest.raises(
        JournalConflictError, match=r"began with another journal \(uuid-1\) than it finds now \(uuid-2, there\)"
    ):
        remember("uuid-2", "there", store, for_ever=None)
    assert store.get(REMEMBERED) == "uuid-1"
