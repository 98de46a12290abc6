"""Vocabularies of normal behaviour, one a kind of agent.

`<user>`, `<repo>` and `<product>` are the agent's own. Every regular value is one that seven days are enough to learn;
`rare` ones are the new directory or host that honest fleets show once in a while.
"""

from dataclasses import dataclass

from leeway.testing.fleet.acts import Act, Load, Reach, Spawn, Touch

_GITHUB = Reach("github.com")
_SYSTEM32 = r"C:\Windows\System32"
_MICROSOFT = "Microsoft Windows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repertoire:
    """What agents of one kind do; an agent has the `core` and some of the `pool`."""

    modules: tuple[Load, ...]
    core: tuple[Act, ...]
    """The first of them opens every run: for what an interpreter runs it is evidence, the read of a model file."""
    pool: tuple[Act, ...]
    choice: int
    """How many of the pool an agent has."""
    rare: tuple[Act, ...]


_LIBRARIES = tuple(
    Load(f"/usr/lib/x86_64-linux-gnu/{name}") for name in ("libc.so.6", "libm.so.6", "libssl.so.3", "libz.so.1")
)
_DLLS = tuple(Load(rf"{_SYSTEM32}\{name}", _MICROSOFT) for name in ("ntdll.dll", "kernel32.dll", "ws2_32.dll"))
_PACKAGES = "/opt/venv/lib/python3.11/site-packages"
_PYTHON_LIBRARIES = (
    *_LIBRARIES,
    Load("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"),
    Load(f"{_PACKAGES}/torch/lib/libtorch_cpu.so"),
    Load(f"{_PACKAGES}/torch/lib/libc10.so"),
    Load(f"{_PACKAGES}/tokenizers/tokenizers.abi3.so"),
)
_WINDOWS_PACKAGES = r"C:\Program Files\Python311\Lib\site-packages"
_PYTHON_DLLS = (
    *_DLLS,
    Load(r"C:\Program Files\Python311\python311.dll", "Python Software Foundation"),
    Load(rf"{_WINDOWS_PACKAGES}\torch\lib\torch_cpu.dll"),
    Load(rf"{_WINDOWS_PACKAGES}\onnxruntime\capi\onnxruntime.dll", "Microsoft Corporation"),
)

_MANY_HOSTS = (
    Reach("raw.githubusercontent.com"),
    Reach("objects.githubusercontent.com"),
    Reach("codeload.githubusercontent.com"),
    Reach("avatars.githubusercontent.com"),
)
_SEARCHES: tuple[Act, ...] = (
    Spawn("rg -n import src"),
    Spawn("find src -name *.ts"),
    Spawn("jq .version package.json"),
    Spawn("sed -n {n},{n}p src/app.py"),
    Spawn("ls -la src"),
)
_BUILDS: tuple[Act, ...] = (
    Spawn("bash -lc 'make test JOBS={n}'", (Spawn("make test JOBS={n}", (Spawn("gcc -O2 -c src/fast.c"),)),)),
    Spawn("pytest -q tests/test_{n}.py", (Touch("/home/<user>/src/<repo>/.pytest_cache/v/lastfailed"),)),
    Spawn("tsc --noEmit -p tsconfig.json"),
    Spawn("cargo check --message-format=json", (Touch("/home/<user>/src/<repo>/target/debug/{h}.d", "created"),)),
    Spawn("go test ./...", (Reach("proxy.golang.org"),)),
    Spawn("npm run build", (Touch("/home/<user>/src/<repo>/dist/bundle-{h}.js", "created"),)),
)

CODE = Repertoire(
    modules=_LIBRARIES,
    core=(
        Touch("/home/<user>/src/<repo>/src/app.py"),
        Touch("/home/<user>/src/<repo>/src/lib/cache.py"),
        Touch("/home/<user>/src/<repo>/README.md", "read"),
        Touch("/home/<user>/src/<repo>/tests/test_{n}.py", "created"),
        Touch("/home/<user>/.<product>/projects/{u}.jsonl"),
        Touch("/tmp/<product>-{h}/cwd", "created"),  # noqa: S108  # a made-up path
        Spawn("git status --porcelain"),
        Spawn("git diff --stat HEAD~{n}"),
        Spawn("git fetch origin", (_GITHUB,)),
        Reach("registry.packages-js.example", up=2_500),
        *_MANY_HOSTS,
    ),
    pool=(
        *_SEARCHES,
        *_BUILDS,
        Spawn("git log --oneline -n {n}"),
        Touch("/home/<user>/src/<repo>/docs/notes-{d}.md", "created"),
        Touch("/home/<user>/src/<repo>/src/api/routes.py"),
        Touch("/home/<user>/src/<repo>/package.json", "read"),
        Reach("packages-py.example", up=1_800),
        Reach("api.github.com", up=3_000),
        Reach("docs.corp.example", up=1_200),
        Reach("artifacts.corp.example", 8443),
        Reach("10.20.5.14", 5432, up=4_000),
    ),
    choice=12,
    rare=(
        Touch("/home/<user>/src/<repo>/docs/adr/draft.md", "created"),
        Touch("/home/<user>/src/<repo>/src/lib/pool.py", "created"),
        Touch("/home/<user>/src/<repo>/src/experiments/trial.py", "created"),
        Reach("media.githubusercontent.com"),
    ),
)

CODE_WINDOWS = Repertoire(
    modules=_DLLS,
    core=(
        Touch(r"C:\Users\<user>\src\<repo>\src\Program.cs"),
        Touch(r"C:\Users\<user>\src\<repo>\README.md", "read"),
        Touch(r"C:\Users\<user>\src\<repo>\tests\Case{n}.cs", "created"),
        Touch(r"C:\Users\<user>\.<product>\projects\{u}.jsonl"),
        Touch(r"C:\Users\<user>\AppData\Local\Temp\<product>-{h}\cwd", "created"),
        Spawn("git status --porcelain"),
        Spawn("git diff --stat HEAD~{n}"),
        Spawn("git fetch origin", (_GITHUB,)),
        Spawn("powershell -NoProfile -Command Get-ChildItem src"),
        Reach("api.nuget.org", up=2_000),
        *_MANY_HOSTS,
    ),
    pool=(
        Spawn('cmd /d /s /c "npm run lint"', (Spawn("node scripts/lint.js"),)),
        Spawn("findstr /s /n import *.cs"),
        Spawn("dotnet build --no-restore", (Touch(r"C:\Users\<user>\src\<repo>\bin\Debug\<repo>.dll"),)),
        Spawn("where git"),
        Spawn("git log --oneline -n {n}"),
        Touch(r"C:\Users\<user>\src\<repo>\src\Routes.cs"),
        Touch(r"C:\Users\<user>\src\<repo>\docs\notes-{d}.md", "created"),
        Reach("registry.packages-js.example", up=2_500),
        Reach("api.github.com", up=3_000),
        Reach("docs.corp.example", up=1_200),
        Reach("10.20.5.14", 1433, up=4_000),
    ),
    choice=8,
    rare=(
        Touch(r"C:\Users\<user>\src\<repo>\docs\adr\draft.md", "created"),
        Touch(r"C:\Users\<user>\src\<repo>\src\Pool.cs", "created"),
    ),
)

PIPELINE = Repertoire(
    modules=_PYTHON_LIBRARIES,
    core=(
        Touch("/srv/models/minilm.onnx", "read"),
        Touch("/srv/<repo>/config.yaml", "read"),
        Touch("/srv/<repo>/data/batch-{n}.json", "read"),
        Touch("/srv/<repo>/out/report-{d}.md", "created"),
        Touch("/srv/<repo>/logs/run-{d}.log"),
        Touch("/var/lib/<repo>/state.db"),
        Reach("api.vecstore.example", up=9_000),
        Reach("metrics.corp.example", 8086, up=900),
        Reach("10.30.4.21", 5432, up=3_500),
    ),
    pool=(
        Reach("storage.buckets.example", up=12_000),
        Reach("eu.posthog.example", up=1_500),
        Reach("hooks.chatter.example", up=700),
        Reach("search.webindex.example", up=1_100),
        Reach("10.30.4.40", 6379, up=800),
        Touch("/srv/<repo>/prompts/system.txt", "read"),
        Touch("/srv/<repo>/cache/{h}.json", "created"),
        Touch("/srv/<repo>/out/index-{n}.parquet", "created"),
    ),
    choice=6,
    rare=(Touch("/srv/<repo>/archive/bundle.zip", "created"), Touch("/srv/<repo>/out/summary.html", "created")),
)

PIPELINE_WINDOWS = Repertoire(
    modules=_PYTHON_DLLS,
    core=(
        Touch(r"D:\models\minilm.onnx", "read"),
        Touch(r"D:\jobs\<repo>\config.yaml", "read"),
        Touch(r"D:\jobs\<repo>\data\batch-{n}.json", "read"),
        Touch(r"D:\jobs\<repo>\out\report-{d}.xlsx", "created"),
        Touch(r"D:\jobs\<repo>\logs\run-{d}.log"),
        Touch(r"C:\Users\<user>\AppData\Local\<repo>\state.db"),
        Reach("api.vecstore.example", up=9_000),
        Reach("metrics.corp.example", 8086, up=900),
        Reach("10.30.4.21", 1433, up=3_500),
        Spawn("where python"),
    ),
    pool=(
        Reach("storage.buckets.example", up=12_000),
        Reach("eu.posthog.example", up=1_500),
        Reach("hooks.chatter.example", up=700),
        Touch(r"D:\jobs\<repo>\prompts\system.txt", "read"),
        Touch(r"D:\jobs\<repo>\cache\{h}.json", "created"),
    ),
    choice=4,
    rare=(
        Touch(r"D:\jobs\<repo>\archive\bundle.zip", "created"),
        Touch(r"D:\jobs\<repo>\out\summary.html", "created"),
    ),
)

RUNTIME = Repertoire(
    modules=(
        *_LIBRARIES,
        Load("/opt/cuda/lib64/libcudart.so.12"),
        Load("/opt/runtime/lib/libggml-cuda.so"),
        Load("/opt/runtime/lib/libggml.so"),
    ),
    core=(
        Touch("/srv/models/base-instruct.gguf", "read"),
        Touch("/srv/models/coder-instruct.gguf", "read"),
        Touch("/var/log/<repo>/serve-{d}.log"),
        Touch("/var/lib/<repo>/cache/{h}.bin.tmp", "created"),
        Touch("/var/lib/<repo>/manifest.json"),
        Reach("10.20.6.11", 11434, up=15_000, outbound=False),
        Reach("10.20.6.12", 11434, up=15_000, outbound=False),
        Reach("updates.runtimehub.example", up=800),
        Reach("metrics.corp.example", 8086, up=900),
        Spawn("nvidia-smi --query-gpu=memory.used --format=csv"),
    ),
    pool=(
        Reach("huggingface.co", up=1_500),
        Touch("/var/lib/<repo>/sessions/{u}.json", "created"),
        Touch("/etc/<repo>/config.yaml", "read"),
        Touch("/srv/models/embed-small.gguf", "read"),
    ),
    choice=3,
    rare=(Touch("/var/lib/<repo>/crash/report.txt", "created"),),
)

RUNTIME_WINDOWS = Repertoire(
    modules=(
        *_DLLS,
        Load(rf"{_SYSTEM32}\nvcuda.dll", "NVIDIA Corporation"),
        Load(r"C:\Program Files\Runtime\ggml.dll"),
    ),
    core=(
        Touch(r"D:\models\base-instruct.gguf", "read"),
        Touch(r"D:\models\coder-instruct.gguf", "read"),
        Touch(r"C:\Users\<user>\AppData\Local\<repo>\serve-{d}.log"),
        Touch(r"C:\Users\<user>\AppData\Local\<repo>\sessions\{u}.json", "created"),
        Reach("updates.runtimehub.example", up=800),
        Reach("10.20.6.12", 11434, up=15_000, outbound=False),
        Spawn("nvidia-smi --query-gpu=memory.used --format=csv"),
    ),
    pool=(Reach("huggingface.co", up=1_500), Touch(r"D:\models\embed-small.gguf", "read")),
    choice=1,
    rare=(Touch(r"C:\Users\<user>\AppData\Local\<repo>\crash\report.txt", "created"),),
)

TRAINING = Repertoire(
    modules=_PYTHON_LIBRARIES,
    core=(
        Touch("/srv/models/base-7b.safetensors", "read"),
        Touch("/srv/<repo>/run/checkpoint-{n}/weights.safetensors", "created"),
        Touch("/srv/<repo>/active.safetensors"),
        Touch("/srv/<repo>/data/shard-{n}.jsonl", "read"),
        Touch("/srv/<repo>/logs/train-{d}.log"),
        Spawn("nvidia-smi --query-gpu=utilization.gpu --format=csv"),
        Spawn(
            "cp -f /srv/<repo>/active.safetensors /srv/<repo>/serving.safetensors",
            (Touch("/srv/<repo>/serving.safetensors"),),
        ),
        Spawn("sudo -u modelops ls -la /srv/<repo>", user="modelops"),
        Reach("api.runlogs.example", up=7_000),
        Reach("metrics.corp.example", 8086, up=900),
        Reach("10.40.1.9", 2049, up=20_000),
    ),
    pool=(
        Reach("storage.buckets.example", up=12_000),
        Touch("/srv/<repo>/eval/scores-{n}.json", "created"),
        Touch("/srv/<repo>/tokenizer.json", "read"),
        Touch("/srv/<repo>/config.yaml", "read"),
    ),
    choice=3,
    rare=(
        Touch("/srv/<repo>/plots/loss.png", "created"),
        Touch("/srv/<repo>/logs/notes.txt", "created"),
    ),
)

TRAINING_WINDOWS = Repertoire(
    modules=_PYTHON_DLLS,
    core=(
        Touch(r"D:\models\base-7b.safetensors", "read"),
        Touch(r"D:\<repo>\run\checkpoint-{n}\weights.safetensors", "created"),
        Touch(r"D:\<repo>\active.safetensors"),
        Touch(r"D:\<repo>\data\shard-{n}.jsonl", "read"),
        Touch(r"D:\<repo>\logs\train-{d}.log"),
        Spawn(
            r"robocopy D:\<repo>\stage D:\<repo>\serve serving.safetensors /NP",
            (Touch(r"D:\<repo>\serve\serving.safetensors"),),
        ),
        Reach("api.runlogs.example", up=7_000),
        Reach("metrics.corp.example", 8086, up=900),
        Reach("10.40.1.9", 445, up=20_000),
    ),
    pool=(
        Reach("storage.buckets.example", up=12_000),
        Touch(r"D:\<repo>\eval\scores-{n}.json", "created"),
        Touch(r"D:\<repo>\tokenizer.json", "read"),
    ),
    choice=2,
    rare=(Touch(r"D:\<repo>\plots\loss.png", "created"),),
)

TOOLS = Repertoire(
    modules=(*_LIBRARIES, Load("/usr/lib/x86_64-linux-gnu/libnode.so.115"), Load(f"{_PACKAGES}/ort/libonnxruntime.so")),
    core=(
        Touch("/srv/models/minilm.onnx", "read"),
        Touch("/srv/<repo>/settings.json", "read"),
        Touch("/srv/<repo>/logs/calls-{d}.log"),
        Touch("/srv/<repo>/cache/{h}.json", "created"),
        Reach("api.github.com", up=3_000),
        Reach("tickets.corp.example", up=1_500),
        Reach("10.30.4.40", 6379, up=800),
        Spawn("git ls-remote origin", (_GITHUB,)),
    ),
    pool=(
        Reach("hooks.chatter.example", up=700),
        Reach("search.webindex.example", up=1_100),
        Touch("/srv/<repo>/index/page-{n}.json", "created"),
        Spawn("git log --oneline -n {n}"),
    ),
    choice=3,
    rare=(Touch("/srv/<repo>/exports/list.csv", "created"),),
)

PACKAGING: tuple[Act, ...] = (
    Spawn(
        "apt-get update -q", (Reach("deb.packages-deb.example", 80), Touch("/var/lib/apt/lists/partial/{h}", "created"))
    ),
    Spawn("apt-get install -y --no-install-recommends build-deps", (Spawn("dpkg --configure -a"),)),
    Spawn(
        "pip install -r requirements.txt",
        (Reach("packages-py.example"), Reach("files.wheels-py.example"), Touch("/tmp/pip-unpack-{h}", "created")),  # noqa: S108  # a made-up path
    ),
    Spawn(
        "npm ci --no-audit",
        (Reach("registry.packages-js.example"), Touch("/home/<user>/.npm/_cacache/tmp/{h}", "created")),
    ),
)
"""What an agent on a build machine does beside: packages come and go under names that are blanked."""

SHELL: tuple[Act, ...] = (Spawn("bash -c 'df -h /srv'"), Spawn("git pull --ff-only", (_GITHUB,)))
PLAIN: tuple[Act, ...] = (Spawn("git pull --ff-only", (_GITHUB,)), Spawn("tar czf /srv/<repo>/out/last.tgz data"))
CDN: tuple[Act, ...] = (
    *(Reach(f"d{number:02d}edge.cloudfront.net", up=2_000) for number in range(24)),
    *(Reach("d{h}.cloudfront.net", up=2_000) for _ in range(12)),
)
"""A rotation: some hosts stay, others are new every day; the domain is the same."""
