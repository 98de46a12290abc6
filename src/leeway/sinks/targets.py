"""`--sink FORM:TARGET`: which form goes where."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from leeway.errors import InvalidConfigError
from leeway.sinks.addresses import checked_host, is_public
from leeway.sinks.cef import Cef
from leeway.sinks.collector import Collector
from leeway.sinks.csv_alerts import CsvAlerts
from leeway.sinks.file_outlet import FileOutlet
from leeway.sinks.json_lines import JsonDocument, JsonLinesFindings
from leeway.sinks.network import Network
from leeway.sinks.ocsf import Ocsf
from leeway.sinks.outlet import Outlet
from leeway.sinks.sink import Sink
from leeway.sinks.syslog import Syslog
from leeway.sinks.webhook import Address, Webhook

SINKS: tuple[Sink, ...] = (CsvAlerts(), JsonLinesFindings(), JsonDocument(), Ocsf(), Syslog(), Cef())
"""The forms of a default installation."""

_WAYS = {"syslog": ("udp", 514), "syslog+tcp": ("tcp", 601), "syslog+tls": ("tls", 6514)}
"""Scheme to way and port, by RFC 5426, 6587 and 5425."""

_URL = re.compile(
    r"(?:(?P<form>webhook|ocsf|cef|syslog)[:+])?(?P<url>(?P<scheme>https?|syslog(?:\+(?:tcp|tls))?)://.*)", re.DOTALL
)
_FILE = re.compile(r"(?P<form>[a-z]{1,16}):(?P<path>.+)", re.DOTALL)

_USAGE = (
    "FORM:PATH with csv, jsonl, ocsf, syslog or cef; webhook:https://HOST/..., ocsf:https://HOST/...; "
    "syslog://HOST[:PORT], syslog+tcp://, syslog+tls://, or cef: before one of these"
)


@dataclass(frozen=True)
class Target:
    """A place to deliver to; its address is never shown, for it may hold a secret."""

    form: str
    way: str
    """`file`, `https`, `udp`, `tcp` or `tls`."""
    place: tuple[str | int, ...] = field(repr=False)
    """The path; or host, port and, for https, path with query."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        """What makes it the same target in another run; only a keyed fingerprint of this is stored."""
        return (self.form, self.way, *self.place)


def parse_target(text: str, *, allows_private: bool = False) -> Target:
    """Return the target that `FORM:TARGET` names.

    Raises:
        InvalidConfigError: for what is none, or may not be used. The text is not repeated: it may hold a secret.
    """
    if found := _URL.fullmatch(text):
        return _remote(found["form"] or "", found["scheme"], found["url"], allows_private=allows_private)
    found = _FILE.fullmatch(text)
    if found is None or "://" in text or found["path"].startswith("//"):
        _refuse("a sink is written FORM:TARGET")
    forms = {sink.name for sink in SINKS if sink.is_appended}
    if found["form"] not in forms:
        _refuse(f"a file takes one of {', '.join(sorted(forms))}: a document cannot be added to")
    return Target(found["form"], "file", (str(Path(found["path"]).absolute()),))


def _remote(form: str, scheme: str, url: str, *, allows_private: bool) -> Target:
    parts = _split(url)
    if scheme == "https":
        return _webhook(form or "webhook", parts, allows_private=allows_private)
    if scheme == "http":
        _refuse("webhooks go over HTTPS")
    if form not in {"", "syslog", "cef"}:
        _refuse("a log collector takes syslog or cef")
    if parts.path.strip("/") or parts.query:
        _refuse("a log collector is a host and a port")
    way, port = _WAYS[scheme]
    return Target(form or "syslog", way, (checked_host(_host(parts)), _port(parts, port)))


def _webhook(form: str, parts: SplitResult, *, allows_private: bool) -> Target:
    if form not in {"webhook", "ocsf"}:
        _refuse("a web address takes webhook or ocsf")
    host = checked_host(_host(parts))
    is_address = ":" in host or host.replace(".", "").isdecimal()
    if not allows_private and (host == "localhost" or (is_address and not is_public(host))):
        raise InvalidConfigError("the sink's address is not public", hint="--allow-private-sink takes it all the same")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(form, "https", (host, _port(parts, 443), path))


def _split(url: str) -> SplitResult:
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        _refuse("a sink's address is ASCII without spaces and backslashes")
    try:
        parts = urlsplit(url)
        name = parts.hostname
    except ValueError:
        name = None
    if not name:
        _refuse("the sink's address has no host")
    if "@" in parts.netloc:
        raise InvalidConfigError(
            "the sink's address holds a user or password", hint="give a token with --sink-token-file"
        )
    return parts


def _host(parts: SplitResult) -> str:
    host, _, port = parts.netloc.rpartition(":")
    return host if host and port.isdecimal() and not host.endswith(":") else parts.netloc.removesuffix(":")


def _port(parts: SplitResult, usual: int) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse("the sink's port is no port")
    return port or usual


def _refuse(words: str) -> NoReturn:
    raise InvalidConfigError(words, hint=_USAGE)


def outlet_of(target: Target, network: Network, token: str = "") -> Outlet:
    """Return the outlet of a target.

    Raises:
        InvalidConfigError: for a token that is no word.
    """
    if not re.fullmatch(r"[!-~]*", token):
        raise InvalidConfigError("the sink's token is not one word of ASCII")
    match target.way, target.place:
        case "file", (str(path),):
            return FileOutlet(Path(path), next(sink for sink in SINKS if sink.name == target.form))
        case "https", (str(host), int(port), str(path)):
            return Webhook(Address(host, port, path), network, token, target.form)
        case way, (str(host), int(port)):
            return Collector(host, port, way, network, target.form)
    raise InvalidConfigError("this sink is not known", hint=_USAGE)
