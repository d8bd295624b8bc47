"""`python -m tests.soak`: a sheet run to its end against a failing panel, killed at random; exit status 0 if proven."""

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.end_to_end.command import Ledger, Workplace
from tests.panel import SandboxProcess
from tests.soak import faults, judging, moments
from tests.soak.soak import Soak, SoakError, write_rows

MOST_MEGABYTES = 500
OPENING = Decimal(10_000_000)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of faults and kills (default: the time)")
    parser.add_argument("--sheet", default="soak.xlsx", help="a name that ends in .xlsx or .csv")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--time-outs", type=int, default=2, help="calls that are never answered: a minute each")
    parser.add_argument("--no-kill-in-writing", dest="writing", action="store_false")
    return parser.parse_args()


def _soak(options: argparse.Namespace, folder: Path, panel: SandboxProcess) -> bool:
    began, dice = time.monotonic(), faults.dice_of(options.seed)
    rules = faults.rules(options.orders, dice, time_outs=options.time_outs)
    kills = moments.draw(options.kills, options.orders, dice, writing=options.writing)
    _say(
        f"seed {options.seed}: {options.orders} orders in {options.sheet}, to be killed at {'; '.join(map(str, kills))}"
    )
    write_rows(folder / options.sheet, options.orders)
    panel.faults(*rules)
    soak = Soak(
        Workplace(folder, panel, Ledger(panel)), folder / options.sheet, folder / "ledger.jsonl", options.in_flight
    )
    soak.be_killed(kills)
    soak.go_through()
    soak.follow()
    seconds, own = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _tell(soak, panel, rules, options.orders)
    largest = soak.peaks.index(soak.peak)
    _say(f"{seconds:.0f} s; the largest of {len(soak.peaks)} runs, number {largest + 1}, took {soak.peak:.0f} MB")
    found = _broken(soak, panel, options)
    if own / 1_000 >= soak.peak:
        _say("the memory is at most that: a child's peak begins with this process's own")
    for words in found[:50]:
        _say(f"BROKEN: {words}")
    if not found:
        _say("nothing lost, nothing twice")
    return not found


def _broken(soak: Soak, panel: SandboxProcess, options: argparse.Namespace) -> list[str]:
    paid = OPENING - Decimal(panel.ledger_without_orders()["balances"][panel.name])
    journal = f"sqlite:///{soak.workplace.journal}"
    found = judging.broken(journal, soak.ledger, soak.sheet, options.orders, paid)
    if soak.kills != options.kills:
        found.append(f"{soak.kills} kills, not {options.kills}")
    if soak.peak >= MOST_MEGABYTES:
        found.append(f"a run took {soak.peak:.0f} MB, and {MOST_MEGABYTES} are allowed")
    return found


def _tell(soak: Soak, panel: SandboxProcess, rules: list[faults.Rule], orders: int) -> None:
    books, struck = panel.ledger_without_orders(), panel.faults_applied()
    _say(f"orders in the ledger: {books['count']} of {orders}; calls: {_listed(books['calls'])}")
    total = sum(books["calls"].values())
    _say(f"faults: {sum(struck)} of {total} calls ({100 * sum(struck) / total:.2f} %), by kind:")
    by_kind = Counter[str]()
    for rule, times in zip(rules, struck, strict=True):
        by_kind[faults.name_of(rule)] += times
    for name, times in by_kind.items():
        _say(f"  {times:6d}  {name}")
    _say(f"kills: {soak.kills}; doubts settled: {soak.doubts}; commands by exit status: {_listed(soak.runs)}")


def _listed(counts: "dict[str, int] | Counter[int]") -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (a report is what this program is for)


def main() -> int:
    """Run the soak; give the exit status."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="smmplus-soak-") as name:
        folder = Path(name)
        settings = ("--speed", "0", "--balance", str(OPENING), "--ledger", folder / "ledger.jsonl")
        with SandboxProcess(*settings, "--seed", str(options.seed)) as panel:
            try:
                return 0 if _soak(options, folder, panel) else 1
            except SoakError as error:
                _say(f"BROKEN: {error}")
                return 1


if __name__ == "__main__":
    sys.exit(main())
