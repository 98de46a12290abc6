"""The examples on the detector's page are run, and print what is shown."""

import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "anomaly-detector.md"


def test_the_examples_of_the_page_run() -> None:
    example = doctest.DocTestParser().get_doctest(PAGE.read_text("utf-8"), {}, PAGE.name, str(PAGE), 0)
    told: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert failed == 0, "".join(told)
    assert tried >= 20
