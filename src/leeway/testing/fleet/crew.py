"""Who is in the fleet: one row an agent, with the drift it will show, if any."""

from leeway.testing.fleet.acts import Load, Reach, Touch
from leeway.testing.fleet.repertoires import (
    CDN,
    PACKAGING,
    PIPELINE,
    PIPELINE_WINDOWS,
    PLAIN,
    SHELL,
    TRAINING,
    TRAINING_WINDOWS,
)
from leeway.testing.fleet.roster import (
    DAEMON,
    LATE,
    NESTED,
    NIGHT,
    OFFICE,
    ROUND,
    SHORT,
    WEEKDAYS,
    Member,
    coder,
    runtime,
    script,
    server,
)
from leeway.testing.fleet.roster import DriftType as D

# A table reads better with its columns side by side.
# fmt: off


_ACTING: tuple[Member, ...] = (
    coder("dev-ivy", "claude", "checkout-api", "--print --session-id {u}", "ana", drift=D.NEW_USER),
    script(
        "app-yew", PIPELINE, "claims-intake", "-m langchain.serve /srv/claims-intake/app.py", "api.openai.com",
        extra=SHELL, drift=D.NEW_USER, variant=1,
    ),
    coder("WS-LARCH", "claude", "billing-ui", "--ide --port {n}", "hannah", drift=D.NEW_USER, variant=2),
    coder("dev-ivy", "codex", "mobile-app", "exec --session {u}", "ivo", drift=D.NEW_CHILD),
    script(
        "app-yew", PIPELINE, "ticket-triage", "-m langchain.serve /srv/ticket-triage/app.py", "api.openai.com",
        drift=D.NEW_CHILD, variant=1,
    ),
    script(
        "gpu-ash", PIPELINE, "code-review", "-m crewai run /srv/code-review/crew.py", "api.anthropic.com",
        extra=PLAIN, drift=D.NEW_CHILD, variant=2,
    ),
    coder(
        "WS-LARCH", "codex", "kiosk-shell", "exec --session {u}", "hannah", rhythm=LATE, drift=D.NEW_CHILD,
        variant=3,
    ),
    coder(
        "dev-ivy", "goose", "infra-plans", "session --id {u}", "ivo", rhythm=LATE, drift=D.PROCESS_NOT_ALLOWED,
    ),
    coder(
        "dev-oak", "aider", "pay-gateway", "--no-auto-commits --port {n}", "cleo", rhythm=LATE,
        drift=D.PROCESS_NOT_ALLOWED, variant=1,
    ),
    coder(
        "WS-MAPLE", "opencode", "store-front", "serve --port {n}", "mona", drift=D.PROCESS_NOT_ALLOWED, variant=2,
    ),
)
"""Drifts in who acts: users and child processes."""


_REACHING: tuple[Member, ...] = (
    coder("dev-oak", "codex", "ledger-core", "exec --session {u}", "ben", drift=D.NEW_DESTINATION),
    script(
        "app-yew", PIPELINE, "lead-scoring", "-m crewai run --job {n}", "api.anthropic.com", extra=SHELL,
        drift=D.NEW_DESTINATION, variant=1,
    ),
    script(
        "WS-MAPLE", PIPELINE_WINDOWS, "price-watch", r"-m langchain.serve D:\jobs\price-watch\app.py",
        "api.openai.com", drift=D.NEW_DESTINATION, variant=2,
    ),
    runtime(
        "gpu-elm", "/usr/local/bin/llama-server", "chat-serve",
        "--host 0.0.0.0 --port {n} -m /srv/models/base-instruct.gguf", None, drift=D.NEW_DESTINATION, variant=3,
    ),
    coder(
        "dev-oak", "claude", "fraud-rules", "--print --session-id {u}", "ben", rhythm=LATE,
        drift=D.EXCESS_TRANSFER,
    ),
    script(
        "app-yew", PIPELINE, "rag-sync", "-m langchain.sync --window {n}", "api.openai.com", rhythm=NIGHT,
        drift=D.EXCESS_TRANSFER, variant=1,
    ),
    script(
        "WS-ROWAN", PIPELINE_WINDOWS, "invoice-reader", r"-m crewai run D:\jobs\invoice-reader\crew.py",
        "api.openai.com", drift=D.EXCESS_TRANSFER, variant=2,
    ),
    coder(
        "dev-oak", "gemini", "maps-tiles", "--prompt-file /tmp/prompt-{h}", "cleo", drift=D.DESTINATION_FAN_OUT,
    ),
    script(
        "app-yew", PIPELINE, "news-digest", "-m crewai run --topic {n} --digest", "api.openai.com", extra=SHELL,
        rhythm=NIGHT, drift=D.DESTINATION_FAN_OUT, variant=1,
    ),
    script(
        "WS-CEDAR", PIPELINE_WINDOWS, "vendor-check", "-m langchain.serve --vendor {n}", "api.openai.com",
        drift=D.DESTINATION_FAN_OUT, variant=2,
    ),
    script(
        "dev-oak", PIPELINE, "release-notes", "-m langchain.serve --notes {n}", "api.openai.com", extra=SHELL,
        drift=D.FLOW_AND_MODULE,
    ),
    coder("WS-MAPLE", "claude", "crm-sync", "--ide --port {n}", "mona", drift=D.FLOW_AND_MODULE, variant=1),
    script(
        "ci-fir", PIPELINE, "test-author", "-m crewai run /srv/test-author/crew.py", "api.anthropic.com",
        extra=SHELL, drift=D.FLOW_AND_MODULE, variant=2,
    ),
)
"""Drifts in where to and how much."""


_WRITING: tuple[Member, ...] = (
    coder(
        "dev-ivy", "gemini", "search-web", "--prompt-file /tmp/prompt-{h}", "ana", rhythm=LATE, drift=D.NEW_PATH,
    ),
    coder("WS-CEDAR", "claude", "depot-app", "--ide --port {n}", "jonas", drift=D.NEW_PATH, variant=1),
    script(
        "app-yew", PIPELINE, "docs-answers", "-m llama_index.serve --port {n}", "api.mistral.ai", extra=PLAIN,
        drift=D.NEW_PATH, variant=2,
    ),
    script(
        "gpu-elm", TRAINING, "tune-router", "/srv/tune-router/finetune.py --framework transformers --run {n}",
        "api.openai.com", drift=D.MODEL_FILE_FIRST_MODIFIED,
    ),
    runtime(
        "gpu-ash", "/usr/local/bin/ollama", "edge-serve", "serve --port {n}", "Ollama Inc.",
        drift=D.MODEL_FILE_FIRST_MODIFIED, variant=1,
    ),
    runtime(
        "WS-MAPLE", r"C:\Users\mona\AppData\Local\Programs\Ollama\ollama.exe", "desk-serve", "serve",
        "Ollama Inc.", user=r"CORP\mona", drift=D.MODEL_FILE_FIRST_MODIFIED, variant=2,
    ),
    script(
        "gpu-elm", TRAINING, "tune-intents", "/srv/tune-intents/finetune.py --framework transformers --run {n}",
        "api.openai.com", rhythm=LATE, drift=D.MODEL_FILE_NEW_USER,
    ),
    script(
        "gpu-ash", TRAINING, "tune-ranker", "/srv/tune-ranker/finetune.py --framework transformers --run {n}",
        "api.mistral.ai", drift=D.MODEL_FILE_NEW_USER, variant=1,
    ),
    script(
        "WS-CEDAR", TRAINING_WINDOWS, "tune-speech",
        r"D:\tune-speech\finetune.py --framework transformers --run {n}", "api.openai.com",
        drift=D.MODEL_FILE_NEW_USER, variant=2,
    ),
    script(
        "gpu-elm", TRAINING, "tune-vision", "/srv/tune-vision/finetune.py --framework transformers --run {n}",
        "api.openai.com", rhythm=NIGHT, drift=D.MODEL_FILE_UNUSUAL_ARGUMENTS,
    ),
    script(
        "gpu-ash", TRAINING, "tune-safety", "/srv/tune-safety/finetune.py --framework transformers --run {n}",
        "api.openai.com", rhythm=LATE, drift=D.MODEL_FILE_UNUSUAL_ARGUMENTS, variant=1,
    ),
    script(
        "WS-ROWAN", TRAINING_WINDOWS, "tune-forms",
        r"D:\tune-forms\finetune.py --framework transformers --run {n}", "api.openai.com",
        drift=D.MODEL_FILE_UNUSUAL_ARGUMENTS, variant=2,
    ),
)
"""Drifts in files and models."""


_LOADING: tuple[Member, ...] = (
    runtime(
        "gpu-elm", "/opt/venv/bin/vllm", "batch-serve", "serve base-7b --port {n}", "Canonical Ltd.",
        drift=D.MODULE_NOT_APPROVED,
    ),
    runtime(
        "gpu-ash", "/opt/kobold/koboldcpp", "story-serve", "--quiet --port {n}", None, drift=D.MODULE_NOT_APPROVED,
        variant=1,
    ),
    runtime(
        "WS-ROWAN", r"C:\Users\rosa\AppData\Local\Programs\LM-Studio\LM Studio.exe", "lm-desk", "--minimized",
        "Element Labs, Inc.", user=r"CORP\rosa", rhythm=OFFICE, drift=D.MODULE_NOT_APPROVED, variant=2,
    ),
    server("dev-ivy", "@modelcontextprotocol/server-github", "repo-tools", drift=D.NEW_MODULE),
    script(
        "WS-LARCH", PIPELINE_WINDOWS, "hr-answers", "-m langchain.serve --desk {n}", "api.openai.com",
        drift=D.NEW_MODULE, variant=1,
    ),
    script(
        "gpu-ash", PIPELINE, "image-tags", "-m crewai run --queue {n}", "api.openai.com", extra=SHELL,
        drift=D.NEW_MODULE, variant=2,
    ),
)
"""Drifts in modules."""


_APPEARING: tuple[Member, ...] = (
    coder(
        "ci-fir", "gemini", "hotfix-lane", "--prompt-file /tmp/prompt-{h}", "build", rhythm=SHORT, volume=160,
        drift=D.NEW_AGENT,
    ),
    coder(
        "dev-oak", "cursor-agent", "side-quest", "chat --resume {u}", "ben", rhythm=SHORT, volume=160,
        drift=D.NEW_AGENT, variant=1,
    ),
    runtime(
        "WS-CEDAR", r"C:\Users\jonas\AppData\Local\Programs\open-webui\open-webui.exe", "web-desk",
        "serve --port {n}", None, user=r"CORP\jonas", rhythm=SHORT, volume=160, drift=D.NEW_AGENT, variant=2,
    ),
    coder(
        "ci-fir", "claude", "nightly-fix", "--print --headless --job {n}", "build", rhythm=SHORT, volume=160,
        drift=D.LEARNING,
    ),
    script(
        "dev-ivy", PIPELINE, "spec-writer", "-m crewai run /srv/spec-writer/crew.py", "api.openai.com",
        rhythm=SHORT, volume=160, drift=D.LEARNING, variant=1,
    ),
    coder(
        "WS-ROWAN", "codex", "macro-port", "exec --session {u}", "rosa", rhythm=SHORT, volume=160,
        drift=D.LEARNING, variant=2,
    ),
)
"""Agents whose appearance is the drift."""


_PLUGIN = "/home/ivo/.local/share/claude/versions/<v>/lib"
_JOBS = r"D:\jobs\quote-bot"


_STEADY: tuple[Member, ...] = (
    coder(
        "ci-fir", "codex", "image-builds", "exec --ci --job {n}", "build", extra=PACKAGING, rhythm=ROUND,
        volume=700,
    ),
    coder("dev-oak", "claude", "order-flow", "--ide --port {n}", "cleo", volume=500),
    script(
        "dev-oak", PIPELINE, "order-notes", "/srv/order-notes/agent.py --framework langchain --port {n}",
        "api.openai.com", spawned_by="order-flow", rhythm=NESTED, volume=300,
    ),
    script(
        "app-yew", PIPELINE, "asset-crawl", "-m langchain.crawl --shard {n}", "api.openai.com", extra=CDN,
        rhythm=ROUND, volume=800,
    ),
    coder("WS-LARCH", "claude", "sales-deck", "--print --weekly", "greta", rhythm=WEEKDAYS),
    runtime(
        "gpu-elm", "/usr/local/bin/ollama", "shared-models", "serve", "Ollama Inc.", rhythm=DAEMON,
        unit="ollama.service",
    ),
    server(
        "app-yew", "@modelcontextprotocol/server-slack", "chat-tools", rhythm=DAEMON, unit="chat-tools.service",
    ),
    coder("WS-MAPLE", "codex", "badge-print", "exec --session {u}", "mona", rhythm=LATE),
    coder(
        "dev-ivy", "claude", "theme-kit", "--ide --build <v>", "ivo",
        image="/home/ivo/.local/share/claude/versions/<v>/claude",
        extra=(Load(f"{_PLUGIN}/libcore-<v>.so"), Load(f"{_PLUGIN}/libsearch-<v>.so")),
        release_acts=(Load(f"{_PLUGIN}/libworktree.so"), Reach("spans.anthropic.com", up=700)),
    ),
    script(
        "WS-ROWAN", PIPELINE_WINDOWS, "quote-bot", rf"{_JOBS}\app-<v>\main.py --framework langchain",
        "api.openai.com",
        extra=(
            Load(rf"{_JOBS}\app-<v>\native-<v>.pyd"), Load(rf"{_JOBS}\app-<v>\pricing-<v>.pyd"),
            Touch(rf"{_JOBS}\app-<v>\rules.json", "read"), Reach("intake.quotebot.example"),
        ),
        release_acts=(Load(rf"{_JOBS}\app-<v>\currency.pyd"), Reach("stats.quotebot.example", up=700)),
    ),
)
"""Agents without a drift; the last two are released anew."""


def members() -> tuple[Member, ...]:
    """Return the roster: an agent that is started by another one comes after it."""
    return (*_ACTING, *_REACHING, *_WRITING, *_LOADING, *_APPEARING, *_STEADY)
# fmt: on
