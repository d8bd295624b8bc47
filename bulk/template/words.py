"""The texts of a template, in English and Indonesian."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bulk.model.cell_values import EXAMPLE_MARKS
from bulk.model.fields import FIELDS, INDONESIAN

LONGEST_PROMPT = 255
"""Characters of a hint next to a cell (Excel specifications and limits: data validation input message)."""


class Language(StrEnum):
    """The languages of a template."""

    ENGLISH = "en"
    INDONESIAN = "id"


@dataclass(frozen=True, slots=True)
class Words:
    """Every text of a template in one language."""

    headings: Mapping[str, str]
    """Field -> the heading of its column. Sheets with these headings are understood."""
    sheet: str
    """The name of the worksheet of instructions."""
    title: str
    steps: tuple[str, ...]
    choose: str
    """How to fill in the service if there is a list of them."""
    about_limits: str
    """An additional step if the template has services."""
    columns: tuple[str, str]
    """The header of the table of columns."""
    types: tuple[str, str, str, str]
    """The header of the table of order types."""
    units: Mapping[str, str]
    """Name of the units -> what an order is billed by."""
    nothing: str
    services: tuple[str, ...]
    """The header of the worksheet of services."""
    limits: str
    """The header of the column that shows a service's limits."""
    between: str
    """A service's limits, with min, max and rate."""
    at_least: str
    """The limits without a maximum, with min and rate."""
    package: str
    """The price of a package, with rate."""
    not_in_list: str
    beyond: str
    no_number: str
    example: str
    """The beginning of every cell of an example."""
    hints: Mapping[str, str]
    """Field -> the hint of its column."""

    def hint(self, field: str, *, with_services: bool) -> str:
        """Return the hint of a column of a template with or without services to choose from."""
        return self.choose if field == "service" and with_services else self.hints[field]

    def named(self, fields: Sequence[str]) -> str:
        """Return the headings of some fields as a list."""
        return ", ".join(map(self.headings.__getitem__, fields)) or self.nothing


_ENGLISH = Words(
    headings={field: field for field in FIELDS},
    sheet="Instructions",
    title="How to fill in this workbook",
    steps=(
        "Write one order per row in the sheet Orders.",
        (
            "Fill in the columns that the type of the service needs. The second table below lists them. Leave the "
            "other columns empty."
        ),
        "Write a list (for example comments) in one cell, one item per line. Press Alt+Enter for a new line.",
        (
            "Rows whose cells begin with 'e.g.' are examples and are never ordered. Overwrite all their cells, or "
            "delete the rows."
        ),
        (
            "Save the workbook as .xlsx. 'smmplus check FILE' shows problems and the price. 'smmplus run FILE' asks "
            "you to confirm and orders every row once. The results appear in the columns starting with order_id."
        ),
        (
            "The result columns are protected against typing. To edit them, use Review > Unprotect Sheet. There is no "
            "password."
        ),
        "You can run the same file again at any time. Rows that were ordered are not ordered again.",
    ),
    choose="Choose a service from the list, which shows ID and name, or type only the ID.",
    about_limits=(
        "The column 'limits' shows the minimum and maximum quantity of the service and its price when this workbook "
        "was created. 'smmplus check FILE' uses the current values."
    ),
    columns=("column", "what it holds"),
    types=("type of the service", "required columns", "optional columns", "billed by"),
    units={
        "QUANTITY": "quantity",
        "RUNS": "quantity × runs, if there are runs",
        "PACKAGE": "one package",
        "COMMENTS": "number of comments",
        "USERNAMES": "number of usernames",
        "POSTS": "min to max for each post",
    },
    nothing="none",
    services=("choose", "id", "name", "category", "type", "price/1000", "min", "max", "required columns", "limits"),
    limits="limits",
    between="{min} to {max}, {rate} per 1000",
    at_least="at least {min}, {rate} per 1000",
    package="{rate} per package",
    not_in_list="Choose a service from the list, or type only its ID. 'smmplus check' verifies that it exists.",
    beyond="This is outside the limits of the service when this workbook was created. Keep it anyway?",
    no_number="This column needs a whole number, for example 10. Keep it anyway?",
    example=EXAMPLE_MARKS[0],
    hints={
        "service": "ID of the service, for example 12. 'smmplus services' shows all.",
        "link": "Full URL, starting with https://",
        "quantity": "Number of units, digits only, for example 1000. It must be within the limits of the service.",
        "runs": "Drip-feed: number of times to deliver the quantity. Needs interval. The price includes all runs.",
        "interval": "Drip-feed: minutes between two runs. Needs runs.",
        "comments": "Comments, one per line. Press Alt+Enter for a new line.",
        "usernames": "Usernames, one per line. Press Alt+Enter for a new line.",
        "hashtags": "Hashtags, one per line. Press Alt+Enter for a new line.",
        "hashtag": "One hashtag.",
        "username": "One username.",
        "media": "Full URL of the post, starting with https://",
        "answer_number": "Number of the answer in the poll, starting with 1.",
        "groups": "Groups, one per line. Press Alt+Enter for a new line.",
        "keywords": "Keywords, one per line. Press Alt+Enter for a new line.",
        "country": "Country, written as in the description of the service.",
        "device": "Number from 1 to 5. The description of the service lists the devices.",
        "type_of_traffic": "1: from Google (fill in google_keyword). 2: from a site (referring_url). 3: no referrer.",
        "google_keyword": "Search term, for type_of_traffic 1.",
        "referring_url": "Full URL, starting with https://, for type_of_traffic 2.",
        "min": "Minimum quantity for each post.",
        "max": "Maximum quantity for each post.",
        "delay": "Minutes to wait before each post is served: 0, 5, 10, 15, 30, 60, 90 and so on up to 600.",
        "posts": "Number of new posts to include. If it is empty, the cost has no upper limit.",
        "old_posts": "Number of existing posts to include.",
        "expiry": "Last day, written as year-month-day: 2026-12-31.",
    },
)

_INDONESIAN = Words(
    headings={field: name[0].upper() + name[1:] for field, name in INDONESIAN.items()},
    sheet="Petunjuk",
    title="Cara mengisi buku kerja ini",
    steps=(
        "Tulis satu pesanan per baris di lembar Orders.",
        "Isi kolom yang diperlukan oleh tipe layanan. Tabel kedua di bawah mencantumkannya. Kosongkan kolom lain.",
        "Tulis daftar (misalnya komentar) dalam satu sel, satu butir per baris. Tekan Alt+Enter untuk baris baru.",
        (
            "Baris yang sel-selnya diawali 'contoh:' adalah contoh dan tidak pernah dipesan. Timpa semua selnya, atau "
            "hapus barisnya."
        ),
        (
            "Simpan buku kerja sebagai .xlsx. 'smmplus check BERKAS' menampilkan masalah dan harga. 'smmplus run "
            "BERKAS' meminta konfirmasi Anda dan memesan setiap baris satu kali. Hasilnya muncul di kolom mulai dari "
            "ID pesanan."
        ),
        (
            "Kolom hasil dilindungi dari pengetikan. Untuk mengubahnya, pilih Tinjau > Buka Proteksi Lembar. Tidak ada "
            "kata sandi."
        ),
        "Anda dapat menjalankan berkas yang sama lagi kapan saja. Baris yang sudah dipesan tidak dipesan lagi.",
    ),
    choose="Pilih layanan dari daftar, yang menampilkan ID dan nama, atau ketik ID-nya saja.",
    about_limits=(
        "Kolom 'batas' menampilkan jumlah minimum dan maksimum layanan itu serta harganya pada saat buku kerja ini "
        "dibuat. 'smmplus check BERKAS' memakai nilai terbaru."
    ),
    columns=("kolom", "isinya"),
    types=("tipe layanan", "kolom wajib", "kolom opsional", "ditagih menurut"),
    units={
        "QUANTITY": "jumlah",
        "RUNS": "jumlah × pengulangan, bila pengulangan diisi",
        "PACKAGE": "satu paket",
        "COMMENTS": "jumlah komentar",
        "USERNAMES": "jumlah nama pengguna",
        "POSTS": "jumlah minimal sampai jumlah maksimal untuk setiap postingan",
    },
    nothing="tidak ada",
    services=("pilihan", "id", "nama", "kategori", "tipe", "harga/1000", "min", "max", "kolom wajib", "batas"),
    limits="batas",
    between="{min} sampai {max}, {rate} per 1000",
    at_least="minimal {min}, {rate} per 1000",
    package="{rate} per paket",
    not_in_list="Pilih layanan dari daftar, atau ketik ID-nya saja. 'smmplus check' memeriksa apakah layanan itu ada.",
    beyond="Nilai ini di luar batas layanan pada saat buku kerja ini dibuat. Tetap gunakan?",
    no_number="Kolom ini harus berisi bilangan bulat, misalnya 10. Tetap gunakan?",
    example=EXAMPLE_MARKS[1],
    hints={
        "service": "ID layanan, misalnya 12. 'smmplus services' menampilkan semuanya.",
        "link": "URL lengkap, diawali https://",
        "quantity": "Jumlah unit, angka saja, misalnya 1000. Harus dalam batas layanan.",
        "runs": "Drip-feed: berapa kali jumlah itu dikirim. Perlu Jeda. Harga mencakup semua pengulangan.",
        "interval": "Drip-feed: jeda dalam menit antara dua pengulangan. Perlu Pengulangan.",
        "comments": "Komentar, satu per baris. Tekan Alt+Enter untuk baris baru.",
        "usernames": "Nama pengguna, satu per baris. Tekan Alt+Enter untuk baris baru.",
        "hashtags": "Tagar, satu per baris. Tekan Alt+Enter untuk baris baru.",
        "hashtag": "Satu tagar.",
        "username": "Satu nama pengguna.",
        "media": "URL lengkap postingan, diawali https://",
        "answer_number": "Nomor jawaban dalam jajak pendapat, mulai dari 1.",
        "groups": "Grup, satu per baris. Tekan Alt+Enter untuk baris baru.",
        "keywords": "Kata kunci, satu per baris. Tekan Alt+Enter untuk baris baru.",
        "country": "Negara, ditulis seperti dalam keterangan layanan.",
        "device": "Angka 1 sampai 5. Keterangan layanan mencantumkan perangkatnya.",
        "type_of_traffic": "1: dari Google (Kata kunci google). 2: dari situs lain (Tautan perujuk). 3: tanpa perujuk.",
        "google_keyword": "Kata pencarian, untuk Jenis trafik 1.",
        "referring_url": "URL lengkap, diawali https://, untuk Jenis trafik 2.",
        "min": "Jumlah minimum untuk setiap postingan.",
        "max": "Jumlah maksimum untuk setiap postingan.",
        "delay": "Menit sebelum setiap postingan dilayani: 0, 5, 10, 15, 30, 60, 90 dan seterusnya sampai 600.",
        "posts": "Jumlah postingan baru yang disertakan. Bila kosong, biayanya tidak punya batas atas.",
        "old_posts": "Jumlah postingan lama yang disertakan.",
        "expiry": "Hari terakhir, ditulis tahun-bulan-tanggal: 2026-12-31.",
    },
)

WORDS = {Language.ENGLISH: _ENGLISH, Language.INDONESIAN: _INDONESIAN}
