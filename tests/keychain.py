"""A keychain for tests: a backend of keyring that keeps everything in the file that `TESTS_KEYCHAIN` names.

`PYTHON_KEYRING_BACKEND=tests.keychain.Keychain` makes a command use it. Real keychains are never touched by tests.
"""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

ROOT = Path(__file__).parent.parent


class Keychain(KeyringBackend):
    priority = 1

    @property
    def file(self):
        return Path(os.environ["TESTS_KEYCHAIN"])

    def entries(self):
        return json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}

    def get_password(self, service, username):
        return self.entries().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps(self.entries() | {f"{service}/{username}": password}), "utf-8")

    def delete_password(self, service, username):
        entries = self.entries()
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("there is no such entry")
        self.file.write_text(json.dumps(entries), "utf-8")


class Locked(Keychain):
    def get_password(self, *_):
        raise RuntimeError("the keychain is locked")

    set_password = delete_password = get_password


class Forgetful(Keychain):
    def set_password(self, *_):
        """Say nothing, and keep nothing."""


def settings_of(file):
    """Give the environment in which a command uses a keychain whose entries are in a file."""
    return {
        "PYTHON_KEYRING_BACKEND": "tests.keychain.Keychain",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "TESTS_KEYCHAIN": str(file),
    }
