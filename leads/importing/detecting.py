"""What kind of file this is, in which letters it is written and what stands between its cells."""

import codecs
import csv
import re
from collections import Counter

from charset_normalizer import from_bytes

from leadcrm.lib.errors import Invalid

SAMPLE_BYTES = 256 * 1024
CSV, XLSX = "csv", "xlsx"
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# What people may choose from; any other name that Python knows works through the API.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western (Windows 1252)",
    "latin-1": "Western (Latin 1)",
    "cp1250": "Central European (Windows 1250)",
    "cp1251": "Cyrillic (Windows 1251)",
    "cp1253": "Greek (Windows 1253)",
    "cp1254": "Turkish (Windows 1254)",
    "cp932": "Japanese (Shift-JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "cp949": "Korean (Windows 949)",
}
_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_NOT_TABLES = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture",
               b"GIF8": "a picture", b"\x1f\x8b": "a compressed file", b"{\\rtf": "a text document",
               b"Rar!": "a compressed file", b"7z\xbc\xaf": "a compressed file"}  # fmt: skip


class NotATable(Invalid):
    """The file cannot be read as rows and columns."""

    code = "not_a_table"
    title = "This file cannot be imported"

    def __init__(self, message: str) -> None:
        super().__init__(message, errors=[])


def kind_of(head: bytes) -> str:
    """`csv` or `xlsx`, by what is in the file: extensions lie.

    :raises NotATable: in words, with the cure.
    """
    if not head:
        raise NotATable("This file is empty. Choose one with a row of headings and rows below it.")
    if head.startswith(_ZIP):
        return XLSX
    if head.startswith(_OLD_OFFICE):
        raise NotATable("This is the old Excel format. Save it as .xlsx or CSV and choose that.")
    for beginning, what in _NOT_TABLES.items():
        if head.startswith(beginning):
            raise NotATable(f"This is {what}, not a table. Choose a CSV or .xlsx file.")
    if _looks_binary(head):
        raise NotATable("This is no text. Choose a CSV or .xlsx file.")
    return CSV


def _looks_binary(head: bytes) -> bool:
    if any(head.startswith(mark) for mark, _ in _MARKS) or _utf16_without_mark(head):
        return False
    controls = sum(head[:4096].count(code) for code in range(0x0E, 0x1B))
    return controls > len(head[:4096]) // 20


def encoding_of(sample: bytes) -> str:
    """The name of the encoding, from the beginning of the file."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if found := _utf16_without_mark(sample):
        return found
    if _decodes(sample, "utf-8"):
        return "utf-8"
    if _is_japanese(sample):
        return "cp932"
    if _is_western(sample):
        return "cp1252" if _decodes(sample, "cp1252") else "latin-1"
    best = from_bytes(
        sample[:65536], cp_isolation=[name for name in ENCODINGS if not name.startswith("utf")]
    ).best()
    return best.encoding if best else "cp1252"


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whether it is text in this encoding; its last letter may be cut in half."""
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_mark(sample: bytes) -> str:
    """Text in which every other byte is zero."""
    head = sample[:2000]
    if len(head) < 4:
        return ""
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.6 and head[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if head[::2].count(0) > half * 0.6 and head[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return ""


def _is_japanese(sample: bytes) -> bool:
    """Shift-JIS with kana: accents of Western text never make many of those by chance."""
    if not _decodes(sample, "cp932"):
        return False
    text = codecs.getincrementaldecoder("cp932")("strict").decode(sample, final=False)
    foreign = re.findall(r"[^\x00-\x7f]", text)
    kana = [letter for letter in foreign if "\u3041" <= letter <= "\u30fe"]
    kanji = [letter for letter in foreign if "\u4e00" <= letter <= "\u9fff"]
    return bool(foreign) and (
        len(kana) * 10 > len(foreign) or (len(kanji) * 2 > len(foreign) and len(kanji) > 4)
    )


def _is_western(sample: bytes) -> bool:
    """Accents are rare in Latin script; other scripts are made of nothing else."""
    letters = len(re.findall(rb"[A-Za-z]", sample))
    return len(re.findall(rb"[\x80-\xff]", sample)) < 0.25 * (letters or 1)


def delimiter_of(text: str) -> str:
    """What parts the cells: the sign that gives most columns in most lines."""
    if found := re.match(r"\ufeff?sep=(.)\r?\n", text, re.IGNORECASE):
        return found[1]
    lines = [line for line in re.split(r"\r\n|\r|\n", text)[:40] if line.strip()]
    scores = {sign: _evenness(lines, sign) for sign in DELIMITERS}
    best = max(scores, key=lambda sign: scores[sign])
    return best if scores[best] else ","


def _evenness(lines: list[str], sign: str) -> float:
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=sign)]
    except csv.Error:
        return 0
    usual, times = Counter(widths).most_common(1)[0] if widths else (1, 0)
    return (usual - 1) * (times / len(widths)) ** 2 if usual > 1 else 0
