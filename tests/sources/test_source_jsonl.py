import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    Facet,
    FileTouched,
    Heartbeat,
    Measure,
    NameResolved,
    Process,
    ProcessStarted,
    ToolCalled,
    event_id,
)
from leeway.sources import JsonLines, Rejected, spooled, without_secrets, write_event
from strategies import events

WHEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEAD = '{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":"h1"'


def read(body: bytes) -> list:
    return [record for _, record in JsonLines(spooled(BytesIO(body))).read()]


@settings(max_examples=200)
@given(events())
def test_what_is_written_is_read_back(event: AnyEvent) -> None:
    clean = without_secrets(event)
    assert read(write_event(clean)) == [clean]
    assert without_secrets(clean) == clean
    assert write_event(clean).count(b"\n") == 1


def test_an_event_without_id_gets_the_digest_of_what_is_kept_of_it() -> None:
    line = (
        '{"kind":"process_started","time":"2026-03-02T10:00:00+01:00","host":"h1",'
        '"process":{"image":"curl","command_line":"curl https://ana:hunter22@example.org"}}'
    )
    (event,) = read(line.encode())
    assert event.process.command_line == "curl https://ana:<secret>@example.org"
    assert event.id == event_id(event)
    assert event.time == WHEN
    assert read(write_event(event)) == [event]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param('{"kind":"reboot","time":"2026-03-02T09:00:00Z","host":"h"}', "Invalid value 'reboot'", id="kind"),
        pytest.param('{"kind":"heartbeat","time":"2026-03-02T09:00:00","host":"h"}', "timezone", id="no zone"),
        pytest.param('{"kind":"heartbeat","time":"yesterday","host":"h"}', "Invalid RFC3339", id="no time"),
        pytest.param('{"kind":"heartbeat","time":"2026-02-30T09:00:00Z","host":"h"}', "Invalid", id="30 February"),
        pytest.param(
            '{"kind":"heartbeat","time":"0001-01-01T00:00:00+14:00","host":"h"}', "out of range", id="before all time"
        ),
        pytest.param(
            HEAD + ',"process":{"started":"9999-12-31T23:59:59-14:00"}}',
            "out of range",
            id="started after all time",
        ),
        pytest.param('{"kind":"heartbeat","time":"2026-03-02T09:00:00Z"}', "neither a host", id="no host"),
        pytest.param('{"kind":"heartbeat","host":"h"}', "missing required field `time`", id="time missing"),
        pytest.param('{"kind":"heartbeat","time":"2026-03-02T09:00:00Z","host":7}', "Expected `str`", id="host 7"),
        pytest.param(HEAD + ',"x":NaN}', "malformed", id="NaN"),
        pytest.param(HEAD + ',"x":-Infinity}', "malformed", id="Infinity"),
        pytest.param(HEAD + ',"id":"\\ud800"}', "truncated", id="lone surrogate"),
        pytest.param(HEAD + "", "truncated", id="half a line"),
        pytest.param(HEAD + "} {}", "malformed", id="two on a line"),
        pytest.param('["heartbeat"]', "Expected `object`", id="array"),
        pytest.param("null", "Expected `object`", id="null"),
        pytest.param("\x00\x00", "malformed", id="NUL"),
        pytest.param(HEAD + ',"x":' + "[" * 70 + "]" * 70 + "}", "deeper than 64", id="deep"),
        pytest.param(HEAD + ',"x":' + "[" * 200_000, "deeper than 64", id="very deep"),
        pytest.param(
            '{"kind":"connection_opened","time":"2026-03-02T09:00:00Z","host":"h","destination":"d","port":65536}',
            "<= 65535",
            id="port",
        ),
        pytest.param(
            '{"kind":"connection_opened","time":"2026-03-02T09:00:00Z","host":"h","destination":"d","port":'
            + "9" * 5_000
            + "}",
            "out of range",
            id="huge number",
        ),
        pytest.param(HEAD[:-3] + "h" * 1_025 + '"}', "length <= 1024", id="long host"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_the_reason(line: str, reason: str) -> None:
    (refused,) = read(line.encode())
    assert isinstance(refused, Rejected)
    assert reason in refused.reason
    assert refused.record == line[:2_000]
    assert refused.position == str(len(line))


def test_bytes_that_are_no_text_are_refused() -> None:
    (refused,) = read(HEAD.encode() + b',"x":"\xff"}')
    assert refused.reason.startswith("not UTF-8")
    assert refused.record.endswith(',"x":"\ufffd"}')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(HEAD + ',"extra":{"a":[1,2.5,null]}}', "h1", id="unknown keys are ignored"),
        pytest.param(HEAD + ',"host":"h2"}', "h2", id="the last of two equal keys counts"),
        pytest.param(HEAD + ',"x":' + "1" * 5_000 + "}", "h1", id="a huge number in an unknown key"),
        pytest.param(HEAD[:-3] + '\\u0000"}', "\x00", id="NUL escaped"),
    ],
)
def test_a_line_with_more_than_an_event_is_read(line: str, expected: str) -> None:
    (event,) = read(line.encode())
    assert isinstance(event, Heartbeat)
    assert event.host == expected


def test_refused_records_are_kept_without_their_secrets() -> None:
    line = json.dumps({"kind": "?", "x": "p" * 1_990 + " --token=abcdefghijklmnopqrstuvwxyz"})
    (refused,) = read(line.encode())
    assert "abcdef" not in refused.record
    assert len(refused.record) <= 2_000


def test_bad_lines_do_not_hide_the_good_ones() -> None:
    good = write_event(Heartbeat(time=WHEN, host="h1"))
    records = read(good + b"{\n" + b"x" * (9 << 20) + b"\n\n" + good)
    assert [type(record).__name__ for record in records] == ["Heartbeat", "Rejected", "Rejected", "Heartbeat"]
    assert records[2].reason == "longer than 8388608 bytes"


def connection(destination: str) -> AnyEvent:
    return ConnectionOpened(time=WHEN, host="h1", destination=destination, port=443)


SECRET = "hunter22"  # noqa: S105  # made up


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        pytest.param(connection(f"https://ana:{SECRET}@example.org"), "example.org", id="destination"),
        pytest.param(
            NameResolved(time=WHEN, host="h1", name=f"ftp://u:{SECRET}@files.example"), "files.example", id="name"
        ),
        pytest.param(
            FileTouched(time=WHEN, host="h1", path=f"git+https://u:{SECRET}@git.example/x", action="read"),
            "git.example/x",
            id="path",
        ),
        pytest.param(
            ToolCalled(time=WHEN, agent=DeclaredAgent(uid="a"), tool="login", arguments={"password": f"{SECRET} x"}),
            "<secret>",
            id="argument by its key",
        ),
        pytest.param(
            ToolCalled(time=WHEN, agent=DeclaredAgent(uid="a"), tool="sh", arguments={"cmd": f"x --token {SECRET} y"}),
            "x --token <secret> y",
            id="argument by its text",
        ),
        pytest.param(
            ProcessStarted(time=WHEN, host="h1", parent=Process(command_line=f"x --api-key={SECRET} --fast")),
            "--fast",
            id="parent",
        ),
        pytest.param(
            ProcessStarted(time=WHEN, host="h1", process=Process(command_line="x " * 900 + f"--token={SECRET}")),
            "x x",
            id="long command line",
        ),
    ],
)
def test_secrets_go_and_the_rest_stays(event: AnyEvent, kept: str) -> None:
    written = write_event(without_secrets(event)).decode()
    assert SECRET not in written
    assert kept in written
    assert without_secrets(without_secrets(event)) == without_secrets(event)


@pytest.mark.parametrize("path", ["/home/ana/secret plans.txt", r"C:\Program Files\Password Safe\safe.exe"])
def test_a_path_that_only_sounds_secret_keeps_its_name(path: str) -> None:
    event = FileTouched(time=WHEN, host="h1", path=path, action="read")
    assert without_secrets(event).path == path


def test_it_can_show_everything() -> None:
    assert JsonLines.observes == {*Facet, *Measure}
