"""Text from outside never moves the cursor, breaks a line or reorders its neighbours, whichever command shows it."""

from datetime import timedelta
from pathlib import Path

import pytest

from golden.command import Done, leeway
from golden.journal import at, lines
from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    FileTouched,
    ModuleLoaded,
    Process,
    ProcessStarted,
    ToolCalled,
)
from leeway.text import display

BAD = "\x1b[2J\x1b]0;own\x07\r\n\x9b1m\u202egpj\u2028\x00=1"


def _events(day: int, more: str) -> list[AnyEvent]:
    """Return a day of agents whose every name is hostile; `more` makes values differ between days."""
    process = Process(image=f"/usr/bin/{BAD}claude", uid=f"{day}{more}{BAD}", command_line=f"claude {BAD}")
    agent = DeclaredAgent(uid=f"bot{BAD}", instance_uid=BAD, name=BAD)
    common = {"host": f"h{BAD}", "process": process, "user": f"u{more}{BAD}", "time": at(day, "09:00")}
    child = Process(image=f"/bin/sh{more}{BAD}", uid=f"c{day}{more}", command_line=f"sh {BAD}")
    made = [
        ProcessStarted(**common, id=f"a{day}{more}{BAD}", parent=Process(image=BAD, uid=BAD), signer=BAD),
        ProcessStarted(**{**common, "process": child}, id=f"b{day}{more}", parent=process),
        ConnectionOpened(**common, id=f"d{day}{more}", destination=f"{more}x{BAD}.example.org", port=443, bytes_out=9),
        ModuleLoaded(**common, id=f"e{day}{more}", path=f"/lib/{more}{BAD}.so"),
        FileTouched(**common, id=f"f{day}{more}", path=f"/srv{more}{BAD}/{BAD}.gguf", action="modified"),
    ]
    calls = [
        ToolCalled(
            id=f"t{day}{more}{n}",
            time=at(day, "10:00") + timedelta(minutes=n),
            agent=agent,
            tool=f"{more}{BAD}",
            arguments={BAD: BAD},
        )
        for n in range(3)
    ]
    return [*made, *calls]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, its own name hostile too, with a state that knows hostile agents and has found them drifting."""
    folder = tmp_path_factory.mktemp("hostile") / BAD.replace("\x00", "").replace("/", "")
    folder.mkdir()
    week = [event for day in range(1, 8) for event in _events(day, "")]
    (folder / "week.jsonl").write_bytes(lines(week) + b'{"kind":"\x1b[2J"}\n')
    (folder / "day.jsonl").write_bytes(lines(_events(8, "new")) + b"\x1b[2J\x9b\n{}\n")
    here = ("--output-dir", folder / "state", "--id-key", folder.parent / "id.key", "--scope", "all")
    assert leeway("bootstrap", "--source", folder / "week.jsonl", "--learning-days", 0, *here).code == 0
    assert leeway("detect", "--source", folder / "day.jsonl", *here).code == 3
    return folder


def quiet(done: Done) -> bool:
    return all(display(line, limit=1 << 20) == line for text in (done.out, done.err) for line in text.split("\n"))


COMMANDS = (
    ("findings",),
    ("findings", "--all"),
    ("findings", "--cases"),
    ("findings", "--json"),
    ("findings", "--cases", "--json"),
    ("baseline", "show"),
    ("baseline", "show", "claude"),
    ("baseline", "show", "--json"),
    ("baseline", "show", BAD),
    ("explain", BAD),
    ("export",),
    ("detect", "--source", "day.jsonl"),
    ("bootstrap", "--source", "week.jsonl"),
    ("collect", "--source", "week.jsonl"),
    ("collect", "--source", "week.jsonl", "--json"),
    ("detect", "--source", f"missing{BAD}".replace("\x00", "")),
    ("detect", "--source", "day.jsonl", "--engine", BAD),
    ("detect", "--source", "day.jsonl", "--scope", BAD),
    ("review", BAD, "--verdict", "benign", "--reason", BAD),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: ascii(" ".join(words))[:40])
def test_no_command_obeys(words: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    done = leeway(*words, "--output-dir", place / "state", "--id-key", place.parent / "id.key")
    assert quiet(done)
    assert done.out or done.err


@pytest.mark.parametrize(
    "words", [("agents",), ("agents", "--json"), ("summarise",), ("summarise", "--json")], ids=" ".join
)
def test_no_look_at_a_source_obeys(words: tuple[str, ...], place: Path) -> None:
    done = leeway(words[0], place / "week.jsonl", "--scope", "all", *words[1:], "--id-key", place.parent / "id.key")
    assert (done.code, quiet(done)) == (0, True)
    assert "example.org" in done.out or words[0] == "agents" or "--json" not in words


def test_every_finding_can_be_explained_and_reviewed(place: Path) -> None:
    here = ("--output-dir", place / "state", "--id-key", place.parent / "id.key")
    found = leeway("findings", "--json", *here).json()
    kinds = {one["type"] for one in found}
    assert kinds >= {"new_user", "new_child", "new_module", "new_path", "model_file_first_modified", "flow_and_module"}
    for one in found:
        assert quiet(leeway("explain", one["finding_id"], *here))
    words = ("--verdict", "benign", "--reason", BAD, "--by", BAD)
    assert quiet(leeway("review", found[0]["case_id"], *words, *here))
    assert quiet(leeway("review", found[0]["case_id"], *words, "--json", *here))
    assert quiet(leeway("explain", found[0]["finding_id"], *here))


def test_the_files_that_are_written_obey_nothing(place: Path) -> None:
    files = [path for path in (place / "state").rglob("*") if path.suffix in {".csv", ".json"}]
    assert len(files) >= 4
    for path in files:
        if path.parent.name != "raw_collections":  # those keep events as they came, to be read back
            text = path.read_bytes().decode().replace("\r\n", "\n")
            assert all(display(line, limit=1 << 20) == line for line in text.split("\n")), path.name
    names = [path.name for path in (place / "state").rglob("*")]
    assert all(display(name) == name for name in names)
