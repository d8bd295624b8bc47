"""Which links lead to the same place, and which do not."""

import pytest

from bulk.planning.warnings import canonical_link

POST = "https://instagram.com/p/AbC-1_x"
VIDEO = "https://youtube.com/watch?v=xyz"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (POST, "http://instagram.com/p/AbC-1_x"),
        (POST, POST + "/"),
        (POST, POST + "//"),
        (POST, "https://www.instagram.com/p/AbC-1_x"),
        (POST, "HTTPS://WWW.Instagram.COM/p/AbC-1_x/"),
        (POST, "https://m.instagram.com/p/AbC-1_x"),
        (POST, "https://instagram.com:443/p/AbC-1_x"),
        (POST, "http://instagram.com:80/p/AbC-1_x"),
        (POST, "instagram.com/p/AbC-1_x"),
        (POST, f" {POST} "),
        (POST, POST + "?"),
        (POST, POST + "#"),
        (POST, POST + "#comments"),
        (POST, POST + "/?igsh=MzRlODBiNWFlZA=="),
        (POST, POST + "?igshid=1&hl=en&img_index=2"),
        (POST, POST + "?utm_source=ig_web_copy_link&UTM_Campaign=x"),
        (POST, "https://instagram.com/p/%41bC-1_x"),
        ("https://facebook.com/a/posts/1?fbclid=IwAR0", "https://fb.com/a/posts/1"),
        ("https://x.com/a/status/1?s=20&t=q", "https://twitter.com/a/status/1"),
        ("https://t.me/a/5", "https://telegram.me/a/5?single"),
        (VIDEO, "https://youtu.be/xyz?si=a"),
        (VIDEO, "https://m.youtube.com/watch?list=L&index=3&v=xyz&t=42s"),
        ("https://www.tiktok.com/@a/video/1?is_from_webapp=1&sender_device=pc", "https://tiktok.com/@a/video/1"),
        ("https://a.example/?b=2&a=1", "https://a.example?a=1&b=2"),
        ("https://a.example/%C3%BC", "https://a.example/ü"),
        ("@Anna", "@anna"),
    ],
)
def test_links_that_differ_only_in_form(one, other):
    assert canonical_link(one) == canonical_link(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (POST, "https://instagram.com/p/abc-1_x"),
        (POST, "https://instagram.com/p/AbC-1_y"),
        (POST, POST + "/c/1"),
        (POST, "https://example.com/p/AbC-1_x"),
        (VIDEO, "https://youtube.com/watch?v=XYZ"),
        ("https://youtube.com/playlist?list=L", "https://youtube.com/playlist?list=M"),
        ("https://a.example/?s=one", "https://a.example/?s=two"),
        ("https://a.example:8080/x", "https://a.example/x"),
        ("https://m.me/anna", "https://me/anna"),
        ("https://www.com/x", "https://com/x"),
        ("https://a.example/a%2Fb", "https://a.example/a/b"),
        ("https://a.example/?q=a%26b=1", "https://a.example/?q=a&b=1"),
        ("https://web.example/#/im/1", "https://web.example/#/im/2"),
        ("@anna", "@anne"),
    ],
)
def test_links_that_lead_elsewhere(one, other):
    assert canonical_link(one) != canonical_link(other)


@pytest.mark.parametrize("text", ["http://[a.b", "https://a.example:port/", "", "@", "no address", "https://"])
def test_text_that_is_no_address_is_itself(text):
    assert canonical_link(text) == text


def test_the_quick_way_and_the_long_way_agree():
    hosts = (
        "instagram.com",
        "www.instagram.com",
        "m.instagram.com",
        "mobile.x.com",
        "twitter.com",
        "youtu.be",
        "a-b.co",
    )
    for host in hosts:
        link = f"https://{host}/p/AbC_1.2~3-@4"
        assert canonical_link(link) == canonical_link(link + "?utm_source=x")
