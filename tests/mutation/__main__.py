"""Mutation testing: put one small fault after the other into the modules that decide about money, and run their tests.

`python -m tests.mutation [file …]`. A fault that no test notices is a survivor.

Nothing on disk is changed: each fault lives in a process of its own, whose import gives the changed text. Survivors
that do not matter stand in `survivors.toml`, with the reason; any other one, and any line there that is not needed,
makes it fail. What is changed and what is not, `mutants` says.
"""

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.mutants import Mutant, mutants_of

TESTS = {
    "smmplus/journal/states.py": ("tests/smmplus/test_states.py",),
    "smmplus/retry.py": ("tests/smmplus/test_retry.py",),
    "smmplus/protocol.py": ("tests/smmplus/test_protocol.py",),
    "smmplus/placing.py": ("tests/smmplus/test_placing.py",),
    "smmplus/journal/wave.py": ("tests/smmplus/test_wave.py",),
}
"""Module -> the tests that must notice. Those on PostgreSQL are left out: the code is the same, and they are slow."""

KNOWN = Path(__file__).with_name("survivors.toml")

PATIENCE = 6
"""A fault may make the tests so many times as slow; after that it counts as noticed: it hangs."""

LEAST_SECONDS = 30.0

for _library in (
    "aiohttp.web",
    "hypothesis.strategies",
    "psycopg",
    "requests",
    "sqlalchemy.dialects.sqlite",
    "tenacity",
):
    importlib.import_module(_library)  # once for all, not once a mutant; never anything of the project itself


class _Import(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module the text of a mutant."""

    def __init__(self, file: Path, source: str) -> None:
        self._file, self._source = file, source
        self._module = ".".join(file.with_suffix("").parts)

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Find the one module."""
        return importlib.util.spec_from_loader(name, self, origin=str(self._file)) if name == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed text."""
        module.__file__ = str(self._file)
        exec(compile(self._source, str(self._file), "exec"), module.__dict__)  # noqa: S102 - our own text, changed


@dataclass(frozen=True, slots=True)
class _Trial:
    """The tests of a module, run against a text of it in a process of their own."""

    process: int
    ends: float

    @classmethod
    def begin(cls, file: Path, source: str, seconds: float) -> "_Trial":
        process = os.fork()
        if not process:
            os.setsid()  # what the tests start goes with them
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            status = 1
            with contextlib.suppress(BaseException):
                status = _pytest(file, source)
            os._exit(status)
        return cls(process, time.monotonic() + seconds)

    def passed(self) -> bool | None:
        """Tell whether all tests passed; None while they are at it. Hanging is noticed, too."""
        done, status = os.waitpid(self.process, os.WNOHANG)
        if not done and time.monotonic() < self.ends:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        if not done:
            os.waitpid(self.process, 0)
        return bool(done) and os.waitstatus_to_exitcode(status) == 0


def _pytest(file: Path, source: str) -> int:
    sys.meta_path.insert(0, _Import(file, source))
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-k", "not postgresql"]
    return int(pytest.main([*options, *TESTS[str(file)]]))


def _try(file: Path, sources: Iterable[str], seconds: float, workers: int) -> list[bool]:
    """Try texts of a module, some at the same time; tell of each whether all tests passed."""
    waiting, trials, passed = list(enumerate(sources)), dict[int, _Trial](), dict[int, bool]()
    while waiting or trials:
        while waiting and len(trials) < workers:
            number, source = waiting.pop(0)
            trials[number] = _Trial.begin(file, source, seconds)
        for number, trial in list(trials.items()):
            if (result := trial.passed()) is not None:
                passed[number] = result
                del trials[number]
        time.sleep(0.01)
    return [passed[number] for number in sorted(passed)]


def _survivors(file: Path, workers: int) -> tuple[int, list[Mutant]]:
    """Try every mutant of a module; give how many there are, and those that nobody noticed."""
    source = file.read_text("utf-8")
    began = time.monotonic()
    if not all(_try(file, [source], 600.0, 1)):
        raise SystemExit(f"{file}: its tests fail without any fault; mend that first")
    seconds = max(LEAST_SECONDS, PATIENCE * (time.monotonic() - began))
    mutants = mutants_of(source)
    passed = _try(file, (mutant.source for mutant in mutants), seconds, workers)
    return len(mutants), [mutant for mutant, survived in zip(mutants, passed, strict=True) if survived]


def _judge(file: Path, survivors: Iterable[Mutant], known: dict[str, str]) -> int:
    """Say what matters of a module's survivors; give how many lines that are."""
    names = [mutant.name for mutant in survivors]
    new = [mutant for mutant in survivors if not any(_is_meant(line, mutant.name) for line in known)]
    for mutant in new:
        _say(f"{file}:{mutant.line}: survives: {mutant.name}")
    needless = [line for line in known if not any(_is_meant(line, name) for name in names)]
    for line in needless:
        _say(f"{KNOWN.name}: is noticed by a test, or no mutant any more: {line}")
    return len(new) + len(needless)


def _is_meant(line: str, name: str) -> bool:
    """Tell whether a line of the known survivors speaks of a mutant; one that ends with a star of all that begin so."""
    return name.startswith(line[:-1]) if line.endswith("*") else name == line


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the program is for


def main() -> int:
    """Try the modules; 0 where no survivor matters."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", default=list(TESTS), help="modules; all of them without any")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants tried at the same time")
    asked = parser.parse_args()
    reasons = tomllib.loads(KNOWN.read_text("utf-8"))
    wrong = 0
    for name in asked.files:
        began, file = time.monotonic(), Path(name)
        count, survivors = _survivors(file, asked.workers)
        known = {line["mutant"]: line["why"] for line in reasons.get(name, [])}
        wrong += _judge(file, survivors, known)
        seconds = time.monotonic() - began
        _say(f"{file}: {count} mutants, {count - len(survivors)} noticed, {len(known)} known, {seconds:.0f} s")
    _say("no survivor that matters" if not wrong else f"{wrong} lines to look at")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
