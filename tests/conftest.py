"""What all tests share: nothing of the user's own is touched."""

import signal
import time

import pytest

# A shell that starts the tests in the background has Ctrl-C ignored, and so would every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def utc():
    """Show times as they are in the journal, wherever the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        _set_zone(patch, "UTC0")
        yield
    _use_zone()


@pytest.fixture
def jakarta():
    """Show times as they are in Jakarta, where no clock is ever changed."""
    with pytest.MonkeyPatch.context() as patch:
        _set_zone(patch, "WIB-7")
        yield
    _use_zone()


def _set_zone(patch: pytest.MonkeyPatch, name: str) -> None:
    patch.setenv("TZ", name)
    _use_zone()


def _use_zone() -> None:
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


@pytest.fixture(scope="session", autouse=True)
def english():
    """Let commands speak English, whatever the language of the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMMPLUS_LANGUAGE", "en")
        yield


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory):
    """Give the tests, and the commands that they start, a data folder of their own, and no keychain."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("own")))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield
