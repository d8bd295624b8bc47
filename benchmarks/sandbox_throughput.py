"""How many orders a second the sandbox takes: `python -m benchmarks.sandbox_throughput [ORDERS]`.

The sandbox runs as a process of its own with a state file, the client in this one; where the system allows it, each
has a core to itself. Every answer is read and must carry an order, and the ledger must hold them all.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CONNECTIONS = 32
HEAD = (
    "POST /api/v2 HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)


def start(state: Path) -> tuple[subprocess.Popen, str]:
    """Start a sandbox on a free port; give the process and its base URL."""
    command = [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--balance", "1000000000", "--state", state]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[1]
    return process, address.removesuffix("/api/v2")


def pin(process: subprocess.Popen) -> None:
    """Give sandbox and client a core each."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(process.pid, {cores[0]})
        os.sched_setaffinity(0, {cores[1]})


async def order(base: str, numbers: range) -> None:
    """Place one order after another on one connection."""
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for number in numbers:
        body = f"key=sandbox-key&action=add&service=1&link=https%3A%2F%2Finstagram.com%2Fp{number}&quantity=1000"
        writer.write(HEAD.format(length=len(body), body=body).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = json.loads(await reader.readexactly(length))
        assert "order" in answer, answer
    writer.close()
    await writer.wait_closed()


async def place(base: str, orders: int) -> float:
    """Place orders on all connections; give the seconds it took."""
    share = orders // CONNECTIONS
    started = time.perf_counter()
    await asyncio.gather(*(order(base, range(at * share, (at + 1) * share)) for at in range(CONNECTIONS)))
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    orders -= orders % CONNECTIONS
    with tempfile.TemporaryDirectory() as folder:
        process, base = start(Path(folder) / "state.jsonl")
        try:
            pin(process)
            seconds = asyncio.run(place(base, orders))
            started = time.perf_counter()
            with urllib.request.urlopen(f"{base}/ledger") as answer:  # noqa: S310 - our own address
                counted = len(json.load(answer)["orders"])
            ledger_seconds = time.perf_counter() - started
        finally:
            process.terminate()
            process.wait()
    assert counted == orders, f"{counted} orders in the ledger, {orders} placed"
    print(f"sandbox: {orders} orders, {orders / seconds:,.0f} a second on one core, with --state")
    print(f"sandbox: a ledger of {orders} orders read in {ledger_seconds:.2f} s")


if __name__ == "__main__":
    main()
