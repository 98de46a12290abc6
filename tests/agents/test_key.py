import pytest
from hypothesis import given

from leeway.agents import AgentKey, IdKey
from strategies import texts

KEY = AgentKey("h1", "claude", "--resume", None)
IDS = IdKey(b"0123456789abcdef")


def test_an_id_is_32_hex_digits_and_the_same_on_every_machine() -> None:
    assert IDS.agent_id(KEY) == "f0f6abf54842626b39cd5983cbedd013"
    assert IDS.id_of("case", "default", "x", ("a", "b")) == "ba838202ea50c276ad3734e0145fd163"
    assert IDS.fingerprint("domain", "example.org") == 11_631_116_464_451_599_261


def test_ids_and_fingerprints_differ_by_secret() -> None:
    other = IdKey(b"another")
    assert other.agent_id(KEY) != IDS.agent_id(KEY)
    assert other.fingerprint("domain", "example.org") != IDS.fingerprint("domain", "example.org")
    assert IdKey(b"0123456789abcdef").agent_id(KEY) == IDS.agent_id(KEY)


def test_parts_are_typed_never_joined() -> None:
    keys = [
        KEY,
        AgentKey("h1", "claude", "", None),
        AgentKey("h1", "claude", None, None),
        AgentKey("h1", "claude", None, "--resume"),
        AgentKey("h1", "claude", unit="--resume"),
        AgentKey("h1", "claude", declared="--resume"),
        AgentKey("h1c", "laude", "--resume", None),
        AgentKey("h1", "claude", "--resume", ""),
    ]
    assert len({IDS.agent_id(key) for key in keys}) == len(keys)
    assert len({IDS.id_of("a", "b", "c"), IDS.id_of("a", "bc"), IDS.id_of("ab", "c"), IDS.id_of("a", ("b", "c"))}) == 4
    assert IDS.fingerprint("a", "bc") != IDS.fingerprint("ab", "c")


@given(texts(), texts())
def test_fingerprints_are_64_bits(facet: str, value: str) -> None:
    assert 0 <= IDS.fingerprint(facet, value) < 1 << 64


@pytest.mark.parametrize(
    ("key", "name", "is_complete"),
    [
        pytest.param(KEY, "claude --resume @ h1", True, id="arguments"),
        pytest.param(AgentKey("h1", "claude", ""), "claude @ h1", True, id="no arguments"),
        pytest.param(AgentKey("h1", "claude"), "claude (start not seen) @ h1", False, id="start not seen"),
        pytest.param(AgentKey("h1", "python3", unit="bot.service"), "python3 [bot.service] @ h1", True, id="unit"),
        pytest.param(AgentKey(declared="helpdesk"), "helpdesk", True, id="declared"),
    ],
)
def test_a_key_is_shown_and_says_whether_it_is_complete(key: AgentKey, name: str, is_complete: bool) -> None:  # noqa: FBT001  # a column
    assert str(key) == name
    assert key.is_complete is is_complete


def test_a_signer_is_exchanged_and_taken_away() -> None:
    assert KEY.signed("S").signer == "S"
    assert KEY.signed("S").signed(None) == KEY
