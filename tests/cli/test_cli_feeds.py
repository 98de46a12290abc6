"""Every kind of feed through the modes, host names that are one or in doubt, and the aliases that settle it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from builders import CLAUDE, DAY, at, reached, started
from golden.command import Done, leeway
from golden.journal import lines
from leeway.events import AnyEvent

GOLDEN = Path(__file__).parents[1] / "sources" / "golden"
FOLDERS = sorted(folder.name for folder in GOLDEN.iterdir())
EXTRAS = {"evtx": "evtx"}
"""Golden inputs that need an extra to be read."""

SHORT, FULL, OTHER = "WS5", "ws5.corp.example", "ws5.lab.example"
MANY_DAYS = 12


class Place:
    """A directory with its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ("--id-key", folder / "keys" / "id.key")
        self.here = ("--output-dir", folder / "state", *self.key)

    def run(self, command: str, *words: object) -> Done:
        return leeway(command, *words, *self.here)

    def write(self, name: str, *events: AnyEvent) -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_bytes(lines(events))
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def day_of(number: int, *hosts: str) -> list[AnyEvent]:
    """An agent's day on hosts, so many days behind the first."""
    day = DAY + timedelta(days=number)
    return [
        event
        for host in hosts
        for event in (
            started(CLAUDE, when=at(9, day=day), host=host),
            reached("api.anthropic.com", when=at(10, day=day), host=host),
        )
    ]


# Every kind


@pytest.fixture(params=FOLDERS)
def golden(request: pytest.FixtureRequest) -> Path:
    if request.param in EXTRAS:
        pytest.importorskip(EXTRAS[request.param])
    (path,) = (GOLDEN / request.param).glob("input.*")
    return path


def told(path: Path) -> tuple[int, int, int]:
    """Return how many records of a golden input are there, refused, and not used, by what is written down of it."""
    rows = [json.loads(line) for line in (path.parent / "expected.jsonl").read_text().splitlines()]
    return len(rows), sum("rejected" in row for row in rows), sum("skipped" in row for row in rows)


@pytest.mark.parametrize("mode", ["bootstrap", "detect"])
def test_every_kind_goes_through_the_modes(mode: str, golden: Path, place: Place) -> None:
    done = place.run(mode, "--scope", "all", "--source", golden, "--json")
    records, rejected, skipped = told(golden)
    report = done.json()
    assert (done.code, done.err) == (3 if mode == "detect" else 0, "")
    assert report["events"]["read"] == records
    assert (sum(report["rejected"].values()), sum(report["skipped"].values())) == (rejected, skipped)
    assert report["events"]["new"] + report["events"]["duplicates"] == records - rejected - skipped
    assert rejected > 0
    assert report["events"]["new"] > 0
    assert report["agents"] > 0
    assert len(report["days"]["closed"]) >= 1


def test_what_was_learnt_of_a_kind_is_quiet_when_it_is_judged(golden: Path, place: Place) -> None:
    learnt = place.run("bootstrap", "--scope", "all", "--source", golden, "--json").json()
    judged = place.run("detect", "--source", golden, "--json")
    assert judged.code == 0
    assert judged.json()["scope"] == "all"
    assert judged.json()["events"]["new"] == 0
    assert learnt["not_observable"] == judged.json()["not_observable"]


def test_all_kinds_in_one_run(place: Place) -> None:
    kinds = [next((GOLDEN / name).glob("input.*")) for name in FOLDERS if name not in EXTRAS]
    words = [word for path in kinds for word in ("--source", path)]
    report = place.run("bootstrap", "--scope", "all", *words, "--json").json()
    counts = [told(path) for path in kinds]
    assert report["events"]["read"] == sum(records for records, _, _ in counts)
    assert sum(report["rejected"].values()) == sum(rejected for _, rejected, _ in counts)


def test_what_no_feed_of_a_run_can_see_is_not_quiet(place: Place) -> None:
    falco = next((GOLDEN / "falco").glob("input.*"))
    done = place.run("bootstrap", "--scope", "all", "--source", falco)
    assert "not observable here, which is not quiet: excess_transfer (bytes_out)\n" in done.out
    both = ("--source", falco, "--source", next((GOLDEN / "ecs").glob("input.*")))
    assert place.run("bootstrap", "--scope", "all", *both, "--json").json()["not_observable"] == {}


# Host names


def test_a_host_in_doubt_is_said_with_its_names(place: Place) -> None:
    events = [*day_of(0, SHORT, FULL, OTHER), *day_of(1, SHORT)]
    file = place.write("doubt", *events)
    done = place.run("bootstrap", "--source", file)
    message = f"  ws5 may be {FULL} or {OTHER}: merged with none of them; --aliases FILE says which\n"
    assert done.code == 0
    assert done.out.count(message) == 1
    (place.folder / "again").mkdir()
    again = Place(place.folder / "again").run("bootstrap", "--source", file, "--json").json()
    assert again["hosts_in_doubt"] == {"ws5": [FULL, OTHER]}


def test_one_host_under_its_names_is_no_doubt(place: Place) -> None:
    report = place.run(
        "bootstrap", "--source", place.write("one", *day_of(0, SHORT, FULL, "WS5.Corp.Example.")), "--json"
    )
    assert report.json()["hosts_in_doubt"] == {}
    assert report.json()["agents"] == 1


def test_aliases_settle_a_doubt_and_are_remembered_for_the_next_run(place: Place) -> None:
    aliases = place.folder / "aliases.toml"
    aliases.write_text(f'[hosts]\n"{OTHER}" = ["ws5", "10.0.0.5"]\n')
    first = place.write("first", *day_of(0, SHORT, FULL, OTHER))
    learnt = place.run("bootstrap", "--source", first, "--aliases", aliases, "--json").json()
    assert (learnt["agents"], learnt["hosts_in_doubt"]) == (2, {})
    aliases.unlink()
    second = place.write("second", *day_of(1, SHORT, FULL, "10.0.0.5"))
    judged = place.run("detect", "--source", second, "--json").json()
    assert (judged["agents"], judged["hosts_in_doubt"]) == (2, {})
    shown = {one["agent_name"] for one in place.run("findings", "--json", "--all").json()}
    assert shown <= {f"claude --resume @ {FULL}", f"claude --resume @ {OTHER}"}


def test_without_the_aliases_the_same_names_are_three_hosts(place: Place) -> None:
    learnt = place.run(
        "bootstrap", "--source", place.write("first", *day_of(0, SHORT, OTHER, "10.0.0.5", FULL)), "--json"
    )
    assert (learnt.json()["agents"], learnt.json()["hosts_in_doubt"]) == (4, {"ws5": [FULL, OTHER]})


@pytest.mark.parametrize("command", ["agents", "summarise"])
def test_looking_without_state_takes_aliases_as_well(command: str, place: Place) -> None:
    aliases = place.folder / "aliases.toml"
    aliases.write_text(f'[hosts]\n"{FULL}" = ["10.0.0.5"]\n')
    file = place.write("one", *day_of(0, SHORT, FULL, "10.0.0.5"))
    apart = leeway(command, file, *place.key, "--json").json()
    joined = leeway(command, file, "--aliases", aliases, *place.key, "--json").json()
    assert {one["name"] for one in apart} == {f"claude --resume @ {FULL}", "claude --resume @ 10.0.0.5"}
    assert {one["name"] for one in joined} == {f"claude --resume @ {FULL}"}


@pytest.mark.parametrize("command", ["agents", "summarise", "bootstrap", "detect"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[hosts]\n"a.x" = ["b"]\n"c.x" = ["B"]\n', ":3: 'B' is given to two hosts", id="two hosts"),
        pytest.param('[hosts]\n\n"a.x" = "b"\n', ":3: 'a.x' wants a list of names", id="no list"),
        pytest.param("[hosts\n", ":1: not TOML", id="no TOML"),
        pytest.param("[names]\n", ":1: one table, hosts, is wanted", id="no hosts"),
    ],
)
def test_wrong_aliases_are_wrong_use_with_their_line(command: str, text: str, message: str, place: Place) -> None:
    aliases = place.folder / "aliases.toml"
    aliases.write_text(text)
    state = place.here if command in {"bootstrap", "detect"} else place.key
    done = leeway(command, "--source", place.write("one", *day_of(0, FULL)), "--aliases", aliases, *state)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"leeway: {aliases}{message}")


# How much of it


def test_many_days_are_told_by_their_number(place: Place) -> None:
    events = [event for number in range(MANY_DAYS) for event in day_of(number, FULL)]
    done = place.run("bootstrap", "--source", place.write("many", *events))
    assert "  days closed: 12 from 2026-03-09 to 2026-03-20\n" in done.out


@pytest.mark.parametrize(
    ("mode", "flag", "closed"),
    [
        pytest.param("bootstrap", "--bootstrap-count", ["2026-03-09", "2026-03-10"], id="the first days are learnt"),
        pytest.param("detect", "--lookback-count", ["2026-03-19", "2026-03-20"], id="the last days are judged"),
    ],
)
def test_days_can_be_limited(mode: str, flag: str, closed: list[str], place: Place) -> None:
    events = [event for number in range(MANY_DAYS) for event in day_of(number, FULL)]
    report = place.run(mode, "--source", place.write("many", *events), flag, 2, "--json").json()
    assert report["days"]["closed"] == closed
    assert report["events"]["outside"] == 2 * (MANY_DAYS - 2)
