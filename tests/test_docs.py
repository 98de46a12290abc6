"""Pages that are made from the code are up to date, and every decision keeps the form."""

import re
import runpy
from pathlib import Path

import pytest

from leeway.modes.projections import COLLECTIONS
from leeway.storage import connection

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize(
    ("tool", "page"),
    [("detector_docs", "detectors.md"), ("source_docs", "sources.md"), ("cli_docs", "cli.md")],
)
def test_a_generated_page_is_up_to_date(tool: str, page: str) -> None:
    made = runpy.run_path(str(ROOT / "tools" / f"{tool}.py"))["page"]()
    assert (DOCS / page).read_text("utf-8") == made, "run: make docs"


def test_the_page_of_the_state_names_every_table_with_its_columns() -> None:
    text = (DOCS / "state.md").read_text("utf-8")
    tables = dict(re.findall(r"CREATE TABLE (\w+) \((.*?)\)(?: WITHOUT ROWID)?;", connection.SCHEMA, re.DOTALL))
    assert len(tables) >= 12
    for name, body in tables.items():
        columns = re.findall(r"(?:^|,)\s*([a-z_]+) [A-Z]", body)
        missing = [one for one in columns if f"`{one}`" not in text.partition(f"`{name}`")[2].partition("\n")[0]]
        assert missing == [], name
    assert f"`user_version` {connection.USER_VERSION}" in text
    assert COLLECTIONS in text


@pytest.mark.parametrize("page", DECISIONS, ids=lambda one: one.stem)
def test_a_decision_keeps_the_form(page: Path) -> None:
    text = page.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Good, because", "Bad, because"]
    assert re.match(rf"# {page.name[:4]}\. \S", text)
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(len(DECISIONS)))
    assert len(DECISIONS) >= 12


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda one: one.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_table_of_quality_holds_what_is_promised() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (DOCS / "quality.md").read_text("utf-8").splitlines()
        if re.match(r"\| \d", line)
    ]
    assert [int(row[0]) for row in rows] == [1, 2, 3, 4, 5, 6]
    for _, events, agents, found, stray, _, release, seconds in rows:
        assert int(events.replace(",", "")) >= 200_000
        assert int(agents) >= 25
        assert float(found.partition("(")[2].rstrip("%)")) >= 95
        assert float(stray) <= 0.1
        assert int(release) <= 5
        assert float(seconds) < 60
