"""An Airflow connection of the type `smmplus`: its panel, account and rate, and where its journal is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from smmplus.api.panel import DEFAULT_URL, Panel
from smmplus.errors import ConfigurationError, JournalConflictError

CONN_TYPE = "smmplus"
DEFAULT_CONN_ID = "smmplus_default"
DEFAULT_ACCOUNT = "default"

REMEMBERED = "smmplus_journal"
"""The key in a task's state store for the UUID of its journal."""

_LIBPQ = frozenset({"sslmode", "sslcert", "sslkey", "sslrootcert", "passfile", "options", "target_session_attrs"})
"""Extra fields of a PostgreSQL connection that are parameters of libpq."""


class AirflowConnection(Protocol):
    """The attributes of an Airflow connection that are read."""

    conn_id: str
    conn_type: str | None
    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra fields."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a connection."""

    panel: Panel
    account: str
    """The name of the account in the journal. The API key may change, this must not."""
    journal_conn_id: str | None
    """The connection of the PostgreSQL database with the journal; None for a SQLite file on this machine."""
    rate: float
    """Calls per second; 0 for no limit."""


def settings_of(connection: AirflowConnection) -> Settings:
    """Return the settings of a connection, made by form, URI or JSON. Raise ConfigurationError with the field."""
    extra = connection.extra_dejson
    where = f"connection {connection.conn_id!r}"
    if not connection.password:
        raise ConfigurationError(f"{where} has no API key. Enter it in the field API key (password)")
    try:
        panel = Panel(
            key=connection.password,
            url=url_of(connection),
            connect_timeout=_seconds(extra, "connect_timeout", 10.0),
            read_timeout=_seconds(extra, "read_timeout", 60.0),
        )
        rate = _number(extra, "rate", 1.0)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    account = (connection.login or "").strip() or DEFAULT_ACCOUNT
    return Settings(panel, account, extra.get("journal_conn_id") or None, rate)


def url_of(connection: AirflowConnection) -> str:
    """Return the URL of the API. The host may be all of it; a connection from a URI has it in parts."""
    host, path = connection.host or "", (connection.schema or "").strip("/")
    if not host:
        return DEFAULT_URL
    url = host.rstrip("/") if "://" in host else f"https://{host}"
    if connection.port and urlsplit(url).port is None:
        parts = urlsplit(url)
        url = f"{parts.scheme}://{parts.netloc}:{connection.port}{parts.path}"
    if path:
        return f"{url}/{path}"
    return url if urlsplit(url).path else url + urlsplit(DEFAULT_URL).path


def _seconds(extra: dict[str, Any], name: str, default: float) -> float:
    seconds = _number(extra, name, default)
    if seconds == 0:
        raise ConfigurationError(f"{name} is 0: enter the seconds to wait")
    return seconds


def _number(extra: dict[str, Any], name: str, default: float) -> float:
    """Return a number, which is text in a connection from a URI."""
    value = extra.get(name)
    if value is None or value == "":
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not isfinite(number) or number < 0:
        raise ConfigurationError(f"{name} is {value!r}: enter a number that is not negative")
    return number


class StateStore(Protocol):
    """The methods of `context["task_state_store"]` that are used."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 (whatever was kept)
        """Return the value of a key, or the default if there is none."""
        ...

    def set(self, key: str, value: str, *, retention: Any = None) -> None:  # noqa: ANN401 (Airflow's own kinds)
        """Store a value. It is on disk when this returns."""
        ...


def journal_url(
    journal_conn_id: str | None,
    *,
    connection: Callable[[str], AirflowConnection],
    executors: Iterable[str],
    home: Path,
) -> str:
    """Return the URL of the journal: the database of the named connection, or a file in AIRFLOW_HOME.

    A file is allowed only with the LocalExecutor, where every task sees it. With another executor, each worker would
    have its own journal and order what another has ordered, so ConfigurationError is raised.
    """
    if journal_conn_id is not None:
        return postgresql_url(connection(journal_conn_id))
    if foreign := sorted({name for name in executors if name.rpartition(".")[2] != "LocalExecutor"}):
        raise ConfigurationError(
            f"with {', '.join(foreign)} the workers do not share a disk: each would have its own journal, and order "
            "twice. Enter a PostgreSQL connection in the connection's field Journal connection (journal_conn_id)"
        )
    return f"sqlite:///{home / 'smmplus' / 'journal.sqlite3'}"


def postgresql_url(connection: AirflowConnection) -> str:
    """Return the database URL of a PostgreSQL connection. It contains the password: never log it."""
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
    """Store the journal's UUID with the task before it places anything.

    Raise JournalConflictError if an earlier try had another journal: its orders would be placed again.
    """
    before = store.get(REMEMBERED)
    if before is not None and before != uuid:
        raise JournalConflictError(
            f"this task began with another journal ({before}) than it finds now ({uuid}, {where}). A restored, copied "
            "or new journal may lack orders. Bring the first one back, or clear the task to start again with this one"
        )
    store.set(REMEMBERED, uuid, retention=for_ever)
