"""The sheets that people uploaded: each in a folder of its own, with what is asked for, approved and known of it.

A folder has the sheet under a name of ours: what a person calls a file is never a path.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from bulk.files.atomic_write import write_atomically
from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.model.surfaces import PAGE
from bulk.reading.file_checks import ENDINGS_OF_SHEETS
from smmplus.texts import _

MOST_BYTES = 100 << 20
"""Of a sheet; `bulk.reading` refuses larger ones."""

ANSWERS = (
    "skip_bad", "allow_duplicates", "adopt", "ignore_missing", "not_placed_since_backup", "retry_refused", "hidden",
    "use_hyperlinks", "sheet", "encoding", "locale",
)  # fmt: skip
"""The options that a person may set for a sheet."""

_LONGEST_NAME = 150
_ID = re.compile(r"[0-9a-f]{16}")
_ABOUT, _OUTCOME, _HEADERS, _STOP = "about.json", "outcome.json", "headers.json", "stop.json"


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person approved."""

    by: str
    at: str
    fingerprint: str
    """Of the check that they saw."""
    total: str
    """What it costs at most, with its currency."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last run of a sheet ended."""

    at: str
    exit_status: int
    messages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded sheet."""

    id: str
    name: str
    """What the person called the file."""
    ending: str
    account: str
    campaign: str
    by: str
    at: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Option -> value, as the person chose it."""
    headers: Sequence[tuple[str, str]] = ()
    """Headers that the person assigned to fields."""

    @property
    def source(self) -> str:
        """The name of its orders' batch, which people read beside an order in doubt."""
        return f"{self.name} ({self.id})"

    def named(self, text: str, path: Path) -> str:
        """Return a text with the file's own name in place of the path under which it is kept."""
        return text.replace(str(path), self.name).replace(path.name, self.name)

    def options(self, path: Path, account: str = "", **more: Any) -> Options:
        """Return the options of a run of its file. `account` is its name in the journal, if it has another there."""
        return Options(
            path, account or self.account, self.campaign, batch=self.source, headers=tuple(self.headers), surface=PAGE,
            **self.answers, **more,
        )  # fmt: skip


class Uploads:
    """The folder of all uploads.

    :param root: a folder; a `pathlib.Path`, or another path with its methods, such as one of Airflow's object storage.
    """

    def __init__(self, root: Any) -> None:  # noqa: ANN401 (Path, or Airflow's ObjectStoragePath, which bulk does not know)
        self.root = root

    def add(self, name: str, data: bytes, *, account: str, campaign: str, by: str, locale: str = "") -> Upload:
        """Keep a sheet. Raises SheetError if its name has the ending of no sheet, or if it is too large."""
        ending = _ending(name)
        if ending not in ENDINGS_OF_SHEETS:
            raise SheetError(_("{name} is not a sheet: upload a CSV or XLSX file", name=name))
        if len(data) > MOST_BYTES:
            raise SheetError(_("{name} is larger than {most} MiB", name=name, most=MOST_BYTES >> 20))
        answers = {"locale": locale} if locale else {}
        upload = Upload(secrets.token_hex(8), name, ending, account, campaign, by, now(), answers)
        folder = self.root / upload.id
        folder.mkdir(parents=True)
        with self.file_of(upload).open("wb") as file:
            file.write(data)
        self.keep(upload)
        return upload

    def file_of(self, upload: Upload) -> Any:  # noqa: ANN401 (a path of the kind of `root`)
        """Return where a sheet is."""
        return self.root / upload.id / f"sheet{upload.ending}"

    def keep(self, upload: Upload) -> None:
        """Keep what is asked for."""
        self._write(upload.id, _ABOUT, asdict(upload))

    def find(self, upload_id: str) -> Upload | None:
        """Return an upload; None if there is none."""
        found = self._read(upload_id, _ABOUT) if _ID.fullmatch(upload_id) else None
        if found is None:
            return None
        return Upload(**found | {"headers": tuple((header, name) for header, name in found["headers"])})

    def all(self) -> list[Upload]:
        """Return all uploads, the latest first."""
        found = map(self.find, self._names(self.root))
        return sorted(filter(None, found), key=lambda each: (each.at, each.id), reverse=True)

    def approve(self, upload: Upload, approval: Approval) -> None:
        """Keep an approval. It replaces an earlier one of the same person."""
        name = sha256(approval.by.encode()).hexdigest()[:16]
        self._write(upload.id, f"approval-{name}.json", asdict(approval))

    def approvals(self, upload: Upload) -> list[Approval]:
        """Return the approvals of a sheet, the first one first."""
        names = [name for name in self._names(self.root / upload.id) if name.startswith("approval-")]
        found = filter(None, (self._read(upload.id, name) for name in names))
        return sorted((Approval(**each) for each in found), key=lambda each: each.at)

    def approved(self, upload: Upload, needed: int) -> str:
        """Return the fingerprint that enough persons approved last; "" for none."""
        approvals = self.approvals(upload)
        for latest in reversed(approvals):
            if len({each.by for each in approvals if each.fingerprint == latest.fingerprint}) >= needed:
                return latest.fingerprint
        return ""

    def ask_to_stop(self, upload: Upload, run: str, by: str) -> None:
        """Keep who asked a run to stop that another computer may carry out."""
        self._write(upload.id, _STOP, {"run": run, "by": by})

    def asked_to_stop(self, upload: Upload, run: str) -> str:
        """Return who asked a run to stop; "" for nobody."""
        asked = self._read(upload.id, _STOP) or {}
        return str(asked["by"]) if asked.get("run") == run else ""

    def end(self, upload: Upload, outcome: Outcome | None) -> None:
        """Keep how a run ended; None as long as one is under way."""
        self._write(upload.id, _OUTCOME, None if outcome is None else asdict(outcome))

    def outcome(self, upload: Upload) -> Outcome | None:
        """Return how the last run of a sheet ended; None if none did."""
        found = self._read(upload.id, _OUTCOME)
        return None if found is None else Outcome(**found)

    def remember_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        """Keep headers that a person assigned, for the next sheets."""
        self._write("", _HEADERS, {**dict(self.known_headers()), **dict(headers)})

    def known_headers(self) -> list[tuple[str, str]]:
        """Return the headers that a person assigned in any sheet."""
        return list((self._read("", _HEADERS) or {}).items())

    def _names(self, folder: Any) -> Iterator[str]:  # noqa: ANN401 (a path)
        try:
            yield from (path.name for path in folder.iterdir())
        except FileNotFoundError:
            return

    def _read(self, folder: str, name: str) -> Any:  # noqa: ANN401 (what `_write` wrote)
        try:
            with (self.root / folder / name).open("rb") as file:
                return json.loads(file.read())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _write(self, folder: str, name: str, document: object) -> None:
        data, path = json.dumps(document, ensure_ascii=False).encode(), self.root / folder / name
        if isinstance(path, Path):
            write_atomically(path, partial(_put, data), mode_of=None)
        else:
            with path.open("wb") as file:
                file.write(data)


def now() -> str:
    """Return the time, in UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def plain_name(name: str) -> str:
    """Return a file's name without folders and control characters."""
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(filter(str.isprintable, last)).strip()
    ending = _ending(shown)[:10]
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - len(ending)] + ending


def _put(data: bytes, file: BinaryIO) -> None:
    file.write(data)


def _ending(name: str) -> str:
    return Path(name).suffix.casefold()
