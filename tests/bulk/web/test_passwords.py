"""The file of passwords: who is in it, and which line is broken."""

import pytest

from bulk.web.access import hash_of, is_password, read_passwords
from smmplus.errors import ConfigurationError

KEPT = hash_of("secret", b"0123456789abcdef")


def test_a_hash_is_salted_and_slow():
    kept = hash_of("secret")
    assert kept != hash_of("secret")
    assert kept.startswith("scrypt$32768$8$1$")
    assert (is_password("secret", kept), is_password("Secret", kept)) == (True, False)


def test_a_file_of_passwords(tmp_path):
    path = tmp_path / "passwords"
    kept = hash_of("secret")
    path.write_text(f"ani:{kept}\n\nbudi santoso:{kept}\n", "utf-8")
    assert {name: is_password("secret", each) for name, each in read_passwords(path).items()} == {
        "ani": True,
        "budi santoso": True,
    }


@pytest.mark.parametrize(
    "line",
    ["ani:secret", "ani", KEPT, f":{KEPT}", f"ani:{KEPT}x", f"ani:{KEPT[:-9]}", f"ani:{KEPT.replace('scrypt', 'md5')}"]
    # Costs that scrypt refuses, and one that takes all memory.
    + [f"ani:{KEPT.replace('32768', cost)}" for cost in ("0", "1", "9", "1073741824", "x", "")]
    + [f"ani:{KEPT.replace('$8$', '$0$')}", f"ani:{KEPT.replace('$1$', '$99$')}", f"ani:{KEPT.replace('==', 'é=')}"],
)
def test_a_broken_line_is_named(tmp_path, line):
    path = tmp_path / "passwords"
    path.write_text(f"budi:{hash_of('secret')}\n{line}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"passwords, line 2: it must be NAME:HASH"):
        read_passwords(path)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "has no passwords"), (b"\n\n", "has no passwords"), (b"\xff\xfe", "cannot be read")]
)
def test_a_file_without_passwords_is_refused(tmp_path, content, words):
    path = tmp_path / "passwords"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        read_passwords(path)


def test_no_file_of_passwords(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_passwords(tmp_path / "missing")
