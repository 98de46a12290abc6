import pytest

from leeway.library.calls.words import changes_something, questions_of, words_of


@pytest.mark.parametrize(
    ("tool", "changes"),
    [
        ("get_balance", False),
        ("getBalance", False),
        ("mcp__github__list_issues", False),
        ("search_and_replace", False),
        ("Read", False),
        ("mcp__github__create_issue", True),
        ("sendMoney", True),
        ("update_scheduled_transaction", True),
        ("get_scheduled_transactions", False),
        ("Bash", True),
        ("", True),
    ],
)
def test_the_first_verb_of_a_tool_tells_what_it_does(tool: str, *, changes: bool) -> None:
    assert changes_something(tool) is changes


def test_words_are_compared_by_their_stem() -> None:
    assert words_of("Sending transactions to the users") == words_of("send transaction user")
    assert words_of("The of and") == frozenset()


def test_questions_are_features() -> None:
    assert questions_of("What did I spend, and when?") == {"?what", "?when", "?"}
    assert questions_of("Pay it.") == frozenset()
