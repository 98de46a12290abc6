"""What tells a secret tells it in every form of a letter that is the same in any case."""

import pytest

from leeway.text import redact

WORD = "Zq9" + "x7Kp" * 6


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"DB_PASS={WORD}", id="capitals"),
        pytest.param(f"DB_PA\u017fS={WORD}", id="a long s"),
        pytest.param(f"x --P\u0130N {WORD}", id="a capital i with a dot"),
        pytest.param(f"x --p\u0131n {WORD}", id="a small i without one"),
        pytest.param(f"API_\u212aEY={WORD}", id="the sign of Kelvin"),
        pytest.param(f"Author\u0131zation: Bearer {WORD}", id="in a header"),
    ],
)
def test_letters_that_are_the_same_in_any_case(text: str) -> None:
    assert WORD not in redact(text)


@pytest.mark.parametrize("text", ["git log --author ana", "monkey business", "pinned side signature sasquatch"])
def test_words_that_only_begin_like_one(text: str) -> None:
    assert redact(text) == text
