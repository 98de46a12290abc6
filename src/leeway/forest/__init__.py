"""Isolation forests as plain arrays: grown, asked, kept in a file, and replaced only by what sees as well."""

from leeway.forest.champion import Choice, challenge
from leeway.forest.forest import Forest
from leeway.forest.forest_file import Manifest, from_bytes, load, save, to_bytes
from leeway.forest.growing import SPLITS, SUBSAMPLE, TREES, Grown, Growth, grow, refit
from leeway.forest.splits import Splits
from leeway.forest.trees import Trees
from leeway.forest.walking import Limits

__all__ = [
    "SPLITS",
    "SUBSAMPLE",
    "TREES",
    "Choice",
    "Forest",
    "Grown",
    "Growth",
    "Limits",
    "Manifest",
    "Splits",
    "Trees",
    "challenge",
    "from_bytes",
    "grow",
    "load",
    "refit",
    "save",
    "to_bytes",
]
