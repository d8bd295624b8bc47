import json
from urllib.parse import quote_plus

import pytest

from smmplus.api.panel import DEFAULT_URL, Panel, check_url, proxy_of, tls_context
from smmplus.api.responses import Response
from smmplus.errors import ConfigurationError

KEY = "0123456789abcdef0123456789abcdef"


def test_the_default_is_smm_plus_over_tls():
    assert Panel(KEY).url == DEFAULT_URL == "https://smm.plus/api/v2"


def test_the_key_is_not_in_the_representation():
    assert KEY not in repr(Panel(KEY))


@pytest.mark.parametrize(
    "key", ["", " ", f" {KEY}", f"{KEY} ", f"{KEY}\n", f"{KEY}\n{KEY}", f"{KEY}\x00", f"\ufeff{KEY}"]
)
def test_a_key_that_cannot_be_right_is_refused_and_not_repeated(key):
    with pytest.raises(ConfigurationError) as caught:
        Panel(key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://smm.plus/api/v2", "https://panel.example:8443/api", "http://127.0.0.1:8089/api/v2", "http://[::1]:80/",
        "http://localhost/api", "HTTPS://smm.plus/", "http://127.9.9.9/",
    ],
)  # fmt: skip
def test_https_and_loopback_are_addresses(url):
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "smm.plus/api/v2", "ftp://smm.plus/", "https://", "https:///api", "http://smm.plus/api/v2", "http://10.0.0.1/",
        "http://localhost.example/", "http://127.0.0.1.example/", "https://user:secret@smm.plus/", "https://user@smm.plus/",
        "https://smm.plus/?key=secret", "https://smm.plus/#x", "https://[::1", "https://smm.plus:port/",
        "https://smm.plus:99999/", "https://a..b/", "https://" + "a" * 64 + ".com/",
    ],
)  # fmt: skip
def test_what_shows_the_key_or_is_no_address_is_refused(url):
    with pytest.raises(ConfigurationError) as caught:
        Panel(KEY, url)
    assert KEY not in str(caught.value)


AWKWARD = 'ключ+"with/все&signs"'


@pytest.mark.parametrize("echoed", [AWKWARD, quote_plus(AWKWARD), json.dumps(AWKWARD)[1:-1]])
def test_an_echoed_key_is_taken_out_of_an_answer_however_it_is_written(echoed):
    body = b'{"error": "key ' + echoed.encode() + b' declined"}'
    scrubbed = Panel(AWKWARD).redact(Response(200, {"A": "b"}, body))
    assert scrubbed == Response(200, {"A": "b"}, b'{"error": "key [API key] declined"}')


def test_an_answer_without_the_key_stays_as_it_is():
    answer = Response(200, {}, b'{"order": 5}')
    assert Panel(KEY).redact(answer) == answer


def test_all_answers_of_a_panel_are_read_with_what_is_known_of_its_numbers():
    panel, answer = Panel(KEY), Response(200, {}, b"{}")
    panel.redact(answer).notation.learn(["0,90"])
    assert panel.redact(answer).notation.amount("1.000") == 1000
    assert Panel(KEY).redact(answer).notation.amount("1.000") is None


def test_a_word_too_short_for_a_key_stays_in_the_answer():
    """It could be part of an order id, and an order id is money."""
    answer = Response(200, {}, b'{"order": "65a1b2c3"}')
    assert Panel("a1b2").redact(answer) == answer


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://smm.plus/", None),
        ({"https_proxy": "http://proxy:3128"}, "https://smm.plus/", "http://proxy:3128"),
        ({"http_proxy": "http://proxy:3128"}, "https://smm.plus/", None),
        ({"http_proxy": "http://proxy:3128"}, "http://127.0.0.1:8089/", None),
        ({"all_proxy": "http://proxy:3128"}, "https://smm.plus/", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "smm.plus"}, "https://smm.plus/", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "example.com"}, "https://smm.plus/", "http://proxy:3128"),
        ({"https_proxy": "proxy:3128"}, "https://smm.plus/", "http://proxy:3128"),
    ],
)
def test_the_proxy_is_the_environment_s(monkeypatch, environment, url, proxy):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy


def test_the_tls_context_verifies(fresh_tls):
    context = tls_context()
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")


def test_the_tls_context_is_made_once(fresh_tls):
    assert tls_context() is tls_context()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_cannot_be_read_is_named(monkeypatch, tmp_path, fresh_tls, name):
    monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigurationError, match=name):
        tls_context()


def test_a_folder_of_certificates_replaces_the_platform_s(monkeypatch, tmp_path, fresh_tls):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    assert tls_context().get_ca_certs() == []
