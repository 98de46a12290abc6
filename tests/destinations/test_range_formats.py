"""Files of address ranges as providers publish them, cut to a few made-up entries."""

import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.destinations import FIELDS, Listed, listed
from leeway.errors import InvalidConfigError, LeewayError, SourceError

AWS = {
    "syncToken": "1",
    "createDate": "2026-01-01",
    "prefixes": [
        {"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
        {"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"},
        {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
        {"region": "GLOBAL", "service": "S3"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "us-east-1", "service": "S3"}],
}
GOOGLE = {
    "syncToken": "1",
    "creationTime": "2026-01-01T00:00:00",
    "prefixes": [
        {"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud", "scope": "africa-south1"},
        {"ipv6Prefix": "2001:db8::/32", "service": "Google Cloud", "scope": "global"},
    ],
}
CRAWLER = {"creationTime": "2026-01-01T00:00:00", "prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}
AZURE = {
    "changeNumber": 1,
    "cloud": "Public",
    "values": [
        {
            "name": "Storage.WestEurope",
            "id": "Storage.WestEurope",
            "properties": {
                "region": "westeurope",
                "systemService": "AzureStorage",
                "addressPrefixes": ["192.0.2.0/24", "2001:db8::/32"],
            },
        },
        {"name": "Empty", "properties": None},
    ],
}
ORACLE = {
    "last_updated_timestamp": "2026-01-01T00:00:00",
    "regions": [{"region": "us-phoenix-1", "cidrs": [{"cidr": "192.0.2.0/24", "tags": ["OCI"]}, {"tags": []}]}],
}
GITHUB = {
    "verifiable_password_authentication": False,
    "ssh_keys": ["ssh-ed25519 AAAA"],
    "domains": {"website": ["*.example.org"]},
    "hooks": ["192.0.2.0/24", "2001:db8::/32"],
    "git": ["198.51.100.0/24"],
}
CLOUDFLARE = {"result": {"ipv4_cidrs": ["192.0.2.0/24"], "ipv6_cidrs": ["2001:db8::/32"]}, "success": True}
FASTLY = {"addresses": ["192.0.2.0/24"], "ipv6_addresses": ["2001:db8::/32"]}
MISP = {"name": "List of something", "type": "cidr", "version": 1, "list": ["192.0.2.0/24", 7]}

Entry = tuple[str, str, str]


def body(value: object) -> bytes:
    return msgspec.json.encode(value)


def entries(content: bytes, field: str | None = None) -> tuple[str, list[Entry]]:
    """Return the format, and (network, label, flaw) of each entry."""
    form, rows = listed(content, field)
    return form, [(row.network, row.label, row.flaw) for row in rows]


@pytest.mark.parametrize(
    ("content", "field", "form", "expected"),
    [
        pytest.param(
            body(AWS),
            None,
            "aws",
            [
                ("192.0.2.0/24", "EC2", ""),
                ("198.51.100.0/24", "AMAZON", ""),
                ("", "S3", "no ip_prefix"),
                ("2001:db8::/32", "S3", ""),
            ],
            id="aws: a service before AMAZON",
        ),
        pytest.param(
            body({"prefixes": AWS["prefixes"][:1]}),
            "region",
            "aws",
            [("192.0.2.0/24", "eu-west-1", "")],
            id="aws by region",
        ),
        pytest.param(
            body(GOOGLE),
            None,
            "google",
            [("192.0.2.0/24", "Google Cloud", ""), ("2001:db8::/32", "Google Cloud", "")],
            id="google cloud",
        ),
        pytest.param(
            body(GOOGLE),
            "scope",
            "google",
            [("192.0.2.0/24", "africa-south1", ""), ("2001:db8::/32", "global", "")],
            id="google cloud by scope",
        ),
        pytest.param(body(CRAWLER), None, "google", [("192.0.2.0/24", "", "")], id="a crawler's list"),
        pytest.param(
            body(CRAWLER), "scope", "google", [("192.0.2.0/24", "", "no scope")], id="a field that is not there"
        ),
        pytest.param(
            body(AZURE),
            None,
            "azure",
            [("192.0.2.0/24", "Storage.WestEurope", ""), ("2001:db8::/32", "Storage.WestEurope", "")],
            id="azure",
        ),
        pytest.param(
            body(AZURE),
            "properties.region",
            "azure",
            [("192.0.2.0/24", "westeurope", ""), ("2001:db8::/32", "westeurope", "")],
            id="azure by region",
        ),
        pytest.param(
            body(ORACLE),
            None,
            "oracle",
            [("192.0.2.0/24", "us-phoenix-1", ""), ("", "us-phoenix-1", "no cidr")],
            id="oracle",
        ),
        pytest.param(
            body(ORACLE), "tags", "oracle", [("192.0.2.0/24", "OCI", ""), ("", "", "no cidr")], id="oracle by tag"
        ),
        pytest.param(
            body(GITHUB),
            None,
            "github",
            [("192.0.2.0/24", "hooks", ""), ("2001:db8::/32", "hooks", ""), ("198.51.100.0/24", "git", "")],
            id="github: only lists of networks",
        ),
        pytest.param(
            body(CLOUDFLARE), None, "cloudflare", [("192.0.2.0/24", "", ""), ("2001:db8::/32", "", "")], id="cloudflare"
        ),
        pytest.param(body(FASTLY), None, "fastly", [("192.0.2.0/24", "", ""), ("2001:db8::/32", "", "")], id="fastly"),
        pytest.param(body(MISP), None, "misp", [("192.0.2.0/24", "", ""), ("", "", "not a text")], id="misp"),
        pytest.param(
            body({**MISP, "type": "hostname"}),
            None,
            "misp",
            [("hostname", "", "a warning list of another type than cidr")],
            id="misp of names",
        ),
        pytest.param(
            body(["192.0.2.0/24", None]), None, "list", [("192.0.2.0/24", "", ""), ("", "", "not a text")], id="array"
        ),
        pytest.param(
            b'{"path":"a/v4.txt","cidrs":["192.0.2.0/24"]}\n\nbroken\n{"path":"b/v4.txt","cidrs":["198.51.100.0/24"]}\n',
            None,
            "cidrs lines",
            [("192.0.2.0/24", "a", ""), ("", "", "not a JSON object"), ("198.51.100.0/24", "b", "")],
            id="lines by provider",
        ),
        pytest.param(
            b"\xef\xbb\xbf# office\r\n192.0.2.0/24 ; DROP 7\r\n\r\n198.51.100.7 # one\r\nbad\xff\r\n",
            None,
            "list",
            [("192.0.2.0/24", "", ""), ("198.51.100.7", "", ""), ("bad\ufffd", "", "")],
            id="plain list with comments",
        ),
        pytest.param(
            b'# feed\n192.0.2.0/24,NL,NL-NH,Amsterdam,1105 AT\n2001:db8::/32,"US",,"New York, NY",\n198.51.100.0/24\n',
            None,
            "geofeed",
            [("192.0.2.0/24", "NL", ""), ("2001:db8::/32", "US", ""), ("198.51.100.0/24", "", "")],
            id="geofeed",
        ),
        pytest.param(
            b'192.0.2.0/24,NL,NL-NH,Amsterdam,\n2001:db8::/32,US,,"New York, NY",\n',
            "city",
            "geofeed",
            [("192.0.2.0/24", "Amsterdam", ""), ("2001:db8::/32", "New York, NY", "")],
            id="geofeed by city",
        ),
        pytest.param(
            b'192.0.2.0/24,NL\n"192.0.2.0/24"x,NL\n',
            None,
            "geofeed",
            [("192.0.2.0/24", "NL", ""), ('"192.0.2.0/24"x,NL', "", "not comma-separated values")],
            id="geofeed with a broken line",
        ),
        pytest.param(b'{"prefixes":[7]}', None, "aws", [("", "", "no ip_prefix")], id="prefixes that are none"),
        pytest.param(b"", None, "list", [], id="empty"),
    ],
)
def test_formats(content: bytes, field: str | None, form: str, expected: list[Entry]) -> None:
    assert entries(content, field) == (form, expected)


@pytest.mark.parametrize(
    ("content", "places"),
    [
        pytest.param(b"# x\n192.0.2.0/24\n\nbad\n", ["line 2", "line 4"], id="list"),
        pytest.param(body(AWS), ["prefixes[1]", "prefixes[2]", "prefixes[3]", "ipv6_prefixes[0]"], id="aws"),
        pytest.param(
            b'{"cidrs":["a"]}\n{"cidrs":["b","c"]}',
            ["line 1, cidrs[0]", "line 2, cidrs[0]", "line 2, cidrs[1]"],
            id="lines",
        ),
        pytest.param(body(ORACLE), ["regions[0].cidrs[0]", "regions[0].cidrs[1]"], id="oracle"),
    ],
)
def test_entries_have_a_place(content: bytes, places: list[str]) -> None:
    assert [row.place for row in listed(content)[1]] == places


def test_a_line_that_is_too_long_is_cut_and_said_to_be() -> None:
    (row, good) = listed(b"1" * 100_000 + b"\n192.0.2.0/24\n")[1]
    assert (len(row.network), row.flaw) == (1_024, "longer than 1024 characters")
    assert good == Listed("line 2", "192.0.2.0/24")


@pytest.mark.parametrize(
    "content",
    [b'{"a":1}', b"{}", b"{", b"{" * 100_000, b"[1,", b"[" * 100_000, b'{"cidrs"'],
    ids=["other keys", "no keys", "broken", "deep", "broken array", "deep array", "cut"],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match="JSON") as caught:
        listed(content)
    assert caught.value.hint


@pytest.mark.parametrize("value", [b"[]", b"{}", b"7"], ids=["lists", "objects", "numbers"])
def test_json_of_more_values_than_any_table_has_is_not_unpacked(value: bytes) -> None:
    with pytest.raises(SourceError, match="more than 8,000,000 values") as caught:
        listed(b'\xef\xbb\xbf\n {"prefixes":[' + value + (b"," + value) * 8_000_000 + b"]}")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "field", "hint"),
    [
        pytest.param(body(AWS), "city", "it has service, region, network_border_group", id="aws"),
        pytest.param(b"192.0.2.0/24,NL", "town", "it has country, region, city", id="geofeed"),
        pytest.param(b"192.0.2.0/24", "city", "leave --field out", id="list"),
        pytest.param(body(FASTLY), "city", "leave --field out", id="fastly"),
        pytest.param(b'["192.0.2.0/24"]', "city", "leave --field out", id="array"),
    ],
)
def test_a_field_that_the_format_does_not_have(content: bytes, field: str, hint: str) -> None:
    with pytest.raises(InvalidConfigError, match=f"has no field '{field}'") as caught:
        listed(content, field)
    assert caught.value.hint == hint


def test_the_fields_are_a_closed_set() -> None:
    assert {form: fields[0] for form, fields in FIELDS.items()} == {
        "aws": "service",
        "google": "service",
        "azure": "name",
        "oracle": "region",
        "geofeed": "country",
        "mmdb": "autonomous_system_organization",
    }


KEYS = (
    *("prefixes", "ip_prefix", "ipv4Prefix", "service", "values", "properties", "addressPrefixes", "changeNumber"),
    *("regions", "cidrs", "cidr", "tags", "hooks", "git", "result", "addresses", "ipv6_addresses", "list", "type"),
    *("path", "_list", "ipv4_cidrs"),
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.just("192.0.2.0/24")
HOSTILE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=30,
)


@given(value=HOSTILE, field=st.sampled_from((None, "service", "name", "region", "tags")))
def test_any_json_is_read_or_refused(value: object, field: str | None) -> None:
    read_whole(body(value), field)


@given(content=st.binary(max_size=200), field=st.sampled_from((None, "country")))
def test_any_bytes_are_read_or_refused(content: bytes, field: str | None) -> None:
    read_whole(content, field)


def read_whole(content: bytes, field: str | None) -> None:
    try:
        rows = list(listed(content, field)[1])
    except LeewayError:
        return
    for row in rows:
        assert isinstance(row.network, str)
        assert isinstance(row.label, str)
        assert row.place


# MaxMind DB files, written after the format's specification, version 2.0.

Tree = list[list[Any]]


def packed(value: object) -> bytes:
    """Return a value as a data section has it."""
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(packed(key) + packed(one) for key, one in value.items())
    if isinstance(value, list):
        return bytes([len(value), 4]) + b"".join(map(packed, value))
    number = int(str(value)).to_bytes(4, "big").lstrip(b"\0")
    return _control(6, len(number)) + number


def _control(kind: int, size: int) -> bytes:
    return bytes([kind << 5 | size]) if size < 29 else bytes([kind << 5 | 29, size - 29])


def mmdb(networks: dict[tuple[int, int], object], bits: int = 32) -> bytes:
    """Return a database of (first address, prefix length) to record."""
    tree: Tree = [[None, None]]
    data = b""
    for (first, length), record in networks.items():
        node = 0
        for depth in range(length):
            side = first >> bits - 1 - depth & 1
            if depth == length - 1:
                tree[node][side] = ("data", len(data))
            elif tree[node][side] is None:
                tree.append([None, None])
                tree[node][side] = len(tree) - 1
                node = len(tree) - 1
            else:
                node = tree[node][side]
        data += packed(record)
    count = len(tree)
    numbers = [
        count if one is None else one if isinstance(one, int) else count + 16 + one[1] for node in tree for one in node
    ]
    meta = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1,
        "database_type": "Test",
        "description": {"en": "a test"},
        "ip_version": 4 if bits == 32 else 6,
        "languages": ["en"],
        "node_count": count,
        "record_size": 24,
    }
    search = b"".join(struct.pack(">I", number)[1:] for number in numbers)
    return search + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + packed(meta)


TEST_NET = (0xC0000200, 24)
ASN = {"autonomous_system_number": 64_496, "autonomous_system_organization": "Example Hosting"}
COUNTRY = {"country": {"iso_code": "NL", "names": {"en": "Netherlands"}}, "continent": {"code": "EU"}}


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        pytest.param(mmdb({TEST_NET: ASN}), None, [("192.0.2.0/24", "Example Hosting", "")], id="system"),
        pytest.param(mmdb({TEST_NET: COUNTRY}), None, [("192.0.2.0/24", "NL", "")], id="country"),
        pytest.param(
            mmdb({TEST_NET: ASN}), "autonomous_system_number", [("192.0.2.0/24", "64496", "")], id="by number"
        ),
        pytest.param(mmdb({TEST_NET: COUNTRY}), "continent.code", [("192.0.2.0/24", "EU", "")], id="by dotted path"),
        pytest.param(mmdb({TEST_NET: ASN}), "x.y", [("192.0.2.0/24", "", "no x.y")], id="a field that is not there"),
        pytest.param(
            mmdb({TEST_NET: {"x": "y"}}),
            None,
            [("192.0.2.0/24", "", "no autonomous_system_organization or country.iso_code")],
            id="neither of the usual fields",
        ),
        pytest.param(
            mmdb({(0x20010DB8 << 96, 32): ASN, (0xC0000200, 120): COUNTRY}, bits=128),
            None,
            [("192.0.2.0/24", "NL", ""), ("2001:db8::/32", "Example Hosting", "")],
            id="both protocols",
        ),
    ],
)
def test_mmdb(content: bytes, field: str | None, expected: list[Entry]) -> None:
    assert entries(content, field) == ("mmdb", expected)


@pytest.mark.parametrize("cut", [20, 40, 60])
def test_a_damaged_mmdb_is_refused(cut: int) -> None:
    content = mmdb({TEST_NET: ASN})
    with pytest.raises(SourceError, match="MMDB cannot be read"):
        list(listed(content[:30] + content[30 + cut :])[1])
