"""Sinks on the command line: told with `detect`, again with `deliver`, printed with `findings --format`."""

import csv
import io
import json
import re
import socket
from pathlib import Path

import pytest

from golden.command import Done, leeway
from golden.journal import ROOT, Journal, at, bot_week, lines
from leeway.sinks import SINKS
from sinks.sink_servers import CERTIFICATE, Talk, serving, status

SECRET = "s3cret-path"  # noqa: S105  # of the test


@pytest.fixture
def here(tmp_path: Path) -> tuple[object, ...]:
    """Return the flags of a directory that has learnt a week, with a drift of the next day beside it."""
    journal = Journal(prefix="l")
    bot_week(journal)
    (tmp_path / "week.jsonl").write_bytes(lines(journal.events))
    drift = Journal(prefix="d")
    bot = drift.start(at(8, "10:00"), "python3 /opt/bot/agent.py", ROOT)
    drift.start(at(8, "10:05"), "curl", bot)
    (tmp_path / "day.jsonl").write_bytes(lines(drift.events))
    flags = ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "id.key")
    leeway("bootstrap", "--source", tmp_path / "week.jsonl", *flags)
    return flags


def detect(tmp_path: Path, here: tuple[object, ...], *more: object) -> Done:
    return leeway("detect", "--source", tmp_path / "day.jsonl", *here, *more)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_file_is_told_once(here: tuple[object, ...], tmp_path: Path) -> None:
    out = tmp_path / "out.ocsf"
    first = detect(tmp_path, here, "--sink", f"ocsf:{out}")
    assert (first.code, "  deliveries: 1 sent\n" in first.out) == (3, True)
    detect(tmp_path, here, "--sink", f"ocsf:{out}")
    (line,) = out.read_bytes().splitlines()
    found = json.loads(line)
    assert (found["class_uid"], found["finding_info"]["types"]) == (2004, ["new_child"])


def test_least_severity(here: tuple[object, ...], tmp_path: Path) -> None:
    done = detect(tmp_path, here, "--sink", f"ocsf:{tmp_path}/out", "--min-severity", "HIGH")
    assert "  deliveries: none\n" in done.out
    assert not (tmp_path / "out").exists()


def test_observing_tells_nobody(here: tuple[object, ...], tmp_path: Path) -> None:
    done = detect(tmp_path, here, "--sink", f"ocsf:{tmp_path}/out", "--observe")
    assert (done.code, "deliveries" in done.out, (tmp_path / "out").exists()) == (3, False, False)
    assert leeway("deliver", *here, "--sink", f"ocsf:{tmp_path}/out").out == "deliveries: nothing waits\n"


def test_a_sink_that_is_away_makes_no_failure_and_is_told_later(here: tuple[object, ...], tmp_path: Path) -> None:
    sink = f"webhook:https://localhost:{closed_port()}/{SECRET}"
    private = ("--allow-private-sink", "--sink-ca", CERTIFICATE)
    done = detect(tmp_path, here, "--sink", sink, *private)
    assert done.code == 3
    assert re.search(
        r"^  deliveries: 1 waiting: webhook https: connection refused, next at \d\d:\d\dZ$", done.out, re.MULTILINE
    )
    again = leeway("deliver", *here, "--sink", sink, *private, "--json")
    assert again.code == 1
    assert again.json() == {
        "sent": 0,
        "waiting": 1,
        "dead": 0,
        "reasons": {"webhook https: connection refused": 1},
    }
    assert leeway("deliver", *here).out == "deliveries: 1 waiting: a sink that was not given\n"
    assert SECRET not in done.out + done.err + again.out + again.err
    assert SECRET.encode() not in b"".join(one.read_bytes() for one in (tmp_path / "state").rglob("*") if one.is_file())


def posted(tmp_path: Path, here: tuple[object, ...], talk: Talk, *more: object) -> tuple[Done, bytes]:
    with serving(talk) as (port, received):
        sink = ("--sink", f"https://localhost:{port}/{SECRET}", "--allow-private-sink", "--sink-ca", CERTIFICATE)
        done = detect(tmp_path, here, *sink, *more)
    return done, b"".join(received)


def test_a_webhook_over_tls_with_a_token(here: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "token").chmod(0o600)
    done, got = posted(tmp_path, here, status(200), "--sink-token-file", tmp_path / "token", "--json")
    assert done.json()["deliveries"] == {"sent": 1, "waiting": 0, "dead": 0, "reasons": {}}  # type: ignore[index]
    assert b"Authorization: Bearer t0ken\r\n" in got
    assert json.loads(got.partition(b"\r\n\r\n")[2])["findings"][0]["type"] == "new_child"


def test_a_token_from_the_environment(
    here: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEEWAY_SINK_TOKEN", "t0ken")
    done, got = posted(tmp_path, here, status(404))
    assert b"Authorization: Bearer t0ken\r\n" in got
    assert "deliveries: 1 dead: webhook https: answered 404" in done.out
    several = ("--sink", "https://one.example/", "--sink", "https://two.example/")
    refused = leeway("deliver", *here, *several)
    assert (refused.code, "a token goes to one web address" in refused.err) == (2, True)


def test_an_answer_s_body_is_never_shown(here: tuple[object, ...], tmp_path: Path) -> None:
    done, _ = posted(tmp_path, here, status(500))
    assert "1 waiting: webhook https: answered 500" in done.out
    assert "SECRET" not in done.out + done.err


def test_what_was_mended_is_told_at_once(here: tuple[object, ...], tmp_path: Path) -> None:
    with serving(status(200), status(200)) as (port, received):
        sink = ("--sink", f"https://localhost:{port}/", "--allow-private-sink")
        failed = detect(tmp_path, here, *sink)
        mended = leeway("deliver", *here, *sink, "--sink-ca", CERTIFICATE)
        idle = leeway("deliver", *here, *sink, "--sink-ca", CERTIFICATE)
    assert (failed.code, "  deliveries: 1 waiting: webhook https: " in failed.out) == (3, True)
    assert (mended.code, mended.out) == (0, "deliveries: 1 sent\n")
    assert [b"new_child" in one for one in received] == [True]
    assert (idle.code, idle.out) == (0, "deliveries: nothing waits\n")


def test_what_is_dead_can_be_tried_again(here: tuple[object, ...], tmp_path: Path) -> None:
    with serving(status(404), status(200)) as (port, _):
        sink = ("--sink", f"https://localhost:{port}/", "--allow-private-sink", "--sink-ca", CERTIFICATE)
        detect(tmp_path, here, *sink)
        assert leeway("deliver", *here, *sink).code == 1
        revived = leeway("deliver", *here, *sink, "--dead")
    assert (revived.code, revived.out) == (0, "deliveries: 1 sent\n")


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        (f"http://hooks.example.org/{SECRET}", "webhooks go over HTTPS"),
        (f"https://127.0.0.1/{SECRET}", "is not public"),
        (f"https://u:{SECRET}@hooks.example.org/", "user or password"),
        (f"https://2130706433/{SECRET}", "is a number"),
        (f"json:{SECRET}", "cannot be added to"),
    ],
    ids=["plain", "private", "userinfo", "number", "document"],
)
def test_a_sink_that_cannot_be_is_wrong_use(here: tuple[object, ...], tmp_path: Path, sink: str, words: str) -> None:
    done = detect(tmp_path, here, "--sink", sink)
    assert (done.code, words in done.err) == (2, True)
    assert SECRET not in done.out + done.err


def test_a_file_that_holds_a_secret_is_no_sink(here: tuple[object, ...], tmp_path: Path) -> None:
    key = Path(str(here[list(here).index("--id-key") + 1]))
    before = key.read_bytes()
    done = detect(tmp_path, here, "--sink", f"jsonl:{key}")
    again = leeway("deliver", *here, "--sink", f"jsonl:{key}")
    for one in (done, again):
        assert (one.code, "a sink is the file of a secret" in one.err) == (2, True)
    assert key.read_bytes() == before


@pytest.mark.parametrize("name", ["leeway.db", "alerts/x.jsonl", "../state/x"])
def test_a_file_in_the_output_directory_is_no_sink(here: tuple[object, ...], tmp_path: Path, name: str) -> None:
    done = detect(tmp_path, here, "--sink", f"jsonl:{tmp_path}/state/{name}")
    assert (done.code, "a sink is a file in the output directory" in done.err) == (2, True)
    again = leeway("deliver", *here, "--sink", f"jsonl:{tmp_path}/state/{name}")
    assert (again.code, "a sink is a file in the output directory" in again.err) == (2, True)


def test_a_token_that_others_may_read(here: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    (tmp_path / "token").chmod(0o644)
    for name, words in (("token", "may be read by others"), ("none", "cannot read the token")):
        done = detect(tmp_path, here, "--sink", "https://hooks.example.org/", "--sink-token-file", tmp_path / name)
        assert (done.code, words in done.err) == (1, True)


@pytest.mark.parametrize("form", [sink.name for sink in SINKS])
def test_findings_in_every_form(here: tuple[object, ...], tmp_path: Path, form: str) -> None:
    detect(tmp_path, here)
    done = leeway("findings", *here, "--format", form)
    assert (done.code, "new_child" in done.out) == (0, True)
    match form:
        case "csv":
            assert len(list(csv.reader(io.StringIO(done.out, newline="")))) == 2
        case "json":
            assert len(json.loads(done.out)) == 1
        case _:
            assert done.out.count("\n") == 1


def test_one_form_at_a_time(here: tuple[object, ...]) -> None:
    for other in ("--cases", "--json"):
        assert leeway("findings", *here, "--format", "csv", other).code == 2
