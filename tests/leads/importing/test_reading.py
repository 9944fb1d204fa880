"""Files as they come: every row is read, or named by its line and what to do about it."""

import codecs
import io
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadcrm.lib import normalise
from leads.importing import csvfile
from leads.importing.cleaning import email_of
from leads.importing.csvfile import Record, decoded, records
from leads.importing.detecting import NotATable, delimiter_of, encoding_of, kind_of
from leads.importing.reading import look
from leads.importing.xlsxfile import records as sheet_records
from leads.spreadsheets import guarded, unguarded
from tests.leads.importing.files import workbook

NAMES = "Name;Plaats\nZoë Müller;Düsseldorf\nJosé Peña;Córdoba\nAnaïs Lefèvre;Orléans\n"
JAPANESE = "名前,会社\n山田太郎,ケストレル物流\nすずき はなこ,ヘロン\n"
RUSSIAN = "Имя;Город\nАнна Иванова;Москва\nБорис Петров;Казань\nВера Смирнова;Пермь\n" * 5


def rows(text: str, delimiter: str = ",", block: int = 10_000) -> list[Record]:
    blocks = [text[at : at + block] for at in range(0, len(text), block)]
    translated = (part for part in decoded((b.encode() for b in blocks), "utf-8"))
    return list(records(translated, delimiter))


class TestLetters:
    @pytest.mark.parametrize(
        ("text", "encoding", "found"),
        [
            (NAMES, "utf-8", "utf-8"),
            (NAMES, "utf-8-sig", "utf-8-sig"),
            (NAMES, "utf-16", "utf-16"),
            (NAMES, "utf-16-le", "utf-16-le"),
            (NAMES, "cp1252", "cp1252"),
            (NAMES, "latin-1", "cp1252"),
            (JAPANESE, "cp932", "cp932"),
            (RUSSIAN, "cp1251", "cp1251"),
        ],
    )
    def test_are_recognised(self, text: str, encoding: str, found: str) -> None:
        raw = text.encode(encoding)

        assert encoding_of(raw) == found
        assert "".join(decoded([raw], found)).lstrip("\ufeff") == text

    def test_cut_in_half_at_the_end_of_the_sample_do_no_harm(self) -> None:
        assert encoding_of("ü".encode() * 10 + "ü".encode()[:1]) == "utf-8"

    def test_that_cannot_be_read_stay_in_their_row(self) -> None:
        text = "".join(decoded([b"a,b\n1,\xff\n2,x\n"], "utf-8"))

        assert [r.cells for r in records([text], ",")] == [["a", "b"], ["1", "\udcff"], ["2", "x"]]


class TestDelimiters:
    @pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
    def test_are_recognised(self, sign: str) -> None:
        text = f'Name{sign}E-mail{sign}Note\n"A{sign} B"{sign}a@x.example{sign}x, y; z\n' * 3

        assert delimiter_of(text) == sign

    def test_named_by_excel_are_believed(self) -> None:
        seen = look(io.BytesIO(b"sep=;\r\nName;Town\r\nAlice;Den Haag\r\n"), {})

        assert [column["name"] for column in seen.columns] == ["Name", "Town"]


class TestRows:
    def test_end_in_any_way(self) -> None:
        assert [r.cells for r in rows("a,b\r\n1,2\n3,4\r5,6")] == [
            ["a", "b"],
            ["1", "2"],
            ["3", "4"],
            ["5", "6"],
        ]

    def test_keep_their_lines_where_cells_span_some(self) -> None:
        found = rows('a,b\n"one\ntwo",2\n\n3,4\n')

        assert [(r.line, r.cells) for r in found] == [
            (1, ["a", "b"]),
            (2, ["one\ntwo", "2"]),
            (5, ["3", "4"]),
        ]

    @pytest.mark.parametrize("block", [1, 3, 7, 10_000])
    def test_do_not_depend_on_how_the_text_is_cut(self, block: int) -> None:
        text = 'a,b\n"x ""y"" z",2\n"one\n\ntwo",3\n4,5\n'

        assert [r.cells for r in rows(text, block=block)] == [
            ["a", "b"],
            ['x "y" z', "2"],
            ["one\n\ntwo", "3"],
            ["4", "5"],
        ]

    def test_after_a_quote_that_is_never_closed_are_read(self) -> None:
        found = rows('a,b\n"broken,1\nAlice,2\nBob,3\n')

        assert [(r.line, bool(r.problem)) for r in found] == [
            (1, False),
            (2, True),
            (3, False),
            (4, False),
        ]
        assert "never closed" in found[1].problem

    def test_between_two_broken_quotes_are_read(self) -> None:
        found = rows('a,b\n"broken,1\nAlice,2\n"broken,3\nBob,4\n')

        assert [r.line for r in found if r.problem] == [2, 4]
        assert [r.cells for r in found if not r.problem] == [
            ["a", "b"],
            ["Alice", "2"],
            ["Bob", "4"],
        ]

    def test_with_an_inch_sign_are_read_as_they_are(self) -> None:
        assert rows('a,b\n5" pipe,1\nx,2\n')[1].cells == ['5" pipe', "1"]

    def test_of_ten_megabytes_are_named_and_passed_over(self) -> None:
        found = rows(f"a,b\n{'x' * 10_000_000},1\nAlice,2\n", block=65_536)

        assert [(r.line, r.problem[:20]) for r in found[1:]] == [
            (2, csvfile.TOO_LONG[:20]),
            (3, ""),
        ]

    def test_with_nul_are_read(self) -> None:
        assert rows("a,b\nAl\x00ice,2\n")[1].cells == ["Al\x00ice", "2"]

    @settings(max_examples=60, deadline=None)
    @given(text=st.text(alphabet='ab",;\n\r\x00é', max_size=60), block=st.integers(1, 9))
    def test_are_never_lost_whatever_the_file(self, text: str, block: int) -> None:
        found = rows(text, block=block)
        lines = [r.line for r in found]

        assert lines == sorted(set(lines))
        told = "".join("".join(r.cells) for r in found)
        letters = "abé"
        assert sum(text.count(x) for x in letters) == sum(told.count(x) for x in letters)


class TestHeadings:
    def columns(self, raw: bytes) -> list[str]:
        return [column["name"] for column in look(io.BytesIO(raw), {}).columns]

    def test_named_alike_are_told_apart(self) -> None:
        assert self.columns(b"E-mail,E-mail,,\na@x.example,b@x.example,1,\n") == [
            "E-mail",
            "E-mail (2)",
        ]

    def test_are_numbered_where_there_are_none(self) -> None:
        assert self.columns(b"Alice,alice@x.example\nBob,bob@x.example\n") == [
            "Column 1",
            "Column 2",
        ]

    def test_may_be_five_hundred(self) -> None:
        header = ",".join(f"c{n}" for n in range(500))

        assert len(self.columns(f"{header}\n{'x,' * 499}x\n".encode())) == 500

    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf\n\n", "empty"),
            (b"Name,E-mail\n", "no rows below"),
            ((",".join(["c"] * 501) + "\nx\n").encode(), "at most 500"),
            (b"\xd0\xcf\x11\xe0 old", "old Excel format"),
            (b"%PDF-1.7", "a PDF"),
            (b"\x89PNG\r\n", "a picture"),
            (b"PK\x03\x04 broken", "damaged"),
            (bytes(range(0x0E, 0x1B)) * 10, "no text"),
        ],
    )
    def test_must_be_there_and_rows_too(self, raw: bytes, words: str) -> None:
        with pytest.raises(NotATable, match=words):
            look(io.BytesIO(raw), {})


class TestWorkbooks:
    def test_are_read_whatever_the_extension_says(self) -> None:
        raw = workbook([["Name", "Staff"], ["Alice", 180], ["Bob", 1200.0], [None, None]])

        assert kind_of(raw[:10]) == "xlsx"
        assert [(r.line, r.cells) for r in sheet_records(io.BytesIO(raw), "People")] == [
            (1, ["Name", "Staff"]),
            (2, ["Alice", "180"]),
            (3, ["Bob", "1200"]),
        ]

    def test_that_unpack_to_far_more_are_not_opened(self) -> None:
        file = io.BytesIO(workbook([["Name"], ["Alice"]]))
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet9.xml", b"0" * 50_000_000)

        with pytest.raises(NotATable, match="far more than its size"):
            look(file, {})

    def test_that_break_off_are_told(self) -> None:
        raw = workbook([["Name"], ["Alice"]])

        with pytest.raises(NotATable, match="damaged"):
            look(io.BytesIO(raw[: len(raw) // 2]), {})

    def test_that_are_other_archives_are_told(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("readme.txt", "hello")

        with pytest.raises(NotATable, match="ZIP archive"):
            look(file, {})


class TestFormulas:
    @pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "@x", "-x", "'=1", "''@x"])
    def test_are_kept_from_running_and_come_back(self, text: str) -> None:
        assert guarded(text).startswith("'")
        assert unguarded(guarded(text)) == text

    @pytest.mark.parametrize("text", ["+31 10 555 0142", "-5", "Alice", "", "'s-Hertogenbosch"])
    def test_are_not_seen_where_there_are_none(self, text: str) -> None:
        assert guarded(text) == text
        assert unguarded(text) == text

    @given(st.text(alphabet="'=+-@\t a1", max_size=8))
    def test_come_back_whatever_they_are(self, text: str) -> None:
        assert unguarded(guarded(text)) == text


class TestAddresses:
    @given(st.text(alphabet="aZ9.-_+@'&é ", max_size=24) | st.emails())
    @example("a@b.localhost")
    @example("'@a.ai")
    @example("a.@b.example")
    @example("a@b--c.example")
    @example(f"{'a' * 65}@b.example")
    def test_are_read_as_everywhere(self, text: str) -> None:
        assert email_of(text.strip()) == normalise.email(text.strip())


def test_a_mark_at_the_beginning_is_no_part_of_the_first_heading() -> None:
    raw = codecs.BOM_UTF8 + b"E-mail,Name\na@x.example,Alice\n"

    assert look(io.BytesIO(raw), {}).columns[0]["name"] == "E-mail"
