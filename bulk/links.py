"""PURE: what a link leads to, whichever way it was copied: two links of one form are very likely the same page."""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_PLAIN = re.compile(r"https://(?!www\.|m\.|mobile\.)([a-z0-9-]+\.[a-z0-9.-]+)((?:/[A-Za-z0-9_.~@-]+)+)")
"""A link that is its own form, but for the names of hosts: nearly all of a sheet, and found without taking it apart."""

_HOSTS = {
    "twitter.com": "x.com",
    "instagr.am": "instagram.com",
    "fb.com": "facebook.com",
    "telegram.me": "t.me",
    "telegram.dog": "t.me",
    "youtube-nocookie.com": "youtube.com",
    "music.youtube.com": "youtube.com",
}
"""Other names of the same sites."""

_IN_FRONT = re.compile(r"\A(?:www|m|mobile)\.(?=[^.]+\.)")

_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_.*|hsa_.*|_hs.*|igsh|igshid|ig_.*|fbclid|fb_.*|mibextid|__tn__|__cft__.*|sfnsn|rdid|share_url"
    r"|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|scid|li_fat_id|epik|mc_[ce]id|_ga|_gl|srsltid"
    r"|ref|ref_src|ref_url|share_id|xmt|trk",
    re.IGNORECASE,
)
"""What sites and advertisers add to a link to know where it was shared."""

_OF_ONE_SITE = {
    "instagram.com": {"hl", "img_index", "next"},
    "facebook.com": {"paipv", "eav", "locale", "_rdr", "hc_ref", "fref"},
    "x.com": {"s", "t", "lang"},
    "youtube.com": {"si", "feature", "t", "pp", "ab_channel"},
    "tiktok.com": {"_r", "_t", "_d", "is_from_webapp", "is_copy_url", "sender_device", "sender_web_id", "web_id",
                   "lang", "u_code", "tt_from", "enter_method", "share_app_id", "share_link_id", "share_author_id",
                   "share_item_id", "social_sharing", "timestamp", "user_id", "sec_user_id", "source", "preview_pb"},
    "open.spotify.com": {"si", "nd", "context", "dlsi", "pi"},
    "threads.net": {"hl"},
    "linkedin.com": {"originalsubdomain", "rcm", "lipi"},
    "t.me": {"single", "embed"},
}  # fmt: skip
"""Short names that say nothing on these sites, and may mean something on another."""


@lru_cache(maxsize=4096)
def form_of(link: str) -> str:
    """Reduce a link to what it leads to; text that is no address is only put into small letters.

    Gone are http or https, www. and m., the port that goes without saying, slashes at the end, what tracks people,
    the order of the parameters, and the place on the page. Small and capital letters of a path count.
    """
    text = link.strip()
    if (plain := _PLAIN.fullmatch(text)) and plain[1] not in _HOSTS and plain[1] != "youtu.be":
        return plain[1] + plain[2]
    try:
        return _taken_apart(text if "://" in text else f"https://{text}") if "." in text else text.casefold()
    except ValueError:  # brackets in the place of a host, a port that is no number
        return text.casefold()


def _taken_apart(link: str) -> str:
    parts = urlsplit(link)
    host, path, query = _host(parts.hostname or ""), _path(parts.path), parse_qsl(parts.query, keep_blank_values=True)
    if host == "youtu.be":
        host, path, query = "youtube.com", "/watch", [("v", path.strip("/"))]
    kept = sorted((name, value) for name, value in query if _counts(host, name.lower()))
    if host == "youtube.com" and path == "/watch":
        kept = [(name, value) for name, value in kept if name == "v"]  # beside it stands the list it was found in
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    # Behind the mark stands a place on the page; some sites keep the whole address there.
    place = f"#{parts.fragment}" if parts.fragment.startswith(("/", "!")) else ""
    return f"{host}{port}{path}{'?' if kept else ''}{urlencode(kept)}{place}"


def _counts(host: str, name: str) -> bool:
    return name not in _OF_ONE_SITE.get(host, ()) and not _TRACKING.fullmatch(name)


def _host(name: str) -> str:
    bare = _IN_FRONT.sub("", name.rstrip("."))
    return _HOSTS.get(bare, bare)


def _path(text: str) -> str:
    """Write a path with the fewest signs: each character in one way, one slash where several stand, none at the end."""
    if "%" in text or not text.isascii():
        kept = re.sub("%2f", "%252F", text, flags=re.IGNORECASE)  # such a slash is part of a name
        text = quote(unquote(kept), safe="/@:!$&'()*+,;=~")
    return (re.sub("/+", "/", text) if "//" in text else text).rstrip("/")
