"""Fixtures that every package's tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout; tests that need it skip where it is not."""
    if not (SHARED / "mpii" / "expected.json").is_file():
        pytest.skip("the reference data (../shared) is not beside this checkout")
    return SHARED
