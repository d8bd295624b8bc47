"""The settings of the page in Airflow, and what its DAG does without an approval: nothing."""

import fsspec
import pytest
from airflow import settings
from airflow.models.connection import Connection
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach

from airflow_provider_smmplus.dags.smmplus_sheet import CheckUpload, WriteResults
from airflow_provider_smmplus.plugins.page import AirflowHome
from airflow_provider_smmplus.utils.settings import approvals_needed, job_of, run_prefix, uploads
from bulk.web.checks import checked
from bulk.web.uploads import Approval, Uploads, now
from smmplus.errors import ConfigurationError


@pytest.fixture
def upload(home, link):
    """Give an uploaded sheet of one order."""
    data = f"service,link,quantity\n1,{link},100\n".encode()
    return uploads().add("orders.csv", data, account="smmplus_default", campaign="spring", by="uli")


@pytest.fixture
def check(airflow, upload):
    """Give a function that runs the first task of the DAG."""

    def run(fingerprint):
        params = {"upload": upload.id, "job": "place", "fingerprint": fingerprint}
        return airflow.run(CheckUpload, path="", campaign="", params=params)

    return run


def fingerprint_of(upload):
    """Give the fingerprint that the page shows for a sheet."""
    return checked(AirflowHome(), upload)[1].fingerprint


def approve(upload, fingerprint, *names):
    for name in names:
        uploads().approve(upload, Approval(name, now(), fingerprint, "0.09 USD"))


def test_what_was_approved_is_split_into_parts(airflow, check, upload):
    fingerprint = fingerprint_of(upload)
    approve(upload, fingerprint, "uli")
    ran = check(fingerprint)
    assert (ran.state, [len(part) for part in ran.result]) == ("success", [1])


def test_a_run_that_ended_before_it_planned_anything_is_not_done(airflow, upload):
    params = {"upload": upload.id, "job": "place", "fingerprint": ""}
    assert airflow.run(WriteResults, path="", campaign="", params=params).state == "success"
    outcome = uploads().outcome(upload)
    assert (outcome.exit_status, list(outcome.messages)) == (
        7,
        ["The run ended early. Its log in Airflow has the reason."],
    )


@pytest.mark.parametrize("names", [(), ("uli",)])
def test_what_too_few_persons_approved_is_not_placed(airflow, check, upload, monkeypatch, names):
    monkeypatch.setenv("AIRFLOW__SMMPLUS__APPROVAL", "four_eyes")
    fingerprint = fingerprint_of(upload)
    approve(upload, fingerprint, *names)
    ran = check(fingerprint)
    assert (ran.state, str(ran.error)) == ("failed", "This was not approved, so nothing is placed.")
    approve(upload, fingerprint, "uli", "ulla")
    assert check(fingerprint).state == "success"


def test_what_changed_since_its_approval_is_not_placed_and_the_page_has_the_reason(airflow, check, upload, sandbox):
    fingerprint = fingerprint_of(upload)
    approve(upload, fingerprint, "uli")
    path = uploads().file_of(upload)
    path.write_text(path.read_text("utf-8").replace(",100", ",200"), "utf-8")
    ran = check(fingerprint)
    assert ran.state == "failed"
    assert "quantity was '100', and is '200'" in ran.xcoms["failure"]


@pytest.mark.parametrize(("upload_id", "words"), [("", "there is no uploaded sheet ''"), ("../../x", "'../../x'")])
def test_an_upload_that_there_is_not_is_told(airflow, home, upload_id, words):
    params = {"upload": upload_id, "job": "place", "fingerprint": "0" * 24}
    ran = airflow.run(WriteResults, path="", campaign="", params=params)
    assert ran.state == "failed"
    assert words in str(ran.error)


def test_without_a_shared_disk_uploads_need_a_place_that_all_workers_see(home, monkeypatch):
    assert uploads().root == home / "smmplus" / "uploads"
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    with pytest.raises(ConfigurationError, match=r"Set uploads in the section \[smmplus\]"):
        uploads()
    monkeypatch.setenv("AIRFLOW__SMMPLUS__UPLOADS", "/mnt/shared")
    assert str(uploads().root) == "/mnt/shared"
    monkeypatch.setenv("AIRFLOW__SMMPLUS__UPLOADS", "s4://bucket/uploads")
    with pytest.raises(ConfigurationError, match="s4://bucket/uploads cannot be opened"):
        uploads()


def test_an_unknown_way_of_approval_is_refused(home, monkeypatch):
    assert approvals_needed() == 1
    monkeypatch.setenv("AIRFLOW__SMMPLUS__APPROVAL", "six_eyes")
    with pytest.raises(ConfigurationError, match="'six_eyes': it must be one or four_eyes"):
        approvals_needed()


def test_uploads_are_kept_in_an_object_storage_too(home, monkeypatch):
    attach("memory", fs=fsspec.filesystem("memory")).fs.store.clear()
    monkeypatch.setenv("AIRFLOW__SMMPLUS__UPLOADS", "memory://bucket/uploads")
    kept = AirflowHome().uploads
    upload = kept.add("orders.csv", b"service,link\n", account="smmplus_default", campaign="spring", by="uli")
    kept.remember_headers([("Alamat pos", "link")])
    approve(upload, "0" * 24, "uli")
    again = Uploads(ObjectStoragePath("memory://bucket/uploads"))
    assert again.all() == [upload]
    assert again.approved(upload, 1) == "0" * 24
    assert again.known_headers() == [("Alamat pos", "link")]
    with AirflowHome().file_of(upload) as path:
        assert path.read_bytes() == b"service,link\n"
    (kept.root / upload.id / "sheet.results.csv").write_bytes(b"order_id\n")
    with AirflowHome().file_of(upload) as path:
        assert path.read_bytes() == b"order_id\n"


def test_the_accounts_are_the_connections_and_each_journal_is_listed_once(airflow, connect, monkeypatch):
    Connection.__table__.create(settings.engine, checkfirst=True)
    connect("smmplus_shop", login="shop", password="key-of-the-shop-0123456789")
    connect("broken", password="")
    connect("other", conn_type="http")
    monkeypatch.setenv("AIRFLOW_CONN_DAMAGED", "{")
    at_page = AirflowHome()
    assert at_page.accounts()[:2] == ["smmplus_default", "broken"]
    assert "other" not in at_page.accounts()
    assert at_page.name_of("smmplus_shop") == "shop"
    assert at_page.account_of("smmplus_default", at_page.panel("smmplus_shop").url, "Shop") == "smmplus_shop"
    assert at_page.account_of("smmplus_default", "https://example.com/api/v2", "shop") == "shop"
    assert at_page.journals() == ["smmplus_default"]
    monkeypatch.setenv("AIRFLOW__SMMPLUS__ACCOUNTS", "smmplus_shop, smmplus_default")
    assert at_page.accounts() == ["smmplus_shop", "smmplus_default"]


def test_the_name_of_a_run_has_what_it_does_with_which_sheet():
    assert job_of(f"{run_prefix('0123456789abcdef', 'place', 'f' * 24)}1") == "place"
    assert run_prefix("0123456789abcdef", "follow", "") == "0123456789abcdef-follow-"
