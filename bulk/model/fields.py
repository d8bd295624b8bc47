"""The fields of a sheet, and their header names in English and Indonesian."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bulk.model.cell_address import column_letter
from bulk.model.errors import SheetError
from bulk.model.sheet import RESULT_FIELDS, Column
from bulk.model.surfaces import COMMAND_LINE, Surface
from smmplus.texts import _

HEADER_SEARCH_ROWS = 50
"""The header row is among this many rows from the top. A title and notes may be above it."""

HeaderNames = Sequence[tuple[str, str]]
"""Headers that the user mapped: (header, field). They come in addition to the known names."""

LIST_FIELDS = frozenset({"comments", "usernames", "hashtags", "keywords", "groups"})
"""Fields with one item per line. In any other field, a line break is a mistake."""

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
"""Every field of an order, in the order of the columns of a new sheet."""

SWITCH_NAMES: Mapping[str, tuple[str, ...]] = {
    "skip": ("skip row", "lewati", "lewati baris", "lewatkan"),
    "enabled": ("enable", "aktif", "aktifkan"),
}
"""Columns that leave rows out: those with yes in `skip`, or no in `enabled`."""

FIELDS = (*ORDER_FIELDS, *SWITCH_NAMES, *RESULT_FIELDS)
"""Every field that a column can hold."""

INDONESIAN: Mapping[str, str] = {
    "service": "layanan", "link": "tautan", "quantity": "jumlah", "runs": "pengulangan", "interval": "jeda",
    "comments": "komentar", "usernames": "daftar nama pengguna", "hashtags": "daftar tagar", "hashtag": "tagar",
    "username": "nama pengguna", "media": "tautan media", "answer_number": "nomor jawaban", "groups": "grup",
    "keywords": "kata kunci", "country": "negara", "device": "perangkat", "type_of_traffic": "jenis trafik",
    "google_keyword": "kata kunci google", "referring_url": "tautan perujuk", "min": "jumlah minimal",
    "max": "jumlah maksimal", "delay": "penundaan", "posts": "postingan baru", "old_posts": "postingan lama",
    "expiry": "berlaku sampai", "skip": "lewati", "enabled": "aktif",
    "order_id": "ID pesanan", "order_status": "status pesanan", "charge": "biaya pesanan",
    "start_count": "hitungan awal", "remains": "sisa pesanan", "currency": "mata uang", "error": "pesan kesalahan",
    "updated_at": "diperbarui pada", "refill_id": "ID isi ulang", "refill_status": "status isi ulang",
}  # fmt: skip
"""The Indonesian heading of each field."""


def normal_name(header: str) -> str:
    """Return the letters and digits of a header in lower case: "serviceid" for " Service_ID* "."""
    return "".join(filter(str.isalnum, header.casefold()))


def _known_names() -> dict[str, str]:
    # Results overwrite what is in their columns, so these fields have no synonyms but the headings that they are
    # written under: a column "Status" or "Nomor pesanan" of the user is left alone.
    names = {normal_name(name): field for field in FIELDS for name in (field, INDONESIAN[field])}
    for field, synonyms in (*_ORDER_NAMES.items(), *SWITCH_NAMES.items()):
        names.update({normal_name(synonym): field for synonym in synonyms})
    return names


_FIELD_OF = _known_names()


@dataclass(frozen=True, slots=True)
class Header:
    """The header row of a sheet."""

    row: int
    """The header's row number, from 1."""
    columns: Mapping[str, Column]
    """Field -> column, in the order of the sheet."""
    ignored: tuple[str, ...]
    """Headers that are not known, as they are in the file."""


def field_of(header: str, given: HeaderNames = ()) -> str | None:
    """Return the field of a header, or None if the header is not known.

    A field that the user mapped to a header is that column alone, whatever other columns are called.
    """
    for theirs, field in given:
        if same_header(theirs, header):
            return field
    known = _FIELD_OF.get(normal_name(header))
    return None if any(field == known for _, field in given) else known


def fields_of(cells: Sequence[str], given: HeaderNames = ()) -> list[str | None]:
    """Return the field of each header of a row: "Jumlah (pcs)" and "Tautan / Link" are known by their parts.

    A part counts only if no other header of the row means its field.
    """
    fields = [field_of(cell, given) for cell in cells]
    parts = [_field_by_parts(cell, given) if field is None else None for cell, field in zip(cells, fields, strict=True)]
    alone = {part for part in parts if parts.count(part) == 1 and part not in fields}
    return [part if part in alone else field for part, field in zip(parts, fields, strict=True)]


_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def _field_by_parts(header: str, given: HeaderNames) -> str | None:
    """Return the field of an order that a header means without its brackets, and on each side of its slashes."""
    outside = _IN_BRACKETS.sub(" ", header)
    if outside == header and "/" not in header:
        return None
    fields = {field_of(part, given) for part in outside.split("/")}
    field = fields.pop() if len(fields) == 1 else None
    return field if field in ORDER_FIELDS else None


_INDONESIAN_WORDS = re.compile(
    r"(?<![a-z])(layanan|servis|tautan|jumlah|jml|kuantitas|kuantiti|pesanan|komentar|pengguna|nomor|alamat|kode)(?![a-z])",
    re.IGNORECASE,
)


def result_headings(columns: Mapping[str, Column], given: HeaderNames = ()) -> Mapping[str, str]:
    """Return the heading of each result field in the style of a sheet: "order_id", "Order ID", "ID PESANAN".

    Columns of results that the sheet has already set the style. Each heading is known again when the sheet is read.
    """
    results = [column.header for field, column in columns.items() if field in RESULT_FIELDS]
    texts = results or [column.header for column in columns.values()]
    is_indonesian = any(map(_INDONESIAN_WORDS.search, texts))
    styled = {field: _styled(INDONESIAN[field] if is_indonesian else field, texts) for field in RESULT_FIELDS}
    # A name that the user mapped to another field would be read as that field.
    names = {field: (name, field, INDONESIAN[field]) for field, name in styled.items()}
    return {field: next((name for name in names[field] if field_of(name, given) == field), field) for field in names}


def _styled(name: str, texts: Sequence[str]) -> str:
    """Return a name with the capitals and the separators of some headings; in lower case with "_" if they are mixed."""
    begins = [next(filter(str.isalpha, text), "") for text in texts]
    is_capital = sum(map(str.isupper, begins)) * 2 > len(texts)
    words = name.lower().replace("_", " ").split()
    if texts and all(map(str.isupper, texts)):
        words = [word.upper() for word in words]
    elif is_capital:
        is_title = any(re.search(r"[\s_-][A-Z][a-z]", text) for text in texts)
        words = [word.capitalize() if at == 0 or is_title else word for at, word in enumerate(words)]
        words = ["ID" if word.lower() == "id" else word for word in words]
    is_spaced = any(" " in text.strip() for text in texts) or (is_capital and not any("_" in text for text in texts))
    return (" " if is_spaced else "_").join(words)


def same_header(one: str, other: str) -> bool:
    """Return whether two headers are the same: by their letters and digits, or if they have none by their signs."""
    name = normal_name(one)
    return name == normal_name(other) and (name != "" or one.strip() == other.strip() != "")


def is_header(cells: Sequence[str], given: HeaderNames = ()) -> bool:
    """Return whether a row names the service and at least one other field of an order."""
    fields = set(fields_of(cells, given))
    return "service" in fields and len(fields.intersection(ORDER_FIELDS)) > 1


def find_header(rows: Sequence[Sequence[str]], given: HeaderNames = ()) -> int | None:
    """Return the index of the header row among a sheet's first rows, or None if there is none."""
    return next((index for index, cells in enumerate(rows[:HEADER_SEARCH_ROWS]) if is_header(cells, given)), None)


def parse_header(cells: Sequence[str], row: int, source: str, given: HeaderNames = (), worksheet: str = "") -> Header:
    """Find the column of each field.

    :param source: the file, for the message.
    :param given: headers that the user mapped.
    :raises SheetError: if two columns hold the same field, or a mapped header is missing.
    """
    columns: dict[str, Column] = {}
    ignored = []
    for index, (cell, field) in enumerate(zip(cells, fields_of(cells, given), strict=True)):
        column = Column(index, column_letter(index), cell)
        if field is None:
            ignored.extend([cell] if cell else [])
        elif field in columns:
            raise _duplicate(_in_worksheet(source, worksheet), field, row, columns[field], column)
        else:
            columns[field] = column
    for theirs, field in given:
        if field not in columns:
            raise _not_there(_in_worksheet(source, worksheet), theirs, field, row, cells)
    return Header(row, columns, tuple(ignored))


def _in_worksheet(source: str, worksheet: str) -> str:
    return _("{path}, sheet {sheet!r}", path=source, sheet=worksheet) if worksheet else source


def _not_there(source: str, theirs: str, field: str, row: int, cells: Sequence[str]) -> SheetError:
    held = ", ".join(repr(cell) for cell in cells if cell)[:500]
    return SheetError(
        _(
            "{source}: {theirs!r} is mapped to {field} (by you, or by the map saved next to the sheet), but row {row} "
            "has no column of that name. Columns: {held}. Map one of these, or delete the map.",
            source=source,
            theirs=theirs,
            field=field,
            row=row,
            held=held,
        )
    )


def _duplicate(source: str, field: str, row: int, first: Column, second: Column) -> SheetError:
    return SheetError(
        _(
            "{source}: columns {first} ({first_header!r}) and {second} ({second_header!r}) of row {row} both mean "
            "{field}. Rename or delete one of them.",
            source=source,
            first=first.letter,
            first_header=first.header,
            second=second.letter,
            second_header=second.header,
            row=row,
            field=field,
        )
    )


def _best_row(rows: Sequence[Sequence[str]], given: HeaderNames) -> tuple[int, list[tuple[str, str]]]:
    """Return the number of the row that is most like a header, and what was understood of it; 0 for no rows."""
    understood = []
    for number, cells in enumerate(rows[:HEADER_SEARCH_ROWS], start=1):
        known = [(cell, field) for cell, field in zip(cells, fields_of(cells, given), strict=True) if field is not None]
        understood.append((len(known), sum(map(bool, cells)) > 1, -number, known))
    _count, _is_wide, number, known = max(understood, default=(0, False, 0, []))
    return -number, known


def _best_candidate(number: int, known: Sequence[tuple[str, str]]) -> str:
    """Return what was understood of the row that is most like a header; "" if nothing was."""
    if not known:
        return ""
    meanings = ", ".join(_("{header!r} is {field}", header=cell, field=field) for cell, field in known)
    if any(field == "service" for _header, field in known):
        text = _(
            "Row {row} is most like a header: {meanings}; link or quantity is missing.", row=number, meanings=meanings
        )
    else:
        text = _("Row {row} is most like a header: {meanings}; service is missing.", row=number, meanings=meanings)
    return f"{text} "


def missing_header_error(
    source: str,
    rows: Sequence[Sequence[str]],
    given: HeaderNames = (),
    surface: Surface = COMMAND_LINE,
    worksheet: str = "",
) -> SheetError:
    """Return the error about a sheet without a header row, with what its first rows hold instead."""
    seen = [", ".join(filter(None, cells))[:120] for cells in rows[:HEADER_SEARCH_ROWS]]
    held = "; ".join(
        _("row {row}: {texts}", row=number, texts=text) for number, text in enumerate(seen, start=1) if text
    )
    best, known = _best_row(rows, given)
    theirs = "".join(_("; {header!r} for {field}", header=header, field=field) for header, field in given)
    return SheetError(
        _(
            "{source}: no header row in the first {rows} rows. It needs the columns 'service' and 'link' or 'quantity' "
            "(or 'layanan', 'tautan', 'jumlah', …{theirs}). The first rows hold: {held}. {candidate}Add a header row "
            "above the orders, or map its names to fields: {option}.",
            source=_in_worksheet(source, worksheet),
            rows=HEADER_SEARCH_ROWS,
            theirs=theirs,
            held=held[:500] or _("nothing"),
            candidate=_best_candidate(best, known),
            option=surface.phrase(headers=["Their name=link"]),
        ),
        [cell for cell in rows[best - 1] if cell] if best else (),
    )
