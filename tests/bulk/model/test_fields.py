import pytest

from bulk.model import fields as columns
from bulk.model.errors import SheetError
from bulk.model.fields import ORDER_FIELDS, field_of, fields_of, find_header, missing_header_error, parse_header
from bulk.model.sheet import RESULT_FIELDS


@pytest.mark.parametrize("field", [*ORDER_FIELDS, *RESULT_FIELDS])
def test_every_field_is_known_by_its_own_name(field):
    assert field_of(field) == field


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Service ID", "service"),
        (" SERVICE-id* ", "service"),
        ("Layanan", "service"),
        ("ID_Layanan", "service"),
        ("URL", "link"),
        ("Tautan", "link"),
        ("Qty.", "quantity"),
        ("Jumlah", "quantity"),
        ("Komentar", "comments"),
        ("Custom Comments", "comments"),
        ("hash tags", "hashtags"),
        ("Answer Number", "answer_number"),
        ("Type of traffic", "type_of_traffic"),
        ("Referring URL:", "referring_url"),
        ("Order ID", "order_id"),
        ("Updated at", "updated_at"),
    ],
)
def test_names_are_known_in_any_case_and_punctuation(header, field):
    assert field_of(header) == field


@pytest.mark.parametrize(
    "header", ["id", "ID", "", "note", "price", "order", "amount", "name", "服务", "Status", "Nomor pesanan"]
)
def test_names_that_could_mean_anything_are_not_known(header):
    assert field_of(header) is None


def test_no_synonym_stands_for_two_fields():
    meanings: dict[str, set[str]] = {}
    for field, synonyms in columns._ORDER_NAMES.items():
        for name in (field, *synonyms):
            meanings.setdefault(columns.normal_name(name), set()).add(field)
    assert {name: fields for name, fields in meanings.items() if len(fields) > 1} == {}


def test_the_header_may_stand_below_a_title():
    assert find_header([["Campaign"], [], ["Please order a service"], ["Service", "Link"]]) == 3


def test_a_service_alone_is_no_header():
    assert find_header([["service", "note", "order_id"]]) is None


def test_a_subscription_needs_no_link():
    assert find_header([["service", "username"]]) == 0


def test_the_header_is_not_looked_for_below_row_50():
    rows = [["x"]] * 49 + [["service", "link"]]
    assert find_header(rows) == 49
    assert find_header([["x"], *rows]) is None


def test_a_doubled_name_is_refused_with_both_columns():
    with pytest.raises(SheetError, match=r"f\.csv: columns A \('Link'\) and C \('url'\) of row 2 both mean link"):
        parse_header(["Link", "Service", "url"], 2, "f.csv")


def test_unknown_headers_are_told_and_may_be_doubled():
    header = parse_header(["note", "service", "", "note", "link"], 1, "f.csv")
    assert header.ignored == ("note", "note")
    assert {field: column.letter for field, column in header.columns.items()} == {"service": "B", "link": "E"}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Kode Layanan", "service"),
        ("ID Service", "service"),
        ("No. Layanan", "service"),
        ("Link Postingan", "link"),
        ("Tautan / URL", None),
        ("Link/URL", "link"),
        ("Jumlah Pesanan", "quantity"),
        ("Jml.", "quantity"),
        ("Order quantity", "quantity"),
        ("Interval (menit)", "interval"),
        ("Jumlah run", "runs"),
        ("List komentar", "comments"),
        ("Nomor jawaban", "answer_number"),
        ("Berlaku sampai", "expiry"),
        ("Lewati", "skip"),
        ("AKTIF", "enabled"),
        ("Nama akun", None),
        ("Harga", None),
        ("Active", None),
    ],
)
def test_more_names_are_known_and_those_that_may_mean_something_else_are_not(header, field):
    assert field_of(header) == field


def test_what_a_person_says_goes_before_the_known_names():
    given = (("Tujuan", "link"),)
    assert [field_of(header, given) for header in ("TUJUAN ", "Link", "Qty")] == ["link", None, "quantity"]


def test_signs_without_letters_can_be_named_too():
    given = (("#", "quantity"),)
    assert [field_of(header, given) for header in (" # ", "*", "")] == ["quantity", None, None]


def test_a_header_of_a_person_s_own_names_makes_a_row_the_header():
    rows = [["Kampanye"], ["Kode", "Tujuan"], ["7", "x"]]
    assert find_header(rows) is None
    assert find_header(rows, (("Kode", "service"), ("Tujuan", "link"))) == 1


def test_switches_alone_make_no_header():
    assert find_header([["service", "skip", "enabled"]]) is None


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (("Layanan (ID)", "Tautan / Link", "Jumlah (pcs)"), ["service", "link", "quantity"]),
        (("Service [ID]", "Link/URL", "Qty (total) [pcs]"), ["service", "link", "quantity"]),
        (("Service ID", "Service (name)", "Link (optional)"), ["service", None, "link"]),
        (("Service", "Link (old)", "Link (new)", "Jumlah"), ["service", None, None, "quantity"]),
        (("Service", "Link / Notes", "Harga (service)", "Quantity / Link"), ["service", None, None, None]),
        (("Service", "Link", "Error (mine)", "Status (order)"), ["service", "link", None, None]),
    ],
)
def test_headers_with_brackets_and_slashes_are_known_by_their_parts(headers, fields):
    assert fields_of(headers) == fields


def test_what_was_understood_of_the_best_candidate_is_told():
    words = str(missing_header_error("a.csv", [["Report"], ["Nomor", "Tautan / Link", "Jumlah (pcs)"]]))
    assert (
        "Row 2 is most like a header: 'Tautan / Link' is link, 'Jumlah (pcs)' is quantity; service is missing." in words
    )


@pytest.mark.parametrize(
    ("rows", "headers"),
    [
        ([["Report"], ["Nomor", "Tautan", "", "Pcs"]], ("Nomor", "Tautan", "Pcs")),
        ([["My orders"], ["What", "Where", "How many"], ["1", "https://x.com", "5"]], ("What", "Where", "How many")),
        ([["Report"]], ("Report",)),
        ([], ()),
    ],
)
def test_an_error_about_headers_has_the_row_that_may_be_one(rows, headers):
    assert missing_header_error("a.csv", rows).headers == headers


@pytest.mark.parametrize(
    ("headers", "styled"),
    [
        ("service,link,quantity", "order_id,start_count,error"),
        ("Service,Link,Quantity", "Order ID,Start count,Error"),
        ("Service ID,Post Link,Qty", "Order ID,Start Count,Error"),
        ("SERVICE,LINK", "ORDER ID,START COUNT,ERROR"),
        ("Service_ID,Link", "Order_ID,Start_count,Error"),
        ("service id,link", "order id,start count,error"),
        ("Layanan,Tautan,Jumlah (pcs)", "ID pesanan,Hitungan awal,Pesan kesalahan"),
        ("id_layanan,link", "id_pesanan,hitungan_awal,pesan_kesalahan"),
        ("LAYANAN,LINK", "ID PESANAN,HITUNGAN AWAL,PESAN KESALAHAN"),
        ("Layanan,Tautan,order_id,order_status", "order_id,start_count,error"),
        ("service,link,ID pesanan", "ID pesanan,Hitungan awal,Pesan kesalahan"),
    ],
)
def test_headings_of_results_have_the_style_of_the_sheet(headers, styled):
    headings = columns.result_headings(parse_header(headers.split(","), 1, "f.csv").columns)
    assert [headings[name] for name in ("order_id", "start_count", "error")] == styled.split(",")
    assert {name: field_of(heading) for name, heading in headings.items()} == {name: name for name in RESULT_FIELDS}


def test_a_heading_that_a_person_mapped_to_another_field_is_not_used():
    given = (("Order ID", "service"),)
    headings = columns.result_headings(parse_header(["Order ID", "Link"], 1, "f.csv", given).columns, given)
    assert (headings["order_id"], field_of(headings["order_id"], given)) == ("ID pesanan", "order_id")


def test_every_field_is_known_by_its_indonesian_heading():
    assert {field: field_of(heading) for field, heading in columns.INDONESIAN.items()} == {
        field: field for field in columns.FIELDS
    }
