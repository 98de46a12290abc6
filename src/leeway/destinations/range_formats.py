"""The files in which providers and users list address ranges: from their bytes to (place, network, label).

A format is recognised by its shape. What a network is, and which are refused, `ranges` says.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import NamedTuple

import msgspec

from leeway.errors import InvalidConfigError, SourceError, UnsupportedError

_LINE_LIMIT = 1_024
"""Characters of a line of text; no entry needs as many."""

_VALUES = 8_000_000
"""Commas and brackets of a JSON file that is read: a million networks, each told of in a few words, have fewer."""

_COMMENTS = ("#", ";")


class Listed(NamedTuple):
    """One entry as the file has it."""

    place: str
    """Where it stands: `line 7`, `prefixes[3]`."""
    network: str
    label: str = ""
    """What the file calls it; empty where the table's name is all there is."""
    flaw: str = ""
    """Why it is no entry."""


_Object = Mapping[str, object]
_Read = Callable[[_Object, str], Iterator[Listed]]


def _items(holder: object, key: str) -> list[object]:
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, list) else []


def _text(holder: object, path: str) -> str:
    """Return the text, or whole number, at a dotted path; empty where there is none."""
    for part in path.split("."):
        holder = holder.get(part) if isinstance(holder, Mapping) else None
    return str(holder) if isinstance(holder, str | int) and not isinstance(holder, bool) else ""


def _each(values: Iterable[object], place: str, label: str = "") -> Iterator[Listed]:
    for number, value in enumerate(values):
        flaw = "" if isinstance(value, str) else "not a text"
        yield Listed(f"{place}[{number}]", value if isinstance(value, str) else "", label, flaw)


def _prefixes(record: _Object, field: str, sources: Mapping[str, tuple[str, ...]]) -> Iterator[Listed]:
    """Yield objects in lists, each with its network under one of some keys and its label under `field`."""
    for name, keys in sources.items():
        for number, one in enumerate(_items(record, name)):
            network = next(filter(None, (_text(one, key) for key in keys)), "")
            flaw = "" if network else f"no {' or '.join(keys)}"
            yield Listed(f"{name}[{number}]", network, _text(one, field), flaw)


def _aws(record: _Object, field: str) -> Iterator[Listed]:
    """Yield AWS's prefixes; AMAZON, which repeats those of all services, gives way to the service."""
    rows = list(_prefixes(record, field, {"prefixes": ("ip_prefix",), "ipv6_prefixes": ("ipv6_prefix",)}))
    of_services = {row.network for row in rows if row.label != "AMAZON"}
    return (row for row in rows if row.label != "AMAZON" or row.network not in of_services)


def _google(record: _Object, field: str) -> Iterator[Listed]:
    return _prefixes(record, field, {"prefixes": ("ipv4Prefix", "ipv6Prefix")})


def _azure(record: _Object, field: str) -> Iterator[Listed]:
    for number, tag in enumerate(_items(record, "values")):
        properties = tag.get("properties") if isinstance(tag, Mapping) else None
        networks = _items(properties, "addressPrefixes")
        yield from _each(networks, f"values[{number}].properties.addressPrefixes", _text(tag, field))


def _oracle(record: _Object, field: str) -> Iterator[Listed]:
    for number, region in enumerate(_items(record, "regions")):
        for index, one in enumerate(_items(region, "cidrs")):
            tags = _items(one, "tags")
            label = _text(region, field) if field == "region" else str(tags[0]) if tags else ""
            network = _text(one, "cidr")
            yield Listed(f"regions[{number}].cidrs[{index}]", network, label, "" if network else "no cidr")


def _github(record: _Object, _: str) -> Iterator[Listed]:
    """Yield the lists of addresses, each labelled by its key; other lists (keys, domains) hold not one."""
    for key, values in record.items():
        if isinstance(values, list) and any(isinstance(one, str) and _looks_like_network(one) for one in values):
            yield from _each(values, key, key)


def _looks_like_network(text: str) -> bool:
    address, slash, length = text.partition("/")
    return bool(slash) and length.isdecimal() and set(address.casefold()) <= set("0123456789abcdef.:")


def _cloudflare(record: _Object, _: str) -> Iterator[Listed]:
    for key in ("ipv4_cidrs", "ipv6_cidrs"):
        yield from _each(_items(record.get("result"), key), f"result.{key}")


def _fastly(record: _Object, _: str) -> Iterator[Listed]:
    for key in ("addresses", "ipv6_addresses"):
        yield from _each(_items(record, key), key)


def _misp(record: _Object, _: str) -> Iterator[Listed]:
    label = _text(record, "_list")
    if record.get("type", "cidr") != "cidr":
        yield Listed("type", _text(record, "type"), label, "a warning list of another type than cidr")
    else:
        yield from _each(_items(record, "list"), "list", label)


def _by_provider(record: _Object, _: str) -> Iterator[Listed]:
    yield from _each(_items(record, "cidrs"), "cidrs", _text(record, "path").partition("/")[0])


def _has(*keys: str) -> Callable[[_Object], bool]:
    return lambda record: all(key in record for key in keys)


def _lists(name: str, *keys: str) -> Callable[[_Object], bool]:
    """Tell a record whose list of that name holds an object with one of the keys."""
    return lambda record: any(
        isinstance(one, Mapping) and not one.keys().isdisjoint(keys) for one in _items(record, name)
    )


class _Form(NamedTuple):
    """A format of JSON object: what tells it, how it is read, and what its ranges may be named by."""

    tells: Callable[[_Object], bool]
    read: _Read
    fields: tuple[str, ...] = ()
    """The first is what is taken where no field is asked for."""


_FORMS: dict[str, _Form] = {
    "google": _Form(_lists("prefixes", "ipv4Prefix", "ipv6Prefix"), _google, ("service", "scope")),
    "aws": _Form(_has("prefixes"), _aws, ("service", "region", "network_border_group")),
    "azure": _Form(_has("values", "changeNumber"), _azure, ("name", "properties.region", "properties.systemService")),
    "oracle": _Form(_has("regions"), _oracle, ("region", "tags")),
    "github": _Form(_has("hooks", "git"), _github),
    "cloudflare": _Form(_has("result"), _cloudflare),
    "fastly": _Form(_has("addresses", "ipv6_addresses"), _fastly),
    "misp": _Form(_has("list", "type"), _misp),
    "cidrs": _Form(_has("cidrs"), _by_provider),
}
"""JSON objects, in the order in which they are tried; Google's form is also that of many crawlers' lists."""

_GEOFEED = {"country": 1, "region": 2, "city": 3}
"""Columns of a self-published geofeed (RFC 8805 section 2.1.1)."""

_MMDB = "mmdb"
_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"
"""Start of the metadata at the end of a MaxMind DB (its specification, "Database Metadata")."""
_MMDB_TAIL = 128 * 1024

_MMDB_FIELDS = ("autonomous_system_organization", "country.iso_code")
"""Tried in this order where no field is asked for."""

FIELDS: dict[str, tuple[str, ...]] = {
    **{name: form.fields for name, form in _FORMS.items() if form.fields},
    "geofeed": tuple(_GEOFEED),
    _MMDB: _MMDB_FIELDS,
}
"""Format to the fields its ranges may be named by, the usual one first; an MMDB takes any dotted path."""


def listed(content: bytes, field: str | None = None) -> tuple[str, Iterator[Listed]]:
    """Return the format of a file and its entries, named by a field where the format has several.

    Raises:
        InvalidConfigError: where the format does not have that field.
        SourceError: where the bytes are of no known format.
        UnsupportedError: where the extra for the format is not installed.
    """
    form, rows = _recognised(content, field)
    return form, rows if field is None else _labelled(rows, field)


def _labelled(rows: Iterable[Listed], field: str) -> Iterator[Listed]:
    """Refuse entries without the field that was asked for: a mistyped one would make the file one wide range."""
    for row in rows:
        yield row if row.label or row.flaw else row._replace(flaw=f"no {field}")


def _recognised(content: bytes, field: str | None) -> tuple[str, Iterator[Listed]]:
    if _MMDB_MARK in content[-_MMDB_TAIL:]:
        return _MMDB, _mmdb(content, field)
    if (
        content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
        and sum(map(content.count, (b",", b"[", b"{"))) > _VALUES
    ):
        raise SourceError(f"more than {_VALUES:,} values", hint="import a part of it")
    text = content.decode("utf-8-sig", "replace")
    start = text.lstrip()[:1]
    if start == "{":
        return _json_objects(content, text, field)
    if start == "[":
        _refuse_field("list", field, ())
        return "list", _each(_json_list(content), "")
    return _lines(text, field)


def _refuse_field(form: str, field: str | None, fields: tuple[str, ...]) -> str:
    """Return the field to name ranges by.

    Raises:
        InvalidConfigError: where it is none of the format's.
    """
    if field is not None and field not in fields:
        hint = f"it has {', '.join(fields)}" if fields else "leave --field out"
        raise InvalidConfigError(f"the format {form} has no field {field!r}", hint=hint)
    return field or (fields[0] if fields else "")


def _json_list(content: bytes) -> list[object]:
    found = _decoded(content)
    if not isinstance(found, list):
        raise SourceError("not JSON that can be read", hint=_HINT)
    return found


_HINT = "give a provider's JSON, a list of networks, a geofeed, a MISP warning list or an MMDB"


def _decoded(content: bytes | str) -> object:
    """Return what JSON says; None where it cannot be read."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _json_objects(content: bytes, text: str, field: str | None) -> tuple[str, Iterator[Listed]]:
    whole = _decoded(content.removeprefix(b"\xef\xbb\xbf"))
    if isinstance(whole, dict):
        form = _form_of(whole)
        return form, _FORMS[form].read(whole, _refuse_field(form, field, _FORMS[form].fields))
    first = next((found for line in text.split("\n") if isinstance(found := _decoded(line), dict)), None)
    if first is None:
        raise SourceError("not JSON that can be read", hint=_HINT)
    form = _form_of(first)
    name = _refuse_field(form, field, _FORMS[form].fields)
    return f"{form} lines", _json_lines(text, form, name)


def _json_lines(text: str, form: str, field: str) -> Iterator[Listed]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        record = _decoded(line)
        if not isinstance(record, dict):
            yield Listed(f"line {number}", "", "", "not a JSON object")
            continue
        for row in _FORMS[form].read(record, field):
            yield row._replace(place=f"line {number}, {row.place}")


def _form_of(record: _Object) -> str:
    for name, form in _FORMS.items():
        if form.tells(record):
            return name
    raise SourceError(f"unknown JSON with the keys {', '.join(sorted(record)[:5]) or '(none)'}", hint=_HINT)


def _lines(text: str, field: str | None) -> tuple[str, Iterator[Listed]]:
    """Return a plain list, or a geofeed where the first entry has columns."""
    first = next((entry for line in text.split("\n") if (entry := _entry(line))), "")
    if "," in first:
        column = _GEOFEED[_refuse_field("geofeed", field, tuple(_GEOFEED))]
        return "geofeed", _text_rows(text, column)
    _refuse_field("list", field, ())
    return "list", _text_rows(text, 0)


def _entry(line: str) -> str:
    for mark in _COMMENTS:
        line = line.partition(mark)[0]
    return line.strip()


def _text_rows(text: str, column: int) -> Iterator[Listed]:
    for number, line in enumerate(text.split("\n"), 1):
        place = f"line {number}"
        if len(line) > _LINE_LIMIT:
            yield Listed(place, line[:_LINE_LIMIT], "", f"longer than {_LINE_LIMIT} characters")
        elif entry := _entry(line):
            yield _geofeed_row(place, entry, column) if column else Listed(place, entry)


def _geofeed_row(place: str, entry: str, column: int) -> Listed:
    try:
        cells = [cell.strip() for cell in next(csv.reader([entry], strict=True))]
    except csv.Error:
        return Listed(place, entry, "", "not comma-separated values")
    return Listed(place, cells[0], cells[column] if len(cells) > column else "")


def _mmdb(content: bytes, field: str | None) -> Iterator[Listed]:
    try:
        import maxminddb  # noqa: PLC0415  # an extra, needed only here
    except ImportError as error:
        raise UnsupportedError("reading an MMDB needs maxminddb", hint="pip install 'agent-leeway[geo]'") from error
    try:
        with maxminddb.open_database(BytesIO(content), maxminddb.MODE_FD) as database:
            for number, (network, record) in enumerate(database, 1):
                label = _mmdb_label(record, field)
                flaw = "" if label else f"no {field or ' or '.join(_MMDB_FIELDS)}"
                yield Listed(f"network {number}", str(network), label, flaw)
    except (maxminddb.InvalidDatabaseError, ValueError, IndexError, TypeError) as error:
        raise SourceError(f"the MMDB cannot be read: {error}", hint="fetch it again") from error


def _mmdb_label(record: object, field: str | None) -> str:
    if field is not None:
        return _text(record, field)
    return next(filter(None, (_text(record, path) for path in _MMDB_FIELDS)), "")
