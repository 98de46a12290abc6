"""Findings added to a file, durably."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leeway.sinks.outlet import SENT, Answer, Parcel, Receipt, failure
from leeway.sinks.sink import Sink
from leeway.storage import append_whole

_TOGETHER = 1_000
"""Findings added at once."""


@dataclass(frozen=True)
class FileOutlet:
    """Adds to a file what its form renders; made 0600 where there is none, never through a symbolic link."""

    path: Path
    form: Sink

    @property
    def label(self) -> str:
        """Form and way."""
        return f"{self.form.name} file"

    def batches(self, parcels: Sequence[Parcel]) -> list[Sequence[Parcel]]:
        """Return portions of a thousand."""
        return [parcels[start : start + _TOGETHER] for start in range(0, len(parcels), _TOGETHER)]

    def send(self, parcels: Sequence[Parcel]) -> Receipt:
        """Add the parcels to the file; what the disk does not take whole is taken back."""
        head = self.form.render(())
        body = b"".join(self.form.render((one.finding,), one.told).removeprefix(head) for one in parcels)
        try:
            append_whole(self.path, body, head=head)
        except OSError as error:
            # The system's words for a file name no place; those for a network may.
            return Receipt(Answer.LATER, error.strerror.lower() if error.strerror else failure(error))
        return SENT
