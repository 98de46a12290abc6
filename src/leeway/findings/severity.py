"""How bad it is if it is true."""

from enum import IntEnum


class Severity(IntEnum):
    """The five severities; the numbers are OCSF's `severity_id`. A closed set."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    def lowered(self, *, floor: "Severity | None" = None) -> "Severity":
        """Return one level less, not below `floor` (INFO where none is given)."""
        return max(Severity(max(self - 1, 1)), floor or Severity.INFO)

    def __str__(self) -> str:
        return self.name
