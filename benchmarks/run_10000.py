"""Seconds and memory of `smmplus run` on a workbook of 10,000 rows, against the sandbox without latency.

Run it with `python -m benchmarks.run_10000`. What is measured is the whole command, from the start of Python to the
sheet written back; the sandbox runs beside it and takes a good part of a second processor. The goal is under 20 seconds
and under 400 MB.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openpyxl

ROWS = 10_000
SMMPLUS = Path(sys.executable).with_name("smmplus")


def _write_sheet(path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    page.append(["service", "link", "quantity"])
    for number in range(ROWS):
        page.append(["2", f"https://instagram.com/p/{number:05d}", 100])
    book.save(path)


def _ask(sandbox: "subprocess.Popen[str]") -> dict[str, str]:
    found: dict[str, str] = {}
    for line in sandbox.stdout or ():
        name, _, value = line.strip().partition(": ")
        found[name] = value
        if "ledger" in found:
            break
    return found


def _measure(folder: Path, told: dict[str, str]) -> tuple[float, float, float]:
    """Run the command once; give wall seconds, processor seconds and the peak of its memory in MB."""
    sheet = folder / "large.xlsx"
    _write_sheet(sheet)
    environment = os.environ | {
        "SMMPLUS_API_KEY": told["key"].split()[-1],
        "SMMPLUS_API_URL": told["address"],
        "SMMPLUS_JOURNAL": f"sqlite:///{folder / 'journal.sqlite3'}",
    }
    command = [SMMPLUS, "run", sheet, "--yes", "--rate", "0", "--wait", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        # Of this child alone: getrusage(RUSAGE_CHILDREN) would give the peak of whichever was largest, the sandbox too.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    assert process.returncode == 0, process.returncode
    ids = {row[3] for row in openpyxl.load_workbook(sheet, read_only=True).active.iter_rows(2, values_only=True)}
    assert len(ids - {None, ""}) == ROWS
    return seconds, usage.ru_utime + usage.ru_stime, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    # Linux counts kilobytes, macOS bytes.
    return usage.ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)


def main() -> None:
    """Measure, and print the figures."""
    command = [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--speed", "0", "--balance", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            with tempfile.TemporaryDirectory() as folder:
                seconds, processor, peak = _measure(Path(folder), _ask(sandbox))
        finally:
            sandbox.terminate()
    print(
        f"smmplus run, {ROWS} rows of XLSX: {seconds:.1f} s ({processor:.1f} s of processor), {peak:.0f} MB at the peak"
    )


if __name__ == "__main__":
    main()
