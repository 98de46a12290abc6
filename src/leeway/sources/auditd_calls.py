"""System calls of an audit log by name: the few that are events, from the kernel's tables of three architectures."""

from typing import Final, NamedTuple

from leeway.sources.auditd_records import Values, plain
from leeway.sources.whole_numbers import unsigned

_X86_64: Final = {
    2: "open",
    42: "connect",
    44: "sendto",
    59: "execve",
    76: "truncate",
    82: "rename",
    85: "creat",
    86: "link",
    87: "unlink",
    88: "symlink",
    133: "mknod",
    231: "exit_group",
    257: "openat",
    259: "mknodat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    316: "renameat2",
    322: "execveat",
    437: "openat2",
}
_AARCH64: Final = {
    33: "mknodat",
    35: "unlinkat",
    36: "symlinkat",
    37: "linkat",
    38: "renameat",
    45: "truncate",
    56: "openat",
    94: "exit_group",
    203: "connect",
    206: "sendto",
    221: "execve",
    276: "renameat2",
    281: "execveat",
    437: "openat2",
}
_I386: Final = {
    5: "open",
    8: "creat",
    9: "link",
    10: "unlink",
    11: "execve",
    14: "mknod",
    38: "rename",
    83: "symlink",
    92: "truncate",
    102: "socketcall",
    193: "truncate64",
    252: "exit_group",
    295: "openat",
    297: "mknodat",
    301: "unlinkat",
    302: "renameat",
    303: "linkat",
    304: "symlinkat",
    353: "renameat2",
    358: "execveat",
    362: "connect",
    369: "sendto",
    437: "openat2",
}
_BY_ARCHITECTURE: Final = {"c000003e": _X86_64, "c00000b7": _AARCH64, "40000003": _I386}

_BY_SOCKETCALL: Final = {3: "connect", 11: "sendto"}
"""First argument of `socketcall`, through which i386 makes the calls on sockets (net.h of the kernel)."""


class FileCall(NamedTuple):
    """What a call on a file means, and which of its arguments say more."""

    action: str
    """`opened` where the flags decide."""
    nametype: str
    """Kind of the PATH record that is the file in question."""
    flags: str = ""
    """Argument that holds the flags of opening."""
    directory: str = ""
    """Argument that holds the directory a relative path starts from; empty where that is the working directory."""


FILE_CALLS: Final = {
    "open": FileCall("opened", "NORMAL", flags="a1"),
    "openat": FileCall("opened", "NORMAL", flags="a2", directory="a0"),
    "openat2": FileCall("opened", "NORMAL", flags="oflag", directory="a0"),
    "creat": FileCall("modified", "NORMAL"),
    "truncate": FileCall("modified", "NORMAL"),
    "truncate64": FileCall("modified", "NORMAL"),
    "unlink": FileCall("deleted", "DELETE"),
    "unlinkat": FileCall("deleted", "DELETE", directory="a0"),
    "rename": FileCall("renamed", "CREATE"),
    "renameat": FileCall("renamed", "CREATE", directory="a2"),
    "renameat2": FileCall("renamed", "CREATE", directory="a2"),
    "link": FileCall("created", "CREATE"),
    "linkat": FileCall("created", "CREATE", directory="a2"),
    "symlink": FileCall("created", "CREATE"),
    "symlinkat": FileCall("created", "CREATE", directory="a1"),
    "mknod": FileCall("created", "CREATE"),
    "mknodat": FileCall("created", "CREATE", directory="a0"),
}


def call_name(syscall: Values) -> str:
    """Return the name of a record's system call: as enriching or AUOMS wrote it, else by number and architecture.

    A number without a name here is returned as `NUMBER (ARCHITECTURE)`.
    """
    given = plain(syscall.get("SYSCALL") or syscall.get("syscall"))[:40]
    number = unsigned(given)
    if number is None:
        name = given
    else:
        architecture = plain(syscall.get("arch"))[:40]
        name = _BY_ARCHITECTURE.get(architecture, {}).get(number, f"{given} ({architecture})")
    return _BY_SOCKETCALL.get(argument(syscall, "a0") or 0, name) if name == "socketcall" else name


def argument(syscall: Values, name: str) -> int | None:
    """Return an argument of a call, which is written in hexadecimal; None where there is none."""
    try:
        return int(plain(syscall.get(name))[:40], 16)
    except ValueError:
        return None
