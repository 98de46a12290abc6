"""How hard hypothesis tries, and where large data is."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SHARED = {
    "deadline": None,  # a busy machine is no failure
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("default", max_examples=50, derandomize="CI" in os.environ, **_SHARED)
settings.register_profile("fuzz", max_examples=5_000, derandomize=False, **_SHARED)
settings.load_profile("default")  # `--hypothesis-profile fuzz` comes later and wins


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of large data: LEEWAY_DATA, else ../shared/data beside the repository; skips where there is none."""
    place = Path(os.environ.get("LEEWAY_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not place.is_dir():
        pytest.skip(f"no data in {place}; set LEEWAY_DATA to have these tests run")
    return place
