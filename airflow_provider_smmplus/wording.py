"""PURE: what the command line and the operators both say, in the words of an operator's author."""

import re

_ARGUMENTS = {
    "--adopt": "adopt=True",
    "--allow-duplicates": "allow_duplicates=True",
    "--campaign": "campaign=…",
    "--encoding": "encoding=…",
    "--expect-fingerprint": "expect_fingerprint=…",
    "--ignore-missing": "ignore_missing=True",
    "--include-hidden": 'hidden="include"',
    "--locale": "locale=…",
    "--map": "headers=…",
    "--max-spend": "max_spend=…",
    "--not-placed-since-backup": "not_placed_since_backup=True",
    "--sheet": "worksheet=…",
    "--skip-bad": "skip_bad=True",
    "--visible-only": 'hidden="skip"',
}
"""An option of `smmplus run` -> the operator's argument. Commands that a message names keep their own options."""

_OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*(?![\w-])")


def in_arguments(message: str) -> str:
    """Name the operator's arguments in place of the options of the command line."""
    return _OPTION.sub(lambda option: _ARGUMENTS.get(option[0], option[0]), message)
