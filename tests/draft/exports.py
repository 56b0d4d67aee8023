"""Twenty files as programs write them: each a function of a folder's file, and what a draft of it must say.

Each is deterministic. `broken` are the records that no declaration makes rows of.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = datetime(2024, 1, 27, 8, 3, 5)


@dataclass(frozen=True)
class Export:
    """A file: its name and bytes, and what matters of its draft.

    `source`: the keys of [source] beside the format. `types`: of some columns. `inputs`: their names in the input.
    `broken`: how many records are rejects in any case.
    """

    name: str
    data: bytes
    key: tuple[str, ...]
    types: dict[str, str]
    source: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    rows: int = 300
    broken: int = 0
    says: tuple[str, ...] = ()
    order_by: str = ""


EXPORTS: dict[str, Callable[[], Export]] = {}


def export(function: Callable[[], Export]) -> Callable[[], Export]:
    EXPORTS[function.__name__] = function
    return function


def lines(rows: Iterator[list[str]], header: str = "", delimiter: str = ",", end: str = "\n", quoting: int = 0) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return (header + end if header else "") + text.getvalue()


def german(number: float, digits: int = 2) -> str:
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


@export
def excel_german() -> Export:
    """Excel, "CSV UTF-8" in Germany: semicolons, a byte order mark, decimal commas, days first, postcodes."""
    chance = random.Random(1)
    cities = ("Köln", "München", "Würzburg")
    rows = (
        [
            str(4_100_000 + i),
            f"Müller & Söhne {i % 40}",
            f"0{chance.randrange(1000, 9999)}" if i % 3 else str(chance.randrange(10_000, 99_999)),
            cities[i % 3],
            german(chance.uniform(-500, 15_000)),
            f"{DAY + timedelta(hours=7 * i):%d.%m.%Y}",
            "ja" if i % 4 else "nein",
        ]
        for i in range(300)
    )
    header = "Auftragsnr;Kunde;PLZ;Ort;Betrag (EUR);Bestelldatum;Bezahlt"
    return Export(
        "Aufträge 2024-01.csv",
        b"\xef\xbb\xbf" + lines(rows, header, ";", "\r\n").encode(),
        key=("auftragsnr",),
        types={
            "auftragsnr": "bigint",
            "plz": "string",
            "betrag_eur_text": "string",
            "betrag_eur": "decimal(10,2)",
            "bestelldatum": "date dd.MM.yyyy",
            "bezahlt": "string",
        },
        source={"delimiter": ";"},
        inputs={"betrag_eur_text": "Betrag (EUR)", "auftragsnr": "Auftragsnr"},
        says=("'ja' and 'nein'",),
    )


@export
def excel_us() -> Export:
    """Excel in the United States: m/d/Y without zeros, dollars with commas, negatives in parentheses, times with PM."""
    chance = random.Random(2)

    def dollars() -> str:
        amount = chance.uniform(-900, 20_000)
        text = f"${abs(amount):,.2f}"
        return f"({text})" if amount < 0 else text

    def rows() -> Iterator[list[str]]:
        for i in range(300):
            at = DAY + timedelta(hours=11 * i)
            day = f"{at.month}/{at.day}/{at.year}"
            yield [
                f"INV-{i:05}",
                day,
                f"{day} {at.hour % 12 or 12}:{at:%M %p}",
                dollars(),
                f"{i % 7}%",
                f"{chance.randrange(600, 99_999):05}",
            ]

    return Export(
        "Sales Report.csv",
        lines(rows(), "Invoice #,Invoice Date,Entered At,Amount,Discount,ZIP Code", end="\r\n").encode(),
        key=("invoice_number",),
        types={
            "invoice_date": "date M/d/yyyy",
            "entered_at": "timestamp M/d/yyyy h:mm a",
            "amount": "decimal(10,2)",
            "zip_code": "string",
            "discount": "int",
        },
        inputs={"invoice_number": "Invoice #"},
    )


@export
def french() -> Export:
    """A program of a French office: latin-1, semicolons, blanks between thousands, days first."""
    chance = random.Random(3)
    rows = (
        [
            f"F{i:04}",
            "Société Générale" if i % 2 else "Café de la Gare",
            f"{chance.uniform(0, 90_000):,.2f}".replace(",", "\xa0").replace(".", ","),
            f"{DAY + timedelta(days=i):%d/%m/%Y}",
        ]
        for i in range(300)
    )
    return Export(
        "factures.csv",
        lines(rows, "N° facture;Raison sociale;Montant TTC;Date d'émission", ";", "\r\n").encode("latin-1"),
        key=("n_facture",),
        types={"montant_ttc": "decimal(10,2)", "date_d_emission": "date dd/MM/yyyy", "raison_sociale": "string"},
        source={"delimiter": ";", "encoding": "cp1252"},
        inputs={"n_facture": "N° facture"},
    )


@export
def libreoffice() -> Export:
    """LibreOffice Calc: texts in quotes, a line break within one, no quotes around numbers."""
    rows = ([i, f'Item "{i}"', "first line\nsecond, line" if i % 5 == 0 else "one line", i / 4] for i in range(1, 301))
    return Export(
        "inventory.csv",
        lines(rows, '"Id","Name","Notes","Weight kg"', quoting=csv.QUOTE_NONNUMERIC).encode(),
        key=("id",),
        types={"id": "bigint", "name": "string", "notes": "string", "weight_kg": "decimal(9,4)"},
        inputs={"weight_kg": "Weight kg"},
    )


@export
def mysql() -> Export:
    r"""MySQL's SELECT … INTO OUTFILE: tabs, no header, \N, tabs and line ends escaped by backslashes."""
    r"""Zero dates are nulls of MySQL."""
    rows = (
        "\t".join(
            [
                str(i),
                f"user{i}@example.org",
                r"\N" if i % 3 else "12.50",
                f"{DAY + timedelta(minutes=i):%Y-%m-%d %H:%M:%S}",
                r"a\tb\\c" if i % 2 else "two\\\nlines",
            ]
        )
        for i in range(1, 301)
    )
    return Export(
        "accounts.txt",
        ("\n".join(rows) + "\n").encode(),
        key=("column_1",),
        types={"column_1": "bigint", "column_3": "decimal(7,2)", "column_4": "timestamp", "column_5": "string"},
        source={
            "delimiter": "\t",
            "quote": "",
            "escape": "\\",
            "header": False,
            "null": r"\N",
            "escape_sequences": True,
        },
    )


@export
def postgresql() -> Export:
    """PostgreSQL's COPY … CSV HEADER: empty nulls, t and f, offsets of hours alone, arrays as text."""
    rows = (
        [
            i * 10,
            "t" if i % 2 else "f",
            f"{DAY + timedelta(seconds=i):%Y-%m-%d %H:%M:%S}.{i:06}+00",
            "{1,2}",
            "" if i % 2 else f"{i / 8:.3f}",
        ]
        for i in range(1, 301)
    )
    return Export(
        "users.csv",
        lines(rows, "id,active,updated_at,groups,balance").encode(),
        key=("id",),
        types={
            "active": "boolean",
            "updated_at": "timestamp yyyy-MM-dd HH:mm:ss.SSSSSSX",
            "groups": "string",
            "balance": "decimal(8,3)",
        },
        order_by="updated_at",
    )


@export
def oracle() -> Export:
    """Oracle's SQL Developer: upper-case names, days as 01-JAN-24, numbers without a zero before the point."""
    rows = (
        [
            i,
            f"{DAY + timedelta(days=i):%d-%b-%y}".upper(),
            f"{i % 90 / 100:.2f}".lstrip("0"),
            "DEPT" if i % 2 else "SALES",
        ]
        for i in range(1, 301)
    )
    return Export(
        "EMPLOYEES_DATA.csv",
        lines(rows, '"EMPLOYEE_ID","HIRE_DATE","COMMISSION_PCT","DEPARTMENT"').encode(),
        key=("employee_id",),
        types={"hire_date": "date dd-MMM-yy", "commission_pct": "decimal(5,2)", "department": "string"},
        inputs={"employee_id": "EMPLOYEE_ID"},
        says=("2 values: DEPT, SALES", "two digits"),
    )


@export
def sql_server() -> Export:
    """SQL Server's Management Studio: NULL as a word, times with three digits, GUIDs, bits."""
    chance = random.Random(8)
    rows = (
        [
            str(uuid.UUID(int=chance.getrandbits(128))).upper(),
            f"{DAY + timedelta(seconds=i):%Y-%m-%d %H:%M:%S}.{i % 1000:03}",
            i % 2,
            "NULL" if i % 4 else chance.randrange(10**9),
            "NULL" if i % 5 else "note",
        ]
        for i in range(300)
    )
    return Export(
        "dbo.Orders.csv",
        b"\xef\xbb\xbf" + lines(rows, "OrderGUID,CreatedOn,IsOpen,RowVersionNo,Comment", end="\r\n").encode(),
        key=("order_guid",),
        types={"order_guid": "string", "created_on": "timestamp", "is_open": "int", "row_version_no": "bigint"},
        source={"null": "NULL"},
        inputs={"order_guid": "OrderGUID"},
    )


@export
def web_log() -> Export:
    """A web server's log as JSON lines: nested objects, a list, a member that comes late, one line cut off."""
    texts = [
        json.dumps(
            {
                "request": {"id": f"r{i}", "method": "GET", "headers": {"user-agent": "curl"}},
                "time": f"{DAY + timedelta(seconds=i):%Y-%m-%dT%H:%M:%S}Z",
                "status": 200 + i % 3,
                "duration_ms": round(i * 1.37 + 0.1234567890123, 13),
                "tags": ["a", i],
                "user": {"id": i % 9, "vip": i % 2 == 0} if i % 3 else None,
            }
        )
        for i in range(300)
    ]
    texts[150] = texts[150][:40]
    return Export(
        "access.jsonl",
        "\n".join(texts).encode(),
        key=("request_id",),
        types={
            "request_id": "string",
            "time": "timestamp",
            "status": "int",
            "duration_ms": "double",
            "tags": "string",
            "user_id": "int",
            "user_vip": "boolean",
        },
        inputs={"request_id": "request.id", "request_headers_user_agent": "request.headers.user-agent"},
        broken=1,
        says=("1 record would be a reject", "array, as JSON text"),
    )


@export
def payments() -> Export:
    """A payment provider's export: ids of letters, minor units, currencies in lower case, times in UTC named so."""
    rows = (
        [
            f"ch_{i:024x}",
            f"{DAY + timedelta(hours=i):%Y-%m-%d %H:%M}",
            f"{i * 3 % 500}.{i % 100:02}",
            "0.00" if i % 4 else f"{i % 50}.00",
            "eur" if i % 3 else "usd",
            "Paid" if i % 9 else "Refunded",
            f"cus_{i % 40:08x}",
            "",
        ]
        for i in range(300)
    )
    return Export(
        "unified_payments.csv",
        lines(rows, "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Description").encode(),
        key=("id",),
        types={
            "created_utc": "timestamp",
            "amount": "decimal(8,2)",
            "amount_refunded": "decimal(7,2)",
            "currency": "string",
            "description": "string",
        },
        inputs={"created_utc": "Created (UTC)"},
        says=("always empty", "2 values: eur, usd"),
    )


@export
def sensors() -> Export:
    """Devices: milliseconds since 1970, floats, one record a device and time, gzip."""
    chance = random.Random(11)
    rows = (
        [
            f"sensor-{i % 5}",
            1_706_342_585_000 + i // 5 * 60_000,
            round(chance.uniform(-20, 40), 2),
            chance.uniform(0, 1) * 1e-5,
            -40 - i % 50,
        ]
        for i in range(300)
    )
    return Export(
        "telemetry.csv.gz",
        gzip.compress(lines(rows, "device,ts,temperature,leak,rssi").encode(), mtime=0),
        key=("device", "ts"),
        types={
            "ts": "bigint",
            "ts_at": "timestamp",
            "temperature": "decimal(9,4)",
            "leak": "double",
            "rssi": "int",
            "date": "date",
        },
        says=("millis since 1970",),
    )


@export
def wide() -> Export:
    """A survey of 200 columns, two of the same name and one without."""
    names = ["Respondent", *(f"Q{i}" for i in range(1, 198)), "Q5", ""]
    rows = ([i, *((i * j) % 5 for j in range(197)), "x", "y"] for i in range(1, 301))
    return Export(
        "survey.csv",
        lines(rows, ",".join(names)).encode(),
        key=("respondent",),
        types={"respondent": "bigint", "q1": "int", "q5_6": "int", "q5_199": "string", "column_200": "string"},
        source={"header": False, "skip_lines": 1},
        says=("has no name in the header",),
    )


@export
def no_header() -> Export:
    """A bank's transfer file: no header, days without marks, a code with zeros at its beginning."""
    rows = (
        [
            f"{i:010}",
            f"{DAY + timedelta(days=i % 60):%Y%m%d}",
            f"{i * 7 % 1000}.{i % 100:02}",
            "DEBIT" if i % 2 else "CREDIT",
        ]
        for i in range(300)
    )
    return Export(
        "transfers.csv",
        lines(rows).encode(),
        key=("column_1",),
        types={"column_1": "string", "column_2": "date yyyyMMdd", "column_3": "decimal(8,2)", "column_4": "string"},
        source={"header": False},
        says=("zero at the beginning",),
    )


@export
def tab_separated() -> Export:
    """A tab-separated export of a laboratory: scientific numbers, a text with a quote in it."""
    rows = ("\t".join([f"S{i:03}", f"{i * 1e-7:.3E}", f'{i}" pipe', "" if i % 2 else "NA"]) for i in range(1, 301))
    return Export(
        "results.tsv",
        ("sample_id\tconcentration\tmaterial\tremark\n" + "\n".join(rows) + "\n").encode(),
        key=("sample_id",),
        types={"concentration": "double", "material": "string", "remark": "string"},
        source={"delimiter": "\t"},
    )


@export
def pipes() -> Export:
    """A mainframe's file: pipes, blanks behind values, two lines of title above the header, a total below."""
    rows = [f"{i:06}|{'ACME CORP':<20}|{i * 100:>9}|{DAY + timedelta(days=i % 30):%Y-%m-%d}" for i in range(1, 301)]
    text = "MONTHLY LEDGER\nprinted 2024-02-01\nACCT|NAME|CENTS|BOOKED\n" + "\n".join(rows) + "\nTOTAL RECORDS: 300\n"
    return Export(
        "ledger.txt",
        text.encode(),
        key=("acct",),
        types={"acct": "string", "name": "string", "cents": "int", "booked": "date"},
        source={"delimiter": "|", "skip_lines": 2},
        inputs={"acct": "ACCT"},
        rows=301,
        broken=1,
        says=("1 record would be a reject",),
    )


@export
def quoted_newlines() -> Export:
    """Support tickets: long texts with line ends, commas and quotes; two records with a field too many."""
    body = 'Hello,\r\n\r\nit says "error".\nRegards'
    rows = [
        [f"T-{i}", body if i % 2 else "short, text", f"{DAY + timedelta(hours=i):%Y-%m-%dT%H:%M:%S}+01:00", i % 4]
        for i in range(300)
    ]
    rows[100].append("too much")
    rows[200].append("too much")
    return Export(
        "tickets.csv",
        lines(iter(rows), "ticket,body,last_modified,priority").encode(),
        key=("ticket",),
        types={"body": "string", "last_modified": "timestamp", "priority": "int"},
        broken=2,
        order_by="last_modified",
        says=("5 fields, expected 4",),
    )


@export
def header_only() -> Export:
    """An export of nothing: only a header."""
    return Export(
        "nothing.csv",
        b"order_id;customer;created_at\n",
        key=("order_id",),
        types={"order_id": "string"},
        source={"delimiter": ";"},
        rows=0,
    )


@export
def one_column() -> Export:
    """A list of mail addresses under a name; texts have commas nowhere."""
    rows = ([f"user{i}@example.org"] for i in range(300))
    return Export("newsletter.csv", lines(rows, "email").encode(), key=("email",), types={"email": "string"})


@export
def long_ids() -> Export:
    """Ids of 19 to 24 digits, UUIDs, an integer near the end of int."""
    chance = random.Random(19)
    rows = (
        [
            10**23 + i * 7,
            1_750_000_000_000_000_000 + i,
            uuid.UUID(int=chance.getrandbits(128)),
            2_147_000_000 - i,
            i % 3,
        ]
        for i in range(300)
    )
    return Export(
        "messages.csv",
        lines(rows, "thread,message_id,trace,sequence,shard").encode(),
        key=("message_id",),
        types={"thread": "string", "message_id": "bigint", "trace": "string", "sequence": "bigint", "shard": "int"},
    )


@export
def utf16() -> Export:
    """Excel's "Unicode text": UTF-16 with a mark, tabs; times that are ambiguous."""
    rows = (f"{i}\tZoë {i}\t{i % 12 + 1}/{i % 11 + 1}/2024\t{i * 3}" for i in range(1, 301))
    text = "Id\tName\tVisited\tPoints\r\n" + "\r\n".join(rows) + "\r\n"
    return Export(
        "visits.txt",
        b"\xff\xfe" + text.encode("utf-16-le"),
        key=("id",),
        types={"name": "string", "visited": "date M/d/yyyy", "points": "int"},
        source={"delimiter": "\t"},
        says=("CANNOT TELL", "the other order is d/M/yyyy"),
    )


@export
def mixed_nulls() -> Export:
    """A statistician's file: NA, and beside it NULL and - in columns of numbers and dates."""

    def value(i: int, text: object) -> object:
        return "NA" if i % 3 == 0 else "NULL" if i % 7 == 0 else "-" if i % 11 == 0 else text

    rows = (
        [
            i,
            value(i, i * 2),
            value(i + 1, f"{DAY + timedelta(days=i % 50):%Y-%m-%d}"),
            value(i + 2, f"{i / 10:.1f}"),
            "NA" if i % 9 == 0 else "text",
        ]
        for i in range(1, 301)
    )
    return Export(
        "panel.csv",
        lines(rows, "case,count,seen,score,word").encode(),
        key=("case",),
        types={"case": "bigint", "count_text": "string", "count": "int", "seen": "date", "score": "decimal(8,3)"},
        source={"null": "NA"},
        inputs={"count_text": "count"},
    )
