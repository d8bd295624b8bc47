"""PURE: which rows a person leaves out, by the columns `skip` and `enabled`."""

from collections.abc import Iterator
from dataclasses import dataclass

from bulk.sheet import Problem, Sheet

_YES = frozenset({"yes", "y", "true", "1", "on", "ya", "iya", "benar", "\u2713", "\u2714"})
_NO = frozenset({"no", "n", "false", "0", "off", "tidak", "salah"})


@dataclass(frozen=True, slots=True)
class _Switch:
    """What a column's words mean."""

    leave_out: frozenset[str]
    send: frozenset[str]
    remedy: str


_SWITCHES = {
    "skip": _Switch(_YES | {"x"}, _NO | {""}, "write yes to leave the row out, no or nothing to send it"),
    # What is empty here may be a row that nobody looked at yet; and an x marks or crosses out.
    "enabled": _Switch(_NO, _YES, "write yes to send the row, no to leave it out"),
}


@dataclass(frozen=True, slots=True)
class Switches:
    """What the columns say."""

    left_out: frozenset[int]
    """Rows that are not to be sent."""
    problems: tuple[Problem, ...]
    """Words that are none of the known ones: nothing is guessed."""


def switches_of(sheet: Sheet) -> Switches:
    """Read the columns `skip` and `enabled` of a sheet, where there are any."""
    left_out: set[int] = set()
    problems: list[Problem] = []
    for name, switch in _SWITCHES.items():
        if name in sheet.columns:
            left_out.update(_rows_with(sheet, name, switch.leave_out))
            problems += _odd(sheet, name, switch)
    return Switches(frozenset(left_out), tuple(problems))


def _rows_with(sheet: Sheet, name: str, words: frozenset[str]) -> Iterator[int]:
    for row, text in zip(sheet.frame.index, sheet.frame[name], strict=True):
        if text.casefold() in words:
            yield int(row)


def _odd(sheet: Sheet, name: str, switch: _Switch) -> Iterator[Problem]:
    known, unreadable = switch.leave_out | switch.send, {problem.row for problem in sheet.problems}
    for row, text in zip(sheet.frame.index, sheet.frame[name], strict=True):
        if text.casefold() not in known and row not in unreadable:
            message = f"{text!r} is neither yes nor no" if text else "is empty: neither yes nor no"
            yield Problem(sheet.where(int(row), name), name, text, message, switch.remedy, int(row))
