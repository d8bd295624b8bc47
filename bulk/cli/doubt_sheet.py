"""Orders in doubt as a CSV sheet: written with an empty column `answer`, and read back with a person's answers.

An answer is an order id, or "not placed". What a spreadsheet may have changed is read right or refused, never guessed.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bulk.files.csv_text import Record, decode, physical_lines, records
from bulk.model.cell_values import strip_text
from bulk.model.errors import SheetError
from bulk.reading.csv_reader import plain_result
from bulk.reading.file_checks import check_text, load
from bulk.writing.csv_editor import escape_formula
from bulk.writing.result_cells import clean
from smmplus.journal.backends.sqlite_file import new_file
from smmplus.journal.entry import Entry
from smmplus.orders.decimals import plain
from smmplus.reconciliation.balance_evidence import Evidence
from smmplus.texts import _

COLUMNS = (
    "doubt", "key", "account", "source", "service", "link", "quantity", "sent_at", "expected_charge", "happened",
    "evidence", "answer",
)  # fmt: skip
"""`doubt` names the journal, the order and its sending: an order that was sent again since is another doubt."""

NOT_PLACED = "not placed"

MOST_DIGITS = 15
"""Of a whole number; a spreadsheet rounds beyond them."""


@dataclass(frozen=True, slots=True)
class FilledAnswer:
    """What a person wrote behind an order in doubt."""

    line: int
    entry: Entry
    order_id: str | None
    """None: it was not placed."""


def write_doubts(
    path: Path, journal: str, doubts: Sequence[Entry], evidence: Mapping[int, Evidence], *, force: bool = False
) -> None:
    """Write orders in doubt into a file, whole or not at all. `journal` is its uuid.

    Raises SheetError if the file is there and `force` is not given, or if it cannot be written.
    """
    taken = SheetError(_("{path} exists already. Use another name, or overwrite it with --force", path=path))
    if path.exists() and not force:
        raise taken
    try:
        with new_file(path, replace=force) as made, made.open("x", encoding="utf-8-sig", newline="") as out:
            _write(out, journal, doubts, evidence)
    except FileExistsError:
        raise taken from None
    except OSError as error:
        reason = error.strerror or error
        raise SheetError(_("{path}: cannot be written: {reason}", path=path, reason=reason)) from error


def _write(out: TextIO, journal: str, doubts: Sequence[Entry], evidence: Mapping[int, Evidence]) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in doubts:
        values = entry.request.values
        cells = (
            _mark(journal, entry), entry.name, entry.account, entry.source, entry.request.service,
            values.get("link", ""), values.get("quantity", ""), entry.sent_at or "",
            "" if entry.cost is None else plain(entry.cost), entry.error, evidence[entry.id].verdict.value, "",
        )  # fmt: skip
        writer.writerow([escape_formula(clean(cell)) for cell in cells])


def _mark(journal: str, entry: Entry) -> str:
    return f"{journal}/{entry.id}/{entry.attempt}"


def read_answers(path: Path, journal: str, doubts: Sequence[Entry], encoding: str | None = None) -> list[FilledAnswer]:
    """Read what a person answered; rows without an answer are left out.

    Raises SheetError, with every row that cannot be taken, and why.
    """
    data = load(path)
    check_text(path, data)
    text = decode(path, data, encoding)[0]
    answers: list[FilledAnswer] = []
    problems: list[str] = []
    known = {_mark(journal, entry): entry for entry in doubts}
    for line, row in _rows(path, text.removeprefix("\ufeff")):
        try:
            found = _answer(line, row, known)
        except ValueError as error:
            problems.append(_("line {line}: {message}", line=line, message=error))
        else:
            answers += [] if found is None else [found]
    problems += _doubled(answers)
    if problems:
        raise SheetError(_("{path}: nothing was recorded. {problems}", path=path, problems="; ".join(problems)))
    return answers


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the lines below the header as cells by column."""
    declared = re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE)
    lines = physical_lines(text)[1 if declared else 0 :]
    delimiters = declared[1] if declared else ",;\t|"
    first = 2 if declared else 1
    for delimiter in delimiters:
        header = next(csv.reader(lines[:1], delimiter=delimiter), [])
        names = [strip_text(name).casefold() for name in header]
        if names.count("doubt") == names.count("answer") == names.count("key") == names.count("link") == 1:
            below = records(path, lines[1:], delimiter, first + 1)
            yield from ((record.line, _cells(path, names, record)) for record in below if any(record.cells))
            return
    raise SheetError(
        _(
            "{path}: the columns doubt, key, link and answer were not found in its first line: export the doubts again "
            "with `smmplus doubts --export`, and fill in the column answer",
            path=path,
        )
    )


def _cells(path: Path, names: Sequence[str], record: Record) -> dict[str, str]:
    if len(record.cells) != len(names) and any(map(strip_text, record.cells[len(names) :])):
        raise SheetError(
            _(
                "{path}, line {line}: it has more cells than the header has columns; nothing was recorded",
                path=path,
                line=record.line,
            )
        )
    return dict(zip(names, map(plain_result, record.cells), strict=False))


def _answer(line: int, row: Mapping[str, str], known: Mapping[str, Entry]) -> FilledAnswer | None:
    """Read one row; ValueError says why it cannot be taken."""
    written = row.get("answer", "")
    if not written:
        return None
    entry = known.get(row.get("doubt", ""))
    if entry is None:
        raise ValueError(
            _(
                "{key!r} is not in doubt in this journal: it was resolved or sent again since the export, the file is "
                "of another journal, or its column doubt was changed",
                key=row.get("key", ""),
            )
        )
    for name, value in (("key", entry.name), ("link", entry.request.values.get("link", ""))):
        if row.get(name) != strip_text(clean(value)):
            raise ValueError(
                _("its {column} differs from the exported row: cells were moved to other rows", column=name)
            )
    return FilledAnswer(line, entry, _order_id(written))


def _order_id(written: str) -> str | None:
    """Read an order id as a person or a spreadsheet writes it; None for "not placed"."""
    text = strip_text(written.removeprefix("'"))
    if " ".join(text.casefold().replace("_", " ").split()) == NOT_PLACED:
        return None
    if whole := re.fullmatch(rf"([0-9]{{1,{MOST_DIGITS}}})([.,]0+)?", text, re.ASCII):
        return whole[1]
    if re.fullmatch(r"[0-9a-fA-F]{24}", text) and not text.isdigit():
        return text
    if re.fullmatch(r"[0-9]+|[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+", text):
        raise ValueError(
            _(
                "{answer!r} has more than {digits} digits, which spreadsheets round: resolve it with the command that "
                "`smmplus doubts` shows",
                answer=text,
                digits=MOST_DIGITS,
            )
        )
    raise ValueError(
        _(
            "{answer!r} is not an answer: write the order id that the panel shows, or {not_placed!r}",
            answer=text,
            not_placed=NOT_PLACED,
        )
    )


def _doubled(answers: Sequence[FilledAnswer]) -> Iterator[str]:
    """Find what two rows claim."""
    claims = [
        (_("order {order_id}", order_id=answer.order_id), answer.line)
        for answer in answers
        if answer.order_id is not None
    ]
    claims += [(answer.entry.name, answer.line) for answer in answers]
    lines: dict[str, list[int]] = {}
    for what, line in claims:
        lines.setdefault(what, []).append(line)
    for what, where in lines.items():
        if len(where) > 1:
            yield _("lines {lines}: all of them are about {what}", lines=", ".join(map(str, where)), what=what)
