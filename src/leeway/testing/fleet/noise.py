"""What else goes on: services, shells, updates, browsers, backups that are no agents; and the sensors' heartbeats."""

from random import Random

from leeway.testing.fleet.acts import Act, Host, Load, Reach, Spawn, Touch, image_of
from leeway.testing.fleet.clock import HOUR_SECONDS, draw, is_weekend, midnight
from leeway.testing.fleet.trace import Instance, Trace, instance

_BEAT_SECONDS = 900
_PIDS = 600
_WEEKEND = 0.4
_ACTS = 260
"""Acts on a host on a weekday."""

_LINUX: tuple[Act, ...] = (
    Spawn("sshd -D -R", (Touch("/home/admin/.ssh/authorized_keys", "read"), Spawn("bash -l", (Spawn("ls -la"),)))),
    Spawn("cron -f", (Spawn("sh -c 'run-parts /etc/cron.hourly'", (Touch("/var/log/cron.log"),)),)),
    Spawn("git gc --auto", (Touch("/home/ben/src/site/.git/gc.pid", "created"),)),
    Spawn("python3 /usr/share/unattended/report.py", (Reach("metrics.corp.example", 8086),)),
    Spawn("node_exporter --web.listen-address=:{n}", (Reach("10.20.1.5", 9090, outbound=False),)),
    Spawn("curl -fsS https://status.corp.example/ping", (Reach("status.corp.example"),)),
    Spawn(
        "pip install -r /srv/site/requirements.txt",
        (Reach("packages-py.example"), Touch("/tmp/pip-{h}/wheel.whl", "created")),  # noqa: S108  # a made-up path
    ),
    Spawn("npm ci", (Reach("registry.packages-js.example"),)),
    Spawn("systemd-resolve --statistics", ()),
    Spawn("vim notes.md", (Touch("/home/cleo/notes.md"),)),
)
_LINUX_UPDATE: tuple[Act, ...] = (
    Spawn("apt-get dist-upgrade -y", (Reach("deb.packages-deb.example", 80), Touch("/var/cache/apt/archives/lock"))),
    Spawn("dpkg --unpack /var/cache/apt/archives/libssl_{n}.deb", (Touch("/usr/lib/x86_64-linux-gnu/libssl.so.3"),)),
    Spawn("ldconfig", (Touch("/etc/ld.so.cache"),)),
)
_LINUX_BACKUP = Spawn(
    "llama-backup --all /srv/models",
    (Touch("/srv/models/base-instruct.gguf", "read"), Reach("vault.backups.example", up=900_000)),
)
_WINDOWS: tuple[Act, ...] = (
    Spawn(
        "svchost -k netsvcs -p", (Reach("settings-win.data.microsoft.com"), Load(r"C:\Windows\System32\wuaueng.dll"))
    ),
    Spawn("chrome --type=utility", (Reach("chatgpt.com"), Reach("claude.ai"), Reach("www.wikipedia.org"))),
    Spawn("chrome --type=gpu-process", (Load(r"C:\Program Files\Google\Chrome\Application\onnxruntime.dll"),)),
    Spawn("msteams --autostart", (Reach("teams.microsoft.com"), Reach("api.openai.com"))),
    Spawn("MsMpEng", (Touch(r"D:\models\base-instruct.gguf", "read"),)),
    Spawn("cmd /c dir", (Spawn("where git"),)),
    Spawn("git status", ()),
    Spawn("taskhostw -Scheduled {n}", (Touch(r"C:\Windows\Temp\task-{h}.log", "created"),)),
)
_WINDOWS_UPDATE: tuple[Act, ...] = (
    Spawn("TiWorker -Embedding", (Touch(r"C:\Windows\System32\ws2_32.dll"),)),
    Spawn("wuauclt /UpdateNow", (Reach("download.windowsupdate.com", 80),)),
)
_WINDOWS_BACKUP = Spawn(
    r"llama-backup --all D:\models",
    (Touch(r"D:\models\base-instruct.gguf", "read"), Reach("vault.backups.example", up=900_000)),
)


def root_of(seed: int, host: Host) -> Instance:
    """Return the process from which everything on a host descends; it was started before the first day."""
    name, user = ("services", r"NT AUTHORITY\SYSTEM") if host.windows else ("systemd", "root")
    image = image_of(name, windows=host.windows)
    return instance(f"{seed}|{host.name}|root", image=image, command=name, pid=4, began=-40_000, user=user)


def noise_of(seed: int, host: Host, day: int) -> Trace:
    """Return what the processes of a host that are no agents do on a day, and its heartbeats."""
    scope = f"{seed}|{host.name}|{day}"
    trace, rng, root = Trace(scope, host, _PIDS), draw(scope), root_of(seed, host)
    acts = _WINDOWS if host.windows else _LINUX
    count = round(_ACTS * (_WEEKEND if is_weekend(day) else 1.0) * rng.uniform(0.9, 1.1) / 3)
    for _ in range(count):
        trace.perform(root, rng.choice(acts), _second(rng, day, host), rng)
    if day in host.updates:
        for act in _WINDOWS_UPDATE if host.windows else _LINUX_UPDATE:
            trace.perform(root, act, midnight(day) + rng.uniform(1_800, 5_400), rng)
    backup = _WINDOWS_BACKUP if host.windows else _LINUX_BACKUP
    trace.perform(root, backup, midnight(day) + 2 * HOUR_SECONDS + rng.uniform(0, 600), rng)
    for second in range(midnight(day) + 120, midnight(day + 1) - 120, _BEAT_SECONDS):
        trace.alive(second)
    return trace


def _second(rng: Random, day: int, host: Host) -> float:
    """Return a second of the day: any for a server, mostly office hours for a workstation."""
    office = host.windows and rng.random() < 0.9  # noqa: PLR2004  # the rest runs at any hour
    return midnight(day) + (rng.triangular(7, 20, 13) if office else rng.uniform(0.1, 23.8)) * HOUR_SECONDS
