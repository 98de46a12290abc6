import gzip
import json
from datetime import UTC, datetime
from io import BytesIO

import pytest

from leeway.errors import SourceError
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    Facet,
    FileTouched,
    Measure,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
    event_id,
)
from leeway.sources import Rejected, Skipped, Sysmon, spooled

SHA = "9B9B" * 16
GUID = "{39e4a257-dde0-5f8b-501b-000000000400}"
WHEN = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)

SYSMON = {
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Hostname": "WS5.Shire.local",
    "UtcTime": "2026-03-02 09:00:00.250",
    "@timestamp": "2026-03-02T17:00:03.100Z",
    "EventTime": "2026-03-02 04:00:00",
    "ExecutionProcessID": 3080,
    "ProcessGuid": GUID,
    "ProcessId": "10108",
    "Image": r"C:\Python\python.exe",
    "User": r"SHIRE\ana",
    "RuleName": "-",
}
SECURITY = {
    "Channel": "Security",
    "Hostname": "WS5.Shire.local",
    "@timestamp": "2026-03-02T09:00:00.250Z",
    "EventTime": "2026-03-02 04:00:00",
    "ExecutionProcessID": 4,
}
ACTOR = Process(image=r"C:\Python\python.exe", pid=10108, uid=GUID)
SHARED = {"time": WHEN, "host": "ws5.shire.local", "process": ACTOR, "user": r"SHIRE\ana"}


def read(*rows: dict) -> list:
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return [record for _, record in Sysmon(spooled(BytesIO(body))).read()]


def sysmon(event_id: object, **fields: object) -> dict:
    """A Sysmon row; a field that is None is left out."""
    return {key: value for key, value in {**SYSMON, "EventID": event_id, **fields}.items() if value is not None}


def security(event_id: object, **fields: object) -> dict:
    return {key: value for key, value in {**SECURITY, "EventID": event_id, **fields}.items() if value is not None}


START = {
    "CommandLine": "python.exe agent.py",
    "Hashes": f"SHA1=77,MD5=34,SHA256={SHA},IMPHASH=00",
    "ParentProcessGuid": "{p}",
    "ParentProcessId": "1064",
    "ParentImage": r"C:\Windows\cmd.exe",
    "ParentCommandLine": "cmd /c agent --token=abcdefgh12",
}
STARTED = ProcessStarted(
    **{
        **SHARED,
        "process": Process(
            **{f: getattr(ACTOR, f) for f in ("image", "pid", "uid")}, started=WHEN, command_line="python.exe agent.py"
        ),
    },
    parent=Process(image=r"C:\Windows\cmd.exe", pid=1064, uid="{p}", command_line="cmd /c agent --token=<secret>"),
    digest=SHA.lower(),
)
FLOW = {
    "Initiated": "true",
    "Protocol": "tcp",
    "SourceIp": "10.0.0.5",
    "SourceHostname": "-",
    "SourcePort": "61142",
    "DestinationIp": "192.0.2.7",
    "DestinationHostname": "-",
    "DestinationPort": "443",
}
MODULE = {
    "ImageLoaded": r"C:\Windows\a.dll",
    "Hashes": f"SHA256={SHA}",
    "Signed": "true",
    "Signature": "Example Corp",
    "SignatureStatus": "Valid",
}
LOADED = ModuleLoaded(**SHARED, path=r"C:\Windows\a.dll", digest=SHA.lower())


def flow(**fields: object) -> ConnectionOpened:
    return ConnectionOpened(
        **{**SHARED, "destination": "192.0.2.7", "address": "192.0.2.7", "port": 443, **fields},
    )


@pytest.mark.parametrize(
    ("row", "event"),
    [
        pytest.param(sysmon(1, **START), STARTED, id="1 start"),
        pytest.param(sysmon("1", **START), STARTED, id="1 id as text"),
        pytest.param(
            sysmon(1, CommandLine="", User="-", ParentImage="-", ParentCommandLine="-", Company="-"),
            ProcessStarted(
                **{**SHARED, "process": Process(image=ACTOR.image, pid=10108, uid=GUID, started=WHEN), "user": None}
            ),
            id="1 dashes are absent",
        ),
        pytest.param(sysmon(3, **FLOW), flow(), id="3 outbound"),
        pytest.param(
            sysmon(3, **{**FLOW, "DestinationHostname": "api.example.org", "Initiated": True, "DestinationPort": 443}),
            flow(destination="api.example.org"),
            id="3 name, typed values",
        ),
        pytest.param(
            sysmon(3, **{**FLOW, "Initiated": "false", "SourceHostname": "peer.example", "Protocol": "udp"}),
            flow(destination="peer.example", address="10.0.0.5", outbound=False, protocol="udp"),
            id="3 inbound: the other side is the source, the port ours",
        ),
        pytest.param(sysmon(5), ProcessEnded(**SHARED), id="5 end"),
        pytest.param(
            sysmon(7, **MODULE),
            ModuleLoaded(**SHARED, path=LOADED.path, digest=LOADED.digest, signer="Example Corp"),
            id="7 signed",
        ),
        pytest.param(sysmon(7, **{**MODULE, "SignatureStatus": "Expired"}), LOADED, id="7 signature expired"),
        pytest.param(sysmon(7, **{**MODULE, "Signed": "false"}), LOADED, id="7 not signed"),
        pytest.param(sysmon(7, **{**MODULE, "Signature": "-"}), LOADED, id="7 signer unnamed"),
        pytest.param(
            sysmon(11, TargetFilename=r"C:\a.txt"), FileTouched(**SHARED, path=r"C:\a.txt", action="created"), id="11"
        ),
        pytest.param(
            sysmon(15, TargetFilename=r"C:\a.exe:Zone.Identifier", Hash=f"SHA256={SHA}", Contents="HostUrl=x"),
            FileTouched(**SHARED, path=r"C:\a.exe:Zone.Identifier", action="created"),
            id="15 stream",
        ),
        pytest.param(
            sysmon(
                22,
                QueryName="a.example",
                QueryStatus="0",
                QueryResults="type:  5 b.example;::ffff:192.0.2.7;2001:db8::1;",
            ),
            NameResolved(**SHARED, name="a.example", addresses=("192.0.2.7", "2001:db8::1")),
            id="22",
        ),
        pytest.param(
            sysmon(22, QueryName="a.example", QueryResults="-"),
            NameResolved(**SHARED, name="a.example"),
            id="22 no answer",
        ),
        pytest.param(sysmon(23, TargetFilename="x"), FileTouched(**SHARED, path="x", action="deleted"), id="23"),
        pytest.param(sysmon(26, TargetFilename="x"), FileTouched(**SHARED, path="x", action="deleted"), id="26"),
        pytest.param(
            sysmon(5, ProcessId=None, ProcessID=2848, ThreadID=3320),
            ProcessEnded(**{**SHARED, "process": Process(image=ACTOR.image, uid=GUID)}),
            id="the sensor's pid is not the process's",
        ),
        pytest.param(
            sysmon(5, ProcessId=0),
            ProcessEnded(**{**SHARED, "process": Process(image=ACTOR.image, pid=0, uid=GUID)}),
            id="pid 0",
        ),
        pytest.param(sysmon(5, Channel="Linux-Sysmon/Operational"), ProcessEnded(**SHARED), id="Linux"),
        pytest.param(
            sysmon(5, Hostname=None, Computer="WS5.shire.local", host={"name": "x"}),
            ProcessEnded(**SHARED),
            id="Computer",
        ),
        pytest.param(sysmon(5, Hostname=None, host="WS5.shire.local"), ProcessEnded(**SHARED), id="collector last"),
    ],
)
def test_sysmon_rows(row: dict, event: AnyEvent) -> None:
    (read_event,) = read(row)
    assert read_event == _identified(event)


ME = {"SubjectUserName": "ana", "SubjectDomainName": "SHIRE"}
BEGUN = {
    **ME,
    "NewProcessId": "0x1730",
    "NewProcessName": r"C:\cmd.exe",
    "ProcessId": "0x1600",
    "ParentProcessName": r"C:\Windows\svchost.exe",
    "CommandLine": "cmd /c dir",
    "TargetUserName": "-",
    "TargetDomainName": "-",
}
CMD = Process(image=r"C:\cmd.exe", pid=0x1730, started=WHEN, command_line="cmd /c dir")
PARENT = Process(image=r"C:\Windows\svchost.exe", pid=0x1600)
AT = {"time": WHEN, "host": "ws5.shire.local"}
FILTERED = {
    "Application": r"\device\harddiskvolume2\windows\system32\svchost.exe",
    "Direction": "%%14593",
    "Protocol": "6",
    "SourceAddress": "10.0.0.5",
    "SourcePort": "61142",
    "DestAddress": "192.0.2.7",
    "DestPort": "443",
    "ProcessId": "2576",
}


def filtered(
    pid: int | None = 2576, image: str = r"\windows\system32\svchost.exe", **fields: object
) -> ConnectionOpened:
    known = {"destination": "192.0.2.7", "address": "192.0.2.7", "port": 443, **fields}
    return ConnectionOpened(**AT, process=Process(image=image, pid=pid), **known)


@pytest.mark.parametrize(
    ("row", "event"),
    [
        pytest.param(
            security(4688, **BEGUN), ProcessStarted(**AT, process=CMD, parent=PARENT, user=r"SHIRE\ana"), id="4688"
        ),
        pytest.param(
            security(4688, **{**BEGUN, "TargetUserName": "bob", "TargetDomainName": "SHIRE"}),
            ProcessStarted(**AT, process=CMD, parent=PARENT, user=r"SHIRE\bob"),
            id="4688 for another user",
        ),
        pytest.param(
            security(
                4688, NewProcessId="0x58", NewProcessName="Registry", SubjectUserName="-", ERROR_EVT_UNRESOLVED=True
            ),
            ProcessStarted(**AT, process=Process(image="Registry", pid=88, started=WHEN)),
            id="4688 unresolved",
        ),
        pytest.param(
            security(4689, **ME, ProcessName=r"C:\cmd.exe", ProcessId="0x988", Channel="security"),
            ProcessEnded(**AT, process=Process(image=r"C:\cmd.exe", pid=0x988), user=r"SHIRE\ana"),
            id="4689",
        ),
        pytest.param(security(5156, **FILTERED), filtered(), id="5156 outbound"),
        pytest.param(
            security(5156, **{**FILTERED, "Direction": "%%14592", "Protocol": "17"}),
            filtered(destination="10.0.0.5", address="10.0.0.5", outbound=False, protocol="udp"),
            id="5156 inbound",
        ),
        pytest.param(
            security(5156, **{**FILTERED, "Protocol": "58"}), filtered(protocol="58"), id="5156 other protocol"
        ),
        pytest.param(
            security(5156, **{**FILTERED, "ProcessId": None}, ProcessID="1048"),
            filtered(1048),
            id="5156 by its own name",
        ),
        pytest.param(
            security(5156, **{**FILTERED, "ProcessId": None}, ProcessID=4, ThreadID=76, ExecutionProcessID=None),
            filtered(None),
            id="5156 with the reporter's pid",
        ),
        pytest.param(
            security(5156, **{**FILTERED, "Application": "System"}), filtered(image="System"), id="5156 System"
        ),
        pytest.param(
            security(5156, **FILTERED, SourceName="Microsoft-Windows-Security-Auditing", Channel=None),
            filtered(),
            id="no channel",
        ),
    ],
)
def test_security_rows(row: dict, event: AnyEvent) -> None:
    (read_event,) = read(row)
    assert read_event == _identified(event)


def _identified(event: AnyEvent) -> AnyEvent:
    return type(event)(
        **{name: getattr(event, name) for name in event.__struct_fields__ if name != "id"}, id=event_id(event)
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(sysmon(18), "not used: Sysmon 18", id="pipe"),
        pytest.param(sysmon("255"), "not used: Sysmon 255", id="error event"),
        pytest.param(security(5158), "not used: Security 5158", id="bind"),
        pytest.param(sysmon(800, Channel="Windows PowerShell"), "not used: another channel", id="channel"),
        pytest.param({"EventID": 1}, "not used: another channel", id="no channel"),
    ],
)
def test_events_that_teach_nothing_are_skipped_and_say_which(row: dict, reason: str) -> None:
    (skipped,) = read(row)
    assert skipped == Skipped(str(len(json.dumps(row)) + 1), reason)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(sysmon(1, Image=None, ERROR_EVT_UNRESOLVED=True), "no Image", id="image"),
        pytest.param(sysmon(7, Image="-", ImageLoaded="x"), "no Image", id="image dashed"),
        pytest.param(sysmon(7), "no ImageLoaded", id="module"),
        pytest.param(sysmon(3, **{**FLOW, "DestinationIp": "-"}), "no DestinationIp", id="destination"),
        pytest.param(sysmon(3, **{**FLOW, "Initiated": "false", "SourceIp": None}), "no SourceIp", id="source"),
        pytest.param(
            sysmon(3, **{**FLOW, "DestinationPort": "-"}), "Expected `int`, got `null` - at `$.port`", id="port"
        ),
        pytest.param(sysmon(3, **{**FLOW, "DestinationPort": "70000"}), "<= 65535", id="port too large"),
        pytest.param(sysmon(11, TargetFilename=""), "no TargetFilename", id="file"),
        pytest.param(sysmon(22), "no QueryName", id="name"),
        pytest.param(sysmon(5, Hostname="-"), "neither a host", id="host"),
        pytest.param(sysmon(5, Hostname="h" * 1_025), "length <= 1024", id="long host"),
        pytest.param(sysmon(5, UtcTime="2026-02-30 09:00:00.250"), "unreadable UtcTime", id="30 February"),
        pytest.param(sysmon(5, UtcTime="soon"), "unreadable UtcTime 'soon'", id="time"),
        pytest.param(sysmon(5, UtcTime=None, **{"@timestamp": None}), "no zone", id="EventTime alone"),
        pytest.param(sysmon(1, Hashes="SHA256=zz"), "matching regex", id="digest"),
        pytest.param(sysmon(1.5), "Expected `bool | int | str | null`, got `float`", id="id 1.5"),
        pytest.param(sysmon("one"), "EventID 'one' is none", id="id in words"),
        pytest.param(sysmon("-1"), "EventID '-1' is none", id="id negative"),
        pytest.param(sysmon(event_id=True), "EventID 'True' is none", id="id true"),
        pytest.param(sysmon(10**30), "EventID", id="id huge"),
        pytest.param(sysmon(1, Image=["x"]), "Expected `str | null`, got `array`", id="image a list"),
        pytest.param(security(4688), "no NewProcessName", id="4688"),
        pytest.param(security(4689), "no ProcessName", id="4689"),
        pytest.param(security(5156, **{**FILTERED, "Direction": "%%1"}), "Direction '%%1' is neither", id="direction"),
        pytest.param(security(5156, **{**FILTERED, "DestAddress": None}), "no DestAddress", id="5156"),
        pytest.param(security(5156, **{**FILTERED, "Application": "-"}), "no Application", id="5156 application"),
    ],
)
def test_rows_that_lack_or_break_something_are_refused(row: dict, reason: str) -> None:
    (refused,) = read(row)
    assert isinstance(refused, Rejected)
    assert reason in refused.reason


def shipped(stamp: str | None, **fields: object) -> dict:
    return security(4689, ProcessName="x", **{"@timestamp": stamp, **fields})


def times(*rows: dict) -> list[str]:
    return [
        record.time.strftime("%H:%M:%S.%f")[:-3] if not isinstance(record, Rejected) else record.reason[:7]
        for record in read(*rows)
    ]


PAIR = {"UtcTime": "2026-03-02 09:00:00.000"}


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        pytest.param([shipped("2026-03-02T09:00:00.5Z")], ["09:00:00.500"], id="nothing to compare with: as it is"),
        pytest.param([shipped("2026-03-02T11:00:00+02:00")], ["09:00:00.000"], id="other zone"),
        pytest.param([shipped("2026-03-02T09:00:00")], ["no zone"], id="no zone"),
        pytest.param([shipped(None, TimeCreated="2026-03-02 09:00:00.1")], ["no zone"], id="TimeCreated without zone"),
        pytest.param(
            [shipped(None, TimeCreated="2026-03-02T09:00:00.1Z")], ["09:00:00.100"], id="TimeCreated with zone"
        ),
        pytest.param([shipped("2026-03-02")], ["no zone"], id="a day is no time"),
        pytest.param([shipped(1_772_442_000)], ["no zone"], id="a number is no time"),
        pytest.param([sysmon(5, UtcTime="2026-03-02T10:00:00+01:00")], ["09:00:00.000"], id="UtcTime with a zone"),
        pytest.param(
            [shipped("2026-03-02T17:00:30Z"), sysmon(5, **PAIR, **{"@timestamp": "2026-03-02T17:00:01Z"})],
            ["09:00:29.000", "09:00:00.000"],
            id="eight hours and a second off",
        ),
        pytest.param(
            [
                shipped("2026-03-02T17:00:30Z"),
                *(sysmon(5, **PAIR, **{"@timestamp": f"2026-03-02T1{hour}:00:00Z"}) for hour in (7, 7, 9, 1, 7)),
            ],
            ["09:00:30.000", *["09:00:00.000"] * 5],
            id="the median",
        ),
        pytest.param(
            [
                sysmon(5, **PAIR, _capture="a", **{"@timestamp": "2026-03-02T17:00:00Z"}),
                sysmon(5, **PAIR, _capture="b", **{"@timestamp": "2026-03-02T10:00:00Z"}),
                shipped("2026-03-02T17:00:30Z", _capture="a"),
                shipped("2026-03-02T10:00:30Z", _capture="b"),
                shipped("2026-03-02T10:00:30Z", _capture="c"),
            ],
            ["09:00:00.000", "09:00:00.000", "09:00:30.000", "09:00:30.000", "10:00:30.000"],
            id="each capture by itself",
        ),
        pytest.param([shipped("0001-01-01T00:00:00+14:00")], ["the tim"], id="before all time"),
    ],
)
def test_times(rows: list, seen: list) -> None:
    assert times(*rows) == seen


def test_the_correction_does_not_depend_on_where_reading_resumes() -> None:
    rows = [sysmon(5, **PAIR, **{"@timestamp": "2026-03-02T17:00:00Z"}), shipped("2026-03-02T17:00:30Z")]
    source = Sysmon(spooled(BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows))))
    (first, _), last = source.read()
    assert list(source.read(after=first)) == [last]
    assert last[1].time == datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)


def test_a_file_cut_short_gives_what_came_before() -> None:
    rows = [shipped("2026-03-02T17:00:30Z"), sysmon(5, **PAIR, **{"@timestamp": "2026-03-02T17:00:00Z"})]
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows * 500)
    found = []
    with pytest.raises(SourceError, match="cut short"):  # noqa: PT012  # what came before counts
        for _, record in Sysmon(spooled(BytesIO(gzip.compress(body)[:-9]))).read():
            found.append(record.time.second)
    assert found[:2] == [30, 0]


def test_lines_that_only_look_like_times_measure_nothing() -> None:
    body = (
        b'{"UtcTime": 7}\n["UtcTime"]\n'
        + b"x" * (1 << 20)
        + b"\n"
        + json.dumps(shipped("2026-03-02T09:00:00Z")).encode()
    )
    *_, (_, event) = Sysmon(spooled(BytesIO(body))).read()
    assert event.time == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_captures_beyond_the_bound_share_one_correction() -> None:
    pairs = [
        sysmon(5, **PAIR, _capture=str(number), **{"@timestamp": f"2026-03-02T1{number // 1_024}:00:00Z"})
        for number in range(1_030)
    ]
    *_, first, beyond = read(
        *pairs,
        shipped("2026-03-02T12:00:30Z", _capture="7"),
        shipped("2026-03-02T12:00:30Z", _capture="1027"),
    )
    assert (first.time.hour, beyond.time.hour) == (11, 10)


def test_the_same_start_seen_by_both_sensors_stays_two_events() -> None:
    both = read(
        sysmon(1, **START, ProcessId="5936"),
        security(4688, **{**BEGUN, "NewProcessName": ACTOR.image}),
    )
    assert len({event.id for event in both}) == 2
    assert {event.process.pid for event in both} == {5936}


def test_it_says_what_it_cannot_see() -> None:
    assert set(Facet) - Sysmon.observes == {Facet.TOOL, Facet.TOOL_ARGUMENT}
    assert set(Measure) - Sysmon.observes == {Measure.BYTES_OUT, Measure.BYTES_IN, Measure.TOOL_DURATION_US}
