"""The page of `report --format html` in a real browser without a head: what a
reader does with it, what he sees of it, and that it asks for nothing.

    page_test.py SFTBENCH [--bench] [--keep FOLDER]
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import support

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
RUNS = 1000
MOST_SECONDS = 2.0  # that such a page may take, with --bench

# A window without a head has at least 500 pixels: the page stands in a frame.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe src="probed.html" width="{}" height="{}" style="border:0"></iframe>
<script>
window.addEventListener("message", (message) =>
  document.body.append(document.createComment("SEEN" + message.data + "NEES")));
</script></body>
"""

# Runs in the page behind its own script and tells the frame what it saw.
PROBE = """
<script>
window.addEventListener("load", () => {
  const seen = {};
  const body = document.body;
  seen.width = window.innerWidth;
  seen.dark = document.documentElement.dataset.theme;
  const requests = () => performance.getEntriesByType("resource")
    .filter((one) => !one.name.startsWith("data:")).length;
  const verdict = document.querySelector("figure.verdict");
  seen.verdict_top = verdict.getBoundingClientRect().top;
  seen.verdict_rows = [...verdict.querySelectorAll("tbody tr")]
    .map((row) => [...row.cells].map((cell) => cell.textContent));
  const inner = verdict.querySelector(".scroll");
  seen.base = verdict.querySelector("tr.base").cells[0].textContent;
  seen.verdict_overflow = Math.max(inner.scrollWidth - inner.clientWidth,
    verdict.querySelector("table").getBoundingClientRect().right -
    window.innerWidth);
  seen.page_overflow = document.documentElement.scrollWidth - innerWidth;
  const main = document.querySelector("figure.table[data-name=main]");
  const heads = [...main.querySelectorAll("thead th")];
  const at = heads.findIndex((h) => h.textContent.startsWith("peak memory"));
  const column = () => [...main.querySelectorAll("tbody tr")]
    .map((row) => row.cells[at].dataset.v).filter((v) => v !== undefined)
    .map(Number);
  heads[at].querySelector("button").click();
  seen.up = column();
  heads[at].querySelector("button").click();
  seen.down = column();
  seen.sorted = heads[at].getAttribute("aria-sort");
  const scroll = main.querySelector(".scroll");
  scroll.scrollLeft = 400;
  seen.scrolled = scroll.scrollLeft;
  const cell = main.querySelector("tbody tr").cells[0].getBoundingClientRect();
  seen.sticky = cell.left - scroll.getBoundingClientRect().left;
  const field = main.querySelector("input.filter");
  field.value = FILTER;
  field.dispatchEvent(new Event("input"));
  seen.filtered = [...main.querySelectorAll("tbody tr")]
    .filter((row) => !row.hidden).map((row) => row.textContent);
  seen.all = main.querySelectorAll("tbody tr").length;
  const runs = document.querySelectorAll("#runs details");
  seen.runs = runs.length;
  seen.figures = document.querySelectorAll("figure.picture svg").length;
  seen.bad_svg = [...document.querySelectorAll("svg *")].filter((node) =>
    [...node.attributes].some((a) => /NaN|undefined|Infinity/.test(a.value)))
    .length;
  seen.definitions = document.querySelectorAll("#definitions dt").length;
  seen.missing = document.querySelector("#missing").textContent;
  seen.injected = window.injected === undefined;
  document.getElementById("theme").click();
  seen.other_theme = document.documentElement.dataset.theme;
  seen.paper = getComputedStyle(body).backgroundColor;
  runs[0].open = true;
  setTimeout(() => {
    seen.card = runs[0].textContent;
    seen.requests = requests();
    parent.postMessage(JSON.stringify(seen), "*");
  }, 50);
});
</script>
"""


def browser():
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    support.skip("page", "tools", "no Chromium (apt-get install chromium)")


class Browser:
    def __init__(self, path, scratch):
        self.words = [path, "--headless", "--disable-gpu", "--hide-scrollbars",
                      "--no-first-run", "--disable-extensions",
                      "--host-resolver-rules=MAP * ~NOTFOUND",
                      f"--user-data-dir={scratch / 'profile'}"]
        if os.geteuid() == 0:
            self.words.append("--no-sandbox")

    def run(self, page, size, *more):
        done = subprocess.run(
            [*self.words, f"--window-size={size[0]},{size[1]}", *more,
             page.as_uri()], capture_output=True, check=False, timeout=120)
        return done.stdout.decode("utf-8", "replace")

    def seconds(self, page):
        """Of the clock on the wall, until the page is there and drawn."""
        begin = time.monotonic()
        self.run(page, (1280, 900),
                 f"--screenshot={page.with_suffix('.png')}")
        return time.monotonic() - begin

    def look(self, page, size, words, *more):
        """What PROBE saw with `words` in the filter."""
        probed = page.with_name("probed.html")
        text = page.read_text("utf-8")
        probe = PROBE.replace("FILTER", json.dumps(words))
        probed.write_text(text.replace("</body>", probe + "</body>"), "utf-8")
        frame = page.with_name("frame.html")
        frame.write_text(FRAME.format(*size), "utf-8")
        out = self.run(frame, (1400, 1000), "--virtual-time-budget=20000",
                       "--dump-dom", *more)
        seen = out.rpartition("<!--SEEN")[2].partition("NEES-->")[0]
        assert seen.startswith("{"), f"the script did not end: {out[-500:]}"
        return json.loads(seen)


def check_reference(chrome, page):
    assert "http" not in re.sub(
        r"http://www\.w3\.org/2000/svg", "", page.read_text("utf-8")
    ).split('<script type="application/json"')[0], "names another place"
    for size in ((390, 844), (1280, 900)):
        seen = chrome.look(page, size, "lora")
        assert seen["width"] == size[0], seen["width"]
        assert seen["verdict_top"] < size[1] / 2, "not on the first screen"
        assert seen["verdict_overflow"] <= 0, f"{size}: verdict overflows"
        assert seen["page_overflow"] <= 0, f"{size}: the page overflows"
        rows = seen["verdict_rows"]
        assert rows[0][0] == "untuned" and rows[0][-1] == "the base model"
        assert seen["base"] == "untuned"
        assert all("base model" in row[-1] for row in rows)
        assert any("not separable from" in row[-1] for row in rows)
        assert len(seen["up"]) > 2 and seen["up"] == sorted(seen["up"])
        assert seen["down"] == sorted(seen["down"], reverse=True)
        assert seen["sorted"] == "descending"
        assert seen["scrolled"] > 0 and abs(seen["sticky"]) < 2, seen["sticky"]
        assert 0 < len(seen["filtered"]) < seen["all"]
        assert all("lora" in text for text in seen["filtered"])
        assert seen["figures"] >= 4 and seen["bad_svg"] == 0
        assert seen["definitions"] > 15
        assert "Rewound weights" in seen["missing"]
        assert "revision" in seen["card"] and "learning_rate" in seen["card"]
        assert seen["requests"] == 0
        assert seen["dark"] == "light" and seen["other_theme"] == "dark"
    dark = chrome.look(page, (1280, 900), "lora",
                       "--blink-settings=preferredColorScheme=0")
    assert dark["dark"] == "dark" and dark["other_theme"] == "light"
    assert dark["paper"] != seen["paper"]


def check_screenshots(chrome, page, folder):
    """For people to look at: they are written where --keep says."""
    themes = {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}
    for width, height in ((390, 2600), (1280, 2600)):
        for theme, words in themes.items():
            image = folder / f"{page.stem}-{width}-{theme}.png"
            chrome.run(page, (width, height), f"--screenshot={image}", *words)
            assert image.stat().st_size > 20000, image


def many_runs(page, scratch):
    """The page of a sweep of a thousand runs: the data of one, repeated."""
    text = page.read_text("utf-8")
    before, opening, rest = text.partition(
        '<script type="application/json" id="data">')
    data, closing, after = rest.partition("</script>")
    document = json.loads(data)
    runs = document["runs"]
    document["runs"] = [{**runs[k % len(runs)], "id": f"{k:016x}", "seed": k}
                        for k in range(RUNS)]
    grown = json.dumps(document).replace("<", "\\u003c")

    def repeat(match):
        rows = re.findall(r"<tr>.*?</tr>\n", match.group(2), re.S)
        many = (rows * (RUNS // len(rows) + 1))[:RUNS]
        return match.group(1) + "".join(many) + "</tbody>"

    # The main table has a row a cell; here one a run.
    before = re.sub(r'(data-name="main".*?<tbody>\n)(.*?)</tbody>', repeat,
                    before, count=1, flags=re.S)
    large = scratch / "large.html"
    large.write_text(before + opening + grown + closing + after, "utf-8")
    return large


def check_hostile(chrome, page, scratch):
    """Words of a record are words, whatever they hold."""
    text = page.read_text("utf-8")
    hostile = "</script><script>window.injected=1</script><b>"
    data = re.search(r'id="data">(.*?)</script>', text, re.S).group(1)
    document = json.loads(data)
    document["runs"][0]["state"] = "failed"
    document["runs"][0]["message"] = hostile
    document["runs"][0]["row"] = hostile
    grown = json.dumps(document).replace("<", "\\u003c")
    bad = scratch / "hostile.html"
    bad.write_text(text.replace(data, grown), "utf-8")
    seen = chrome.look(bad, (1280, 900), "lora")
    assert seen["injected"] and hostile in seen["missing"]


def main():
    support.forget_skips()
    path = browser()
    keep = None
    if "--keep" in sys.argv:
        keep = pathlib.Path(sys.argv[sys.argv.index("--keep") + 1])
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = pathlib.Path(folder)
        chrome = Browser(path, scratch)
        page = scratch / "sst2.html"
        page.write_text(support.program("report", support.REFERENCE / "sst2.h5",
                                        "--format", "html"), "utf-8")
        check_reference(chrome, page)
        print("ok: both widths, sorting, filter, themes, cards, no request")
        check_hostile(chrome, page, scratch)
        print("ok: hostile words")
        large = many_runs(page, scratch)
        seen = chrome.look(large, (1280, 900), "lora")
        assert seen["runs"] == RUNS and seen["all"] == RUNS
        # Beside an empty page: the browser's own start is not the page's.
        empty = scratch / "empty.html"
        empty.write_text("<!DOCTYPE html><body></body>", "utf-8")
        seconds = (min(chrome.seconds(large) for _ in range(3)) -
                   min(chrome.seconds(empty) for _ in range(3)))
        print(f"{RUNS} runs, {large.stat().st_size / 2**20:.1f} MiB: "
              f"{seconds:.2f} s more than an empty page")
        # A bench, for a busy machine says nothing of the page.
        if "--bench" in sys.argv:
            assert seconds < MOST_SECONDS, seconds
        check_screenshots(chrome, page, keep or scratch)
    print("ok")


if __name__ == "__main__":
    main()
