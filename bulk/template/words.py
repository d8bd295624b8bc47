"""What a template says to people, in English and in Indonesian."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bulk.model.cell_values import EXAMPLE_MARKS

LONGEST_PROMPT = 255
"""Characters that a hint beside a cell can have (Excel's specifications and limits)."""


class Language(StrEnum):
    """The languages that a template speaks."""

    ENGLISH = "en"
    INDONESIAN = "id"


@dataclass(frozen=True, slots=True)
class Words:
    """Every text of a template. Columns keep the names of their fields."""

    sheet: str
    """The name of the sheet of instructions."""
    title: str
    steps: tuple[str, ...]
    about_limits: str
    """A step more, where the template has services."""
    columns: tuple[str, str]
    """The heads of the table of columns."""
    types: tuple[str, str, str, str]
    """The heads of the table of order types."""
    units: Mapping[str, str]
    """What an order is billed by, by the name of its units."""
    nothing: str
    services: tuple[str, ...]
    """The heads of the sheet of services."""
    limits: str
    """The head of the column that shows a service's limits."""
    between: str
    """How a service's limits are told: with min, max and rate."""
    at_least: str
    """How they are told where there is no maximum: with min and rate."""
    package: str
    """How a package's price is told: with rate."""
    not_in_list: str
    beyond: str
    no_number: str
    example: str
    """What every cell of an example begins with."""
    hints: Mapping[str, str]
    """Field -> what its column holds."""


_ENGLISH = Words(
    sheet="Instructions",
    title="How to fill in this workbook",
    steps=(
        (
            "Write one order in each row of the sheet Orders. Choose its service from the list in the cell, which "
            "shows id and name, or type the id alone."
        ),
        (
            "Fill in the columns that the type of the service needs: the second table below names them. Leave all "
            "others empty."
        ),
        "A list, such as comments, stands in one cell, one item a line: Alt+Enter begins a new line.",
        (
            "Rows whose cells begin with 'e.g.' are examples and are never ordered. Write over all their cells, or "
            "delete them."
        ),
        (
            "Save the workbook as .xlsx. Then 'smmplus check FILE' shows problems and the price, and 'smmplus run "
            "FILE' asks you, orders every row once, and writes what came of it into the columns from order_id on."
        ),
        (
            "Those columns are protected against typing. Review > Unprotect Sheet lifts the protection; there is no "
            "password."
        ),
        "Run the same file again whenever you like: what is ordered is not ordered again.",
    ),
    about_limits=(
        "The column 'limits' shows the smallest and the largest quantity of the service and its price, as they were "
        "when this workbook was made. The check asks the panel again."
    ),
    columns=("column", "what it holds"),
    types=("type of the service", "columns to fill in", "columns that may stay empty", "billed by"),
    units={
        "QUANTITY": "quantity",
        "RUNS": "quantity, times runs if there are any",
        "PACKAGE": "one package at its price",
        "COMMENTS": "lines of comments",
        "USERNAMES": "lines of usernames",
        "POSTS": "between min and max for each post",
    },
    nothing="none",
    services=("choose", "id", "name", "category", "type", "rate", "min", "max", "fill in", "limits"),
    limits="limits",
    between="{min} to {max}, {rate} for 1000",
    at_least="at least {min}, {rate} for 1000",
    package="{rate} for the package",
    not_in_list="Choose a service from the list, or type its id alone. The check tells whether the panel offers it.",
    beyond="That is outside the limits of this service as they were when this workbook was made. Keep it all the same?",
    no_number="This column holds a whole number, such as 10. Keep it all the same?",
    example=EXAMPLE_MARKS[0],
    hints={
        "service": "Choose it from the list, which shows id and name, or type the id alone.",
        "link": "The whole address, beginning with https://",
        "quantity": "How many: plain digits, such as 1000, within the limits of the service.",
        "runs": "Drip-feed: how often the quantity is ordered. Only together with interval; the price counts all runs.",
        "interval": "Drip-feed: minutes between two runs. Only together with runs.",
        "comments": "The comments, one a line. Alt+Enter begins a new line.",
        "usernames": "The usernames, one a line. Alt+Enter begins a new line.",
        "hashtags": "The hashtags, one a line. Alt+Enter begins a new line.",
        "hashtag": "One hashtag.",
        "username": "One username.",
        "media": "The whole address of the post, beginning with https://",
        "answer_number": "The number of the answer in the poll: 1 for the first.",
        "groups": "The groups, one a line. Alt+Enter begins a new line.",
        "keywords": "The keywords, one a line. Alt+Enter begins a new line.",
        "country": "The country, as the description of the service writes it.",
        "device": "A number from 1 to 5; the description of the service says which device it is.",
        "type_of_traffic": "1: from Google, with google_keyword. 2: from another site, with referring_url. 3: neither.",
        "google_keyword": "For traffic of type 1: what is searched for.",
        "referring_url": "For traffic of type 2: the whole address, beginning with https://",
        "min": "The smallest quantity for each post.",
        "max": "The largest quantity for each post.",
        "delay": "Minutes before each post is served: 0, 5, 10, 15, 30, 60, 90 and so on up to 600.",
        "posts": "How many new posts are served. Without it, the cost has no upper bound.",
        "old_posts": "How many posts are served that are there already.",
        "expiry": "The last day, as year-month-day: 2026-12-31.",
    },
)

_INDONESIAN = Words(
    sheet="Petunjuk",
    title="Cara mengisi buku kerja ini",
    steps=(
        (
            "Tulis satu pesanan di setiap baris lembar Orders. Pilih layanan dari daftar di dalam sel, yang "
            "menampilkan id dan nama, atau ketik id-nya saja."
        ),
        "Isi kolom yang diperlukan oleh tipe layanan; tabel kedua di bawah menyebutkannya. Biarkan kolom lain kosong.",
        "Sebuah daftar, misalnya komentar, ditulis dalam satu sel, satu butir per baris: Alt+Enter memulai baris baru.",
        (
            "Baris yang sel-selnya diawali 'contoh:' hanyalah contoh dan tidak pernah dipesan. Timpa semua selnya, "
            "atau hapus barisnya."
        ),
        (
            "Simpan buku kerja sebagai .xlsx. Lalu 'smmplus check BERKAS' menampilkan masalah dan harga, dan 'smmplus "
            "run BERKAS' bertanya kepada Anda, memesan setiap baris satu kali, dan menulis hasilnya mulai dari kolom "
            "order_id."
        ),
        (
            "Kolom-kolom hasil itu dilindungi dari pengetikan. Tinjau > Buka Proteksi Lembar melepas perlindungannya; "
            "tidak ada kata sandi."
        ),
        "Jalankan berkas yang sama kapan saja: yang sudah dipesan tidak dipesan lagi.",
    ),
    about_limits=(
        "Kolom 'batas' menampilkan jumlah terkecil dan terbesar dari layanan itu beserta harganya pada saat buku kerja "
        "ini dibuat. Pemeriksaan menanyakannya lagi kepada panel."
    ),
    columns=("kolom", "isinya"),
    types=("tipe layanan", "kolom yang harus diisi", "kolom yang boleh kosong", "dihitung menurut"),
    units={
        "QUANTITY": "quantity",
        "RUNS": "quantity, dikali runs bila diisi",
        "PACKAGE": "satu paket dengan harganya",
        "COMMENTS": "jumlah baris comments",
        "USERNAMES": "jumlah baris usernames",
        "POSTS": "antara min dan max untuk setiap postingan",
    },
    nothing="tidak ada",
    services=("pilihan", "id", "nama", "kategori", "tipe", "harga", "min", "max", "isi kolom", "batas"),
    limits="batas",
    between="{min} sampai {max}, {rate} per 1000",
    at_least="minimal {min}, {rate} per 1000",
    package="{rate} per paket",
    not_in_list="Pilih layanan dari daftar, atau ketik id-nya saja. Pemeriksaan menanyakannya kepada panel.",
    beyond="Ini di luar batas layanan pada saat buku kerja ini dibuat. Tetap dipakai?",
    no_number="Kolom ini berisi bilangan bulat, misalnya 10. Tetap dipakai?",
    example=EXAMPLE_MARKS[1],
    hints={
        "service": "Pilih dari daftar, yang menampilkan id dan nama, atau ketik id-nya saja.",
        "link": "Alamat lengkap, diawali https://",
        "quantity": "Berapa banyak: angka saja, misalnya 1000, dalam batas layanan.",
        "runs": "Drip-feed: berapa kali jumlah itu dipesan. Hanya bersama interval; harga menghitung semuanya.",
        "interval": "Drip-feed: jeda dalam menit antara dua pengulangan. Hanya bersama runs.",
        "comments": "Komentar, satu per baris. Alt+Enter memulai baris baru.",
        "usernames": "Nama pengguna, satu per baris. Alt+Enter memulai baris baru.",
        "hashtags": "Tagar, satu per baris. Alt+Enter memulai baris baru.",
        "hashtag": "Satu tagar.",
        "username": "Satu nama pengguna.",
        "media": "Alamat lengkap postingan, diawali https://",
        "answer_number": "Nomor jawaban dalam jajak pendapat: 1 untuk yang pertama.",
        "groups": "Grup, satu per baris. Alt+Enter memulai baris baru.",
        "keywords": "Kata kunci, satu per baris. Alt+Enter memulai baris baru.",
        "country": "Negara, seperti ditulis dalam keterangan layanan.",
        "device": "Angka 1 sampai 5; keterangan layanan menyebutkan perangkat yang dimaksud.",
        "type_of_traffic": "1: dari Google, dengan google_keyword. 2: dari situs lain, dengan referring_url. 3: lain.",
        "google_keyword": "Untuk trafik tipe 1: kata yang dicari.",
        "referring_url": "Untuk trafik tipe 2: alamat lengkap, diawali https://",
        "min": "Jumlah terkecil untuk setiap postingan.",
        "max": "Jumlah terbesar untuk setiap postingan.",
        "delay": "Menit sebelum setiap postingan dilayani: 0, 5, 10, 15, 30, 60, 90 dan seterusnya sampai 600.",
        "posts": "Berapa postingan baru yang dilayani. Tanpa ini, biayanya tidak punya batas atas.",
        "old_posts": "Berapa postingan lama yang dilayani.",
        "expiry": "Hari terakhir, sebagai tahun-bulan-tanggal: 2026-12-31.",
    },
)

WORDS = {Language.ENGLISH: _ENGLISH, Language.INDONESIAN: _INDONESIAN}
