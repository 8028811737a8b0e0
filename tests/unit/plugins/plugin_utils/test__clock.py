"""How far a host's clock is from the controller's."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._clock import offset


@pytest.mark.parametrize(
    ("readings", "offset_ms", "uncertainty_ms"),
    [
        ((1000.0, 1100.0, 1100.0, 1200.0), 0.0, 100.0),
        ((1000.0, 1600.0, 1600.0, 1200.0), 500.0, 100.0),
        ((1000.0, 900.0, 900.0, 1000.0), -100.0, 0.0),
        # A look of 400 ms between the two readings says nothing of the clock.
        ((1000.0, 1100.0, 1500.0, 1600.0), 0.0, 100.0),
    ],
)
def test_the_clock(readings, offset_ms, uncertainty_ms):
    assert offset(*readings) == {"offset_ms": offset_ms, "uncertainty_ms": uncertainty_ms}
