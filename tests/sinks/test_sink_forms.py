"""Each form read back by its own rules, OCSF by the released schema, and all of them against golden files."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from leeway.findings import Evidence, Finding, Severity
from leeway.sinks import Activity, Cef, Ocsf, Sink, Syslog, Told
from leeway.sinks.bounds import fit, shortened
from leeway.sinks.instants import milliseconds
from leeway.sinks.json_lines import RECORD_BYTES
from leeway.sinks.ocsf import ocsf_record
from leeway.sinks.syslog import MESSAGE_BYTES
from leeway.text import display
from sinks.sink_samples import GOLDEN, HOSTILE, PLAIN, SHAPES, hostile

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "ocsf_2004_1.9.0.schema.json").read_text("utf-8"))
VALID = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
UPDATE = Told(Activity.UPDATE, 4, "d" * 32)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize("sink", GOLDEN, ids=lambda sink: sink.name)
def test_the_golden_file(sink: Sink) -> None:
    expected = (HERE / "golden" / f"findings{sink.suffix}").read_bytes()
    assert sink.render(SHAPES) == expected, "python tests/sinks/make_golden.py, then read what changed"


# OCSF


def ocsf(finding: Finding, told: Told | None = None) -> dict[str, object]:
    """Return what a reader makes of a finding's line, checked against the schema."""
    record = json.loads(Ocsf("0").render([finding], told))
    assert [f"{list(error.path)}: {error.message[:200]}" for error in VALID.iter_errors(record)] == []
    return record


def test_the_schema_is_one_and_knows_what_it_refuses() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    record = ocsf(PLAIN)
    for path, value in (("ai_agent", {"uid": "x"}), ("severity_id", 9), ("class_uid", 2001), ("time", "now")):
        assert list(VALID.iter_errors({**record, path: value})), path
    evidence = {"name": "event", "process": {"name": "no id"}}
    assert list(VALID.iter_errors({**record, "evidences": [evidence]}))


@pytest.mark.parametrize("finding", SHAPES, ids=lambda one: one.finding_id)
def test_a_finding_of_every_shape_is_valid(finding: Finding) -> None:
    assert ocsf(finding)["type_uid"] == 200401
    assert ocsf(finding, UPDATE)["type_uid"] == 200402


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_findings_are_valid(text: str) -> None:
    assert ocsf(hostile(text))["evidences"][0]["ai_agent"]["name"] == text  # type: ignore[index]


@given(text=TEXTS)
def test_any_text_is_valid(text: str) -> None:
    ocsf(hostile(text), UPDATE)


@given(value=st.lists(TEXTS | st.from_regex(r"[0-9]{1,7}", fullmatch=True), max_size=4))
@pytest.mark.parametrize("kind", ["new_destination", "new_path", "model_file_new_user", "new_module"])
def test_any_value_is_valid(kind: str, value: list[str]) -> None:
    ocsf(replace(PLAIN, type=kind, value=tuple(value)))


def test_a_detection_finding_says_what_the_finding_says() -> None:
    record = ocsf(PLAIN, UPDATE)
    assert (record["severity_id"], record["severity"], record["is_alert"]) == (3, "Medium", True)
    assert (record["time"], record["start_time"]) == (1741599000000, 1741597200000)
    assert (record["activity_name"], record["count"], record["metadata"]["uid"]) == ("Update", 4, "d" * 32)  # type: ignore[index]
    about = record["finding_info"]
    assert (about["uid"], about["uid_alt"], about["types"]) == ("c1", "f1", ["new_child"])  # type: ignore[index]
    assert about["attacks"] == [{"technique": {"uid": "T1059"}, "version": "17"}]  # type: ignore[index]
    (evidence,) = record["evidences"]  # type: ignore[misc]
    assert evidence["ai_agent"] == {"name": "claude --print @ desk", "type_id": 0, "uid": "a1"}
    assert evidence["process"] == {
        "ancestry": [{"name": "claude"}, {"name": "systemd"}],
        "cmd_line": "bash -c id",
        "name": "bash",
        "uid": "e1",
    }
    (analysis,) = record["anomaly_analyses"]  # type: ignore[misc]
    assert [one["observations"] for one in analysis["anomalies"]] == [[{"value": "bash"}], [{"value": "learning"}]]
    assert [one["observation_parameter"] for one in analysis["baselines"]] == ["child", "agent"]


def test_no_evidence_is_no_analysis() -> None:
    assert "anomaly_analyses" not in ocsf(replace(PLAIN, evidence=()))


@pytest.mark.parametrize("severity", list(Severity), ids=str)
def test_severities_are_ocsf_s_own(severity: Severity) -> None:
    record = ocsf(replace(PLAIN, severity=severity))
    assert (record["severity_id"], record["is_alert"]) == (int(severity), severity >= Severity.LOW)


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        (("example.org",), {"hostname": "example.org"}),
        (("example.org", "8443"), {"hostname": "example.org", "port": 8443}),
        (("example.org", "99999"), {"hostname": "example.org"}),
        (("192.0.2.0/24", "192.0.2.7"), {"ip": "192.0.2.7"}),
        (("2001:db8::/32", "2001:db8::7", "443"), {"ip": "2001:db8::7", "port": 443}),
        (("192.0.0.0/16", "192.0.2.0/24"), {"name": "192.0.2.0/24"}),
        (("localhost",), {"name": "localhost"}),
        (("Some cloud, somewhere.",), {"name": "Some cloud, somewhere."}),
        (("named range", "aws.s3"), {"name": "aws.s3"}),
        (("named range", "aws.s3", "22"), {"name": "aws.s3", "port": 22}),
        (("named range", "192.0.2.7"), {"name": "192.0.2.7"}),
        (("named range", "64512"), {"name": "64512"}),
        (("named range", "64512", "22"), {"name": "64512", "port": 22}),
        (("named range",), None),
        (("in", "4444"), None),
        ((), None),
    ],
    ids=str,
)
def test_the_endpoint_of_a_destination(value: tuple[str, ...], endpoint: dict[str, object] | None) -> None:
    record = ocsf_record(replace(PLAIN, type="new_destination", value=value))
    assert record["evidences"][0].get("dst_endpoint") == endpoint  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "value", "file"),
    [
        ("new_path", ("/srv",), {"name": "srv", "path": "/srv", "type_id": 2}),
        ("new_path", ("/srv", "/srv/bot"), {"name": "bot", "path": "/srv/bot", "type_id": 2}),
        ("new_path", ("/", "/", "a"), {"name": "a", "path": "/a", "type_id": 1}),
        ("new_path", ("C:\\", "C:\\w", "b"), {"name": "b", "path": "C:\\w/b", "type_id": 1}),
        ("model_file_new_user", ("/m/x.gguf", "ana"), {"name": "x.gguf", "path": "/m/x.gguf", "type_id": 1}),
        ("new_module", ("libx.so",), {"name": "libx.so", "type_id": 0}),
        ("new_path", ("/",), {"name": "/", "type_id": 2}),
    ],
    ids=str,
)
def test_the_file_of_a_path(kind: str, value: tuple[str, ...], file: dict[str, object]) -> None:
    record = ocsf_record(replace(PLAIN, type=kind, value=value))
    assert record["evidences"][0].get("file") == file  # type: ignore[index]


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\u202e" * 1_000_000, '"\\' * 500_000], ids=["x", "bidi", "quotes"])
def test_a_long_record_is_cut_and_says_so(text: str) -> None:
    many = replace(hostile(text), evidence=(Evidence(text, text, text),) * 4)
    line = Ocsf("0").render([many])
    assert len(line) <= RECORD_BYTES
    record = json.loads(line)
    assert list(VALID.iter_errors(record)) == []
    assert record["metadata"]["is_truncated"] is True


# Syslog

_MESSAGE = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) leeway - (?P<kind>[!-~]{1,32}) "
    r"\[leeway@32473(?P<data>(?: [!-<>-~]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*)\] (?P<words>.*)",
    re.DOTALL,
)


def syslog(finding: Finding, told: Told | None = None) -> dict[str, str]:
    """Return the parts of a finding's message, its structured data unescaped."""
    line = Syslog().render([finding], told)
    assert line.endswith(b"\n")
    assert len(line) <= MESSAGE_BYTES + 1
    found = _MESSAGE.fullmatch(line[:-1].decode())
    assert found is not None
    pairs = re.findall(r' ([^= ]+)="((?:[^"\\\]]|\\.)*)"', found["data"])
    return {**found.groupdict(), **{name: re.sub(r'\\([\\"\]])', r"\1", value) for name, value in pairs}}


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_message_gives_back_what_is_shown(text: str) -> None:
    read = syslog(hostile(text))
    assert {read.get(name, "") for name in ("agentName", "command", "process", "user")} == {display(text)}


@given(text=TEXTS)
def test_any_text_is_a_message(text: str) -> None:
    user = syslog(hostile(text), UPDATE).get("user", "")
    shown = display(text)
    assert user == shown or (user.endswith("…") and len(shown) > 100)  # 128 bytes, escapes included


def test_the_parts_of_a_message() -> None:
    read = syslog(replace(PLAIN, host="desk 1", severity=Severity.CRITICAL), UPDATE)
    assert (read["pri"], read["time"], read["host"]) == ("130", "2025-03-10T09:30:00.000005Z", "desk_1")
    assert (read["kind"], read["lineage"], read["surprise"]) == ("new_child", "systemd > claude > bash", "0.125")
    assert (read["activity"], read["caseDays"], read["delivery"]) == ("update", "4", "d" * 32)
    assert read["words"].startswith("CRITICAL new_child: claude --print @ desk: child: bash")
    assert syslog(replace(PLAIN, host="", severity=Severity.INFO))["host"] == "-"


def test_only_words_beyond_ascii_have_the_mark() -> None:
    assert not syslog(PLAIN)["words"].startswith("\ufeff")
    assert syslog(replace(PLAIN, agent_name="日本"))["words"].startswith("\ufeffMEDIUM new_child: 日本")


@pytest.mark.parametrize("text", ["x", "é", '"\\]', "日本", "\x00"], ids=ascii)
def test_a_long_message_is_cut_with_a_mark(text: str) -> None:
    read = syslog(replace(hostile(text * 100_000), host="h" * 1_000), UPDATE)
    assert read["words"].endswith("…")
    assert read["command"].endswith("…")


# CEF


def cef(finding: Finding, told: Told | None = None) -> tuple[list[str], dict[str, str]]:
    """Return the header and the extension of a finding's line, unescaped by the format's rules."""
    line = Cef("0").render([finding], told).decode()
    assert line.endswith("\n")
    head, part = [], ""
    for character in re.findall(r"\\.|[^\\]", line[:-1], re.DOTALL):
        if character == "|" and len(head) < 7:
            head, part = [*head, part], ""
        else:
            part += character
    pairs = re.split(r"(?:^| )([A-Za-z0-9]+)=", part)[1:]
    values = [re.sub(r"\\(.)", r"\1", one) for one in [*head, *pairs]]
    return values[:7], dict(zip(values[7::2], values[8::2], strict=True))


@pytest.mark.parametrize("text", [one for one in HOSTILE if one], ids=ascii)
def test_a_line_gives_back_what_is_shown(text: str) -> None:
    head, read = cef(hostile(text))
    assert head[4] == display(text)
    assert {read[name] for name in ("cs1", "cs4", "suser", "sproc")} == {display(text)}


def test_the_parts_of_a_line() -> None:
    head, read = cef(replace(PLAIN, host="desk"), UPDATE)
    assert head == ["CEF:0", "Leeway", "Leeway", "0", "new_child", "new_child: claude --print @ desk", "5"]
    assert (read["start"], read["end"], read["rt"]) == ("1741597200000", "1741599000000", "1741599000000")
    assert (read["cs3Label"], read["cs3"], read["dvchost"]) == ("lineage", "systemd > claude > bash", "desk")
    assert (read["act"], read["cnt"], read["deviceExternalId"]) == ("update", "4", "d" * 32)
    assert "cs5" not in read
    assert "cs5Label" not in read


def test_severities_rise() -> None:
    assert [cef(replace(PLAIN, severity=one))[0][6] for one in Severity] == ["1", "3", "5", "8", "10"]


def test_a_pipe_in_an_extension_is_left_alone_and_in_the_header_escaped() -> None:
    line = Cef("0").line(replace(PLAIN, agent_name="a|b=c\\d"))
    assert line.startswith(r"CEF:0|Leeway|Leeway|0|new_child|new_child: a\|b=c\\d|5|")
    assert r" cs1=a|b\=c\\d cs1Label=agent" in line


# Bounds


@given(text=TEXTS, room=st.integers(3, 40))
def test_what_fits_is_whole_and_what_does_not_is_marked(text: str, room: int) -> None:
    cut = fit(text, room)
    assert len(cut.encode()) <= room
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


def test_shortening_goes_all_the_way_down() -> None:
    value = {"a": ["x" * 10, {"b": "y" * 3}], "n": 10**9, "many": list("abcdef")}
    cut = {"a": ["xxxx… (+6 characters)", {"b": "yyy"}], "n": 10**9, "many": list("abcd")}
    assert shortened(value, 4) == cut


def test_milliseconds_are_whole() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    assert milliseconds(start + timedelta(microseconds=1_999)) == milliseconds(start) + 1
    assert milliseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
