"""Which networks a table takes, and which range an address lies in."""

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leeway.destinations import (
    Compiled,
    Listed,
    NamedRanges,
    RangeTable,
    compile_table,
    range_network,
    ranges,
    table_name,
)
from leeway.destinations.ranges import MOST_NETWORKS, REFUSED_KEPT
from leeway.errors import InvalidConfigError, StateError

NOW = datetime(2026, 3, 9, tzinfo=UTC)


def compiled(*rows: tuple[str, str], name: str = "t") -> Compiled:
    """Return the table of (network, label) rows."""
    listed = (Listed(f"line {number}", network, label) for number, (network, label) in enumerate(rows, 1))
    return compile_table(name, listed, source="f", form="list", imported=NOW)


def table(*rows: tuple[str, str], name: str = "t") -> RangeTable:
    return compiled(*rows, name=name).table


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("192.0.2.0/24", "192.0.2.0/24", id="IPv4"),
        pytest.param("192.0.2.7", "192.0.2.7/32", id="an address"),
        pytest.param("2001:DB8::/32", "2001:db8::/32", id="IPv6"),
        pytest.param("::ffff:192.0.2.0/120", "192.0.2.0/24", id="mapped"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7/32", id="a mapped address"),
        pytest.param("::fffe:0:0/95", "::fffe:0:0/95", id="wider than all that is mapped"),
        pytest.param("10.0.0.0/255.0.0.0", "10.0.0.0/8", id="netmask"),
        pytest.param("240.0.0.0/4", "240.0.0.0/4", id="the widest"),
    ],
)
def test_networks_that_are_taken(text: str, network: str) -> None:
    assert str(range_network(text)) == network


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("0.0.0.0/0", "wider than /4", id="everything"),
        pytest.param("::/0", "wider than /4", id="everything in IPv6"),
        pytest.param("::ffff:0:0/96", "wider than /4", id="everything, mapped"),
        pytest.param("2000::/3", "wider than /4", id="nearly everything"),
        pytest.param("192.0.2.7/24", "bits behind the prefix", id="host bits"),
        pytest.param("192.0.2.0/33", "not an address or network", id="too long a prefix"),
        pytest.param("192.0.2.0/-1", "not an address or network", id="negative"),
        pytest.param("010.0.0.0/8", "not an address or network", id="octal"),
        pytest.param("example.org", "not an address or network", id="name"),
        pytest.param("", "not an address or network", id="empty"),
        pytest.param("1" * 65, "longer than 64 characters", id="overlong"),
    ],
)
def test_networks_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        range_network(text)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        pytest.param("10.9.9.9", "t/wide", id="in the outer one only"),
        pytest.param("10.1.9.9", "t/site", id="in the inner one"),
        pytest.param("10.1.2.9", "t/rack", id="in the innermost"),
        pytest.param("10.1.2.255", "t/rack", id="its last address"),
        pytest.param("10.1.3.0", "t/site", id="behind the innermost"),
        pytest.param("10.2.0.0", "t/wide", id="behind the inner one"),
        pytest.param("9.255.255.255", None, id="before all"),
        pytest.param("11.0.0.0", None, id="behind all"),
        pytest.param("::ffff:10.1.2.9", "t/rack", id="mapped"),
        pytest.param("2001:db8:1::7", "t/six", id="IPv6"),
        pytest.param("2001:db8:2::7", "t", id="without a label the table's name"),
        pytest.param("fe80::1%eth0", None, id="with a zone"),
        pytest.param("255.255.255.255", "t/end", id="the last address of all"),
        pytest.param("example.org", None, id="a name"),
        pytest.param("", None, id="nothing"),
        pytest.param("1" * 100_000, None, id="overlong"),
    ],
)
def test_the_most_specific_range_holds(address: str, name: str | None) -> None:
    known = NamedRanges(
        [
            table(
                ("10.0.0.0/8", "wide"),
                ("10.1.2.0/24", "rack"),
                ("10.1.0.0/16", "site"),
                ("2001:db8::/32", ""),
                ("2001:db8:1::/48", "six"),
                ("255.255.255.0/24", "end"),
            )
        ]
    )
    assert known.of(address) == name
    assert known.of(address) == name


def test_of_two_names_for_a_network_the_least_holds_within_a_table_and_between_tables() -> None:
    one = compiled(("10.0.0.0/8", "b"), ("10.0.0.0/8", "a"), ("10.0.0.0/8", "b"), name="m")
    assert (one.table.networks, one.repeated, one.table.labels) == (1, 2, ("m/a", "m/b"))
    assert NamedRanges([one.table]).of("10.0.0.1") == "m/a"
    for tables in (
        (table(("10.0.0.0/8", "x"), name="a"), one.table),
        (one.table, table(("10.0.0.0/8", "x"), name="a")),
    ):
        assert NamedRanges(tables).of("10.0.0.1") == "a/x"


def test_what_is_refused_is_counted_and_kept_with_its_place() -> None:
    rows = [("10.0.0.0/8", ""), ("x", ""), ("10.0.0.1/8", ""), ("11.0.0.0/8", "y" * 129), ("z", "")]
    found = compiled(*rows)
    assert [one.place for one in found.refused] == ["line 2", "line 3", "line 4", "line 5"]
    assert sorted(found.reasons.values()) == [1, 1, 2]
    many = compiled(("10.0.0.0/8", ""), *([("bad", "")] * 5_000))
    assert (len(many.refused), many.reasons) == (REFUSED_KEPT, {"not an address or network": 5_000})


def test_a_table_without_a_network_is_refused_with_the_first_reason() -> None:
    with pytest.raises(InvalidConfigError, match="f lists no network; the first: line 1: not an address"):
        compiled(("nothing", ""))
    with pytest.raises(InvalidConfigError, match=r"f lists no network$"):
        compiled()


def test_a_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST_NETWORKS", 3)
    assert table(*[("10.0.0.0/8", "")] * 3).networks == 1
    with pytest.raises(InvalidConfigError, match="more than 3 networks"):
        table(*[("10.0.0.0/8", "")] * 4)
    assert MOST_NETWORKS == 1_000_000


@pytest.mark.parametrize("damage", [{"four": b"x"}, {"labels": ()}], ids=["cut", "no names"])
def test_a_damaged_table_is_noticed(damage: dict[str, object]) -> None:
    with pytest.raises(StateError, match="damaged"):
        NamedRanges([replace(table(("10.0.0.0/8", "")), **damage)])


@pytest.mark.parametrize(
    ("text", "name"), [("aws", "aws"), ("AWS-2026.v1_x", "aws-2026.v1_x"), ("a" * 64, "a" * 64)], ids=str
)
def test_names_of_tables(text: str, name: str) -> None:
    assert table_name(text) == name


@pytest.mark.parametrize("text", ["", "1aws", "a/b", "a b", "ä", "a" * 65, "-a"])
def test_what_cannot_name_a_table(text: str) -> None:
    with pytest.raises(InvalidConfigError, match="cannot name"):
        table_name(text)


def networks(bits: int) -> st.SearchStrategy[tuple[int, int]]:
    """Networks over a few addresses, so that they nest and touch: (first address, prefix length)."""
    lengths = st.integers(4, bits)
    firsts = st.one_of(
        st.integers(0, 255),
        st.integers((1 << bits) - 256, (1 << bits) - 1),
        st.integers(0, (1 << bits) - 1),
    )
    return st.tuples(firsts, lengths).map(lambda one: (one[0] >> bits - one[1] << bits - one[1], one[1]))


def naive(rows: list[tuple[str, str]], address: str) -> str | None:
    """Return what a scan over all networks says: the longest prefix, of equals the least name."""
    one = ipaddress.ip_address(address)
    found = [(-ipaddress.ip_network(text).prefixlen, name) for text, name in rows if one in ipaddress.ip_network(text)]
    return f"t/{min(found)[1]}" if found else None


@pytest.mark.parametrize("bits", [32, 128])
@given(data=st.data())
def test_ranges_equal_a_scan_over_all_networks(bits: int, data: st.DataObject) -> None:
    kind = ipaddress.IPv4Network if bits == 32 else ipaddress.IPv6Network
    found = data.draw(st.lists(st.tuples(networks(bits), st.sampled_from("abc")), min_size=1, max_size=12))
    rows = [(str(kind(network)), name) for network, name in found]
    if any(ipaddress.ip_network(text) != range_network(text) for text, _ in rows):
        return  # mapped: another protocol's network
    half = data.draw(st.integers(0, len(rows)))
    # Two tables under one name are one: where a row stands does not matter.
    known = NamedRanges([table(*part) for part in (rows[:half], rows[half:]) if part])
    edges = [ipaddress.ip_network(text) for text, _ in rows]
    asked = [int(edge.network_address) for edge in edges] + [int(edge.broadcast_address) for edge in edges]
    drawn = data.draw(st.lists(st.integers(0, (1 << bits) - 1), max_size=4))
    for number in {one + step for one in (*asked, *drawn) for step in (-1, 0, 1)}:
        if 0 <= number < 1 << bits:
            address = str(ipaddress.IPv4Address(number) if bits == 32 else ipaddress.IPv6Address(number))
            if bits == 32 or ipaddress.IPv6Address(number).ipv4_mapped is None:
                assert known.of(address) == naive(rows, address)


def test_without_a_table_nothing_has_a_name() -> None:
    assert NamedRanges().of("10.0.0.1") is None


def test_half_a_million_networks_are_laid_flat_and_found() -> None:
    # 500,000 networks of 32 addresses, every other one within one of 64.
    rows = (Listed("x", f"{20 + n // 65_536}.{n // 256 % 256}.{n % 256}.0/26", f"a{n % 5}") for n in range(250_000))
    inner = (Listed("x", f"{20 + n // 65_536}.{n // 256 % 256}.{n % 256}.32/27", f"b{n % 5}") for n in range(250_000))
    made = compile_table("t", (*rows, *inner), source="f", form="list", imported=NOW).table
    assert (made.networks, len(made.four)) == (500_000, 4_500_000)
    known = NamedRanges([made])
    asked = ("20.0.1.1", "20.0.1.33", "20.0.1.64", "23.208.143.33")
    assert [known.of(one) for one in asked] == ["t/a1", "t/b1", None, "t/b4"]
