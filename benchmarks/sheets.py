"""Reading, checking and writing back sheets, each beside what the bare work takes: `python -m benchmarks.sheets`.

Every figure is of processor time, that of the process in which a file is read included: a busy machine changes it
little. It is the best of some tries, each in a process of its own, by turns with what it is compared with. Memory is
the peak of a process; where a file is read in a process of its own, the sum of the two.

Checked is what `read_sheet`, `order_rows` and `check_rows` do, against a price list. The floor of writing back is to
unpack the workbook that comes out and to pack it again.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

TRIES = 3
ORDER = ("service", "link", "quantity")
RESULTS = ("order_id", "order_status", "charge", "start_count", "remains")
OWN = ("order number", "state", "price", "followers", "left")
"""Columns of the user's own."""
SIZES = (1_000, 10_000, 100_000)

Work = Callable[[], object]


def _link(number: int) -> str:
    """Make a link that packs as badly as real ones do."""
    return f"https://www.instagram.com/p/{sha256(str(number).encode()).hexdigest()[:11]}/"


def write_xlsx(path: Path, count: int, more: Iterable[str] = RESULTS) -> Path:
    """Write a workbook of so many orders, with five columns more: results, or what the user calls otherwise."""
    import openpyxl  # noqa: PLC0415 (a process loads what it measures, for its memory is measured)

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Orders")
    page.append((*ORDER, *more))
    for n in range(count):
        order = (2 + n % 5, _link(n), 100 + n * n % 997)
        page.append((*order, str(23_500_000 + n), "In progress", 0.12, n * 7919 % 100_003, n * n % 101))
    book.save(path)
    return path


def write_csv(path: Path, count: int, more: Iterable[str] = OWN) -> Path:
    """Write a file of so many orders, with columns more, or without."""
    header = (*ORDER, *more)
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(header) + "\n")
        for n in range(count):
            rest = (23_500_000 + n, "In progress", 0.12, n * 7919 % 100_003, n * n % 101)
            cells = (2 + n % 5, _link(n), 100 + n * n % 997, *rest)
            out.write(",".join(map(str, cells[: len(header)])) + "\n")
    return path


def checked(path: Path) -> Work:
    """Read a sheet, and check every row."""
    from bulk.planning.orders import check_rows, order_rows  # noqa: PLC0415
    from bulk.reading import read_sheet  # noqa: PLC0415
    from smmplus.orders.models import Service  # noqa: PLC0415

    offered = {str(n): Service(str(n), "Likes", "Default", "", Decimal("0.9"), 10, 100_000) for n in range(2, 7)}

    def check() -> None:
        sheet = read_sheet(path)
        assert check_rows(sheet, order_rows(sheet).values(), offered) == []

    return check


def written(path: Path) -> Work:
    """Write a result into every row of a sheet that was read."""
    from bulk.reading import read_sheet  # noqa: PLC0415
    from bulk.writing import write_results  # noqa: PLC0415

    sheet = read_sheet(path)
    rows = sheet.frame.index.tolist()
    results = {row: {**dict.fromkeys(RESULTS, "0"), "order_id": str(row), "order_status": "Completed"} for row in rows}

    def write() -> None:
        assert write_results(sheet, results, expected_digest=sheet.digest).in_place

    return write


def calamine(path: Path) -> Work:
    """Have all values as Python's, and nothing more."""
    import python_calamine  # noqa: PLC0415

    return lambda: python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def pandas(path: Path) -> Work:
    """Have all text in a DataFrame, and nothing more."""
    import pandas as pd  # noqa: PLC0415

    return lambda: pd.read_csv(path, dtype=str)


def openpyxl(path: Path) -> Work:
    """Load and save, as scripts write into workbooks."""
    import openpyxl  # noqa: PLC0415

    return lambda: openpyxl.load_workbook(path).save(path.with_name("saved.xlsx"))


def packed(path: Path) -> Work:
    """Unpack and pack every part."""

    def pack() -> None:
        with zipfile.ZipFile(path) as file, zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as out:
            for name in file.namelist():
                with file.open(name) as part, out.open(name, "w") as copy:
                    while piece := part.read(1 << 16):
                        copy.write(piece)

    return pack


WORKS = {work.__name__: work for work in (checked, written, calamine, pandas, openpyxl, packed)}


@dataclass(frozen=True, slots=True)
class Figure:
    """What some work took."""

    seconds: float
    own: float
    """MB at the peak of the process."""
    reader: float
    """MB at the peak of the process in which it had the file read; 0 for none."""

    @property
    def memory(self) -> float:
        """MB at most, of both processes."""
        return self.own + self.reader


def measure(work: str, path: Path, small: Path) -> Figure:
    """Do some work in a process of its own. The first time, with a small file, it may load what it needs."""
    command = [sys.executable, "-m", "benchmarks.sheets", work, path, small]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Figure(**json.loads(done.stdout))


def _measure_here(work: str, path: Path, small: Path) -> Figure:
    WORKS[work](small)()
    do = WORKS[work](path)
    began = _processor_seconds()
    do()
    seconds = _processor_seconds() - began
    return Figure(seconds, _peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN) if work == "checked" else 0)


def _processor_seconds() -> float:
    return sum(os.times()[:4])


def _peak(who: int) -> float:
    # Linux counts kilobytes, macOS bytes.
    return resource.getrusage(who).ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)


def best(jobs: Iterable[tuple[str, Path]], small: Path, tries: int = TRIES) -> list[Figure]:
    """Give the best figure of each job; they take turns."""
    jobs = list(jobs)
    rounds = [[measure(work, path, small) for work, path in jobs] for _ in range(tries)]
    return [min(figures, key=lambda figure: figure.seconds) for figures in zip(*rounds, strict=True)]


def _line(what: str, figure: Figure, goals: str) -> None:
    print(f"{what:<64} {figure.seconds:6.2f} s {figure.memory:5.0f} MB  {goals}")


def _reading(folder: Path) -> None:
    small, path = write_xlsx(folder / "small.xlsx", 10), write_xlsx(folder / "large.xlsx", 100_000)
    floor, ours = best([("calamine", path), ("checked", path)], small)
    _line("XLSX, 100,000 rows: calamine", floor, "")
    _line("  read and checked", ours, f"{ours.seconds / floor.seconds:.2f} × calamine")
    small = write_csv(folder / "small.csv", 10)
    for what, more in (("8 columns", OWN), ("8 columns, 5 of them results", RESULTS), ("3 columns", ())):
        path = write_csv(folder / "large.csv", 100_000, more)
        floor, ours = best([("pandas", path), ("checked", path)], small)
        _line(f"CSV, 100,000 rows of {what}: pandas, text", floor, "")
        _line("  read and checked", ours, f"{ours.seconds / floor.seconds:.2f} × pandas")


def _growth(folder: Path) -> None:
    for ending, write in (("xlsx", write_xlsx), ("csv", write_csv)):
        small = write(folder / f"small.{ending}", 10)
        paths = [write(folder / f"{size}.{ending}", size) for size in SIZES]
        start, *figures = best([("checked", path) for path in (small, *paths)], small)
        _line(f"{ending.upper()}, 10 rows read and checked", start, "what it takes to start")
        for size, figure in zip(SIZES, figures, strict=True):
            each = 1e6 * (figure.seconds - start.seconds) / size
            _line(f"  {size:,} rows", figure, f"{each:.1f} µs a row beyond that")


def _writing(folder: Path) -> None:
    small, path = write_xlsx(folder / "small.xlsx", 10), folder / "results.xlsx"
    for what, more in (("5 columns of results are new", OWN), ("5 columns of results are replaced", RESULTS)):
        tries = []
        for _ in range(TRIES):
            ours = measure("written", write_xlsx(path, 100_000, more), small)
            tries.append((ours, measure("packed", path, small)))
        ours, floor = (min(figures, key=lambda figure: figure.seconds) for figures in zip(*tries, strict=True))
        saved = measure("openpyxl", write_xlsx(path, 100_000, more), small)
        _line(f"XLSX, 100,000 rows × 8, {what}", ours, "")
        _line("  unpacked and packed", floor, f"× {ours.seconds / floor.seconds:.2f} (at most 2.5, and under 200 MB)")
        _line("  openpyxl, load and save", saved, f"{saved.seconds / ours.seconds:.1f} × faster (at least 6)")


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        _reading(Path(folder))
        _growth(Path(folder))
        _writing(Path(folder))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        figure = _measure_here(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        print(json.dumps({"seconds": figure.seconds, "own": figure.own, "reader": figure.reader}))
    else:
        main()
