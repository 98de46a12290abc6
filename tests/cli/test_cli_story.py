"""One story through every command: learn a week, judge a day, look, explain, review, judge on."""

import csv
import getpass
import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from golden.command import Done, leeway
from golden.journal import ROOT, Journal, at, bot_day, bot_week, lines
from leeway.events import DeclaredAgent, Heartbeat, ToolCalled, identified
from leeway.findings import CAUTION
from leeway.sources import write_event


class Place:
    """A directory, a key, and the files of a story."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.key = ("--id-key", folder / "id.key")
        self.here = ("--output-dir", self.state, *self.key)

    def run(self, command: str, *words: object) -> Done:
        return leeway(command, *words, *self.here)

    def write(self, name: str, journal: Journal) -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_bytes(lines(journal.events))
        return path

    def day(self, day: int) -> Path:
        """Write a day on which the agent starts a shell twice."""
        journal = Journal(prefix=f"d{day}-")
        bot_day(journal, day)
        bot = journal.start(at(day, "10:00"), "python3 /opt/bot/agent.py", ROOT)
        for clock in ("10:05", "15:05"):
            journal.start(at(day, clock), "bash -c 'make lint'", bot)
        return self.write(f"day-{day}", journal)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place that has learnt a week and judged day 8."""
    place = Place(tmp_path)
    journal = Journal(prefix="l")
    bot_week(journal)
    assert place.run("bootstrap", "--source", place.write("week", journal)).code == 0
    assert place.run("detect", "--source", place.day(8)).code == 3
    return place


def only(place: Place, **wanted: str) -> dict:
    (found,) = [
        one
        for one in place.run("findings", "--json").json()
        if all(one[name] == value for name, value in wanted.items())
    ]
    return found


# Judging


def test_judging_says_what_it_found_and_exits_with_three(place: Place) -> None:
    done = place.run("detect", "--source", place.day(9))
    assert (done.code, done.err) == (3, "")
    assert "detect: 12 records read, 12 new events, 0 known ones; scope evidence, learning 7 days" in done.out
    assert "days closed: 2025-03-11" in done.out
    assert "MEDIUM   2025-03-11 10:05:00Z  new_child  python3 /opt/bot/agent.py @ desk" in done.out
    assert CAUTION in done.out


def test_nothing_new_is_quiet(place: Place) -> None:
    done = place.run("detect", "--source", place.folder / "day-8.jsonl")
    assert (done.code, done.err) == (0, "")
    assert "findings: none" in done.out


def test_observing_stores_and_delivers_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    journal = Journal(prefix="l")
    bot_week(journal)
    place.run("bootstrap", "--source", place.write("week", journal))
    done = place.run("detect", "--source", place.day(8), "--observe")
    assert done.code == 3
    assert "nothing delivered (--observe)" in done.out
    assert not (place.state / "alerts").exists()
    assert len(place.run("findings", "--json").json()) == 1


def test_the_tree_is_as_it_is_documented(place: Place) -> None:
    names = sorted(path.relative_to(place.state).as_posix() for path in place.state.rglob("*") if path.is_file())
    dated = [name for name in names if "_20" in name]
    assert {"leeway.db", ".lock", "baselines/baseline_latest.json", "alerts/all_alerts.csv"} <= set(names)
    assert len([name for name in dated if name.startswith("alerts/alerts_20")]) == 1
    assert len([name for name in dated if name.startswith("baselines/baseline_20")]) in {1, 2}
    (alert,) = csv.DictReader(io.StringIO((place.state / "alerts/all_alerts.csv").read_text()))
    assert (alert["type"], alert["severity"], alert["lineage"]) == ("new_child", "MEDIUM", "systemd > python3 > bash")


def test_settings_are_kept_between_runs(tmp_path: Path) -> None:
    place = Place(tmp_path)
    journal = Journal(prefix="l")
    bot_week(journal)
    words = ("--learning-days", 0, "--established-days", 1, "--scope", "name:python*", "--json")
    first = place.run("bootstrap", "--source", place.write("week", journal), *words).json()
    second = place.run("detect", "--source", place.day(8), "--json").json()
    for told in (first, second):
        assert (told["learning_days"], told["established_days"], told["scope"]) == (0, 1, "name:python*")


# Looking


@pytest.mark.parametrize(
    "words",
    [
        ["findings", "--json"],
        ["findings", "--json", "--cases"],
        ["findings", "--all"],
        ["findings", "--cases"],
        ["baseline", "show", "--json"],
        ["baseline", "show"],
        ["baseline", "show", "python3"],
    ],
    ids=" ".join,
)
def test_looking_twice_shows_the_same(words: list[str], place: Place) -> None:
    first = place.run(*words)
    assert (first.code, first.err) == (0, "")
    assert place.run(*words) == first
    assert len(first.out) > 80


@pytest.mark.parametrize("words", [["findings"], ["findings", "--cases"], ["baseline", "show"]], ids=" ".join)
def test_json_is_sorted(words: list[str], place: Place) -> None:
    done = place.run(*words, "--json")
    assert json.dumps(done.json(), indent=2, sort_keys=True, ensure_ascii=False) == done.out.rstrip("\n")


def test_findings_have_what_one_needs(place: Place) -> None:
    (found,) = place.run("findings", "--json").json()
    assert (found["type"], found["value"], found["severity"], found["severity_id"]) == (
        "new_child",
        ["bash"],
        "MEDIUM",
        3,
    )
    assert found["evidence"] == [{"what": "child", "seen": "bash", "expected": "one of 1 known"}]
    assert (found["first"], found["last"]) == ("2025-03-10T10:05:00Z", "2025-03-10T15:05:00Z")
    assert (found["event_ids"], found["lineage"]) == (["d8-0011"], ["systemd", "python3", "bash"])
    assert (found["user"], found["command_line"], found["final"]) == ("ana", "bash -c 'make lint'", True)


def test_findings_are_listed_for_people(place: Place) -> None:
    told = place.run("findings").out.splitlines()
    assert told[0] == "MEDIUM   2025-03-10 10:05:00Z  new_child  python3 /opt/bot/agent.py @ desk"
    assert told[1].strip() == "child: bash (expected: one of 1 known)"
    assert told[-2:] == ["1 findings", CAUTION]


def test_a_case_is_listed_once(place: Place) -> None:
    place.run("detect", "--source", place.day(9))
    (case,) = place.run("findings", "--cases", "--json").json()
    assert (case["days"], case["severity"], case["state"], len(case["finding_ids"])) == (2, "MEDIUM", "unreviewed", 2)
    assert len(place.run("findings", "--json").json()) == 2
    assert "new_child" in place.run("findings", "--cases").out


@pytest.mark.parametrize("part", ["finding_id", "case_id"])
@pytest.mark.parametrize("length", [6, 32])
def test_explaining_tells_everything(part: str, length: int, place: Place) -> None:
    found = only(place)
    done = place.run("explain", found[part][:length])
    assert done.code == 0
    told = {line[:10].strip(): line[12:] for line in done.out.splitlines() if line[:2] == "  "}
    assert told["evidence"] == "child: bash (expected: one of 1 known)"
    assert told["lineage"] == "systemd > python3 > bash"
    assert told["surprise"].partition(" from ")[2].startswith(f"{found['surprise']['n']} observations")
    assert (told["command"], told["user"], told["what"]) == ("bash -c 'make lint'", "ana", "MEDIUM new_child")
    assert done.out.splitlines()[-1] == CAUTION
    assert place.run("explain", found[part], "--json").json() == [found]


def test_what_is_not_there_is_said(place: Place) -> None:
    for words in (["explain", "ffff0000ffff"], ["baseline", "show", "nobody"], ["explain", ""]):
        done = place.run(*words)
        assert (done.code, done.out) == (1, "")
        assert "hint: leeway" in done.err


def test_a_baseline_shows_what_is_normal(place: Place) -> None:
    (known,) = place.run("baseline", "show", "agent.py", "--json").json()
    assert (known["events"], known["active_days"], known["first_day"], known["last_day"]) == (
        75,
        8,
        "2025-03-03",
        "2025-03-10",
    )
    assert [one["value"] for one in known["facets"]["child"]] == [["git"]]
    assert [one["value"] for one in known["pending"]["child"]] == [["bash"]]
    assert [one["mode"] for one in known["provenance"]] == ["trusted", "judged"]
    told = place.run("baseline", "show", "agent.py").out
    assert "8 active days, 75 events" in told
    assert "learnt trusted from 2025-03-03 to 2025-03-09" in told


# Reviewing


def test_a_review_enters_at_the_next_close(place: Place) -> None:
    case = only(place)["case_id"]
    done = place.run("review", case[:8], "--verdict", "benign", "--reason", "lint step")
    assert done.code == 0
    assert f"case {case} (new_child): benign, by {getpass.getuser()}: lint step" in done.out
    assert "when 2025-03-11 or a later day closes" in done.out
    assert f"benign by {getpass.getuser()}" in place.run("explain", case).out
    codes = [place.run("detect", "--source", place.day(day)).code for day in (9, 10, 11)]
    assert codes == [3, 3, 0]
    severities = [one["severity"] for one in place.run("findings", "--json").json()]
    assert severities == ["MEDIUM", "MEDIUM", "LOW", "INFO"]


def test_a_review_until_a_day_says_that_it_teaches_nothing(place: Place) -> None:
    case = only(place)["case_id"]
    told = place.run("review", case, "--verdict", "benign", "--reason", "a trial", "--until", "2099-01-01").out
    assert told.splitlines()[1] == "the case is suppressed until then, and nothing of it is learnt"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_review_without_a_reason_is_wrong_use(reason: str, place: Place) -> None:
    case = only(place)["case_id"]
    done = place.run("review", case, "--verdict", "benign", "--reason", reason)
    assert (done.code, done.out) == (2, "")
    assert done.err == "leeway: no reason\nhint: say why with --reason: it is stored with the verdict\n"
    assert "verdict" not in place.run("explain", case).out


def test_a_review_is_stored_with_who_when_and_until(place: Place) -> None:
    words = ("--verdict", "malicious", "--reason", "=bad", "--by", "ben", "--until", "2025-04-01", "--json")
    given = place.run("review", only(place)["case_id"], *words).json()
    assert (given["judgement"], given["reason"], given["by"], given["until"]) == (
        "malicious",
        "=bad",
        "ben",
        "2025-04-01",
    )
    assert given["at"][:4] >= "2026"
    assert given["held"] == [["child", ["bash"]]]
    (case,) = place.run("findings", "--cases", "--json").json()
    assert case["disposition"] == "escalated"


# Without state


def test_agents_are_listed_with_their_evidence(place: Place) -> None:
    done = leeway("agents", place.folder / "week.jsonl", *place.key)
    assert done.code == 0
    assert done.out.splitlines()[0] == "agent    python3 /opt/bot/agent.py @ desk  (llm_api, 7 runs)"
    assert "OpenAI API, by its destination (weight 2)" in done.out
    assert done.out.splitlines()[-1] == "1 agents; 0 with weaker evidence"
    (agent,) = leeway("agents", place.folder / "week.jsonl", "--json", *place.key).json()
    assert (agent["tier"], agent["instances"], agent["agent"]) == ("agent", 7, only(place)["agent"])


def test_summaries_of_the_fold_are_whole_and_stable(place: Place) -> None:
    words = ("summarise", place.folder / "week.jsonl", *place.key)
    done = leeway(*words, "--engine", "fold", "--json")
    days = done.json()
    assert done == leeway(*words, "--json")
    assert [(one["day"], one["events"]) for one in days] == [(f"2025-03-0{day}", 9) for day in range(3, 10)]
    (domain,) = days[0]["sightings"]["domain"]
    assert domain["value"] == ["openai.com", "api.openai.com"]
    assert domain["sighting"][0] == 2
    assert "9 events" in leeway(*words).out.splitlines()[0]


def test_the_schema_takes_every_event_and_refuses_others(place: Place) -> None:
    schema = leeway("schema").json()
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema).is_valid
    rows = [json.loads(line) for line in (place.folder / "week.jsonl").read_text().splitlines()]
    agent = DeclaredAgent(uid="a")
    rows += [
        json.loads(write_event(identified(event)))
        for event in (
            Heartbeat(time=at(1, "09:00"), host="h"),
            ToolCalled(time=at(1, "09:00"), agent=agent, tool="t", arguments={"a": "b"}),
        )
    ]
    assert [row for row in rows if not valid(row)] == []
    touched = next(row for row in rows if row["kind"] == "file_touched")
    reached = next(row for row in rows if row["kind"] == "connection_opened")
    bad = [
        {},
        {**touched, "kind": "unheard_of"},
        {**touched, "action": "looked at"},
        {**reached, "port": 65_536},
        {**reached, "port": "443"},
        {**reached, "bytes_out": -1},
        {name: value for name, value in touched.items() if name != "path"},
        {name: value for name, value in touched.items() if name != "time"},
        {**touched, "host": "h" * 2_000},
    ]
    assert [row for row in bad if valid(row)] == []


def test_events_can_come_through_a_pipe(place: Place) -> None:
    body = place.day(9).read_bytes()
    done = leeway("detect", "--source", "-", *place.here, "--json", stdin=body)
    assert (done.code, done.json()["events"]["new"]) == (3, 12)


# Projections


def test_lost_projections_are_written_again(place: Place) -> None:
    files = [place.state / "baselines/baseline_latest.json", place.state / "alerts/all_alerts.csv"]
    before = [path.read_bytes() for path in files]
    for folder in ("baselines", "alerts"):
        for path in (place.state / folder).iterdir():
            path.unlink()
        (place.state / folder).rmdir()
    done = place.run("export")
    assert (done.code, done.out.count("wrote ")) == (0, 4)
    assert [path.read_bytes() for path in files] == before


def test_collected_events_can_be_trained_on_from_the_command_line(place: Place) -> None:
    collected = place.run("collect", "--source", place.folder / "week.jsonl", "--json").json()
    assert (collected["events"]["new"], len(collected["files"])) == (63, 14)
    trained = place.run("train", "--json").json()
    assert (trained["mode"], trained["events"]["new"], len(trained["days"]["closed"])) == ("train", 63, 7)
