"""The settings of this provider in Airflow's configuration, and the DAG runs of uploaded sheets."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf

from airflow_provider_smmplus.utils.sheet_files import is_local, path_of
from smmplus.errors import ConfigurationError
from smmplus.texts import _

if TYPE_CHECKING:
    from bulk.web.uploads import Uploads

SECTION = "smmplus"
DAG_ID = "smmplus_sheet"
"""The DAG that places uploaded sheets."""

RESULTS_TASK = "results"
"""Its task that writes the order IDs into the sheet. What comes after it only tracks the orders."""

APPROVALS = {"one": 1, "four_eyes": 2}
"""Value of `[smmplus] approval` -> how many persons approve a sheet."""


def executors() -> list[str]:
    """Return the executors of this Airflow."""
    return [name.strip() for name in conf.get("core", "executor").split(",")]


def airflow_home() -> Path:
    """Return the folder of this Airflow."""
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()


def is_on_one_machine() -> bool:
    """Return whether every task has the disk of this machine."""
    return all(name.rpartition(".")[2] == "LocalExecutor" for name in executors())


def uploads() -> "Uploads":
    """Return the uploaded sheets. Raise ConfigurationError if the workers do not see them."""
    from bulk.web.uploads import Uploads  # noqa: PLC0415 (not while a DAG file is parsed)

    return Uploads(_root(conf.get(SECTION, "uploads", fallback="").strip()))


def _root(configured: str) -> Any:  # noqa: ANN401 (a Path, or an ObjectStoragePath)
    if configured and not is_local(configured):
        from airflow.sdk import ObjectStoragePath  # noqa: PLC0415

        try:
            root = ObjectStoragePath(configured)
            root.fs  # noqa: B018 (it is found out here whether Airflow knows the storage)
        except ValueError as error:
            raise ConfigurationError(
                _("{path} cannot be opened: {error}. Install the provider of its storage", path=configured, error=error)
            ) from None
        return root
    if configured:
        return path_of(configured)
    if is_on_one_machine():
        return airflow_home() / "smmplus" / "uploads"
    raise ConfigurationError(
        _(
            "the workers do not share a disk, so they would not see an uploaded sheet. Set uploads in the section "
            "[smmplus] of Airflow's configuration to a URL of an object storage, such as s3://bucket/uploads"
        )
    )


def approvals_needed() -> int:
    """Return how many persons approve a sheet. Raise ConfigurationError for a value that is unknown."""
    value = conf.get(SECTION, "approval", fallback="one").strip()
    if value not in APPROVALS:
        raise ConfigurationError(
            _("approval in the section [smmplus] is {value!r}: it must be one or four_eyes", value=value)
        )
    return APPROVALS[value]


def parts_at_once() -> int:
    """Return how many parts of a sheet are placed at the same time."""
    return max(1, conf.getint(SECTION, "parts_at_once", fallback=1))


def run_prefix(upload_id: str, job: str, fingerprint: str) -> str:
    """Return how the names begin of the DAG runs that do the same with the same sheet.

    The rest is a number. Two persons who approve a sheet at the same time make the same name, and Airflow makes one
    run of it.
    """
    return "-".join(filter(None, (upload_id, job, fingerprint[:12]))) + "-"


def job_of(run_id: str) -> str:
    """Return what a DAG run does with its sheet."""
    return [*run_id.split("-"), ""][1]
