"""The contract of detectors, held by the detector over agents of several shapes."""

from pathlib import Path

import pytest
from detector_contract import check_detector

from leeway.library.detector import AnomalyDetector
from leeway.testing.acting import SHAPES, Shape, past_of


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[2], SHAPES[3], SHAPES[6]], ids=lambda shape: shape.name)
def test_the_detector_keeps_its_contract(shape: Shape, tmp_path: Path) -> None:
    events = past_of(shape, 7, 460)
    past = [event for place, event in enumerate(events) if place % 8]
    check_detector(AnomalyDetector, past, events[::8], tmp_path / "models")
