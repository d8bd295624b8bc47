"""Sheets from wherever Airflow's object storage reaches, as files on this machine for as long as they are worked on."""

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
    """A sheet as a file of this machine."""

    path: Path
    results: str | None
    """Where the results go when they are written: an object's address; None where the file itself is the sheet."""
    conn_id: str | None


@contextmanager
def local(path: str, *, conn_id: str | None, results: str | None) -> Iterator[LocalSheet]:
    """Give a sheet as a file. A path of this machine is itself; an object is fetched, under its own name.

    An object's results go to `results`, by default beside it as `name.results.xlsx`: through Airflow's object storage
    no store refuses to replace an object that somebody changed meanwhile, as this project does with a file. A file's
    own results go elsewhere where `results` says so. Raises ConfigurationError.
    """
    if results is not None and _are_one(path, results):
        if not is_local(path):
            raise ConfigurationError(f"results is {path} itself, which may have changed meanwhile: name another object")
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
            raise ConfigurationError(f"there is no sheet {path}") from None
        except ValueError as error:  # of Airflow's object storage
            raise ConfigurationError(f"{path} cannot be opened: {error}. Install the provider of its storage") from None
        yield LocalSheet(here, results or results_beside(path), conn_id)


def _opened(path: str, conn_id: str | None) -> BinaryIO:
    if is_local(path):
        return path_of(path).open("rb")
    opened: BinaryIO = ObjectStoragePath(path, conn_id=conn_id).open("rb")
    return opened


def path_of(path: str) -> Path:
    """PURE: give the path behind a `file://` address, or the path itself."""
    return Path(unquote(urlsplit(path).path)) if path.startswith("file://") else Path(path)


def _are_one(path: str, other: str) -> bool:
    if is_local(path) and is_local(other):
        return path_of(path).resolve() == path_of(other).resolve()
    return path == other


def is_local(path: str) -> bool:
    """PURE: tell whether a path is a file of this machine; a drive's letter is no scheme."""
    scheme = urlsplit(path).scheme
    return len(scheme) < 2 or scheme == "file"


def results_beside(path: str) -> str:
    """PURE: name the object that takes the results: `orders.xlsx` -> `orders.results.xlsx`."""
    head, dot, ending = path.rpartition(".")
    return f"{head}.results.{ending}" if dot and "/" not in ending else f"{path}.results"


def store(sheet: LocalSheet, written: Path | None) -> str:
    """Bring the results to where they belong, and give that address."""
    here = written or sheet.path
    if sheet.results is None:
        return str(here)
    if is_local(sheet.results):
        shutil.copyfile(here, path_of(sheet.results))
    else:
        with here.open("rb") as copy, ObjectStoragePath(sheet.results, conn_id=sheet.conn_id).open("wb") as remote:
            shutil.copyfileobj(copy, remote)
    return sheet.results
