"""Groups on a server that was built from the source which BDR_SOURCE and BDR_REF name; skipped without them.

make test-contrib-bdr BDR_SOURCE=<anything git clone accepts> BDR_REF=<branch, tag or commit>
"""

from __future__ import annotations

import os
import typing as t

import pytest
from groups import Group, group_maker

SOURCE = os.environ.get("BDR_SOURCE", "")
REF = os.environ.get("BDR_REF", "")


@pytest.fixture(scope="session", autouse=True)
def source() -> dict[str, str]:
    """Return the variables that name the source."""
    if not SOURCE or not REF:
        pytest.skip("BDR_SOURCE and BDR_REF are not set: NOTHING of contrib_bdr is tested against a real server")
    assert os.geteuid() == 0, "these tests make servers of their own: run them by make test-contrib-bdr, with sudo"
    return {
        "bdr_build_repository": SOURCE,
        "bdr_build_version": REF,
        # Of these tests alone: test_build_real.py makes and removes them, and the groups use what was built there.
        "bdr_build_prefix": "/opt/pgbdr-real",
        "bdr_build_work_directory": "/var/cache/pgbdr-real",
    }


@pytest.fixture(scope="module")
def make_group(source: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., Group]]:
    """Return a maker of groups that build their server where it is missing; all are removed at the end of the file."""
    makers = group_maker(tmp_path_factory)
    make = next(makers)

    def make_built(name: str, first_port: int, nodes: t.Sequence[str], **variables: t.Any) -> Group:
        engine = {"bdr_engine": "contrib_bdr", "bdr_settings": {"checkpoint_segments": 3}, **source}
        return make(name, first_port, nodes, **{**engine, **variables})

    yield make_built
    for _removed in makers:
        pass
