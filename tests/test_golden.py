"""Every golden story is kept: exactly its findings, nothing more."""

from pathlib import Path

import pytest

from golden.journal import Journal, lines
from golden.make_stories import STORIES, Story
from golden.play import as_lines, play

FOLDER = Path(__file__).parent / "golden"
FOLDERS = sorted(path.parent for path in FOLDER.glob("*/findings.jsonl"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_story_is_kept(folder: Path, tmp_path: Path) -> None:
    assert as_lines(play(folder, tmp_path / "state")).decode() == (folder / "findings.jsonl").read_text()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_is_as_it_was_written(story: Story) -> None:
    for name, tell in (("learn", story.learn), ("extend", story.extend), ("events", story.then)):
        path = FOLDER / story.name / f"{name}.jsonl"
        if tell is not None:
            journal = Journal(prefix=name[0])
            tell(journal)
            assert path.read_bytes() == lines(journal.events)
            assert path.stat().st_size < 60_000
        else:
            assert not path.exists()


def test_every_folder_is_a_story_and_says_what_it_promises() -> None:
    assert {folder.name for folder in FOLDERS} == {story.name for story in STORIES}
    assert len(STORIES) >= 28
    for story in STORIES:
        assert story.promise in (FOLDER / story.name / "README.md").read_text()


ROWS = (
    *("A1", "A3", "A8", "A9", "A10", "A14", "A15", "A18", "B3", "B4", "B5", "B6", "B7", "B10"),
    *(f"B{row}" for row in range(26, 36)),
)


def test_every_row_asked_for_has_a_story() -> None:
    assert {story.name.partition("-")[0] for story in STORIES} >= set(ROWS)


@pytest.mark.parametrize(("name", "delivered"), [("A18-observe", False), ("A1-shell-under-a-python-agent", True)])
def test_observing_delivers_nothing(name: str, delivered: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a table
    found = play(FOLDER / name, tmp_path / "state")
    assert [one["type"] for one in found] == ["new_child"]
    assert (tmp_path / "state" / "alerts").exists() == delivered
