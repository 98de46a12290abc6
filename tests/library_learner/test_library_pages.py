"""The examples on the library's pages are run, and print what is shown."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "least"), [("baseline-learner.md", 10), ("feedback.md", 10), ("coming-from-harombe.md", 8)]
)
def test_the_examples_of_a_page_run(page: str, least: int) -> None:
    example = doctest.DocTestParser().get_doctest((DOCS / page).read_text("utf-8"), {}, page, page, 0)
    told: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert failed == 0, "".join(told)
    assert tried >= least
