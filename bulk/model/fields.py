"""Header names, in English and Indonesian, and the fields that they stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bulk.model.cell_address import letter_of
from bulk.model.errors import SheetError
from bulk.model.sheet import RESULT_FIELDS, Column
from bulk.model.surfaces import COMMAND_LINE, Surface

HEADER_SEARCH_ROWS = 50
"""The header row is looked for in so many rows from the top: a title and notes may stand above it."""

HeaderNames = Sequence[tuple[str, str]]
"""What headers mean by a person's word: (header, field), beside the names that are known anyway."""

LIST_FIELDS = frozenset({"comments", "usernames", "hashtags", "keywords", "groups"})
"""Fields that hold one item a line; a line break in any other field is a mistake."""

_ORDER_NAMES: Mapping[str, tuple[str, ...]] = {
    "service": (
        "services", "service id", "id service", "service no", "service number", "service code",
        "layanan", "id layanan", "layanan id", "kode layanan", "no layanan", "nomor layanan", "kode service", "servis",
    ),
    "link": (
        "links", "url", "link url", "url link", "target", "target link", "target url", "link target", "url target",
        "post link", "post url", "link post", "url post", "profile link", "profile url", "link to post",
        "tautan", "tautan target", "tautan postingan", "link postingan", "url postingan", "link konten", "link profil",
        "tautan profil", "alamat link", "alamat url",
    ),
    "quantity": (
        "qty", "quantities", "order quantity", "quantity ordered",
        "jumlah", "jml", "kuantitas", "kuantiti", "banyaknya", "jumlah pesanan", "jumlah order",
    ),
    "runs": (
        "run", "number of runs", "drip feed runs", "dripfeed runs",
        "jumlah run", "jumlah runs", "pengulangan", "jumlah pengulangan", "ulangan",
    ),
    "interval": (
        "interval minutes", "interval in minutes", "interval min", "minutes between runs", "drip feed interval",
        "dripfeed interval", "jeda", "jeda menit", "interval menit", "interval dalam menit", "selang", "selang waktu",
    ),
    "comments": (
        "custom comments", "comment list", "list of comments", "comment text",
        "komentar", "daftar komentar", "list komentar", "isi komentar", "komentar custom", "komentar kustom",
    ),
    "usernames": (
        "user names", "username list", "list of usernames", "usernames list",
        "nama pengguna list", "daftar username", "daftar nama pengguna", "list username", "list nama pengguna",
    ),
    "hashtags": ("hash tags", "hashtag list", "list of hashtags", "daftar hashtag", "daftar tagar", "list hashtag"),
    "hashtag": ("hash tag", "tagar"),
    "username": ("user name", "nama pengguna"),
    "media": ("media url", "media link", "link media", "url media", "tautan media"),
    "answer_number": (
        "answer", "answer no", "answer num", "poll answer", "poll option", "option number",
        "nomor jawaban", "no jawaban", "jawaban", "pilihan jawaban", "nomor pilihan",
    ),
    "groups": ("group list", "list of groups", "grup", "daftar grup", "list grup"),
    "keywords": ("keyword list", "list of keywords", "kata kunci", "daftar kata kunci", "list kata kunci"),
    "country": ("country code", "negara", "kode negara"),
    "device": ("device type", "perangkat", "jenis perangkat", "tipe perangkat"),
    "type_of_traffic": ("traffic type", "jenis trafik", "tipe trafik", "jenis traffic", "jenis lalu lintas"),
    "google_keyword": ("google key word", "google search keyword", "kata kunci google"),
    "referring_url": (
        "referrer", "referer", "referrer url", "referer url", "referring link", "url perujuk", "link perujuk",
        "tautan perujuk",
    ),
    "min": ("minimum", "min quantity", "minimal", "jumlah minimal", "jumlah minimum", "jumlah min"),
    "max": ("maximum", "max quantity", "maksimum", "maksimal", "jumlah maksimal", "jumlah maksimum", "jumlah maks"),
    "delay": ("delay minutes", "delay in minutes", "penundaan", "tunda", "tunda menit", "penundaan menit"),
    "posts": ("new posts", "number of posts", "number of new posts", "jumlah postingan", "postingan", "postingan baru"),
    "old_posts": ("number of old posts", "existing posts", "postingan lama", "jumlah postingan lama"),
    "expiry": (
        "expiry date", "expiration", "expiration date", "expires", "expires on", "valid until",
        "tanggal kedaluwarsa", "kedaluwarsa", "tanggal kadaluarsa", "kadaluarsa", "berlaku sampai", "berlaku hingga",
    ),
}  # fmt: skip

ORDER_FIELDS = tuple(_ORDER_NAMES)
"""Every field of an order, in the order in which new sheets list them."""

SWITCH_NAMES: Mapping[str, tuple[str, ...]] = {
    "skip": ("skip row", "lewati", "lewati baris", "lewatkan"),
    "enabled": ("enable", "aktif", "aktifkan"),
}
"""Columns that leave rows out: those that say yes to `skip`, or no to `enabled`."""


FIELDS = (*ORDER_FIELDS, *SWITCH_NAMES, *RESULT_FIELDS)
"""Every field that a column can stand for."""


def normal_name(header: str) -> str:
    """Reduce a header to its letters and digits, in small letters: " Service_ID* " is "serviceid"."""
    return "".join(filter(str.isalnum, header.casefold()))


def _known_names() -> dict[str, str]:
    # Results are written over what stands in their columns, so these have no synonyms: a "Status" or a "Nomor pesanan"
    # of the user's own is left alone.
    names = {normal_name(field): field for field in FIELDS}
    for field, synonyms in (*_ORDER_NAMES.items(), *SWITCH_NAMES.items()):
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


def field_of(header: str, given: HeaderNames = ()) -> str | None:
    """Name the field that a header stands for; None if it is not a known name.

    A field that a person gave a header is that column alone, whatever other columns are called.
    """
    for theirs, field in given:
        if same_header(theirs, header):
            return field
    known = _FIELD_OF.get(normal_name(header))
    return None if any(field == known for _, field in given) else known


def same_header(one: str, other: str) -> bool:
    """Tell whether two headers are the same: by their letters and digits, or where there are none by their signs."""
    name = normal_name(one)
    return name == normal_name(other) and (name != "" or one.strip() == other.strip() != "")


def is_header(cells: Sequence[str], given: HeaderNames = ()) -> bool:
    """Tell whether a row names the service and at least one other field of an order."""
    fields = {field_of(cell, given) for cell in cells}
    return "service" in fields and len(fields.intersection(ORDER_FIELDS)) > 1


def find_header(rows: Sequence[Sequence[str]], given: HeaderNames = ()) -> int | None:
    """Find the index of the header row among a sheet's first rows; None if there is none."""
    return next((index for index, cells in enumerate(rows[:HEADER_SEARCH_ROWS]) if is_header(cells, given)), None)


def understand_header(cells: Sequence[str], row: int, source: str, given: HeaderNames = ()) -> Header:
    """Give each known name its column.

    :param source: the file (and sheet), for the message.
    :param given: what headers mean by a person's word.
    :raises SheetError: if two columns stand for the same field, or a header that a person named is not there.
    """
    columns: dict[str, Column] = {}
    ignored = []
    for index, cell in enumerate(cells):
        field = field_of(cell, given)
        column = Column(index, letter_of(index), cell)
        if field is None:
            ignored.extend([cell] if cell else [])
        elif field in columns:
            raise _duplicate(source, field, row, columns[field], column)
        else:
            columns[field] = column
    for theirs, field in given:
        if field not in columns:
            raise _not_there(source, theirs, field, row, cells)
    return Header(row, columns, tuple(ignored))


def _not_there(source: str, theirs: str, field: str, row: int, cells: Sequence[str]) -> SheetError:
    held = ", ".join(repr(cell) for cell in cells if cell)[:500]
    return SheetError(
        f"{source}: {theirs!r} is mapped to {field} (by you, or by the map that is kept next to the sheet), and no "
        f"column of row {row} has that name. There are: {held}. Map one of these, or delete the map."
    )


def _duplicate(source: str, field: str, row: int, first: Column, second: Column) -> SheetError:
    return SheetError(
        f"{source}: columns {first.letter} ({first.header!r}) and {second.letter} ({second.header!r}) of row {row} "
        f"both stand for {field}. Rename or delete one of them."
    )


def no_header(
    source: str, rows: Sequence[Sequence[str]], given: HeaderNames = (), surface: Surface = COMMAND_LINE
) -> SheetError:
    """Say what was looked for, and what the first rows hold instead."""
    seen = [", ".join(filter(None, cells))[:120] for cells in rows[:HEADER_SEARCH_ROWS]]
    held = "; ".join(f"row {number}: {text}" for number, text in enumerate(seen, start=1) if text)
    theirs = "".join(f"; {header!r} for {field}" for header, field in given)
    return SheetError(
        f"{source}: no header row was found in the first {HEADER_SEARCH_ROWS} rows. Looked for a row with the column "
        f"names 'service' and 'link' or 'quantity' (or 'layanan', 'tautan', 'jumlah', …{theirs}). "
        f"The first rows hold: {held[:500] or 'nothing'}. Add a header row above the orders, or map its names "
        f"to fields: {surface.phrase(headers=['Their name=link'])}."
    )
