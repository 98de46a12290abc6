import random
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from make_golden import golden

from leeway.errors import SourceError
from leeway.events import ConnectionOpened, Facet, FileTouched, ModuleLoaded, ProcessEnded, ProcessStarted
from leeway.sources import Place, Rejected, Skipped, spooled
from leeway.sources.auditd import HOST_NOT_TOLD, Auditd
from leeway.sources.auditd_calls import call_name
from leeway.sources.auditd_groups import OPEN_LIMIT, RECORD_LIMIT
from leeway.sources.auditd_records import fields, head, text
from source_contract import check_source

GOLDEN = Path(__file__).parent / "golden" / "auditd"
LINES = (GOLDEN / "input.log").read_bytes().splitlines()
CALL = (
    b"arch=c000003e syscall=%s success=yes exit=0 a0=ffffff9c a1=7f a2=%s a3=0 ppid=1 pid=2 uid=1000 "
    b'comm="x" exe="/usr/bin/x"'
)


def record(serial: int, kind: bytes, body: bytes) -> bytes:
    return b"type=%s msg=audit(1772442000.000:%d): %s" % (kind, serial, body)


def started(serial: int, *words: bytes) -> list[bytes]:
    arguments = b" ".join(b'a%d="%s"' % pair for pair in enumerate(words))
    return [
        record(serial, b"SYSCALL", CALL % (b"59", b"0")),
        record(serial, b"EXECVE", b"argc=%d %s" % (len(words), arguments)),
        record(serial, b"PROCTITLE", b'proctitle="x"'),
    ]


def read(*lines: bytes, host: str = "") -> list:
    return [event for _, event in Auditd(spooled(BytesIO(b"\n".join(lines))), host).read()]


def test_the_golden_log_gives_what_is_written() -> None:
    found, expected = golden(Auditd, GOLDEN)
    assert found == expected


def test_the_golden_log_holds_every_act() -> None:
    kinds = Counter(type(event) for event in read(*LINES))
    acts = {ProcessStarted, ProcessEnded, ConnectionOpened, ModuleLoaded, FileTouched}
    assert set(kinds) == acts | {Rejected, Skipped}
    assert kinds[Rejected] == 8


@pytest.mark.parametrize(
    ("body", "line"),
    [
        pytest.param(b'argc=2 a0="ls" a1="-l"', "ls -l", id="literal"),
        pytest.param(b'argc=2 a0="ls" a1=612062', "ls 'a b'", id="hexadecimal"),
        pytest.param(b'argc=2 a0="ls" a1="616263"', "ls 616263", id="quoted, looks hexadecimal"),
        pytest.param(b'argc=3 a0="ls" a2="/etc"', "ls '' /etc", id="an empty one left out"),
        pytest.param(b'argc=2 a0="ls" a1_len=6 a1[0]=6120 a1[1]=62', "ls 'a b'", id="in pieces"),
        pytest.param(b'argc=2 a0="ls" a1=C3', "ls \\xc3", id="no UTF-8"),
        pytest.param(b'argc=9999 a0="ls"', "ls" + " ''" * 4_095, id="no more than 4,096"),
        pytest.param(b'argc=many a0="ls"', "ls", id="no count"),
    ],
)
def test_a_command_line_is_put_together(body: bytes, line: str) -> None:
    (event,) = read(record(1, b"SYSCALL", CALL % (b"59", b"0")), record(1, b"EXECVE", body))
    assert event.process.command_line == line


@pytest.mark.parametrize(
    ("flags", "nametype", "name", "event"),
    [
        pytest.param(b"80000", b"NORMAL", b"/etc/hosts", ("/etc/hosts", "read"), id="read"),
        pytest.param(b"1", b"NORMAL", b"/tmp/a", ("/tmp/a", "modified"), id="written"),  # noqa: S108  # a made-up log
        pytest.param(b"200", b"NORMAL", b"/a/../b", ("/b", "modified"), id="emptied"),
        pytest.param(b"241", b"CREATE", b"//b", ("/b", "created"), id="created"),
        pytest.param(b"80000", b"NORMAL", b"/lib/a.so.1.2", ("/lib/a.so.1.2", None), id="library"),
        pytest.param(b"2", b"NORMAL", b"/lib/a.so", ("/lib/a.so", "modified"), id="library written"),
    ],
)
def test_opening_is_what_its_flags_say(
    flags: bytes, nametype: bytes, name: bytes, event: tuple[str, str | None]
) -> None:
    item = b'item=0 name="%s" mode=0100644 nametype=%s' % (name, nametype)
    (found,) = read(record(1, b"SYSCALL", CALL % (b"257", flags)), record(1, b"PATH", item))
    assert (found.path, getattr(found, "action", None)) == event


@pytest.mark.parametrize(
    ("line", "host", "kind"),
    [
        pytest.param(b"type=CWD msg=audit(1.000:2):  cwd=/", "", "CWD", id="raw"),
        pytest.param(b"node=A.example type=CWD msg=audit(1.000:2): ", "a.example", "CWD", id="node"),
        pytest.param(b"Mar  1 00:10:05 h1 audit[1]: type=CWD msg=audit(1.000:2): ", "h1", "CWD", id="syslog"),
        pytest.param(b"Mar  1 00:10:05 h1 audit type=CWD msg=audit(1.000:2): ", "h1", "CWD", id="no colon"),
        pytest.param(
            b"<5>1 2026-03-02T09:00:00Z h1 audispd - - - type=CWD msg=audit(1.000:2): ", "h1", "CWD", id="RFC 5424"
        ),
        pytest.param(b"Mar 11 00:10:05 h1 x: node=h2 type=CWD msg=audit(1.000:2): ", "h2", "CWD", id="node is nearer"),
        pytest.param(b"type=1307 audit(1.000:2): ", "", "CWD", id="number"),
        pytest.param(b"type=UNKNOWN[1307] msg=audit(1.000:2): ", "", "CWD", id="unknown to auditd"),
        pytest.param(b"type=1400 audit(1.000:2): ", "", "1400", id="number without a name"),
    ],
)
def test_a_head_names_host_and_type(line: bytes, host: str, kind: str) -> None:
    found = head(line)
    assert found is not None
    assert (found.stamp.host, found.stamp.seconds, found.stamp.serial, found.type) == (host, 1, "2", kind)
    assert Auditd.recognises(line)


def test_a_value_cannot_pass_for_a_field() -> None:
    found = fields(b'comm="x uid=0" exe="/tmp/ARCH=x/pid=1" key=616263 uid=7')
    assert found == {"comm": '"x uid=0"', "exe": '"/tmp/ARCH=x/pid=1"', "key": "616263", "uid": "7"}
    assert text(found["key"]) == "abc"


@pytest.mark.parametrize(
    ("arch", "number", "name"),
    [("c000003e", "59", "execve"), ("c00000b7", "221", "execve"), ("40000003", "11", "execve"), ("0", "59", "59 (0)")],
)
def test_a_number_is_a_call_of_its_architecture(arch: str, number: str, name: str) -> None:
    assert call_name({"arch": arch, "syscall": number}) == name


def test_a_host_is_told_or_given_or_visibly_neither() -> None:
    lines = started(1, b"ls")
    assert read(*lines)[0].host == HOST_NOT_TOLD
    assert read(*lines, host="Web-1")[0].host == "web-1"
    assert read(*(b"node=Db-1 " + line for line in lines), host="web-1")[0].host == "db-1"


@pytest.mark.parametrize(
    ("prefix", "host", "not_told"),
    [(b"", "", True), (b"", "web-1", False), (b"node=Db-1 ", "", False)],
    ids=["neither", "given", "told"],
)
def test_it_is_remembered_that_no_host_was_told(prefix: bytes, host: str, not_told: bool) -> None:  # noqa: FBT001  # a column
    source = Auditd(spooled(BytesIO(b"\n".join(prefix + line for line in started(1, b"ls")))), host)
    assert not source.host_not_told
    assert len(list(source.read())) == 1
    assert source.host_not_told == not_told


def test_an_event_keeps_its_id_in_a_copy_of_the_log() -> None:
    own, other = (read(*(prefix + line for line in started(1, b"ls")))[0] for prefix in (b"node=h1 ", b"node=h2 "))
    copy = read(*(b"Mar  1 00:10:05 relay audispd: node=h1 " + line for line in started(1, b"ls")))[0]
    assert own.id == copy.id != other.id


def test_an_event_waits_for_its_records_but_not_for_ever() -> None:
    first, *rest = started(1, b"ls")
    others = [line for serial in range(2, OPEN_LIMIT + 1) for line in started(serial, b"ls")]
    assert [type(event) for event in read(first, *others, *rest)] == [ProcessStarted] * OPEN_LIMIT
    late = read(first, *others, *started(OPEN_LIMIT + 1, b"ls"), *rest)
    assert [event.reason for event in late if isinstance(event, Rejected)] == ["no SYSCALL record"]


def test_no_more_records_are_held_than_the_limit() -> None:
    pieces = [record(1, b"EXECVE", b'a%d="y"' % number) for number in range(RECORD_LIMIT + 9)]
    (event,) = read(record(1, b"SYSCALL", CALL % (b"59", b"0")), *pieces)
    assert event.process.command_line.count("y") == RECORD_LIMIT - 1


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 19, "99999"])
def test_a_position_of_another_file_is_refused(after: str) -> None:
    with pytest.raises(SourceError, match="position"):
        list(Auditd(spooled(BytesIO(b"\n".join(started(1, b"ls"))))).read(after=after))


@given(seed=st.integers(0, 9), count=st.integers(1, 12), cut=st.integers(0, 40))
def test_events_are_whole_however_their_records_lie_between_each_other(seed: int, count: int, cut: int) -> None:
    events = [started(serial, b"ls", b"-%d" % serial) for serial in range(count)]
    order = [serial for serial in range(count) for _ in range(3)]
    random.Random(seed).shuffle(order)  # noqa: S311  # a seed to repeat
    queues = [iter(lines) for lines in events]
    body = b"\n".join(next(queues[serial]) for serial in order)
    found = check_source(Auditd, body, cut)
    lasts = sorted(range(count), key=lambda serial: max(place for place, own in enumerate(order) if own == serial))
    assert [record.process.command_line for _, record in found] == [f"ls -{serial}" for serial in lasts]


def changed() -> st.SearchStrategy[bytes]:
    """Lines of the golden log, some cut, some with a piece of another one in them."""
    line = st.sampled_from(LINES)
    return st.one_of(
        line,
        line,
        st.builds(lambda one, at: one[: at % len(one)], line, st.integers(0, 400)),
        st.builds(lambda one, other, at: one[:at] + other[at:], line, line, st.integers(0, 400)),
        st.builds(
            lambda one, at, new: one[:at] + new + one[at + 1 :], line, st.integers(0, 400), st.binary(max_size=3)
        ),
        st.binary(max_size=60),
    )


@given(lines=st.lists(changed(), max_size=12), cut=st.integers(0, 20))
@example(lines=[b"type=SYSCALL msg=audit(99999999999.999999999:1): syscall=59 success=yes pid=1 exe=41"], cut=0)
def test_a_log_keeps_the_contract_of_sources(lines: list[bytes], cut: int) -> None:
    check_source(Auditd, b"\n".join(lines), cut)


@pytest.mark.parametrize(
    "filler",
    [b"a" * 900_000, b"a=" * 400_000, b"A1" * 400_000, b'a="' * 300_000, b"#035" * 200_000, b"ab " * 300_000],
    ids=["word", "names", "hexadecimal", "quotes", "separators", "words"],
)
def test_a_long_line_takes_no_longer_than_it_is_long(filler: bytes) -> None:
    for kind in (b"SYSCALL", b"EXECVE", b"AUOMS_EXECVE"):
        assert len(read(record(1, kind, b"a0=" + filler))) == 1
    assert head(b"Mar  1 00:10:05 h " + filler) is None


def test_what_the_log_cannot_show_is_not_claimed() -> None:
    assert not {Facet.DOMAIN, Facet.MODULE_DIGEST, Facet.TOOL} & Auditd.observes


def test_a_real_log_is_read_whole(data_dir: Path) -> None:
    kinds = Counter(type(event) for _, event in Auditd(Place(data_dir / "mde_msticpy" / "auditd_log.txt.xz")).read())
    assert kinds == {ProcessStarted: 146, Skipped: 792}
