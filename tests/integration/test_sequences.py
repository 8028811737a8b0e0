"""Sequences of a real group: no two nodes give the same value, whatever is made, loaded or joined."""

from __future__ import annotations

import pytest
