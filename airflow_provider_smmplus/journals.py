"""Where the journal of a connection lies, and that a task always meets the same one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from airflow_provider_smmplus.connection import AirflowConnection
from smmplus.errors import ConfigurationError, JournalConflictError

REMEMBERED = "smmplus_journal"
"""The key of a task's state under which the uuid of its journal is kept."""

_LIBPQ = frozenset({"sslmode", "sslcert", "sslkey", "sslrootcert", "passfile", "options", "target_session_attrs"})
"""Extra fields of a PostgreSQL connection that are settings of the server's own client library."""


class StateStore(Protocol):
    """What is used of `context["task_state_store"]`."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 (whatever was kept)
        """Give what was kept, or the default where there is nothing."""
        ...

    def set(self, key: str, value: str, *, retention: Any = None) -> None:  # noqa: ANN401 (Airflow's own kinds)
        """Keep a value; it is on disk when this returns."""
        ...


def journal_url(
    journal_conn_id: str | None,
    *,
    connection: Callable[[str], AirflowConnection],
    executors: Iterable[str],
    home: Path,
) -> str:
    """Name the journal's database: the one that the connection names, or a file under AIRFLOW_HOME.

    A file is right only where every task sees it: with the LocalExecutor. Elsewhere each worker would have a journal of
    its own, and order what another has ordered: ConfigurationError.
    """
    if journal_conn_id is not None:
        return postgresql_url(connection(journal_conn_id))
    if foreign := sorted({name for name in executors if name.rpartition(".")[2] != "LocalExecutor"}):
        raise ConfigurationError(
            f"with {', '.join(foreign)} the workers do not share a disk, and each would keep a journal of its own and "
            "order twice: name a PostgreSQL connection in the connection's field Journal connection (journal_conn_id)"
        )
    return f"sqlite:///{home / 'smmplus' / 'journal.sqlite3'}"


def postgresql_url(connection: AirflowConnection) -> str:
    """Turn a PostgreSQL connection into a database URL. It holds the password: it is for the driver alone."""
    from sqlalchemy import URL  # noqa: PLC0415 (a tenth of a second, while a DAG file is parsed)

    if connection.conn_type != "postgres":
        raise ConfigurationError(
            f"connection {connection.conn_id!r} is of the type {connection.conn_type!r}: the journal needs PostgreSQL"
        )
    settings = {name: str(value) for name, value in connection.extra_dejson.items() if name in _LIBPQ}
    url = URL.create(
        "postgresql",
        connection.login or None,
        connection.password or None,
        connection.host or None,
        connection.port,
        connection.schema or None,
        settings,
    )
    return url.render_as_string(hide_password=False)


def remember(uuid: str, where: str, store: StateStore, *, for_ever: object) -> None:
    """Keep the journal's uuid with the task before it places anything; a later attempt with another journal stops.

    Raises JournalConflictError: an order that the other journal knows would be placed once more.
    """
    before = store.get(REMEMBERED)
    if before is not None and before != uuid:
        raise JournalConflictError(
            f"this task began with the journal {before}, and finds {uuid} ({where}): a restored, copied or new journal "
            "does not know what was ordered since. Bring the first one back, or clear the task to begin anew with this"
        )
    store.set(REMEMBERED, uuid, retention=for_ever)
