"""What tells a secret tells it in every form of a letter that is the same in any case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.text import redact, redaction

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


TELLING = (
    *(
        "token",
        "apikey",
        "access-key",
        "PGPASSWORD",
        "DB_PASS",
        "passphrase",
        "credentials",
        "connection_string",
        "pin",
    ),
    *("cookie", "authorization", "Bearer", "net1", "NET.EXE", "user", "use", "mysqldump", "podman login", "-u", "-b"),
    *("--user", "--proxy-user", "-p", "echo", "--password-stdin", "--from-literal", "ConvertTo-SecureString", "jwt"),
    *("hooks.slack.com/services/", "AKIA", "AIza", "ya29.", "hvb.", "1//0", "dp.st.", "SK", "dapi", "key-", "SG."),
    *("eyJ", "AGE-SECRET-KEY-1", "-----BEGIN PRIVATE KEY-----", "https://", "ghp_", "xoxb-", "/user:", "<secret>"),
    *("author", "sign\u017f", "\u212aey", "p\u0130n", "Author\u0131zation", "\u2028", "\xa0", "\x1c"),
)
BETWEEN = (*" =:\"'`\\]\t&?#;,|<>@/_-.", "", "", "  ", "=>", ":=", "%3d", " | ")
VALUES = st.from_regex(r"[0-9a-f]{5,40}|[A-Za-z0-9_.=-]{1,40}|[A-Z0-9]{16}|[0-9]{1,12}", fullmatch=True)
LINES = st.lists(st.sampled_from(TELLING) | st.sampled_from(BETWEEN) | VALUES, max_size=12).map("".join)


@given(LINES)
def test_rules_are_left_out_only_where_they_change_nothing(text: str) -> None:
    expected = text
    for rule in redaction._RULES:  # noqa: SLF001  # what is left out of them is asked
        expected = rule.pattern.sub(rule.replacement, expected)
    assert redact(text) == expected
