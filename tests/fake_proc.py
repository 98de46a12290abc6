"""A folder of the form of /proc, written by hand, so that a host of any kind can be read from a test."""

import os
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

BOOT = datetime(2026, 3, 2, 6, tzinfo=UTC)
BOOT_ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
HERTZ = 100
KERNEL_THREAD = 0x00200000
TABLES = ("tcp", "tcp6", "udp", "udp6")


class FakeProc:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._write("stat", f"cpu 1 2 3\nbtime {int(BOOT.timestamp())}\nprocesses 9\n")
        self._write("sys/kernel/random/boot_id", f"{BOOT_ID}\n")
        self._inode = 70_000
        self._rows = 0
        for name in TABLES:
            self._write(f"net/{name}", "  sl  local_address rem_address   st\n")

    def process(  # noqa: PLR0913  # a process has many sides
        self,
        pid: int,
        *arguments: str,
        exe: str | None = None,
        parent: int = 1,
        ticks: int = 6_000,
        comm: str | None = None,
        user: int = 987_654,
        state: str = "S",
        flags: int = 0x400000,
        cgroup: str = "0::/\n",
        maps: str | None = "",
        namespace: str | None = None,
    ) -> Path:
        folder = self.root / str(pid)
        name = comm if comm is not None else (exe or arguments[0]).rpartition("/")[2][:15]
        fields = [state, parent, pid, pid, 0, -1, flags, *([0] * 12), ticks, *([0] * 30)]
        self._write(f"{pid}/stat", f"{pid} ({name}) {' '.join(map(str, fields))}\n")
        self._write(f"{pid}/status", f"Name:\t{name}\nUid:\t0\t{user}\t{user}\t{user}\nGid:\t0\t0\t0\t0\n")
        self._write(f"{pid}/cmdline", "".join(f"{one}\0" for one in arguments))
        self._write(f"{pid}/cgroup", cgroup)
        (folder / "fd").mkdir()
        (folder / "ns").mkdir()
        if exe is not None:
            (folder / "exe").symlink_to(exe)
        if maps is not None:
            self._write(f"{pid}/maps", maps)
        if namespace is not None:
            (folder / "ns/net").symlink_to(namespace)
        return folder

    def itself(self, pid: int) -> None:
        (self.root / "self").symlink_to(str(pid))

    def socket(
        self, holders: tuple[int, ...], table: str, own: str, other: str, *, state: str = "01", folder: str = "net"
    ) -> int:
        """List a socket, `192.0.2.7:443` on either side, held by processes; inode 0 where nobody holds it."""
        self._inode += 1
        inode = self._inode if holders else 0
        self._rows += 1
        queues = "00000000:00000000 00:00000000 00000000"
        row = f"{self._rows:4}: {_end(own)} {_end(other)} {state} {queues}  1000 0 {inode} 2"
        place = self.root / folder / table
        place.parent.mkdir(parents=True, exist_ok=True)
        before = place.read_text() if place.exists() else "  sl  local_address rem_address   st\n"
        place.write_text(f"{before}{row}\n")
        for pid in holders:
            fds = self.root / str(pid) / "fd"
            (fds / str(len(list(fds.iterdir())))).symlink_to(f"socket:[{inode}]")
        return inode

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(text))


def _end(text: str) -> str:
    """Write an address as the kernel does: words of four bytes, each with its last byte first (little endian)."""
    address, _, port = text.rpartition(":")
    packed = ip_address(address.strip("[]")).packed
    return "".join(packed[at : at + 4][::-1].hex().upper() for at in range(0, len(packed), 4)) + f":{int(port):04X}"
