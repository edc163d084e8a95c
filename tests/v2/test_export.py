"""ExportFile: the server's bytes, and a name that is safe anywhere."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tesote_sdk import ExportFile, InvalidResponseError
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.v2.export import _safe_filename, _windows_takes
from tests.support.steps import reply
from tests.support.systems import needs_unicode_names
from tests.v1.harness import answering, sandboxed

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT = b"\xef\xbb\xbfTransaction ID,Date\r\nt1,2026-03-01\r\n\x00\xff"


def exported(headers: Mapping[str, str], content: bytes = CONTENT) -> ExportFile:
    with answering(reply(200, content, headers)) as (_, client):
        return client.transactions.export("a1")


def named(disposition: str | bytes) -> str:
    """The name that comes of a field's bytes, which are read as latin-1."""
    sent = disposition.encode() if isinstance(disposition, str) else disposition
    return exported({"Content-Disposition": sent.decode("latin-1")}).filename


@pytest.fixture(scope="module")
def file() -> ExportFile:
    return exported({"Content-Disposition": 'attachment; filename="march.csv"'})


def test_the_content_is_untouched() -> None:
    file = exported({"Content-Type": "text/csv; charset=latin-1"})
    assert file.content == CONTENT
    assert file.content_type == "text/csv; charset=latin-1"
    assert file.text == CONTENT.decode("latin-1")
    assert file.response.status == 200


def test_gzip_is_undone_and_nothing_else() -> None:
    with answering(reply(200, CONTENT, gzip=True)) as (_, client):
        assert client.transactions.export("a1").content == CONTENT


def test_an_empty_file_is_a_file() -> None:
    file = exported({}, b"")
    assert (file.content, file.text, file.content_type, file.filename) == (b"", "", None, "export")


@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_the_text_begins_after_the_byte_order_mark(charset: str) -> None:
    content = "\ufeffTransaction ID\r\n\ufeff".encode(charset)
    file = exported({"Content-Type": f"text/csv; charset={charset}"}, content)
    assert file.text == "Transaction ID\r\n\ufeff"
    assert file.content == content


def test_text_that_is_none_is_said_to_be(file: ExportFile) -> None:
    with pytest.raises(InvalidResponseError, match="utf-8"):
        _ = file.text


def test_the_repr_shows_nothing_of_the_content(file: ExportFile) -> None:
    assert repr(file) == f"<ExportFile march.csv, {len(CONTENT)} bytes>"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_both_formats_come_from_the_sandbox(form: str) -> None:
    with Sandbox(accounts=1, transactions=5) as sandbox, sandboxed(sandbox) as client:
        account_id = sandbox.account_ids[0]
        file = client.transactions.export(
            account_id,
            format=form,  # type: ignore[arg-type]
            start_date="2020-01-01",
            end_date="2199-12-31",
        )
        (request,) = sandbox.requests
    assert request.headers["Accept"] == "text/csv, application/json"
    assert (file.content_type or "").startswith("text/csv" if form == "csv" else "application/json")
    assert file.filename.startswith(f"transactions_{account_id}_")
    assert file.filename.endswith(f".{form}")
    if form == "csv":
        assert file.text.startswith("Transaction ID,Date,Description")
        assert len(file.text.splitlines()) == 6
    else:
        assert len(file.response.json["transactions"]) == 5


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        # As it should be (RFC 6266, section 5; RFC 8187, section 3.2).
        ('attachment; filename="transactions_a1_2026-03-02.csv"', "transactions_a1_2026-03-02.csv"),
        ("attachment; filename=march.csv", "march.csv"),
        ("Attachment;FileName = march.csv ; size=5", "march.csv"),
        ('attachment; filename="a;b.csv"; x=y', "a;b.csv"),
        ("attachment; filename*=UTF-8''a%C3%B1o%20%E2%82%AC.csv", "año €.csv"),
        ("attachment; filename*=iso-8859-1'es'a%F1o.csv", "año.csv"),
        ("attachment; filename=\"a?o.csv\"; filename*=UTF-8''a%C3%B1o.csv", "año.csv"),
        ("attachment; filename*=UTF-8''a%C3%B1o.csv; filename=\"a?o.csv\"", "año.csv"),
        ("attachment; filename*=UTF-8''%C3%83%C2%B1.csv", "Ã±.csv"),
        # As it should not be, and is: bytes above ASCII, in UTF-8 or in latin-1.
        ('attachment; filename="año 2026 €.csv"', "año 2026 €.csv"),
        ("attachment; filename=à.csv", "à.csv"),
        ("attachment; filename*=UTF-8''año à%C3%B1.csv", "año"),
        ("attachment; filename*=UTF-8''añoà%C3%B1.csv", "añoàñ.csv"),
        ("attachment; filename*=UTF-8''%F1.csv; filename=a.csv", "a.csv"),
        (b"attachment; filename=a\xf1o.csv", "año.csv"),
        # No name, or none that can be read.
        ("", "export"),
        ("attachment", "export"),
        ("attachment; filename=", "export"),
        ('attachment; filename=""', "export"),
        ('attachment; filename="', "export"),
        ("attachment; filename*=UTF-16''%FF%FE", "export"),
        ("attachment; filename*=unicode_escape''%5Cud800.csv", "export"),
        (f"attachment; filename*{'9' * 5000}*=x", "export"),
        ('attachment; filename="march.csv', "march.csv"),
        ("attachment; filename*=UTF-8''%FF.csv", "\ufffd.csv"),
        # Ways out of the folder.
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename=/etc/cron.d/job", "job"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        (r'attachment; filename="..\..\boot.ini"', "boot.ini"),
        (r'attachment; filename="C:\Windows\system.ini"', "system.ini"),
        ('attachment; filename="C:evil.exe"', "C_evil.exe"),
        ('attachment; filename="march.csv:stream"', "march.csv_stream"),
        ('attachment; filename=".."', "export"),
        ('attachment; filename="."', "export"),
        ('attachment; filename="folder/"', "export"),
        ('attachment; filename="~root"', "~root"),
        # Names that some system cannot have, or that do not show what they are.
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename="a<b>c|d?e*f.csv"', "a_b_c_d_e_f.csv"),
        ('attachment; filename="march.csv. . "', "march.csv"),
        (r'attachment; filename="a\"b.csv"', "_b.csv"),
        ("attachment; filename=CON", "_CON"),
        ("attachment; filename=nul.csv", "_nul.csv"),
        ('attachment; filename="aux .csv"', "_aux.csv"),
        ("attachment; filename=com1.tar.gz", "_com1.tar.gz"),
        ("attachment; filename*=UTF-8''lpt%C2%B9.csv", "_lpt¹.csv"),
        ("attachment; filename=console.csv", "console.csv"),
        ("attachment; filename*=UTF-8''a%00b%0Ac%7F.csv", "a_b_c_.csv"),
        ("attachment; filename*=UTF-8''%E2%80%AEvsc.exe", "_vsc.exe"),
        ("attachment; filename*=UTF-8''a%E2%80%A8b%E2%80%8Bc", "a_b_c"),
    ],
)
def test_the_name_that_the_server_proposes_is_made_safe(
    disposition: str | bytes, name: str
) -> None:
    assert named(disposition) == name


@pytest.mark.parametrize("name", ["CON" + " " * 200 + "abc.csv", "con." + "x" * 300])
def test_a_name_is_not_cut_to_a_reserved_one(name: str) -> None:
    made = named(f'attachment; filename="{name}"')
    assert made.lower().startswith("_con")
    assert len(made) <= 150
    assert _windows_takes(made)


@needs_unicode_names
@pytest.mark.parametrize("letter", ["x", "ñ", "€", "😀", "."])
@pytest.mark.parametrize("suffix", [".csv", "", ".tar.gz", "." + "y" * 300])
def test_a_long_name_fits_any_file_system(tmp_path: Path, letter: str, suffix: str) -> None:
    name = named(f"attachment; filename*=UTF-8''{quote(letter * 300 + suffix)}")
    assert 1 <= len(name.encode()) <= 150
    assert (tmp_path / name).parent == tmp_path
    assert name.strip(" .") == name
    if len(suffix) < 9 and letter != ".":
        assert name.endswith(suffix[suffix.rfind(".") :])
    exported({"Content-Disposition": f"x; filename*=UTF-8''{quote(letter * 300)}"}).save(tmp_path)


def test_no_header_can_make_a_name_that_is_not_plain() -> None:
    draw = random.Random(7)
    pieces = [*"%;='\"*\\/. :", "filename", "filename*", "UTF-8''", "%2E", "%2F", "%00", "%5C"]
    pieces += [
        "CON",
        "nul",
        "..",
        "attachment",
        "%E2%80%AE",
        "\xe9",
        "%ED%A0%80",
        "*0",
        "iso-8859-1'",
    ]
    for _ in range(400):
        name = _safe_filename("attachment; " + "".join(draw.choices(pieces, k=12)))
        assert name == Path(name).name == PureWindowsPath(name).name
        assert name not in ("", ".", "..")
        assert name.isprintable()
        assert name.partition(".")[0].strip().lower() not in ("con", "nul")
        assert not any(unicodedata.category(letter)[0] == "C" for letter in name)
