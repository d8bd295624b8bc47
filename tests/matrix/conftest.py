"""Gathers what became of the cases, from all worker processes, for the page of the documentation."""

from pathlib import Path

import pytest

from tests.matrix.cases import Case, cases
from tests.matrix.page import page


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix-page", type=Path, help="write what was tried to this file, if every case has passed")


class Gathering:
    """Hears of every case that has passed."""

    def __init__(self) -> None:
        self.became: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = dict(report.user_properties)
        if report.when == "call" and report.passed and "became" in told:
            self.became[str(told["case"])] = str(told["became"])

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        known: dict[str, Case] = {case.name: case for case in cases()}
        path: Path = session.config.getoption("--matrix-page")
        if self.became.keys() == known.keys():
            path.write_text(page({case: self.became[name] for name, case in known.items()}), "utf-8")
            print(f"\n{len(known)} cases: {path} is written")  # noqa: T201 (what `make matrix` is asked for)
        else:
            print(f"\n{len(self.became)} of {len(known)} cases passed: {path} is as it was")  # noqa: T201


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--matrix-page", None) is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gathering())
