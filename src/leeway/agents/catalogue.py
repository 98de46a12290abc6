"""Who is an AI agent: weighted evidence, read from `catalogue.toml`.

Every look-up is a few steps through tables built once, and is remembered by value, because streams repeat themselves.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from leeway.agents.arguments import process_name, snapshot_restored
from leeway.agents.entries import CATEGORIES, Entry, Kind, read_entries
from leeway.agents.lookups import (
    NOTHING,
    Arguments,
    Ids,
    Names,
    PathEnds,
    Suffixes,
    extension_of,
    library_of,
    publisher_of,
    slashed,
    table_of,
    unit_name,
)
from leeway.agents.programs import Program, program_alone, programs
from leeway.destinations import address_of, host_name
from leeway.errors import NotFoundError

_FILES = frozenset({Kind.MODEL_FILE, Kind.CONFIG})
_IN_PASSING = {"bystander": _FILES | {Kind.DESTINATION, Kind.PORT, Kind.MODULE}, "file_tool": _FILES}
"""Kinds that do not count for a bystander, by the category of its entry."""


class Tier(StrEnum):
    """How much speaks for an AI agent; `--scope evidence` watches AGENT."""

    AGENT = "agent"
    POSSIBLE = "possible"
    WEAK = "weak"
    NONE = "none"


_TIERS = (Tier.NONE, Tier.WEAK, Tier.POSSIBLE, Tier.AGENT)

_PATH_LENGTH = 1_024
_LINE_LENGTH = 2_048
"""Characters that are read of a path and of a command line: evidence stands near its front."""


class Catalogue:
    """Entries, and the look-ups of what an event says for a process being an AI agent.

    Blind to: an agent under another name that runs text from its command line and talks through a proxy.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_id = {entry.id: entry for entry in self.entries}
        self._names = Names(self._of(Kind.NAME))
        self._bystanders = Names(self._of(Kind.BYSTANDER))
        self._units = Names(self._of(Kind.UNIT))
        self._signers = table_of(self._of(Kind.SIGNER))
        self._paths = PathEnds(self._of(Kind.PATH))
        self._config = PathEnds(self._of(Kind.CONFIG))
        self._arguments = Arguments(self._of(Kind.ARGUMENT))
        self._hosts = Suffixes((pattern, one.id) for one in self._of(Kind.DESTINATION) for pattern in one.patterns)
        self._ports = {int(port): ids for port, ids in table_of(self._of(Kind.PORT)).items()}
        self._modules = Names(self._of(Kind.MODULE))
        self._extensions = table_of(self._of(Kind.MODEL_FILE))
        self._wrappers = [(words, entry.id) for entry in self._of(Kind.CHILD_WRAPPER) for words in entry.patterns]
        self._interpreters = frozenset(entry.id for entry in self.entries if entry.category == "interpreter")
        # Remembered by value; the bounds keep hostile variety from filling memory.
        self._of_name = lru_cache(maxsize=16_384)(self._names.find)
        self._of_program = lru_cache(maxsize=16_384)(self._arguments.find)
        self._of_image = lru_cache(maxsize=16_384)(self._look_at_image)
        self._of_line = lru_cache(maxsize=16_384)(self._look_at_line)
        self._of_programs = lru_cache(maxsize=16_384)(self._look_at_programs)
        self._of_host = lru_cache(maxsize=65_536)(self._hosts.find)
        self._of_module = lru_cache(maxsize=65_536)(self._look_at_module)
        self._of_file = lru_cache(maxsize=65_536)(self._look_at_file)
        self._in_passing = lru_cache(maxsize=16_384)(self._look_for_bystander)

    def of_start(
        self, image: str, command_line: str, signer: str | None = None, unit: str | None = None
    ) -> frozenset[str]:
        """Return the ids of what the start of a process says: its name, path, arguments, signer and unit."""
        found = self._of_image(image[:_PATH_LENGTH])
        line = command_line[:_LINE_LENGTH]
        alone = program_alone(line)  # lines are remembered only where it takes more than a look at their programs
        own, run = self._of_line(line) if alone is None else self._of_programs(alone)
        if run:
            found |= run
        if not image or not found.isdisjoint(self._interpreters):
            found |= own  # an interpreter may call itself what it runs; any other program goes by its image
        if signer:
            found |= self._signers.get(publisher_of(signer), NOTHING)
        if unit:
            found |= self._units.find(unit_name(unit))
        return found

    def of_child(self, command_line: str) -> frozenset[str]:
        """Return the ids of what a child's command line says about its *parent*: the wrapper of an agent's shells."""
        restored = snapshot_restored(command_line)
        return frozenset(id_ for words, id_ in self._wrappers if words in restored) if restored else NOTHING

    def of_destination(self, host: str, port: int | None = None) -> frozenset[str]:
        """Return the ids of what a destination says: a host, by suffix; a port, where the host is local or private."""
        found = self._of_host(host[:_PATH_LENGTH])
        ports = self._ports.get(port, NOTHING) if port is not None else NOTHING
        return found | ports if ports and _is_local(host[:_PATH_LENGTH]) else found

    def of_module(self, path: str) -> frozenset[str]:
        """Return the ids of what a loaded library says; versions, ABI tags and release digests do not matter."""
        return self._of_module(path[-_PATH_LENGTH:])

    def of_file(self, path: str) -> frozenset[str]:
        """Return the ids of what a touched file says: a model, or the configuration of an agent."""
        return self._of_file(path[-_PATH_LENGTH:])

    def score(self, ids: Iterable[str], image: str) -> int:
        """Return the sum, over kinds, of the heaviest entry of that kind; unknown ids count nothing.

        A model store and a model file are one kind: any download has both.
        """
        if not ids:
            return 0
        in_passing = self._in_passing(image[:_PATH_LENGTH])
        heaviest: dict[Kind, int] = {}
        for entry in filter(None, map(self._by_id.get, ids)):
            kind = Kind.MODEL_FILE if entry.category == "model_store" else entry.kind
            if not in_passing & {kind, entry.kind}:
                heaviest[kind] = max(entry.weight, heaviest.get(kind, 0))
        return sum(heaviest.values())

    def tier(self, ids: Iterable[str], image: str) -> Tier:
        """Return the tier of a score: 3 and more AGENT, 2 POSSIBLE, 1 WEAK, 0 NONE."""
        return _TIERS[min(self.score(ids, image), 3)]

    def category(self, ids: Iterable[str]) -> str:
        """Return the kind of product that the heaviest entry names, or `unknown` where there is none."""
        known = [entry for entry in map(self._by_id.get, ids) if entry is not None]
        ranked = sorted((-entry.weight, CATEGORIES.index(entry.category)) for entry in known)
        return CATEGORIES[ranked[0][1]] if ranked else "unknown"

    def describe(self, id_: str) -> Entry:
        """Return the entry of an id.

        Raises:
            NotFoundError: where the catalogue has none.
        """
        found = self._by_id.get(id_)
        if found is None:
            raise NotFoundError(
                f"no evidence is called {id_!r}", hint="another version of the catalogue may have had it"
            )
        return found

    def _of(self, kind: Kind) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind is kind]

    def _look_at_image(self, image: str) -> Ids:
        return self._of_name(process_name(image)) | self._paths.find(slashed(image)) or NOTHING

    def _look_at_line(self, line: str) -> tuple[Ids, Ids]:
        return self._of_programs(programs(line))  # lines differ where what they run does not

    def _look_at_programs(self, told: tuple[Program, ...]) -> tuple[Ids, Ids]:
        """Return what a line says by the program's own word, and by what that program runs."""
        own, *run = told or ((),)
        named = [self._of_name(name) for position, name in run if position == "command"]
        known = [self._of_program(position, name) for position, name in (own, *run)] if own else []
        return (self._of_name(own[1]) if own else NOTHING), NOTHING.union(*named, *known) or NOTHING

    def _look_at_module(self, path: str) -> Ids:
        return self._modules.find(library_of(path))

    def _look_at_file(self, path: str) -> Ids:
        path = slashed(path)
        return self._extensions.get(extension_of(path), NOTHING) | self._config.find(path) or NOTHING

    def _look_for_bystander(self, image: str) -> frozenset[Kind]:
        found = map(self._by_id.__getitem__, self._bystanders.find(process_name(image)))
        return frozenset[Kind]().union(*(_IN_PASSING[entry.category] for entry in found))


def _is_local(host: str) -> bool:
    address = address_of(host)
    if address is not None:
        return address.is_loopback or address.is_private
    name = host_name(host)
    return "." not in name or name.endswith((".local", ".localdomain", ".lan", ".internal"))


_STORES = re.compile(r"/(?:huggingface/hub|\.ollama/models|\.lmstudio/models|lm-studio/models|jan/(?:data/)?models)/")
_SHARD = re.compile(r"(?:pytorch_model|model|adapter_model|diffusion_pytorch_model|ggml)(?:[-_.][a-z0-9._-]*)?\.bin$")
_DEDICATED = frozenset(
    {"ckpt", "ggml", "gguf", "h5", "keras", "litertlm", "llamafile", "mlmodel", "nemo", "onnx", "pt", "pth"}
    | {"safetensors", "tflite"}
)
_GENERAL = frozenset({"bin", "joblib", "model", "npy", "pb", "pkl"})


@lru_cache(maxsize=65_536)
def is_model_file(path: str) -> bool:
    """Say whether a path is that of a model: by its extension, and for general ones by their store or usual name.

    >>> is_model_file("/m/phi.Q4.gguf"), is_model_file("/srv/firmware.bin"), is_model_file("/m/pytorch_model-1.bin")
    (True, False, True)
    """
    path = slashed(path[-_PATH_LENGTH:])
    extension = extension_of(path)
    if extension in _DEDICATED:
        return True
    name = path.rpartition("/")[2]
    in_store = _STORES.search(path) is not None and (extension in _GENERAL or name.startswith("sha256-"))
    return in_store or _SHARD.match(name) is not None


_RESOURCE = "catalogue.toml"


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the catalogue that Leeway brings along."""
    return Catalogue(read_entries(files("leeway.agents").joinpath(_RESOURCE).read_bytes(), _RESOURCE))
