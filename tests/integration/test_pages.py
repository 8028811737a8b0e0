"""The page of a group's health in a real browser: what is drawn there, at what size, in which colours."""

from __future__ import annotations

import datetime
import functools
import html
import http.server
import json
import re
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_history import look_of
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_page import page
from ansible_collections.pgbdr.bdr.tests.unit.builders import nodes_seen, plan, slot_seen

HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
DOWN = {"answers": False, "reason": "down", "error": HOSTILE, "slots": []}
LOST = slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_status="lost", active=False)
SILENT = {"answers": False, "reason": "silent", "error": "no answer", "slots": []}
THREE = "alpha bravo charlie"
NINE = " ".join(f"node{number}" for number in range(9))
# The page itself runs no script; one beside it looks at it.
PROBE = """<!doctype html><body><iframe src="page.html" style="border:0;width:%dpx;height:900px"></iframe><script>
onload = () => {
  const view = frames[0], page = view.document, root = page.documentElement;
  const all = (what) => [...page.querySelectorAll(what)];
  const inside = (box, of) => box.left >= of.left - 1 && box.right <= of.right + 1 && box.top >= of.top - 1 &&
    box.bottom <= of.bottom + 1;
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const box = (each) => each.getBoundingClientRect();
  const labels = all(".label").map(box), boxes = all(".node rect").map(box);
  const stroke = (each) => view.getComputedStyle(each).stroke;
  const told = {
    title: page.title, too_wide: root.scrollWidth - root.clientWidth, styled: view.getComputedStyle(page.body).maxWidth,
    outside: all("svg *").filter((each) => each.getBBox && !each.closest("title") && each.tagName != "title" &&
      !inside(box(each), box(each.closest("svg")))).length,
    labels_that_meet: labels.filter((a, i) => labels.some((b, k) => k > i && meet(a, b))).length,
    labels_on_nodes: labels.filter((a) => boxes.some((b) => meet(a, b))).length,
    nodes: boxes.length, nodes_that_meet: boxes.filter((a, i) => boxes.some((b, k) => k > i && meet(a, b))).length,
    arrows: all(".link line").map((each) => [each.parentNode.classList[1], stroke(each)]),
    charts: all("svg.chart").length, lines: all("polyline").filter((each) => box(each).width > 50).length,
    bands: [...new Set(all(".chart rect").map((each) => each.classList[0] + " " + view.getComputedStyle(each).fill))],
    small_texts: all("svg text").filter((each) => box(each).height < 9).length,
    images: all("img, script").length, articles: all("article").length,
  };
  document.body.textContent = JSON.stringify(told);
};
</script>"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: t.Any) -> None:
        """Tell nobody."""


Seen = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def seen(tmp_path: Path) -> t.Iterator[Seen]:
    """Return what loads a page in a browser, and returns what is to be seen there."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path / "www"))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def load(source: str, width: int = 1280) -> dict[str, t.Any]:
        (tmp_path / "www").mkdir(exist_ok=True)
        (tmp_path / "www/page.html").write_text(source, "utf-8")
        (tmp_path / "www/probe.html").write_text(PROBE % width, "utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
        options += ["--enable-logging=stderr", "--window-size=1400,1000", f"--user-data-dir={tmp_path}/profile"]
        address = f"http://127.0.0.1:{server.server_port}/probe.html"
        done = subprocess.run(["chromium", *options, address], capture_output=True, text=True, timeout=120)
        complaints = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        assert complaints == [], "such as a style that the page's policy refuses"
        found = re.search(r"<body>(\{.*\})</body>", done.stdout, re.DOTALL)
        assert found, f"{done.stdout}\n{done.stderr}"
        return t.cast("dict[str, t.Any]", json.loads(html.unescape(found[1])))

    yield load
    server.shutdown()
    thread.join()
    server.server_close()


def health(names: str, **changes: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**status(plan(names).as_dict(), nodes_seen(names, **changes), 50, 16), "at": "2026-11-22T11:30:26+00:00"}


def day(found: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the looks of a day, with links that were down for a while, and an hour without any."""
    begin = datetime.datetime(2026, 11, 21, 11, 30, tzinfo=datetime.UTC)
    looks = []
    for number in (number for number in range(288) if not 150 < number < 162):
        look = look_of(found)
        look["at"] = (begin + datetime.timedelta(minutes=5 * number)).isoformat(timespec="seconds")
        is_down = 60 < number < 80
        state, lag = ("down", None) if is_down else ("streaming", (number * 37) % 101 * 20_000)
        look["links"] = [[*link[:3], state, lag, None, 0] for link in look["links"]]
        looks.append(look)
    return looks


def test_a_group_that_is_not_well_is_drawn_in_the_colours_of_its_states(seen: Seen) -> None:
    found = health(THREE, alpha={"slots": [LOST]}, charlie=DOWN)
    told = seen(page(found, day(found)))
    assert told["title"].startswith("bdr is not well: ") and told["images"] == 0
    assert told["styled"] == "1024px" and told["articles"] == len(found["findings"])
    assert (told["nodes"], told["nodes_that_meet"], told["labels_that_meet"], told["labels_on_nodes"]) == (3, 0, 0, 0)
    colours = dict(told["arrows"])
    assert set(colours) == {"wal_lost", "slot_missing", "down", "streaming"} and len(told["arrows"]) == 6
    assert colours["wal_lost"] == colours["down"] != colours["streaming"] != "none"
    assert (told["charts"], told["lines"]) == (6, 18), "each in three pieces"
    assert told["bands"] == [f"streaming {colours['streaming']}", f"down {colours['down']}"]
    assert (told["too_wide"], told["outside"], told["small_texts"]) == (0, 0, 0)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_of_many_nodes_fits_a_telephone_and_a_screen(seen: Seen, width: int) -> None:
    found = health(NINE, node3=DOWN, node5=SILENT)
    told = seen(page(found, day(found)), width)
    assert (told["nodes"], len(told["arrows"]), told["charts"]) == (9, 72, 24)
    assert (told["too_wide"], told["outside"], told["nodes_that_meet"]) == (0, 0, 0)
