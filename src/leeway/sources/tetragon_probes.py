"""What a probed kernel function tells: those of Tetragon's documented example policies, in one table."""

import posixpath
from collections.abc import Callable
from typing import Final

from leeway.destinations import address_of
from leeway.errors import InvalidEventError
from leeway.events import ConnectionOpened, FileTouched, ModuleLoaded
from leeway.sources.records import Meaning
from leeway.sources.tetragon_rows import Act, Argument, Scalar, Socket, numbers
from leeway.sources.whole_numbers import integer

_MAY_WRITE: Final = 2
_MAY_READ: Final = 4
"""Bits of the access mask of `security_file_permission` (Linux, include/linux/fs.h)."""

_PROT_WRITE: Final = 2
_PROT_EXEC: Final = 4
_MAP_SHARED: Final = 1
"""Bits of the protection and of the flags of `mmap` (POSIX; their values are Linux')."""

_ACCESS_MODE: Final = 3
"""Bits of the flags of `open` that are set for writing (POSIX O_WRONLY, O_RDWR)."""

_CURRENT_FOLDER: Final = frozenset({-100, (1 << 32) - 100})
"""AT_FDCWD, signed and not."""

_EPHEMERAL: Final = 32_768
"""First port that Linux gives to whoever opens a connection (ip_local_port_range)."""

_INTERNET: Final = frozenset({None, "", "AF_INET", "AF_INET6"})

_ELSEWHERE: Final = "not used: a path relative to a folder that is not named"


def _connected(act: Act, arguments: list[Argument]) -> Meaning:
    """Return the attempt to connect, whether it came about or not."""
    for each in arguments:
        if each.sock_arg is not None:
            return _connection(act, each.sock_arg, port=each.sock_arg.dport)
        if each.sockaddr_arg is not None:
            target = each.sockaddr_arg
            return _connection(act, Socket(family=target.family, daddr=target.addr), port=target.port)
    raise InvalidEventError("no sock_arg")


def _accepted(act: Act, arguments: list[Argument]) -> Meaning:
    """Return the connection that another host opened, which the function returns."""
    for each in (act.returned, *arguments):
        if each is not None and each.sock_arg is not None:
            return _connection(act, each.sock_arg, port=each.sock_arg.sport, outbound=False)
    raise InvalidEventError("no sock_arg")


def _sent(act: Act, arguments: list[Argument]) -> Meaning:
    """Return how many bytes were sent, where the policy asked for their number.

    Whoever has an ephemeral port opened the connection; this host did where both or neither have one.
    """
    sizes = numbers(arguments)
    sock = next((each.sock_arg for each in arguments if each.sock_arg is not None), None)
    if sock is None or not sizes:
        return "not used: something sent, without its size"
    local, remote = integer(sock.sport), integer(sock.dport)
    serves = local is not None and remote is not None and local < _EPHEMERAL <= remote
    told = _connection(act, sock, port=local if serves else remote, outbound=not serves)
    return told if isinstance(told, str) else (told[0], {**told[1], "bytes_out": sizes[0]})


def _connection(act: Act, sock: Socket, *, port: Scalar, outbound: bool = True) -> Meaning:
    """Return the connection with the far end of `sock`; `port` is that of the side which was spoken to."""
    if sock.family not in _INTERNET:
        return "not used: a socket of this host"
    if not sock.daddr:
        raise InvalidEventError("no daddr in sock_arg")
    address = address_of(sock.daddr)
    if address is None:
        raise InvalidEventError(f"daddr {sock.daddr[:40]!r} is no address")
    datagrams = "udp" if "datagram" in (act.function_name or "") or "udp" in (act.function_name or "") else "tcp"
    return ConnectionOpened, {
        "destination": str(address),
        "address": str(address),
        "port": integer(port),
        "protocol": (sock.protocol or datagrams).removeprefix("IPPROTO_").casefold(),
        "outbound": outbound,
    }


def _file(arguments: list[Argument]) -> str:
    for each in arguments:
        watched = each.file_arg or each.path_arg
        if watched is not None and watched.path:
            return watched.path
    raise InvalidEventError("no path in file_arg")


def _permitted(_: Act, arguments: list[Argument]) -> Meaning:
    masks = numbers(arguments)
    if not masks:
        raise InvalidEventError("no access mask in int_arg")
    if not masks[0] & (_MAY_READ | _MAY_WRITE):
        return "not used: neither a read nor a write"
    return FileTouched, {"path": _file(arguments), "action": "modified" if masks[0] & _MAY_WRITE else "read"}


def _mapped(_: Act, arguments: list[Argument]) -> Meaning:
    """Return what is mapped: code is loaded, a shared writable mapping writes, any other reads."""
    given = numbers(arguments)
    protection = given[0] if given else 0
    shared = len(given) < 2 or given[1] & _MAP_SHARED  # noqa: PLR2004  # protection and flags
    if protection & _PROT_EXEC:
        return ModuleLoaded, {"path": _file(arguments)}
    writes = protection & _PROT_WRITE and shared
    return FileTouched, {"path": _file(arguments), "action": "modified" if writes else "read"}


def _written(_: Act, arguments: list[Argument]) -> Meaning:
    return FileTouched, {"path": _file(arguments), "action": "modified"}


def _read(_: Act, arguments: list[Argument]) -> Meaning:
    """Return a file that was read or opened: of an opening these functions tell no more than that."""
    return FileTouched, {"path": _file(arguments), "action": "read"}


def _opened(act: Act, arguments: list[Argument]) -> Meaning:
    position, path = _named(act, arguments)
    flags = numbers(arguments[position + 1 :])
    writes = bool(flags) and flags[0] & _ACCESS_MODE
    return (FileTouched, {"path": path, "action": "modified" if writes else "read"}) if path else _ELSEWHERE


def _deleted(act: Act, arguments: list[Argument]) -> Meaning:
    _, path = _named(act, arguments)
    return (FileTouched, {"path": path, "action": "deleted"}) if path else _ELSEWHERE


def _renamed(act: Act, arguments: list[Argument]) -> Meaning:
    _, path = _named(act, arguments, last=True)
    return (FileTouched, {"path": path, "action": "renamed"}) if path else _ELSEWHERE


def _named(act: Act, arguments: list[Argument], *, last: bool = False) -> tuple[int, str]:
    """Return the position and path of the first or last text; no path where it is relative to a folder unknown."""
    found = [(position, each.string_arg) for position, each in enumerate(arguments) if each.string_arg]
    if not found:
        raise InvalidEventError("no path in string_arg")
    position, path = found[-1 if last else 0]
    if path.startswith("/"):
        return position, path
    folder = numbers(arguments[max(position - 1, 0) : position])
    cwd = act.process.cwd if act.process else None
    if not cwd or (folder and folder[0] not in _CURRENT_FOLDER):
        return position, ""
    return position, posixpath.normpath(posixpath.join(cwd, path))


FUNCTIONS: Final[dict[str, Callable[[Act, list[Argument]], Meaning]]] = {
    "tcp_connect": _connected,
    "tcp_v4_connect": _connected,
    "tcp_v6_connect": _connected,
    "ip4_datagram_connect": _connected,
    "ip6_datagram_connect": _connected,
    "security_socket_connect": _connected,
    "sys_connect": _connected,
    "inet_csk_accept": _accepted,
    "tcp_sendmsg": _sent,
    "udp_sendmsg": _sent,
    "security_file_permission": _permitted,
    "security_mmap_file": _mapped,
    "security_path_truncate": _written,
    "sys_write": _written,
    "sys_read": _read,
    "fd_install": _read,
    "security_file_open": _read,
    "security_file_post_open": _read,
    "sys_open": _opened,
    "sys_openat": _opened,
    "sys_unlink": _deleted,
    "sys_unlinkat": _deleted,
    "sys_rename": _renamed,
    "sys_renameat": _renamed,
    "sys_renameat2": _renamed,
}
"""Probed kernel function to what it tells of its arguments. To add one: its function, its line, its test."""
