"""Where a webhook may lead, and what a sink is written as (threat 29)."""

import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.errors import InvalidConfigError
from leeway.sinks import Network, outlet_of, parse_target
from leeway.sinks.addresses import checked_host, is_public
from leeway.sinks.collector import Collector
from leeway.sinks.file_outlet import FileOutlet
from leeway.sinks.webhook import Webhook
from sinks.sink_samples import INSIDE, OUTSIDE


@pytest.mark.parametrize("address", [*INSIDE, "", "hooks.example.org", "2130706433"])
def test_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    assert is_public(address)


@given(number=st.integers(0, 2**32 - 1))
def test_what_the_library_calls_private_is_never_public(number: int) -> None:
    address = IPv4Address(number)
    is_special = not address.is_global or address.is_multicast or address.is_reserved
    assert not (is_special and is_public(str(address)))


@given(number=st.integers(0, 2**128 - 1) | st.integers(0, 2**32 - 1).map(lambda low: (0xFFFF << 32) + low))
def test_nor_of_the_long_ones(number: int) -> None:
    address = IPv6Address(number)
    assert not ((not address.is_global or address.is_multicast) and is_public(str(address)))


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "1.2.3.4.",
        "0x7f.0.0.1",
        "example.0x7f",
        "example.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "::1%lo",
        "[::1%25lo]",
        "a_b..c",
        "-x.org",
        "x-.org",
        "exämple.org",
        "%31%32%37.0.0.1",
        "①.①.①.①",
        "a" * 64 + ".org",
        ".".join(["abc"] * 70),
        "",
        ".",
    ],
)
def test_odd_hosts_are_refused(host: str) -> None:
    with pytest.raises(InvalidConfigError):
        checked_host(host)


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("Example.ORG.", "example.org"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("8.8.8.8", "8.8.8.8"),
        ("localhost", "localhost"),
        ("log_1.internal", "log_1.internal"),
        ("xn--exmple-cua.org", "xn--exmple-cua.org"),
    ],
)
def test_plain_hosts(host: str, plain: str) -> None:
    assert checked_host(host) == plain


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("ocsf:/var/log/x.ocsf", ("ocsf", "file", "/var/log/x.ocsf")),
        ("csv:/a:b", ("csv", "file", "/a:b")),
        ("https://hooks.example.org", ("webhook", "https", "hooks.example.org", 443, "/")),
        ("webhook:https://h.example.org:8443/p?k=v", ("webhook", "https", "h.example.org", 8443, "/p?k=v")),
        ("ocsf+https://h.example.org/p", ("ocsf", "https", "h.example.org", 443, "/p")),
        ("ocsf:https://[2606:4700::1]/p", ("ocsf", "https", "2606:4700::1", 443, "/p")),
        ("https://8.8.8.8:443", ("webhook", "https", "8.8.8.8", 443, "/")),
        ("syslog://10.0.0.5", ("syslog", "udp", "10.0.0.5", 514)),
        ("syslog+tcp://collector.example:1514", ("syslog", "tcp", "collector.example", 1514)),
        ("syslog+tls://collector.example/", ("syslog", "tls", "collector.example", 6514)),
        ("cef:syslog+tls://[::1]:7000", ("cef", "tls", "::1", 7000)),
        ("cef+syslog://collector", ("cef", "udp", "collector", 514)),
    ],
)
def test_targets(text: str, identity: tuple[object, ...]) -> None:
    assert parse_target(text).identity == identity


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ocsf",
        "ocsf:",
        "json:/tmp/x",
        "xml:/tmp/x",
        "https:",
        "https://",
        "http://hooks.example.org/SECRET",
        "webhook:http://hooks.example.org/SECRET",
        "csv:https://hooks.example.org/SECRET",
        "ocsf://hooks.example.org/SECRET",
        "ftp://hooks.example.org/SECRET",
        "syslog+udp://collector/SECRET",
        "https://user:SECRET@hooks.example.org/",
        "https://SECRET@hooks.example.org/",
        "https://hooks.example.org\\@evil.example/SECRET",
        "https://hooks.example.org/SE CRET",
        "https://hooks.example.org/\r\nX: SECRET",
        "https://hooks.example.org:0x1bb/SECRET",
        "https://hooks.example.org:99999/SECRET",
        "https://[::1/SECRET",
        "https://2130706433/SECRET",
        "https://0177.0.0.1/SECRET",
        "https://0x7f.1/SECRET",
        "https://127.1/SECRET",
        "https://127.0.0.1/SECRET",
        "https://localhost/SECRET",
        "https://169.254.169.254/SECRET",
        "https://[::ffff:127.0.0.1]/SECRET",
        "https://[::1]/SECRET",
        "https://[64:ff9b::7f00:1]/SECRET",
        "https://10.0.0.1/SECRET",
        "syslog://collector/SECRET",
        "syslog://collector?SECRET",
        "syslog://SECRET@collector",
        "ocsf:syslog://collector",
        "syslog:https://hooks.example.org/SECRET",
    ],
)
def test_targets_that_are_refused_are_not_repeated(text: str) -> None:
    with pytest.raises(InvalidConfigError) as refused:
        parse_target(text)
    assert "SECRET" not in str(refused.value) + refused.value.hint


def test_private_addresses_are_taken_where_they_are_allowed() -> None:
    assert parse_target("https://127.0.0.1:8443/x", allows_private=True).place == ("127.0.0.1", 8443, "/x")
    assert parse_target("https://localhost/", allows_private=True).place == ("localhost", 443, "/")
    with pytest.raises(InvalidConfigError):
        parse_target("https://2130706433/", allows_private=True)


def test_a_target_does_not_show_its_address() -> None:
    outlet = outlet_of(parse_target("https://hooks.example.org/SECRET"), Network(), "SECRET")
    assert isinstance(outlet, Webhook)
    assert "SECRET" not in repr(parse_target("https://hooks.example.org/SECRET")) + repr(outlet) + outlet.label
    assert outlet.label == "webhook https"


def test_each_way_has_its_outlet() -> None:
    texts = ("csv:/var/x", "syslog://h", "cef:syslog+tls://h")
    outlets = [outlet_of(parse_target(one), Network()) for one in texts]
    assert [type(one) for one in outlets] == [FileOutlet, Collector, Collector]
    assert [one.label for one in outlets] == ["csv file", "syslog udp", "cef tls"]


@pytest.mark.parametrize("word", ["two words", "line\r\nX: y", "é"])
def test_a_token_is_one_word(word: str) -> None:
    with pytest.raises(InvalidConfigError, match="one word"):
        outlet_of(parse_target("https://hooks.example.org/"), Network(), word)


def test_certificates_are_looked_at_first(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    for path in (tmp_path / "x.pem", tmp_path / "none.pem"):
        with pytest.raises(InvalidConfigError, match="no file of certificates"):
            Network(authority=path).checked()
    assert Network().checked() == Network()


def test_only_the_last_failure_counts_and_four_addresses_are_tried() -> None:
    tried: list[str] = []

    def connector(address: str, port: int) -> socket.socket:
        tried.append(f"{address}:{port}")
        raise ConnectionRefusedError

    network = Network(resolver=lambda *_: [f"8.8.8.{number}" for number in range(9)], connector=connector)
    with pytest.raises(ConnectionRefusedError):
        network.connected("hooks.example.org", 443, public=True)
    assert tried == ["8.8.8.0:443", "8.8.8.1:443", "8.8.8.2:443", "8.8.8.3:443"]


def test_a_name_without_an_address_is_not_resolved() -> None:
    with pytest.raises(socket.gaierror):
        Network(resolver=lambda *_: []).addresses("hooks.example.org", 443, public=True)
