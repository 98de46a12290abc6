"""What every sink keeps: the same bytes for the same findings, and nothing that a reader would obey."""

import csv
import io
import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leeway.findings import evidence_digest
from leeway.sinks import SINKS, Activity, CsvAlerts, JsonLinesFindings, Sink, Told, escaped, finding_record
from leeway.sinks.csv_alerts import COLUMNS
from leeway.text import display, from_csv_cell
from sinks.sink_samples import FIELDS, HOSTILE, PLAIN, hostile


def is_quiet(body: bytes, *, ends: frozenset[str]) -> bool:
    """Say whether a terminal would show the bytes as they are, but for the ends of lines."""
    return all(display(character) == character or character in ends for character in body.decode())


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: sink.name)
class TestEverySink:
    def test_the_same_findings_give_the_same_bytes(self, sink: Sink) -> None:
        assert sink.render([PLAIN, hostile("=1")]) == sink.render(iter((PLAIN, hostile("=1"))))

    def test_the_order_is_kept(self, sink: Sink) -> None:
        other = replace(PLAIN, finding_id="f0")
        body = sink.render([PLAIN, other]).decode()
        assert body.index("f1") < body.index("f0")

    def test_rows_do_not_depend_on_their_neighbours(self, sink: Sink) -> None:
        if not sink.is_appended:
            assert len(json.loads(sink.render([PLAIN, PLAIN]))) == 2
            return
        head = sink.render([])
        bodies = [sink.render([one]).removeprefix(head) for one in (PLAIN, hostile("a\nb"))]
        assert sink.render([PLAIN, hostile("a\nb")]) == head + b"".join(bodies)

    def test_the_input_is_left_as_it_was(self, sink: Sink) -> None:
        before = msgspec.msgpack.encode(PLAIN)
        sink.render([PLAIN])
        assert msgspec.msgpack.encode(PLAIN) == before

    def test_names_are_plain(self, sink: Sink) -> None:
        assert sink.name.isidentifier()
        assert sink.suffix == f".{sink.name}"

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_hostile_text_can_be_rendered(self, sink: Sink, text: str) -> None:
        body = sink.render([hostile(text)])
        assert len(body) > len(sink.render([]))
        assert is_quiet(body.replace(b"\xef\xbb\xbf", b""), ends=frozenset("\r\n"))

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_a_record_stays_one_record(self, sink: Sink, text: str) -> None:
        body = sink.render([PLAIN, hostile(text), PLAIN])
        assert records(sink, body) == 3

    def test_a_huge_finding_is_one_record(self, sink: Sink) -> None:
        assert records(sink, sink.render([hostile("x\n" * 500_000), PLAIN])) == 2

    def test_what_is_told_is_no_new_record(self, sink: Sink) -> None:
        assert records(sink, sink.render([PLAIN], Told(Activity.UPDATE, 3, "d" * 32))) == 1

    def test_context_is_shown(self, sink: Sink) -> None:
        told = replace(PLAIN, context=("apt upgrade: the parent is apt.systemd.daily", "second"))
        assert b"apt upgrade: the parent is apt.systemd.daily" in sink.render([told])
        assert b"second" in sink.render([told])

    @given(text=st.text(st.characters(codec="utf-8"), max_size=60))
    def test_any_text_is_one_quiet_record(self, sink: Sink, text: str) -> None:
        body = sink.render([hostile(text)])
        assert records(sink, body) == 1
        assert is_quiet(body.replace(b"\xef\xbb\xbf", b""), ends=frozenset("\r\n"))


def records(sink: Sink, body: bytes) -> int:
    """Count the records in what a sink rendered, as a reader of the form would."""
    if sink.name == "csv":
        return len(rows(body)) - 1
    return len(json.loads(body)) if sink.name == "json" else body.count(b"\n")


def test_sinks_have_names_of_their_own() -> None:
    assert [sink.name for sink in SINKS] == ["csv", "jsonl", "json", "ocsf", "syslog", "cef"]


# CSV


def rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_cell_is_a_formula_and_every_row_is_whole(text: str) -> None:
    header, row = rows(CsvAlerts().render([hostile(text)]))
    assert (tuple(header), len(row)) == (COLUMNS, len(COLUMNS))
    assert [cell for cell in row if cell.lstrip(" ")[:1] in set("=+-@\t\r\n＝＋－＠;")] == []  # noqa: RUF001
    assert is_quiet(CsvAlerts().render([hostile(text)]), ends=frozenset("\r\n"))


@pytest.mark.parametrize("text", ["plain", "=1", "'x", '"q"', "a,b", "é日本"], ids=ascii)
def test_a_cell_gives_back_what_went_in(text: str) -> None:
    header, row = rows(CsvAlerts().render([hostile(text)]))
    cells = {name: from_csv_cell(cell) for name, cell in zip(header, row, strict=True)}
    assert {cells[name] for name in ("agent_name", "process", "parent", "user", "command_line")} == {text}


def test_a_row_says_what_the_finding_says() -> None:
    header, row = rows(CsvAlerts().render([PLAIN]))
    cells = dict(zip(header, row, strict=True))
    assert cells["severity"] == "MEDIUM"
    assert (cells["first"], cells["last"]) == ("2025-03-10T09:00:00Z", "2025-03-10T09:30:00.000005Z")
    assert cells["lineage"] == "systemd > claude > bash"
    assert cells["evidence"] == "child: bash (expected: one of 3 known); agent: learning (expected: settled)"
    assert (cells["event_ids"], cells["tags"]) == ("e1 e2", "ATT&CK T1059")
    assert "not proof of malice" in cells["note"]


def test_no_findings_are_a_header_only() -> None:
    assert rows(CsvAlerts().render([])) == [list(COLUMNS)]


def test_a_lone_surrogate_is_written_out() -> None:
    assert b"x\\ud800y" in CsvAlerts().render([replace(PLAIN, user="x\ud800y")])


# JSON lines


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_line_gives_everything_back(text: str) -> None:
    finding = hostile(text)
    (line,) = JsonLinesFindings().render([finding]).splitlines()
    read = json.loads(line)
    assert {read[name] for name in FIELDS} == {text}
    assert [read[name] for name in ("value", "event_ids", "lineage", "tags", "members")] == [[text, text]] * 5
    assert read["evidence"] == [{"what": text, "seen": text, "expected": text}]
    assert read["evidence_digest"] == evidence_digest(finding)
    assert is_quiet(JsonLinesFindings().render([finding]), ends=frozenset("\n"))


@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_survives_json(text: str) -> None:
    (line,) = JsonLinesFindings().render([replace(PLAIN, command_line=text)]).split(b"\n")[:-1]
    assert json.loads(line)["command_line"] == text
    assert is_quiet(line, ends=frozenset())
    assert msgspec.json.decode(line)["command_line"] == text


@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_one_quiet_row_of_csv(text: str) -> None:
    body = CsvAlerts().render([replace(PLAIN, command_line=text)])
    assert [len(row) for row in rows(body)] == [len(COLUMNS)] * 2
    assert is_quiet(body, ends=frozenset("\r\n"))


def test_no_findings_are_no_lines() -> None:
    assert JsonLinesFindings().render([]) == b""


def test_a_record_has_the_fields_that_scoring_needs() -> None:
    record = finding_record(PLAIN)
    needed = {"finding_id", "case_id", "agent", "type", "severity", "first", "last", "evidence", "event_ids"}
    assert needed <= record.keys()
    read = json.loads(JsonLinesFindings().render([PLAIN]))
    assert (read["severity"], read["severity_id"], read["first"]) == ("MEDIUM", 3, "2025-03-10T09:00:00Z")
    assert list(read) == sorted(read)
    assert read["surprise"] == {"calibrated": False, "n": 6, "p": 0.125}


def test_times_are_utc_and_keep_their_microseconds() -> None:
    read = json.loads(JsonLinesFindings().render([replace(PLAIN, last=PLAIN.first + timedelta(microseconds=7))]))
    assert read["last"] == "2025-03-10T09:00:00.000007Z"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"a": 1}\n', b'{"a": 1}\n'),
        ('"\u202e"'.encode(), b'"\\u202e"'),
        ('"\x7f\x9b"'.encode(), b'"\\u007f\\u009b"'),
        ('"\U000e0041"'.encode(), b'"\\udb40\\udc41"'),
        ('"é日本"'.encode(), '"é日本"'.encode()),
    ],
    ids=["plain", "bidi", "controls", "beyond the BMP", "letters"],
)
def test_json_for_a_terminal(document: bytes, expected: bytes) -> None:
    assert escaped(document) == expected
    assert json.loads(escaped(document)) == json.loads(document)
