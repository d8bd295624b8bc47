"""What a connection means, and what is said of a wrong one."""

import json

import pytest

from airflow_provider_smmplus.utils.connection import settings_of, url_of
from smmplus.api.panel import DEFAULT_URL
from smmplus.errors import ConfigurationError
from tests.airflow.connections import KEY, connection_from, connection_of


def test_an_api_key_is_enough():
    settings = settings_of(connection_of())
    assert settings.panel.url == DEFAULT_URL
    assert settings.panel.key == KEY
    assert (settings.account, settings.journal_conn_id, settings.rate) == ("default", None, 1.0)
    assert (settings.panel.connect_timeout, settings.panel.read_timeout) == (10.0, 60.0)


def test_every_field_of_the_form_is_read():
    extra = {"journal_conn_id": "journal", "rate": 5, "connect_timeout": 3, "read_timeout": 20.5}
    settings = settings_of(connection_of(json.dumps(extra), host="https://other.example/api/v2", login=" shop "))
    assert settings.panel.url == "https://other.example/api/v2"
    assert (settings.account, settings.journal_conn_id, settings.rate) == ("shop", "journal", 5.0)
    assert (settings.panel.connect_timeout, settings.panel.read_timeout) == (3.0, 20.5)


def test_a_uri_says_the_same():
    uri = f"smmplus://shop:{KEY}@panel.example:8443/api/v2?rate=0&read_timeout=20&journal_conn_id=journal"
    settings = settings_of(connection_from(uri))
    assert settings.panel.url == "https://panel.example:8443/api/v2"
    assert (settings.panel.key, settings.account, settings.rate) == (KEY, "shop", 0.0)
    assert (settings.panel.read_timeout, settings.journal_conn_id) == (20.0, "journal")


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, DEFAULT_URL),
        ({"host": "panel.example"}, "https://panel.example/api/v2"),
        ({"host": "https://panel.example/"}, "https://panel.example/api/v2"),
        ({"host": "https://panel.example/custom"}, "https://panel.example/custom"),
        ({"host": "http://127.0.0.1:8080/api/v2"}, "http://127.0.0.1:8080/api/v2"),
        ({"host": "panel.example", "port": 8443}, "https://panel.example:8443/api/v2"),
        ({"host": "https://panel.example:8443", "port": 8443}, "https://panel.example:8443/api/v2"),
        ({"host": "panel.example", "schema": "/api/v3"}, "https://panel.example/api/v3"),
    ],
)
def test_the_address_is_put_together(fields, url):
    assert url_of(connection_of(**fields)) == url


def test_without_a_key_the_field_is_named():
    with pytest.raises(ConfigurationError, match=r"connection 'panel' has no API key. Enter it in the field"):
        settings_of(connection_of(password=None))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"rate": "fast"}, "rate is 'fast': enter a number that is not negative"),
        ({"rate": -1}, "rate is -1: enter"),
        ({"rate": True}, "rate is True: enter"),
        ({"rate": [1]}, r"rate is \[1\]: enter"),
        ({"rate": "inf"}, "rate is 'inf': enter"),
        ({"read_timeout": "nan"}, "read_timeout is 'nan': enter"),
        ({"read_timeout": 0}, "read_timeout is 0: enter the seconds to wait"),
        ({"connect_timeout": "0"}, "connect_timeout is 0: enter the seconds to wait"),
    ],
)
def test_a_wrong_number_is_named_with_its_connection(extra, words):
    with pytest.raises(ConfigurationError, match="connection 'panel': " + words) as raised:
        settings_of(connection_of(json.dumps(extra)))
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("field", ["rate", "read_timeout", "connect_timeout", "journal_conn_id"])
@pytest.mark.parametrize("value", ["", None])
def test_an_empty_field_is_its_default(field, value):
    assert settings_of(connection_of(json.dumps({field: value}))) == settings_of(connection_of())


@pytest.mark.parametrize("host", ["ftp://panel.example", "https://"])
def test_an_unusable_address_is_refused_in_words(host):
    with pytest.raises(ConfigurationError, match="connection 'panel': ") as raised:
        settings_of(connection_of(host=host))
    assert KEY not in str(raised.value)


def test_a_key_that_no_header_or_form_takes_is_refused_without_being_told():
    with pytest.raises(ConfigurationError) as raised:
        settings_of(connection_of(password=f"{KEY}\n"))
    assert KEY not in str(raised.value)


def test_the_key_is_in_no_repr():
    settings = settings_of(connection_of())
    assert KEY not in repr(settings)
    assert KEY not in str(settings)
