"""Write the golden files of the sinks anew: `python tests/sinks/make_golden.py`, then read what changed."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from sinks.sink_samples import GOLDEN, SHAPES

    for sink in GOLDEN:
        (FOLDER / f"findings{sink.suffix}").write_bytes(sink.render(SHAPES))
