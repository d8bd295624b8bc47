"""What goes wrong becomes one sentence and an exit status."""

import json

import pytest
import typer

from bulk.cli.error_handling import failing, status_of
from bulk.model.errors import CannotSpliceError, ExitStatus, RefusedFileError, SheetError
from smmplus import errors

STATUSES = [
    (errors.ConfigurationError, ExitStatus.USAGE),
    (SheetError, ExitStatus.PROBLEMS),
    (RefusedFileError, ExitStatus.PROBLEMS),
    (CannotSpliceError, ExitStatus.PROBLEMS),
    (errors.AccountError, ExitStatus.ACCOUNT),
    (errors.AddressError, ExitStatus.USAGE),
    (errors.UnreadableAnswerError, ExitStatus.UNFINISHED),
    (errors.NeverSentError, ExitStatus.UNFINISHED),
    (errors.LostAnswerError, ExitStatus.UNFINISHED),
    (errors.UnclearAnswerError, ExitStatus.UNFINISHED),
    (errors.RedirectError, ExitStatus.UNFINISHED),
    (errors.InvalidOrderError, ExitStatus.UNFINISHED),
    (errors.DuplicateOrderError, ExitStatus.UNFINISHED),
    (errors.BusyError, ExitStatus.UNFINISHED),
    (errors.FollowUpError, ExitStatus.UNFINISHED),
    (errors.MalformedCallError, ExitStatus.UNFINISHED),
    (errors.UnknownRefusalError, ExitStatus.UNFINISHED),
    (errors.UnknownFollowUpError, ExitStatus.UNFINISHED),
    (errors.OrderRefusedError, ExitStatus.PROBLEMS),
    (errors.OrderInDoubtError, ExitStatus.IN_DOUBT),
    (errors.OrderHeldBackError, ExitStatus.UNFINISHED),
    (errors.JournalInUseError, ExitStatus.IN_USE),
    (errors.JournalConflictError, ExitStatus.PROBLEMS),
    (errors.JournalError, ExitStatus.UNFINISHED),
]


def everything(kind):
    """Give the errors that have none below them, and those that are raised themselves."""
    below = [found for each in kind.__subclasses__() for found in everything(each)]
    return [*below, kind]


def raising(error):
    @failing
    def command(*, as_json=False):
        raise error

    return command


@pytest.mark.parametrize(("kind", "status"), STATUSES)
def test_every_error_has_its_status_and_its_sentence(kind, status, capsys):
    with pytest.raises(typer.Exit) as caught:
        raising(kind("what is wrong, and [how] to mend it"))()
    assert caught.value.exit_code == status
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0]) == ("", "Error: what is wrong, and [how] to mend it")


def test_a_panel_that_cannot_be_reached_is_named_without_the_rest_of_its_address(monkeypatch, capsys):
    monkeypatch.setenv("SMMPLUS_API_URL", "https://user@panel.example:8443/0123-key")
    with pytest.raises(typer.Exit):
        raising(errors.NeverSentError("the panel could not be reached: Connection refused"))()
    hint = "Check your internet connection, and that panel.example:8443 is the panel's address."
    assert capsys.readouterr().err.splitlines() == ["Error: the panel could not be reached: Connection refused", hint]


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({"SMMPLUS_API_KEY_SHOP": "a key"}, "SMMPLUS_API_KEY_SHOP"),
        ({"SMMPLUS_API_KEY_FILE_SHOP": "key.txt"}, "the file that SMMPLUS_API_KEY_FILE_SHOP names"),
        ({}, "your input"),
    ],
)
def test_a_refused_key_is_named_with_its_account_its_source_and_the_panel(settings, source, monkeypatch, capsys):
    for name, value in {**settings, "SMMPLUS_API_URL_SHOP": "https://panel.example/0123-key"}.items():
        monkeypatch.setenv(name, value)

    @failing
    def command(*, account):
        raise errors.AccountError("Invalid API key")

    with pytest.raises(typer.Exit):
        command(account="shop")
    assert capsys.readouterr().err.splitlines() == [
        "Error: Invalid API key",
        (
            f"panel.example answered this to account 'shop', whose API key comes from {source}. "
            "You find the key on the panel's website, on its API page."
        ),
    ]


@pytest.mark.parametrize(("kind", "status"), STATUSES)
def test_and_one_object_for_a_program(kind, status, capsys):
    with pytest.raises(typer.Exit):
        raising(kind("what is wrong"))(as_json=True)
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["error"], told["exit_status"], bool(told["hint"]), err) == (
        "what is wrong",
        status,
        kind in {errors.AccountError, errors.NeverSentError},
        "",
    )


def test_no_error_of_the_project_is_without_a_status():
    for kind in (*everything(errors.SmmPlusError), *everything(SheetError)):
        if kind not in {errors.SmmPlusError, errors.RefusedError, errors.CallError, errors.OrderError}:
            assert status_of(kind("words")) == dict(STATUSES)[kind], kind


def test_ctrl_c_is_a_sentence_too(capsys):
    with pytest.raises(typer.Exit) as caught:
        raising(KeyboardInterrupt())()
    assert caught.value.exit_code == ExitStatus.UNFINISHED
    assert capsys.readouterr().err.startswith("Error: Interrupted. The journal has every order that was sent")


def test_a_mistake_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())()


def test_a_long_sentence_is_not_broken(capsys):
    with pytest.raises(typer.Exit):
        raising(SheetError("word " * 100))()
    assert capsys.readouterr().err.count("\n") == 1


def test_what_a_command_gives_is_given():
    assert failing(lambda text: text)("done") == "done"
