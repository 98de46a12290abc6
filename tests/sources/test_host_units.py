"""By which name a process is run: units and containers from control groups, conmon and the runtimes' sockets."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from leeway.sources.host_units import Unit, name_by_monitor, names_by_runtimes, unit_of

ID = "3f" * 32
SLICE = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        pytest.param("/", Unit(), id="none"),
        pytest.param("/system.slice/ollama.service", Unit("ollama.service"), id="service"),
        pytest.param("/system.slice/system-vllm.slice/vllm@8000.service", Unit("vllm@8000.service"), id="instance"),
        pytest.param("/system.slice/postgresql@16-main.service", Unit("postgresql@16-main.service"), id="cluster"),
        pytest.param(f"{SLICE}/app.slice/ollama.service", Unit("ollama.service"), id="user's service"),
        pytest.param(
            f"{SLICE}/app.slice/app-org.kde.kate@{'0f' * 16}.service", Unit("app-org.kde.kate@.service"), id="app"
        ),
        pytest.param(f"{SLICE}/init.scope", Unit(), id="user's own manager"),
        pytest.param("/user.slice/user-1000.slice/session-3.scope", Unit(), id="session"),
        pytest.param("/system.slice/run-u12.service", Unit(), id="transient"),
        pytest.param("/system.slice/run-r5e3ab3c1.service", Unit(), id="transient by hex"),
        pytest.param("/system.slice/run-p12-i34.service", Unit(), id="transient by process"),
        pytest.param(
            "/system.slice/system-sshd.slice/sshd@3-10.0.0.7:22-10.0.0.9:51234.service",
            Unit("sshd@.service"),
            id="socket",
        ),
        pytest.param(
            "/user.slice/dbus-:1.2-org.gnome.Shell@0.service", Unit("dbus-org.gnome.Shell@0.service"), id="bus"
        ),
        pytest.param(f"/system.slice/docker-{ID}.scope", Unit("ollama", ID), id="docker"),
        pytest.param(f"/docker/{ID}", Unit("ollama", ID), id="docker by cgroupfs"),
        pytest.param(f"/machine.slice/libpod-{ID}.scope/container", Unit("ollama", ID), id="podman"),
        pytest.param(f"/machine.slice/libpod-conmon-{ID}.scope", Unit(), id="monitor"),
        pytest.param(f"{SLICE}/user.slice/libpod-{ID}.scope", Unit("ollama", ID), id="rootless podman"),
        pytest.param(
            f"/kubepods.slice/kubepods-pod7.slice/cri-containerd-{'4e' * 32}.scope", Unit(None, "4e" * 32), id="pod"
        ),
        pytest.param(
            f"/system.slice/containerd.service/kubepods-pod7.slice:cri-containerd:{'4e' * 32}",
            Unit(None, "4e" * 32),
            id="pod within its runtime",
        ),
        pytest.param(
            f"/system.slice/chat.service/libpod-payload-{'4e' * 32}", Unit("chat.service", "4e" * 32), id="quadlet"
        ),
        pytest.param(f"/docker/{ID}/system.slice/ollama.service", Unit("ollama.service"), id="service in a container"),
        pytest.param("/lxc.payload.gpu1/init.scope", Unit("gpu1"), id="lxc"),
        pytest.param("/lxc/101/ns/init.scope", Unit("lxc/101"), id="lxc by number"),
    ],
)
def test_the_name_that_stays_is_the_unit(path: str, unit: Unit) -> None:
    assert unit_of([path], {ID: "ollama"}) == unit


def test_the_first_group_that_names_one_counts() -> None:
    assert unit_of(["/", "/system.slice/ollama.service", "/system.slice/other.service"], {}) == Unit("ollama.service")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(("conmon", "-c", ID, "-n", "ollama"), (ID, "ollama"), id="given"),
        pytest.param(("conmon", "-c", ID, "-n", "vigilant_hopper"), None, id="made up"),
        pytest.param(("conmon", "-n", "ollama"), None, id="no id"),
        pytest.param(("grep", "-c", "x", "-n", "ollama"), None, id="another program"),
        pytest.param((), None, id="nothing"),
    ],
)
def test_a_monitor_names_its_container(arguments: tuple[str, ...], named: tuple[str, str] | None) -> None:
    assert name_by_monitor(arguments) == named


CONTAINERS = [
    {"Id": ID, "Names": ["/ollama"], "Image": "ollama/ollama:0.9"},
    {"Id": "4e" * 32, "Names": ["/vigilant_hopper"], "Image": "registry.example:5000/team/agent:7"},
    {"Id": "5d" * 32, "Names": ["/happy_curie3"], "Image": "sha256:" + "0a" * 32},
    {"Id": "6c" * 32, "Names": [], "Image": None},
    "no container",
]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param(
            json.dumps(CONTAINERS), {ID: "ollama", "4e" * 32: "registry.example:5000/team/agent"}, id="containers"
        ),
        pytest.param("{}", {}, id="another answer"),
        pytest.param("[" * 100_000, {}, id="hostile"),
        pytest.param("", {}, id="nothing"),
    ],
)
def test_a_runtime_names_its_containers(body: str, names: dict[str, str], tmp_path: Path) -> None:
    with runtime(tmp_path / "s", body.encode()) as place:
        assert names_by_runtimes([str(tmp_path / "missing"), place]) == names


def test_a_runtime_that_does_not_answer_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert names_by_runtimes([str(tmp_path / "file")]) == {}


@contextmanager
def runtime(place: Path, body: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "local"

        def log_message(self, *_: object) -> None:
            """Keep the test quiet."""

    with socketserver.UnixStreamServer(str(place), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield str(place)
        finally:
            server.shutdown()
            thread.join()
