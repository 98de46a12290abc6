import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.library.calls.entities import MOST_ENTITIES, MOST_LEAVES, entities_of, leaves_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("see https://WWW.Example.com/a?b=1.", {("domain", "example.com")}, id="url"),
        pytest.param("see www.example.com", {("domain", "example.com")}, id="www without scheme"),
        pytest.param("see example.co.uk/page", {("domain", "example.co.uk")}, id="bare host with path"),
        pytest.param("http://user:pw@evil.example:8080/x", {("domain", "evil.example")}, id="user info and port"),
        pytest.param("HTTP://EXAMPLE.COM", {("domain", "example.com")}, id="case"),
        pytest.param("http://192.0.2.7:80/x", {("address", "192.0.2.7")}, id="address in url"),
        pytest.param("http://[2001:db8::1]/x", {("address", "2001:db8::1")}, id="v6 address in url"),
        pytest.param("ping 192.0.2.7", {("address", "192.0.2.7")}, id="bare address"),
        pytest.param("ping 2001:DB8:0:0::1 now", {("address", "2001:db8::1")}, id="bare v6 address"),
        pytest.param("our-firm.com.They came", {("domain", "our-firm.com")}, id="sentence without a blank"),
        pytest.param("Ana.B@Example.com.", {("email", "ana.b@example.com")}, id="mail"),
        pytest.param("a@x.org,b@x.org", {("email", "a@x.org"), ("email", "b@x.org")}, id="two mails"),
        pytest.param("DE89370400440532013000", {("iban", "de89370400440532013000")}, id="iban"),
        pytest.param("to DE89 3704 0044 0532 0130 00 and on", {("iban", "de89370400440532013000")}, id="spaced iban"),
        pytest.param("GB29 NWBK 6016 1331 9268 19", {("iban", "gb29nwbk60161331926819")}, id="iban with a bank"),
        pytest.param("4111 1111 1111 1111", {("account", "4111111111111111")}, id="card"),
        pytest.param("order #W2611340", {("account", "w2611340")}, id="order"),
        pytest.param("james_lee_6136", {("account", "james_lee_6136")}, id="user name"),
        pytest.param(
            "6F9619FF-8B86-D011-B42D-00C04FC964FF", {("account", "6f9619ff-8b86-d011-b42d-00c04fc964ff")}, id="uuid"
        ),
        pytest.param("call +1 (555) 123-2002", {("phone", "15551232002")}, id="phone with country"),
        pytest.param("call 555-123-2002", {("phone", "5551232002")}, id="phone"),
        pytest.param("/etc/passwd", {("path", "/etc/passwd")}, id="path"),
        pytest.param("C:\\Users\\Ana\\a.txt", {("path", "c:/users/ana/a.txt")}, id="windows path"),
        pytest.param("pay 'bill-december-2023.txt'", {("path", "bill-december-2023.txt")}, id="file is no host"),
        pytest.param("run setup.py", {("path", "setup.py")}, id="ending that is a country as well"),
        pytest.param("file:///etc/hosts", {("path", "/etc/hosts")}, id="file url"),
        pytest.param("a\\nwww.example.com\\nb", {("domain", "example.com")}, id="line ends written out"),
    ],
)
def test_entities_are_found_in_one_form(text: str, expected: set[tuple[str, str]]) -> None:
    assert entities_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("on 2026-03-02 or 02.03.2026 or 3/2/26", id="dates"),
        pytest.param("at 2026-03-02T10:30:00Z", id="instant"),
        pytest.param("at 2026-03-02 10:30", id="date and time"),
        pytest.param("on 20260302", id="compact date"),
        pytest.param("10:30 to 11:45", id="times"),
        pytest.param("$30,000 and 19.5% and 3.14", id="amounts"),
        pytest.param("1200 or 12345", id="short numbers"),
        pytest.param("e.g. this. And that", id="prose"),
        pytest.param("<b>bold</b>", id="markup"),
        pytest.param("and/or", id="slash"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_entity(text: str) -> None:
    assert entities_of(text) == frozenset()


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    found = entities_of(text)
    assert len(found) <= MOST_ENTITIES
    assert all(entity.value and len(entity.value) <= 256 for entity in found)


@pytest.mark.parametrize("text", ["a.", "a@", "1-", "//", "/a", "a1 ", "de12 ", "+1 ", "::", "x://", "www.", "5 5"])
def test_hostile_repeats_take_no_longer_than_others(text: str) -> None:
    began = time.process_time()
    entities_of(text * 100_000)
    assert time.process_time() - began < 2


def test_leaves_are_bounded_in_number_and_depth() -> None:
    deep: object = "end"
    for _ in range(100):
        deep = {"a": deep}
    assert leaves_of({"a": deep}) == []
    assert len(leaves_of({"a": list(range(10_000))})) == MOST_LEAVES
    assert leaves_of({"a": {"b": [1, {"c": "x"}]}, "d": None, "e": ""}) == [("a.b", 1), ("a.b.c", "x")]
