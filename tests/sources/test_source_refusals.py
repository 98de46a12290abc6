import json
import re
import subprocess
from io import BytesIO
from pathlib import Path
from shutil import which
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import SourceError
from leeway.sources import open_sources
from leeway.sources.nested_json import is_begun, top_keys
from leeway.sources.refusals import refusal

A, B = {"a": 1, "b": [{"c": "x"}]}, {"a": 2, "b": []}
PLAIN = [A, B]
COLUMNS = {"Columns": [{"ColumnName": "a"}, {"ColumnName": "b"}], "Rows": [[1, [{"c": "x"}]], [2, []]]}
SMALL = {"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, [{"c": "x"}]], [2, []]]}


def dumped(value: object, indent: int | None = None) -> bytes:
    return json.dumps(value, indent=indent).encode()


def zipped() -> bytes:
    body = BytesIO()
    with ZipFile(body, "w") as archive:
        archive.writestr("events.jsonl", "{}")
    return body.getvalue()


def lines_of(*values: object) -> bytes:
    return b"".join(dumped(value) + b"\n" for value in values)


JSON_FORMS = [
    pytest.param(dumped(PLAIN), "a JSON array", id="array"),
    pytest.param(dumped(PLAIN, 2), "a JSON array", id="array over lines"),
    pytest.param(b"[\n" + b",\n".join(map(dumped, PLAIN)) + b"\n]\n", "a JSON array", id="array, one a line"),
    pytest.param(dumped(A, 2) + dumped(B, 2), "a JSON object over several lines", id="pretty"),
    pytest.param(dumped({"Schema": [{"Name": "a"}], "Results": PLAIN}), "under 'Results'", id="hunting"),
    pytest.param(dumped({"Schema": [{"Name": "a"}] * 900, "Results": PLAIN}, 1), "under 'Results'", id="long schema"),
    pytest.param(dumped({"@odata.context": "x", "value": PLAIN}), "under 'value'", id="Graph"),
    pytest.param(dumped({"records": PLAIN}), "under 'records'", id="streaming API"),
    pytest.param(
        dumped({"took": 1, "hits": {"total": {}, "hits": [{"_source": A}, {"_source": B}]}}), "of Elastic", id="hits"
    ),
    pytest.param(lines_of({"_index": "i", "_source": A}, {"_source": B}), "as Elasticsearch stores", id="_source"),
    pytest.param(dumped({"Tables": [{"TableName": "t", **COLUMNS}]}), "an answer of Kusto", id="Kusto"),
    pytest.param(dumped({"tables": [{"name": "t", **SMALL}]}), "an answer of Azure Monitor", id="Log Analytics"),
    pytest.param(
        dumped([{"FrameType": "Header"}, {"FrameType": "DataTable", "TableKind": "PrimaryResult", **COLUMNS}]),
        "an answer of Kusto, in frames",
        id="Kusto, frames",
    ),
]


@pytest.mark.parametrize(("body", "seen"), JSON_FORMS)
@pytest.mark.skipif(which("jq") is None, reason="no jq here")
def test_the_filter_that_is_hinted_makes_one_record_a_line(body: bytes, seen: str) -> None:
    found = refusal(body)
    told = re.fullmatch("one object a line is read: jq -c '(.*)' FILE", found.hint)
    assert seen in found.seen
    assert told is not None
    done = subprocess.run([which("jq") or "", "-c", told[1]], input=body, capture_output=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == PLAIN


@pytest.mark.parametrize(
    ("body", "seen", "hint"),
    [
        pytest.param(
            dumped([{"name": "a", "pid": "1"}], 2), "as osqueryi answers", "osqueryd.results.log", id="osqueryi"
        ),
        pytest.param(
            lines_of({"log": "x\n", "stream": "stdout"}), "as Docker keeps it", "jq -j .log FILE", id="docker"
        ),
        pytest.param(lines_of({"MESSAGE": "x", "_BOOT_ID": "b"}), "the journal", "jq -r .MESSAGE FILE", id="journal"),
        pytest.param(lines_of({"preview": False, "result": {}}), "Splunk", "jq -r .result._raw FILE", id="Splunk"),
        pytest.param(b"2026-03-02T09:00:00.1Z stdout F x\n", "(CRI)", "cut -d' ' -f4- FILE", id="CRI"),
        pytest.param(b'Mar  2 h p: {}\nMar  2 h p: {"a":1}\n', "behind a prefix", "sed 's/^[^{]*//' FILE", id="syslog"),
        pytest.param("a,b\r\n1,2".encode("utf-16"), "UTF-16", "Out-File -Encoding utf8", id="UTF-16"),
        pytest.param("a,b\r\n1,2".encode("utf-16-be"), "UTF-16", "iconv -f UTF-16", id="UTF-16 without a mark"),
        pytest.param(b"a;b,c;d\n1;2;3\n", "separated by semicolons", 'Import-Csv FILE -Delimiter ";"', id="semicolons"),
        pytest.param(b"a\tb\tc\n1\t2\t3\n", "separated by tabs", 'Import-Csv FILE -Delimiter "`t"', id="tabs"),
        pytest.param(zipped(), "a zip archive", "unpack it", id="zip"),
        pytest.param(b"a" + bytes(256) + b"ustar\x0000", "a tar archive", "tar -xf FILE", id="tar"),
        pytest.param(b"BZh91AY&SY", "compressed by bzip2", "bunzip2 FILE", id="bzip2"),
        pytest.param(b"\x1f\x8b\x08", "compressed twice", "gunzip FILE", id="twice"),
        pytest.param(b"SQLite format 3\0", "an SQLite database", "one JSON object a line", id="SQLite"),
        pytest.param(b"\r\n<!DOCTYPE html>\n<html lang=en>", "HTML", "sign in", id="login page"),
        pytest.param(b"\xef\xbb\xbf<?xml version='1.0'?><Events>", "XML of a Windows", "wevtutil epl", id="event XML"),
        pytest.param(b"<?xml version='1.0'?><a>", "XML", "", id="XML"),
        pytest.param(b"\x7fELF\0\0", "binary", "", id="binary"),
        pytest.param(b"hello, my friend, and you, too\n", "text of no known kind", "", id="prose"),
        pytest.param(b"[2026-03-02] started\n", "text of no known kind", "", id="bracketed time"),
        pytest.param(b"\xff\xfa\n", "text of no known kind", "", id="no UTF-8"),
        pytest.param(b'{"b":1,"a":{}}\n', "JSON objects with the keys a, b", "", id="objects"),
        pytest.param(
            b"When,Machine,Program\n1,2,3\n",
            "CSV without Timestamp or TimeGenerated and DeviceName or Computer; its columns are When, Machine, Program",
            "--map FILE.toml",
            id="renamed table",
        ),
        pytest.param(
            b'#TYPE x\n"Timestamp [UTC]","DeviceName","Program"\n"1","2","3"\n',
            "CSV without ActionType; its",
            "--map",
            id="quoted",
        ),
    ],
)
def test_it_is_said_what_is_there_and_what_to_do(body: bytes, seen: str, hint: str) -> None:
    found = refusal(body)
    assert seen in found.seen
    assert hint in found.hint
    assert bool(hint) == bool(found.hint)


def test_names_are_bounded_escaped_and_without_secrets() -> None:
    key = "sk-ant-api03-" + "a1B2" * 20
    names = f"When,{key},\u202eevil," + ",".join(f"c{number}" for number in range(900))
    assert key not in refusal(f"{names}\n{names}\n".encode()).seen
    wide = refusal(dumped({f"\x1b[2J{'k' * 500}{number}": 1 for number in range(500)})).seen
    assert wide.isascii() or "…" in wide
    assert "\x1b" not in wide
    assert len(wide) < 220
    assert "and 194 more" in wide


@given(st.one_of(st.binary(max_size=300), st.text('[]{}",:\\ \nab1;\t', max_size=300).map(str.encode)))
def test_whatever_the_bytes_something_short_is_said(body: bytes) -> None:
    found = refusal(body)
    assert found.seen.isprintable()
    assert 0 < len(found.seen) < 250
    assert len(found.hint) < 250


@pytest.mark.parametrize(
    "body",
    [b"[" * (1 << 16), b'{"' + b"\\" * (1 << 16), b'{"a":' * 9_000, b"{" * (1 << 16), b'{"a":"' + b'\\"' * (1 << 15)],
)
def test_what_is_nested_deeply_or_never_ends_is_soon_told(body: bytes) -> None:
    assert refusal(body).seen


def test_keys_are_those_of_the_first_object() -> None:
    assert top_keys('{"a": 1, "b": {"c": [2]}, "d\\"": "x: {"} {"e": 1}') == {"a": "1", "b": "{", 'd\\"': '"'}
    assert top_keys("[1]") == {}


@pytest.mark.parametrize(
    ("line", "begun"),
    [
        (b"[", True),
        (b' [ {"a":1},', True),
        (b"[{}]", True),
        (b"[2026-03-02] started", False),
        (b"{", True),
        (b'{"Results": [', True),
        (b'{"a": 1, ', True),
        (b'{"a": 1}', False),
        (b"# text {", False),
        ("longer than 9 bytes", False),
    ],
)
def test_a_first_line_may_begin_what_ends_further_down(line: bytes | str, begun: bool) -> None:  # noqa: FBT001  # a column
    assert is_begun(line) == begun


LINE = b'{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h1"}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[\n" + LINE + b",\n" + LINE + b"\n]\n", id="array, one a line"),
        pytest.param(b'{"Results": [\n' + LINE + b",\n" + LINE + b"\n]}\n", id="results, one a line"),
    ],
)
def test_the_last_record_of_an_array_does_not_make_it_a_feed(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.json").write_bytes(body)
    with pytest.raises(SourceError, match="not recognised by its first lines: ") as caught:
        open_sources(str(tmp_path / "a.json"))
    assert "jq -c" in caught.value.hint
