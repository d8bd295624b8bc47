"""Airflow's components as processes, which end with everything that they started."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import ProxyHandler, build_opener

COMPONENTS = ("api-server", "scheduler --skip-serve-logs", "dag-processor", "triggerer --skip-serve-logs")
"""The components with their options. Logs are local files, so they are not served."""

READY_SECONDS = 180.0
STOP_SECONDS = 20.0

OPENER = build_opener(ProxyHandler({}))
"""Reaches this machine without the proxy of the environment."""


def free_port() -> int:
    """Return a port that is free now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Home:
    """The folder of one Airflow: settings, database, logs."""

    folder: Path
    dags: Path
    port: int
    more: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables, for example connections."""
    user: str = "admin"
    password: str = "admin"  # noqa: S105 (of a simulation that only this machine reaches)
    secret: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def address(self) -> str:
        """The URL of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment of the components, without settings of another Airflow."""
        others = ("AIRFLOW", "_AIRFLOW", "SMMPLUS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
        settings = {
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__PARALLELISM": "8",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{self.user}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.folder / "passwords.json"),
            "CORE__TEST_CONNECTION": "Enabled",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.port),
            "API__BASE_URL": self.address,
            "API__WORKERS": "1",
            "API__SECRET_KEY": self.secret,
            "API_AUTH__JWT_SECRET": self.secret,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        }
        own = {f"AIRFLOW__{name}": value for name, value in settings.items()}
        # The components call each other without a proxy.
        loopback = {name: f"127.0.0.1,{kept.get(name, '')}".rstrip(",") for name in ("no_proxy", "NO_PROXY")}
        return kept | loopback | {"PATH": path, "AIRFLOW_HOME": str(self.folder)} | own | dict(self.more)

    def prepare(self) -> None:
        """Create the folder, the login and the database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "passwords.json").write_text(f'{{"{self.user}": "{self.password}"}}\n', encoding="utf-8")
        self.command("db", "migrate")

    def command(self, *arguments: str) -> str:
        """Run `airflow` with these arguments. Return its output."""
        done = subprocess.run(  # noqa: S603 (our own arguments)
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout


class Airflow:
    """The components of one Airflow, as a context manager that starts and stops them."""

    def __init__(self, home: Home, components: Sequence[str] = COMPONENTS) -> None:
        self.home = home
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._components = components
        self._files = ExitStack()

    def start(self, component: str) -> None:
        """Start a component in its own process group, so that its child processes end with it."""
        name, *options = component.split()
        log = self._files.enter_context((self.home.folder / f"{name}.log").open("ab"))
        self.processes[name] = subprocess.Popen(  # noqa: S603 (our own arguments)
            [sys.executable, "-m", "airflow", name, *options],
            env=self.home.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        """Wait until the API answers. Raise RuntimeError if a component has ended."""
        ends = time.monotonic() + READY_SECONDS
        while not self._answers():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"airflow {name} has ended: see {self.home.folder / name}.log")
            if time.monotonic() > ends:
                raise RuntimeError(f"Airflow does not answer at {self.home.address}")
            time.sleep(0.5)

    def _answers(self) -> bool:
        with suppress(OSError):
            url = f"{self.home.address}/api/v2/monitor/health"
            with OPENER.open(url, timeout=5) as answer:
                return bool(answer.status == 200)
        return False

    def stop(self) -> None:
        """End every component and its child processes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            self._signal_all(number)
            ends = time.monotonic() + STOP_SECONDS
            while any(_is_alive(process.pid) for process in self.processes.values()) and time.monotonic() < ends:
                for process in self.processes.values():
                    process.poll()
                time.sleep(0.1)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def __enter__(self) -> Self:
        try:
            for component in self._components:
                self.start(component)
            self.wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._files.close()


def _is_alive(group: int) -> bool:
    """Return whether any process of a group is running."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
