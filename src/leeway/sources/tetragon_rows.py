"""The fields of Tetragon's events that are read, as `tetragon.proto` names them; whole numbers may come as text."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from leeway.sources.whole_numbers import integer

Scalar = str | int | bool | None
_Time = Annotated[datetime, Meta(tz=True)]


class Container(Struct):
    """The container of a pod that the process runs in."""

    name: str | None = None


class Pod(Struct):
    """The Kubernetes pod; its own name changes from run to run, its workload's does not."""

    namespace: str | None = None
    workload: str | None = None
    container: Container | None = None


class Account(Struct):
    """The user's name, which Tetragon gives only where it was told to look it up."""

    name: str | None = None


class Running(Struct):
    """A process, told by the execution it is of: `exec_id` is one execution of one pid on one node."""

    exec_id: str | None = None
    pid: Scalar = None
    uid: Scalar = None
    cwd: str | None = None
    binary: str | None = None
    arguments: str | None = None
    flags: str | None = None
    start_time: _Time | None = None
    pod: Pod | None = None
    parent_exec_id: str | None = None
    user: Account | None = None


class Watched(Struct):
    """A file or path argument."""

    path: str | None = None


class Socket(Struct):
    """A socket argument: `saddr` and `sport` are this host's."""

    family: str | None = None
    protocol: str | None = None
    daddr: str | None = None
    sport: Scalar = None
    dport: Scalar = None


class Address(Struct):
    """A socket address argument."""

    family: str | None = None
    addr: str | None = None
    port: Scalar = None


class Argument(Struct):
    """One argument of a probed function; one field of it is set."""

    string_arg: str | None = None
    int_arg: Scalar = None
    uint_arg: Scalar = None
    long_arg: Scalar = None
    size_arg: Scalar = None
    file_arg: Watched | None = None
    path_arg: Watched | None = None
    sock_arg: Socket | None = None
    sockaddr_arg: Address | None = None


class Act(Struct):
    """What a record tells, whichever kind of event it is."""

    process: Running | None = None
    parent: Running | None = None
    ancestors: list[Running] | None = None
    time: _Time | None = None
    function_name: str | None = None
    args: list[Argument | None] | None = None
    returned: Argument | None = field(default=None, name="return")
    action: str | None = None
    path: str | None = None


class Row(Struct):
    """One record: one of the kinds of event, where it happened and when."""

    node_name: str | None = None
    time: _Time | None = None
    process_exec: Act | None = None
    process_exit: Act | None = None
    process_kprobe: Act | None = None
    process_lsm: Act | None = None
    process_loader: Act | None = None
    process_tracepoint: object = None
    process_uprobe: object = None
    process_usdt: object = None
    process_throttle: object = None
    rate_limit_info: object = None
    test: object = None


ROWS: Final = Decoder(Row)


def numbers(arguments: list[Argument]) -> list[int]:
    """Return the numbers among the arguments, in their order."""
    found = (
        integer(value) for each in arguments for value in (each.int_arg, each.uint_arg, each.long_arg, each.size_arg)
    )
    return [number for number in found if number is not None]
