"""Sheets and reports in Airflow's object storage, as local files while a task works on them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from airflow.sdk import ObjectStoragePath

from smmplus.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class LocalSheet:
    """A sheet as a local file."""

    path: Path
    results: str | None
    """Where the results are copied: an object or a path; None if the file itself is the sheet."""
    conn_id: str | None


@contextmanager
def local(path: str, *, conn_id: str | None, results: str | None) -> Iterator[LocalSheet]:
    """Yield a sheet as a local file. An object is downloaded, under its own name.

    An object's results go to `results`, by default to `name.results.xlsx` next to it: Airflow's object storage cannot
    refuse to replace an object that was changed meanwhile, as this project does with a file. The results of a local
    file go into the file, unless `results` is set. Raise ConfigurationError if the sheet cannot be opened.
    """
    if results is not None and _are_one(path, results):
        if not is_local(path):
            raise ConfigurationError(f"results is {path} itself, which may have changed meanwhile. Use another object")
        results = None
    if is_local(path) and results is None:
        yield LocalSheet(path_of(path), None, conn_id)
        return
    with tempfile.TemporaryDirectory(prefix="smmplus-") as folder:
        here = Path(folder) / path.rpartition("/")[2]
        try:
            with _opened(path, conn_id) as remote, here.open("wb") as copy:
                shutil.copyfileobj(remote, copy)
        except FileNotFoundError:
            raise ConfigurationError(f"the sheet {path} does not exist") from None
        except ValueError as error:  # of Airflow's object storage
            raise ConfigurationError(f"{path} cannot be opened: {error}. Install the provider of its storage") from None
        yield LocalSheet(here, results or default_results(path), conn_id)


def _opened(path: str, conn_id: str | None) -> BinaryIO:
    if is_local(path):
        return path_of(path).open("rb")
    opened: BinaryIO = ObjectStoragePath(path, conn_id=conn_id).open("rb")
    return opened


def path_of(path: str) -> Path:
    """Return the path of a `file://` URL, or the path itself."""
    return Path(unquote(urlsplit(path).path)) if path.startswith("file://") else Path(path)


def _are_one(path: str, other: str) -> bool:
    if is_local(path) and is_local(other):
        return path_of(path).resolve() == path_of(other).resolve()
    return path == other


def is_local(path: str) -> bool:
    """Return whether a path is a local file. The letter of a drive is not a scheme."""
    scheme = urlsplit(path).scheme
    return len(scheme) < 2 or scheme == "file"


def default_results(path: str) -> str:
    """Return the object for the results: `orders.results.xlsx` for `orders.xlsx`."""
    head, dot, ending = path.rpartition(".")
    return f"{head}.results.{ending}" if dot and "/" not in ending else f"{path}.results"


def store(sheet: LocalSheet, written: Path | None) -> str:
    """Copy the results to where they belong, and return that path or URL."""
    here = written or sheet.path
    if sheet.results is None:
        return str(here)
    if is_local(sheet.results):
        shutil.copyfile(here, path_of(sheet.results))
    else:
        with here.open("rb") as copy, ObjectStoragePath(sheet.results, conn_id=sheet.conn_id).open("wb") as remote:
            shutil.copyfileobj(copy, remote)
    return sheet.results


@contextmanager
def new_file(path: str, *, conn_id: str | None) -> Iterator[Path]:
    """Yield where to write a file. An object is uploaded when it is written."""
    if is_local(path):
        yield path_of(path)
        return
    with tempfile.TemporaryDirectory(prefix="smmplus-") as folder:
        here = Path(folder) / path.rpartition("/")[2]
        yield here
        try:
            store(LocalSheet(here, path, conn_id), here)
        except ValueError as error:  # of Airflow's object storage
            raise ConfigurationError(f"{path} cannot be opened: {error}. Install the provider of its storage") from None
