import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.destinations import address_of, host_name, network_levels, registrable_domain
from strategies import texts


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        pytest.param("10.1.2.3", ("10.1.0.0/16", "10.1.2.0/24", "10.1.2.3"), id="IPv4"),
        pytest.param("2001:db8::7", ("2001:db8::/32", "2001:db8::/48", "2001:db8::7"), id="IPv6"),
        pytest.param("[2001:db8::7]", ("2001:db8::/32", "2001:db8::/48", "2001:db8::7"), id="in brackets"),
        pytest.param("fe80::1%eth0", ("fe80::/32", "fe80::/48", "fe80::1"), id="with a zone"),
        pytest.param("::ffff:10.1.2.3", ("10.1.0.0/16", "10.1.2.0/24", "10.1.2.3"), id="mapped"),
        pytest.param("010.1.2.3", None, id="octal looks like a name"),
        pytest.param("example.org", None, id="name"),
        pytest.param("", None, id="empty"),
    ],
)
def test_levels_of_an_address(text: str, levels: tuple[str, str, str] | None) -> None:
    assert network_levels(text) == levels


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        pytest.param("api.openai.com", "openai.com", id="com"),
        pytest.param("a.b.example.co.uk", "example.co.uk", id="two-part suffix"),
        pytest.param("d1.cloudfront.net", "cloudfront.net", id="hosts of a CDN share one"),
        pytest.param("co.uk", "co.uk", id="bare suffix"),
        pytest.param("localhost", "localhost", id="single label"),
        pytest.param("X.Example.ORG.", "example.org", id="case and root dot"),
        pytest.param("", "", id="empty"),
    ],
)
def test_registrable_domains(host: str, registrable: str) -> None:
    assert registrable_domain(host) == registrable


@given(st.ip_addresses())
def test_an_address_lies_within_its_networks(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    supernet, network, text = network_levels(str(address)) or ("", "", "")
    unwrapped = address_of(str(address))
    assert unwrapped == ipaddress.ip_address(text)
    assert unwrapped in ipaddress.ip_network(network)
    assert ipaddress.ip_network(network).subnet_of(ipaddress.ip_network(supernet))  # type: ignore[arg-type]  # one version


@given(texts() | st.from_regex(r"[a-zA-Z0-9.\-]{0,300}", fullmatch=True))
def test_names_are_idempotent_and_bounded(text: str) -> None:
    name = host_name(text)
    assert len(name) <= 253
    assert name.endswith(registrable_domain(name)) or address_of(name) is not None
    assert registrable_domain(registrable_domain(name)) == registrable_domain(name)
