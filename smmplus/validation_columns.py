"""PURE: proves many requests right at once, by their columns; what it cannot prove is judged one by one.

Most rows of a sheet differ in what no check looks at beyond its shape: one link, one text of a comment is as good as
another. Rows that are alike in all else are judged once, by `validation` itself, with a text that stands in.
"""

from collections.abc import Callable, Mapping, Sequence

from smmplus.models import OrderRequest, Service
from smmplus.validation import all_fit, fits, problems

Columns = Mapping[str, Sequence[str]]
"""Field -> the text of each request in its normal form, "" where the request has no such field."""

_STANDS_IN = {
    **dict.fromkeys(("link", "media", "referring_url"), "https://example.com/"),
    **dict.fromkeys(("username", "hashtag", "google_keyword"), "x"),
}
"""For fields of which nothing is judged but the shape: a text of that shape."""

_LISTS = frozenset({"comments", "usernames", "hashtags", "keywords", "groups"})
"""Fields of which nothing is judged but their shape and how many lines they have."""

_PIECE = 1 << 16
"""Requests looked at together: what is made of them on the way stays small."""


def doubtful(services: Sequence[str], columns: Columns, offered: Mapping[str, Service]) -> list[int]:
    """Count out the requests, from 0, that `validation.problems` may find wrong; all others it finds right.

    :param services: the service of each request.
    :param columns: all other fields.
    :param offered: the price list.
    """
    quantities = columns.get("quantity") or [""] * len(services)
    names = [name for name, column in columns.items() if name != "quantity" and any(column)]
    same = {name: _STANDS_IN[name] for name in names if name in _STANDS_IN and all_fit(name, columns[name])}
    judged = {name: _judged(name, columns[name]) for name in names if name not in same}
    judge, found = _Judge(same, list(judged), offered), []
    for start in range(0, len(services), _PIECE):
        pieces = [column[start : start + _PIECE] for column in (quantities, services, *judged.values())]
        wrong = judge.wrong(set(zip(*pieces, strict=True)))
        if wrong:
            found += [at for at, kind in enumerate(zip(*pieces, strict=True), start) if kind in wrong]
    return found


def _judged(name: str, column: Sequence[str]) -> Sequence[str]:
    """Give a column with as few different texts as its checks allow."""
    if name in _LISTS:
        is_fit = fits(name)
        return [text and "x\n" * text.count("\n") + "x" if is_fit(text) else text for text in column]
    if name not in _STANDS_IN:
        return column
    stands_in, is_fit = _STANDS_IN[name], fits(name)
    return [stands_in if is_fit(text) else text for text in column]


class _Judge:
    def __init__(self, same: Mapping[str, str], names: Sequence[str], offered: Mapping[str, Service]) -> None:
        self._same = same
        self._names = names
        self._offered = offered
        self._is_whole: Callable[[str], object] = fits("quantity")
        self._right: dict[tuple[str, ...], tuple[int, int]] = {}
        self._seen: set[tuple[str, ...]] = set()

    def wrong(self, kinds: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
        """Give the kinds of requests, as quantity, service and all else, that are wrong."""
        wrong = {kind for kind in kinds.difference(self._seen) if not self._is_right(*kind)}
        if len(self._seen) < _PIECE:
            self._seen |= kinds - wrong
        return wrong

    def _is_right(self, quantity: str, service: str, *texts: str) -> bool:
        """Tell whether requests of this kind are right.

        Between two quantities that are right every one is, the rest being equal: checks of quantities are limits.
        """
        kind, number = (service, *texts), int(quantity) if self._is_whole(quantity) else 0
        least, most = self._right.get(kind, (number, number - 1))
        if number and least <= number <= most:
            return True
        fields = {"quantity": quantity, **self._same} | dict(zip(self._names, texts, strict=True))
        if problems(OrderRequest.of(service, fields), self._offered.get(service)):
            return False
        if number:
            self._right[kind] = (min(least, number), max(most, number))
        return True
