"""The role bdr_build builds a patched PostgreSQL with contrib/bdr from its real source, with nothing but defaults.

make test-contrib-bdr BDR_SOURCE=<anything git clone takes> BDR_REF=<branch, tag or commit>
"""

from __future__ import annotations

import re
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from builds import Build

pytestmark = pytest.mark.server


@pytest.fixture(scope="session")
def built(
    source: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[tuple[Build, dict[str, t.Any]]]:
    """Build once, and keep what the role said."""
    prefix, work = Path("/opt/pgbdr-real"), Path("/var/cache/pgbdr-real")
    build = Build(tmp_path_factory.mktemp("build"), source, prefix, work)
    build.remove()
    run = build.must()
    assert "bdr_build alpha: smoke test (7 of 8)" in run.output
    result = build.result
    print(f"{source['bdr_build_version']}: built in {result['manifest']['built_seconds']} s")
    for item in result["manifest"]["adaptations"]:
        print(f"{item['what']}: {item['why']}")
    yield build, result
    build.remove()


def test_the_manifest_says_what_was_built(built, source) -> None:
    _build, result = built
    manifest = result["manifest"]
    assert manifest["contrib"] == ["btree_gist", "bdr"]
    assert manifest["source"]["version"] == source["bdr_build_version"]
    assert re.fullmatch("[0-9a-f]{40}", manifest["source"]["commit"])
    assert manifest["major"] in ("9.3", "9.4")
    assert manifest["catalog_version"] > 201300000
    # What each tree needs differs; that of 9.3 cannot do without the last of them.
    needed = {"-std=gnu89", "-fcommon", *(["-fstack-reuse=none"] if manifest["major"] == "9.3" else [])}
    assert needed <= {item["what"] for item in manifest["adaptations"]}
    assert all(item["why"] for item in manifest["adaptations"])


def test_the_server_was_tried_with_the_bdr_library(built) -> None:
    _build, result = built
    assert result["manifest"]["smoke_test"] == {
        **{"insert": True, "update": True, "delete": True, "decoded": True},
        "preloaded": ["bdr"],
    }


def test_extensions_are_there(built) -> None:
    build, _result = built
    config = str(build.prefix / "test" / "bin" / "pg_config")
    share = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=True).stdout.strip()
    assert {"bdr.control", "btree_gist.control"} <= {path.name for path in (Path(share) / "extension").iterdir()}


def test_a_second_run_builds_nothing(built) -> None:
    build, _result = built
    began = time.monotonic()
    run = build.must()
    assert run.changed() <= {("Write what it was", "alpha")}
    assert "bdr_build alpha:" not in run.output
    # How long it may take is for the bench to say, on a machine with nothing else to do.
    print(f"second run: {time.monotonic() - began:.1f} s")
