import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leeway.text import redact
from strategies import texts

# Made up; no character of them was ever a key.
WORD = "Zq9" + "x7Kp" * 6


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(f"x --api-key {WORD}", "x --api-key <secret>", id="option"),
        pytest.param(f"x --api-key={WORD} -v", "x --api-key=<secret> -v", id="option with equals"),
        pytest.param(f"OPENAI_API_KEY={WORD} run", "OPENAI_API_KEY=<secret> run", id="environment"),
        pytest.param(f'{{"password": "{WORD}"}}', '{"password": "<secret>"}', id="json"),
        pytest.param(f"https://ana:{WORD}@h.example/x", "https://ana:<secret>@h.example/x", id="address with password"),
        pytest.param(f"https://h.example/?sig={WORD}&b=1", "https://h.example/?sig=<secret>&b=1", id="query"),
        pytest.param(f"Authorization: Bearer {WORD}", "Authorization: Bearer <secret>", id="header"),
        pytest.param(f"bearer {WORD}", "bearer <secret>", id="bearer alone"),
        pytest.param(f"run sk-{WORD}", "run <secret>", id="sk- key"),
        pytest.param(f"run ghp_{WORD}", "run <secret>", id="repository token"),
        pytest.param("run AKIAABCDEFGHIJKLMNOP", "run <secret>", id="cloud key id"),
        pytest.param(f"run eyJ{WORD}.{WORD}.{WORD}", "run <secret>", id="signed web token"),
        pytest.param("git status --short", "git status --short", id="nothing secret"),
        pytest.param(
            "python tokenizer.py --max-tokens 512", "python tokenizer.py --max-tokens 512", id="token counts stay"
        ),
    ],
)
def test_secrets_of_known_shape_are_taken_out(text: str, kept: str) -> None:
    assert redact(text) == kept


@example("--token --token x")
@example("password: <secret>")
@given(st.text() | texts(200))
def test_redacting_is_idempotent_and_bounded(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert len(once) <= 32_768


def test_the_longest_text_is_cut() -> None:
    assert len(redact("a" * 1_048_576)) == 32_768
