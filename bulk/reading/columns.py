"""Header names, in English and Indonesian, and the fields that they stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bulk.errors import SheetError
from bulk.formats.grid import letter_of
from bulk.sheet import RESULT_FIELDS, Column

HEADER_SEARCH_ROWS = 50
"""The header row is looked for in so many rows from the top: a title and notes may stand above it."""

LIST_FIELDS = frozenset({"comments", "usernames", "hashtags", "keywords", "groups"})
"""Fields that hold one item a line; a line break in any other field is a mistake."""

_ORDER_NAMES: Mapping[str, tuple[str, ...]] = {
    "service": ("service id", "id service", "service number", "layanan", "id layanan", "kode layanan"),
    "link": ("url", "link url", "target", "target link", "target url", "tautan", "link target"),
    "quantity": ("qty", "jumlah", "kuantitas", "banyaknya"),
    "runs": ("run", "drip feed runs", "dripfeed runs", "jumlah run", "pengulangan"),
    "interval": ("interval minutes", "interval in minutes", "drip feed interval", "jeda", "interval menit", "selang"),
    "comments": ("custom comments", "comment list", "komentar", "daftar komentar"),
    "usernames": ("user names", "username list", "nama pengguna list", "daftar username", "daftar nama pengguna"),
    "hashtags": ("hash tags", "hashtag list", "daftar hashtag", "daftar tagar"),
    "hashtag": ("hash tag", "tagar"),
    "username": ("user name", "nama pengguna"),
    "media": ("media url", "media link", "tautan media"),
    "answer_number": ("answer", "answer no", "poll answer", "nomor jawaban", "jawaban"),
    "groups": ("group list", "grup", "daftar grup"),
    "keywords": ("keyword list", "kata kunci", "daftar kata kunci"),
    "country": ("country code", "negara", "kode negara"),
    "device": ("device type", "perangkat"),
    "type_of_traffic": ("traffic type", "jenis trafik", "jenis lalu lintas"),
    "google_keyword": ("google key word", "kata kunci google"),
    "referring_url": ("referrer", "referrer url", "referring link", "url perujuk"),
    "min": ("minimum", "minimal"),
    "max": ("maximum", "maksimum", "maksimal"),
    "delay": ("delay minutes", "penundaan", "tunda"),
    "posts": ("new posts", "number of posts", "jumlah postingan", "postingan"),
    "old_posts": ("postingan lama",),
    "expiry": ("expiry date", "expires", "tanggal kedaluwarsa", "kedaluwarsa", "kadaluarsa"),
}

ORDER_FIELDS = tuple(_ORDER_NAMES)
"""Every field of an order, in the order in which new sheets list them."""


def normal_name(header: str) -> str:
    """Reduce a header to its letters and digits, in small letters: " Service_ID* " is "serviceid"."""
    return "".join(filter(str.isalnum, header.casefold()))


def _known_names() -> dict[str, str]:
    # Results are written over what stands in their columns, so these have no synonyms: a "Status" or a "Nomor pesanan"
    # of the user's own is left alone.
    names = {normal_name(field): field for field in (*ORDER_FIELDS, *RESULT_FIELDS)}
    for field, synonyms in _ORDER_NAMES.items():
        names.update({normal_name(synonym): field for synonym in synonyms})
    return names


_FIELD_OF = _known_names()


@dataclass(frozen=True, slots=True)
class Header:
    """The header row of a sheet, understood."""

    row: int
    """The header's row number, from 1."""
    columns: Mapping[str, Column]
    """Every known field, in the order of the sheet, and where it stands."""
    ignored: tuple[str, ...]
    """Headers that mean nothing here, as they stand in the file."""


def field_of(header: str) -> str | None:
    """Name the field that a header stands for; None if it is not a known name."""
    return _FIELD_OF.get(normal_name(header))


def is_header(cells: Sequence[str]) -> bool:
    """Tell whether a row names the service and at least one other field of an order."""
    fields = {field_of(cell) for cell in cells}
    return "service" in fields and len(fields.intersection(ORDER_FIELDS)) > 1


def find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Find the index of the header row among a sheet's first rows; None if there is none."""
    return next((index for index, cells in enumerate(rows[:HEADER_SEARCH_ROWS]) if is_header(cells)), None)


def understand_header(cells: Sequence[str], row: int, source: str) -> Header:
    """Give each known name its column.

    :param source: the file (and sheet), for the message.
    :raises SheetError: if two columns stand for the same field.
    """
    columns: dict[str, Column] = {}
    ignored = []
    for index, cell in enumerate(cells):
        field = field_of(cell)
        column = Column(index, letter_of(index), cell)
        if field is None:
            ignored.extend([cell] if cell else [])
        elif field in columns:
            raise _duplicate(source, field, row, columns[field], column)
        else:
            columns[field] = column
    return Header(row, columns, tuple(ignored))


def _duplicate(source: str, field: str, row: int, first: Column, second: Column) -> SheetError:
    return SheetError(
        f"{source}: columns {first.letter} ({first.header!r}) and {second.letter} ({second.header!r}) of row {row} "
        f"both stand for {field}. Rename or delete one of them."
    )


def no_header(source: str, rows: Sequence[Sequence[str]]) -> SheetError:
    """Say what was looked for, and what the first rows hold instead."""
    seen = [", ".join(filter(None, cells))[:120] for cells in rows[:HEADER_SEARCH_ROWS]]
    held = "; ".join(f"row {number}: {text}" for number, text in enumerate(seen, start=1) if text)
    return SheetError(
        f"{source}: no header row was found in the first {HEADER_SEARCH_ROWS} rows. Looked for a row with the column "
        f"names 'service' and 'link' or 'quantity' (or 'layanan', 'tautan', 'jumlah', …). "
        f"The first rows hold: {held[:500] or 'nothing'}. Add a header row above the orders."
    )
