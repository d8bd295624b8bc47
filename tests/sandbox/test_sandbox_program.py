"""The program as it is started: its first lines, its end, and what it knows after it was killed."""

# ruff: noqa: S310

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

pytestmark = pytest.mark.e2e
ADD = {"action": "add", "service": "22", "link": "https://a.b/c", "quantity": "1000"}


class Program:
    def __init__(self, *arguments):
        command = [sys.executable, "-m", "smmplus.sandbox", "--port", "0", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("address: ")

    def call(self, key="sandbox-key", **fields):
        data = urllib.parse.urlencode({"key": key, **fields}).encode()
        with urllib.request.urlopen(self.address, data) as response:
            return json.load(response)

    def control(self, name, sent):
        url = self.address.replace("/api/v2", f"/control/{name}")
        with urllib.request.urlopen(url, json.dumps(sent).encode()) as response:
            return json.load(response)

    def ledger(self):
        with urllib.request.urlopen(self.address.replace("/api/v2", "/ledger")) as response:
            return json.load(response)

    def end(self, how):
        self.process.send_signal(how)
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(timeout=10), out, err


@pytest.fixture
def start():
    programs = []

    def start(*arguments):
        programs.append(Program(*arguments))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


def run(*arguments):
    command = [sys.executable, "-m", "smmplus.sandbox", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(start, how):
    program = start("--key", "first=key-one", "--key", "second=key-two")
    status, out, err = program.end(how)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["key: first key-one", "key: second key-two"]
    assert lines[2] == "ledger: " + program.address.replace("/api/v2", "/ledger")
    assert lines[3] == "not simulated:"
    assert "subscriptions" in out


def test_a_signal_ends_it_while_a_connection_hangs(start):
    program = start()
    program.control("faults", [{"fault": "hang_after_accept", "seconds": 60}])
    data = urllib.parse.urlencode({"key": "sandbox-key", **ADD}).encode()
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(program.address, data, timeout=0.2)
    assert program.end(signal.SIGTERM)[0] == 0


def test_a_killed_sandbox_knows_what_it_answered(start, tmp_path):
    files = ("--state", tmp_path / "state", "--ledger", tmp_path / "ledger", "--speed", "0")
    first = start(*files, "--currency", "IDR", "--balance", "20")
    orders = [str(first.call(**ADD)["order"]) for _ in range(3)]
    assert "order" in first.call(**{**ADD, "service": "3"})
    first.control("services", {"service": "22", "rate": "9.00"})
    first.control("advance", {"seconds": 630})
    first.call(action="cancel", orders=orders[0])
    before = (
        first.call(action="status", orders=",".join(orders)),
        first.call(action="balance"),
        first.ledger()["orders"],
    )
    first.end(signal.SIGKILL)
    with (tmp_path / "state").open("ab") as torn, (tmp_path / "ledger").open("ab") as torn_too:
        torn.write(b'{"event":"order","ord')
        torn_too.write(b'{"order":"235')

    again = start(*files)
    after = again.call(action="status", orders=",".join(orders)), again.call(action="balance"), again.ledger()["orders"]
    assert after == before
    assert again.call(**ADD) == {"order": 23505}
    assert again.ledger()["orders"][-1]["charge"] == "9"
    again.control("advance", {"seconds": 5000})
    assert again.call(action="status", order=orders[0])["status"] == "Canceled"
    assert [json.loads(line)["order"] for line in (tmp_path / "ledger").read_text().splitlines()] == [
        *orders, "23504", "23505",
    ]  # fmt: skip


def test_lives_go_on_while_it_is_down(start, tmp_path):
    first = start("--state", tmp_path / "state", "--speed", "1000000")
    first.call(**ADD)
    first.end(signal.SIGKILL)
    again = start("--state", tmp_path / "state", "--speed", "0")
    assert again.call(action="status", order="23501")["status"] == "Partial"


def test_no_key_is_written_to_a_file(start, tmp_path):
    program = start("--state", tmp_path / "state", "--ledger", tmp_path / "ledger", "--key", "one=very-secret")
    assert "order" in program.call(key="very-secret", **ADD)
    program.end(signal.SIGTERM)
    assert "very-secret" not in (tmp_path / "state").read_text() + (tmp_path / "ledger").read_text()


def test_a_state_has_one_sandbox(start, tmp_path):
    start("--state", tmp_path / "state")
    second = run("--port", "0", "--state", tmp_path / "state")
    assert second.returncode == 2
    assert second.stderr == f"sandbox: {tmp_path / 'state'} is in use by another sandbox\n"


def test_a_taken_port_is_one_clear_line(start):
    port = start().address.split(":")[2].split("/")[0]
    second = run("--port", port)
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr == (
        f"sandbox: Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another --port.\n"
    )


def test_the_options_reach_the_panel(start, tmp_path):
    catalogue, script = tmp_path / "catalogue.json", tmp_path / "faults.json"
    service = {"service": 7, "name": "A", "type": "Default", "category": "B", "rate": "1", "min": 1, "max": 10}
    catalogue.write_text(json.dumps([service]))
    script.write_text(json.dumps([{"fault": "translated", "calls": [2], "text": "nein"}]))
    program = start("--catalogue", catalogue, "--faults", script, "--duplicate-guard", "--latency", "0.01")
    order = {"action": "add", "service": "7", "link": "https://a.b", "quantity": "10"}
    assert program.call(**order) == {"order": 23501}
    assert program.call(**order) == {"error": "nein"}
    assert "active order" in program.call(**order)["error"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--key", "nameless"], "a key is given as NAME=KEY"),
        (["--key", "a=one", "--key", "a=two"], "Every --key needs a name and a key of its own."),
        (["--balance", "1e3"], "An amount is written like 12.50."),
        (["--speed", "-1"], "must be a number from 0"),
        (["--faults", "/nowhere.json"], "/nowhere.json: No such file or directory"),
        (["--port", "99999"], "Cannot listen on 127.0.0.1 port 99999"),
    ],
)
def test_a_wrong_command_line_is_a_clear_error(arguments, error):
    ended = run("--port", "0", *arguments)
    assert ended.returncode == 2
    assert error in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_state_in_another_currency_is_refused(start, tmp_path):
    start("--state", tmp_path / "state", "--currency", "RUB").end(signal.SIGTERM)
    ended = run("--port", "0", "--state", tmp_path / "state", "--currency", "USD")
    assert "was kept in RUB, not in USD" in ended.stderr


def test_programs_are_told_address_and_keys_as_one_object():
    command = [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--json", "--key", "shop=shop-key"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        process.terminate()
    assert (told["keys"], told["ledger"]) == ({"shop": "shop-key"}, told["address"].replace("/api/v2", "/ledger"))
