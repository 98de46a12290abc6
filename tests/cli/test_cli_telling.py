"""What runs print for people: every count, colours where one looks, where the key is, and how a stop is told."""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import finding
from golden.command import leeway
from golden.journal import ROOT, Journal, at, bot_day, bot_week, lines
from leeway.cli.output import severity, table
from leeway.cli.run import tell
from leeway.config import Settings
from leeway.events import Heartbeat, identified
from leeway.findings import Severity
from leeway.modes import Report
from leeway.sources import write_event
from leeway.testing import Fleet


@pytest.fixture
def week(tmp_path: Path) -> Path:
    journal = Journal(prefix="l")
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    return tmp_path / "week.jsonl"


@pytest.fixture
def here(tmp_path: Path) -> tuple[object, ...]:
    return ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "id.key")


def test_everything_that_was_left_out_is_told(week: Path, here: tuple[object, ...], tmp_path: Path) -> None:
    sensor = '"SourceName":"Microsoft-Windows-Sysmon","Hostname":"ws","Image":"x","ProcessGuid":"{1}"'
    rows = ((13, "2025-03-03 09:00:01.000"), (5, "2025-03-09 09:00:00.000"), (5, "soon"))
    text = "".join(f'{{"EventID":{number},"UtcTime":"{time}",{sensor}}}\n' for number, time in rows)
    (tmp_path / "sysmon.json").write_text(text)
    both = ("--source", week, "--source", tmp_path / "sysmon.json")
    told = leeway("bootstrap", *both, "--bootstrap-count", 3, *here).out
    assert "bootstrap: 66 records read, 27 new events, 0 known ones" in told
    assert "  rejected 1: " in told
    assert "  not used: Sysmon 13: 1" in told
    assert "  37 events outside the periods asked for" in told
    assert "  days closed: 2025-03-03, 2025-03-04, 2025-03-05" in told
    assert told.count("  wrote ") == 2
    alone = leeway("detect", "--source", tmp_path / "sysmon.json", *here)
    assert (alone.code, "not observable here, which is not quiet: excess_transfer (bytes_out)" in alone.out) == (
        0,
        True,
    )


def test_late_events_are_told(week: Path, here: tuple[object, ...], tmp_path: Path) -> None:
    leeway("bootstrap", "--source", week, *here)
    (tmp_path / "beat.jsonl").write_bytes(write_event(identified(Heartbeat(time=at(60, "09:00"), host="desk"))))
    leeway("detect", "--source", tmp_path / "beat.jsonl", *here)
    journal = Journal(prefix="late")
    bot_day(journal, 8)
    (tmp_path / "late.jsonl").write_bytes(lines(journal.events))
    assert (
        "  9 events of days no longer kept: not judged"
        in leeway("detect", "--source", tmp_path / "late.jsonl", *here).out
    )


def test_a_day_judged_again_is_told(week: Path, here: tuple[object, ...], tmp_path: Path) -> None:
    leeway("bootstrap", "--source", week, *here)
    journal = Journal(prefix="more")
    bot_day(journal, 8)
    (tmp_path / "day.jsonl").write_bytes(lines(journal.events[:5]))
    (tmp_path / "rest.jsonl").write_bytes(lines(journal.events[5:]))
    leeway("detect", "--source", tmp_path / "day.jsonl", *here)
    assert "  days judged again: 2025-03-10" in leeway("detect", "--source", tmp_path / "rest.jsonl", *here).out


def test_many_findings_are_cut_and_counted(week: Path, here: tuple[object, ...], tmp_path: Path) -> None:
    leeway("bootstrap", "--source", week, *here)
    journal = Journal(prefix="many")
    bot = journal.start(at(8, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    for number in range(26):
        journal.start(at(8, "10:05"), f"tool{chr(97 + number)}", bot)
    (tmp_path / "day.jsonl").write_bytes(lines(journal.events))
    told = leeway("detect", "--source", tmp_path / "day.jsonl", *here).out
    assert "findings: 26 MEDIUM" in told
    assert told.count("new_child") == 20
    assert f"and 6 more of MEDIUM and above: leeway findings --output-dir {tmp_path}/state --id-key {here[3]}" in told


def test_what_is_counted_and_not_listed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = [finding(severity=Severity.MEDIUM), finding(severity=Severity.MEDIUM, linked_to="f1")]
    found += [finding(severity=Severity.LOW) for _ in range(3)]
    tell(Report("detect", Settings(), findings=found), "leeway findings --output-dir 'my state'")
    told = capsys.readouterr().out
    assert "  findings: 2 MEDIUM, 3 LOW\n" in told
    assert "  and 3 of LOW and INFO, 1 that repeat another agent's: leeway findings --output-dir 'my state'\n" in told


def test_many_days_are_told_by_their_ends(capsys: pytest.CaptureFixture[str]) -> None:
    days = [f"2025-03-{day:02}" for day in range(1, 12)]
    tell(Report("bootstrap", Settings(), closed=days, open=days[:10], agents=2))
    told = capsys.readouterr().out.splitlines()
    assert "  days closed: 11 from 2025-03-01 to 2025-03-11" in told
    assert f"  days still open: {', '.join(days[:10])}" in told
    assert "  agents: 2 on the busiest day" in told


def test_files_are_counted_where_they_are_many(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Report("collect", Settings(), files=[f"day{number}.csv" for number in range(16)]))
    told = capsys.readouterr().out.splitlines()
    assert told[1:] == [*(f"  wrote day{number}.csv" for number in range(12, 16)), "  and 12 files before these"]


def test_telemetry_without_an_agent_is_told(here: tuple[object, ...], tmp_path: Path) -> None:
    journal = Journal(prefix="n")
    journal.start(at(1, "09:00"), "notepad.exe", ROOT)
    (tmp_path / "quiet.jsonl").write_bytes(lines(journal.events))
    told = leeway("bootstrap", "--source", tmp_path / "quiet.jsonl", *here).out
    assert "  agents: none; leeway agents SOURCE lists what comes near to one, --scope watches something else" in told
    seen = leeway("agents", tmp_path / "quiet.jsonl", *here[2:]).out
    assert seen.endswith(
        "0 agents; 0 with weaker evidence\n"
        "to watch a program without such evidence: --scope name:PATTERN, unit or all\n"
    )


def test_judging_before_anything_was_learnt_is_told(week: Path, here: tuple[object, ...]) -> None:
    said = "nothing was learnt in this directory before, so every agent is new: start with leeway bootstrap\n"
    assert leeway("detect", "--source", week, *here).out.startswith(said)
    assert said not in leeway("detect", "--source", week, *here).out


def test_training_without_collections_says_where_they_come_from(here: tuple[object, ...], tmp_path: Path) -> None:
    done = leeway("train", *here)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"leeway: {tmp_path}/state holds no raw collections\nhint: leeway collect makes them, or give a --source\n"
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LEEWAY_ID_KEY": "{}/named.key"}, "named.key"),
        ({"XDG_CONFIG_HOME": "{}/config"}, "config/leeway/id.key"),
        ({"HOME": "{}/home"}, "home/.config/leeway/id.key"),
    ],
    ids=["named", "config", "home"],
)
def test_the_key_is_made_where_it_belongs(
    variables: dict[str, str], expected: str, week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LEEWAY_ID_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert leeway("agents", week).code == 0
    assert stat.S_IMODE((tmp_path / expected).stat().st_mode) == 0o600
    assert leeway("bootstrap", "--source", week, "--output-dir", tmp_path / "state").code == 0


class Terminal(io.StringIO):
    """Text that goes to a person."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("make", "variables", "shown"),
    [
        pytest.param(Terminal, {}, "\x1b[31mHIGH    \x1b[0m", id="terminal"),
        pytest.param(Terminal, {"NO_COLOR": "1"}, "HIGH    ", id="no colour wanted"),
        pytest.param(Terminal, {"TERM": "dumb"}, "HIGH    ", id="dumb terminal"),
        pytest.param(io.StringIO, {}, "HIGH    ", id="file"),
    ],
)
def test_colour_is_for_terminals(
    make: Callable[[], io.StringIO], variables: dict[str, str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", make())
    assert severity(Severity.HIGH) == shown


def test_a_table_stays_within_its_widths(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name", "what"), [("a" * 50, "x\ny"), ("b", "")], widths=(8, 10))
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row.split() for row in rows] == [["aaaaaaaa…", "(+42", "characters)", "x\\ny"], ["b"]]
    assert head.index("what") == rows[0].index("x")


class Interrupted(io.RawIOBase):
    """Input during which somebody presses Ctrl-C."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise KeyboardInterrupt


def test_a_stop_is_told_without_a_traceback(here: tuple[object, ...]) -> None:
    done = leeway("bootstrap", "--source", "-", *here, stdin=Interrupted())
    assert (done.code, done.out) == (130, "")
    assert done.err == "leeway: stopped; what was committed is kept, run the same command again to go on\n"


def test_the_demo_on_given_events_writes_findings_only(tmp_path: Path) -> None:
    (tmp_path / "in" / "events").mkdir(parents=True)
    events = (event for event in Fleet(3).events() if event.host == "ci-fir")
    (tmp_path / "in" / "events" / "all.jsonl").write_bytes(b"".join(map(write_event, events)))
    words = ("--seed", 3, "--events", tmp_path / "in", "--write", tmp_path / "out")
    done = leeway("demo", *words, "--output-dir", tmp_path / "state")
    assert (done.code, done.err) == (0, "")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["findings.jsonl"]
    assert "truth:" not in done.out
    look = f"leeway findings --output-dir {tmp_path}/state --id-key {tmp_path}/state.demo.key"
    assert done.out.endswith(" s\n")
    assert f"\nlook further: {look}\n" in done.out
    found = leeway(*look.split()[1:])
    assert (found.code, found.err) == (0, "")
    assert " findings" in found.out
    assert "leeway.db" in done.out
    assert os.path.getsize(tmp_path / "out" / "findings.jsonl") > 1_000  # noqa: PTH202  # one number


def test_the_demo_without_events_says_so(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = leeway("demo", "--seed", 3, "--events", tmp_path / "none")
    assert (done.code, done.out) == (1, "")
    assert "holds no file" in done.err


@pytest.mark.parametrize("command", ["agents", "summarise"])
def test_a_source_may_be_given_with_and_without_its_word(command: str, week: Path, tmp_path: Path) -> None:
    key = ("--id-key", tmp_path / "id.key", "--json")
    bare, named = leeway(command, week, *key), leeway(command, "--source", week, *key)
    assert (bare.code, bare.out) == (named.code, named.out) == (0, bare.out)
    none = leeway(command, *key)
    assert (none.code, "no source" in none.err) == (2, True)
