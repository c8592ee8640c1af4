"""Takes the pictures of the documentation from the last demo: `make screenshots`. Needs Chromium.

The demo's servers are started again, Chromium is led through its DevTools protocol to the pages of the last retraining
that was promoted, waits for what should be on them, and its pictures are written to docs/screenshots/.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
from PIL import Image
from prefect_mlops.demo.project import NAME
from prefect_mlops.demo.summary import Summary, WindowSummary
from websockets.sync.client import connect

WIDTH = 1400
COLOURS = 128
LONGEST_WAIT_SECONDS = 90.0
# Where the demo ran on this machine is nobody's business.
SHORTEN = r"""
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode;
  text.data = text.data.replace(/\S*\/(?=\.demo\b)/g, "");
}
"""
# MLflow opens a chat beside the run, and folds the description.
UNFOLD = """
document.querySelector("[data-component-id='mlflow.assistant.chat_panel.close']")?.click();
document.querySelector("[aria-label='Expand description']")?.click();
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Page(NamedTuple):
    """A picture to take.

    Attributes:
        name: File name without suffix.
        url: Address.
        texts: What must be on the page before the picture is taken.
        height: Height, pixels.
        script: JavaScript that is run once the texts are there.
    """

    name: str
    url: str
    texts: tuple[str, ...]
    height: int
    script: str = ""


class Browser:
    """A headless Chromium with one tab.

    Args:
        profile: Empty folder for its profile.
    """

    def __init__(self, profile: Path) -> None:
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if program is None:
            sys.exit(f"no Chromium found: install one of {', '.join(BROWSERS)}")
        self._process = subprocess.Popen(
            [
                program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--no-first-run",
                "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
            ],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = self._port(profile / "DevToolsActivePort")
        tabs = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
        tab = next(tab for tab in tabs if tab["type"] == "page")
        self._socket = connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None)
        self._number = 0

    def _port(self, file: Path) -> int:
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if file.exists() and (lines := file.read_text().splitlines()):
                return int(lines[0])
            time.sleep(0.1)
        sys.exit("Chromium did not start")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(call))
        while True:
            answer = json.loads(self._socket.recv(timeout=LONGEST_WAIT_SECONDS))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def evaluate(self, script: str) -> Any:
        """Run JavaScript in the page and return its value."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def picture(self, page: Page) -> bytes:
        """Open a page, wait until it shows its texts, and return a PNG."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=WIDTH, height=page.height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        # A fragment alone would not load anything.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.url)
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        missing = list(page.texts)
        while missing:
            shown = self.evaluate("document.body ? document.body.innerText : ''") or ""
            missing = [text for text in page.texts if text not in shown]
            if missing and time.monotonic() > until:
                sys.exit(f"{page.name}: {page.url} does not show {missing}, but:\n{shown[:2000]}")
            time.sleep(0.3)
        self.evaluate(SHORTEN + page.script)
        # Fonts, charts and transitions.
        time.sleep(3)
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[tuple[str, str]]:
    """Start the demo's servers again, and yield the addresses of Prefect and MLflow."""
    command = [sys.executable, "-m", "prefect_mlops.demo", "ui", "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found: list[str] = []
        for line in process.stdout:
            if " UI " in line:
                found.append(line.split()[-1])
            if len(found) == 2:
                break
        else:
            sys.exit("the servers did not start")
        yield found[0], found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def last_promoted(summary: Summary) -> WindowSummary:
    """Return the last window whose retraining was promoted."""
    for window in reversed(summary.windows):
        if window.outcome == "promoted" and window.training_run_id:
            return window
    sys.exit("no retraining was promoted in this demo: play another one")


def pages(window: WindowSummary, prefect: str, mlflow: str) -> Iterator[Page]:
    """Yield the pages of a retraining."""
    with httpx.Client(trust_env=False) as client:
        answer = client.post(
            f"{prefect}/api/artifacts/filter",
            json={"artifacts": {"flow_run_id": {"any_": [window.training_run_id]}}},
        )
        artifacts = {artifact["key"]: artifact["id"] for artifact in answer.json()}
        answer = client.get(
            f"{mlflow}/api/2.0/mlflow/model-versions/get",
            params={"name": NAME, "version": window.new_version},
        )
        run_id = answer.json()["model_version"]["run_id"]
        answer = client.get(f"{mlflow}/api/2.0/mlflow/runs/get", params={"run_id": run_id})
        experiment = answer.json()["run"]["info"]["experiment_id"]
    run = f"{prefect}/runs/flow-run/{window.training_run_id}"
    artifact = f"{prefect}/artifacts/artifact"
    yield Page("prefect-run", run, ("Promoted", "comparison passed"), 1000)
    yield Page("prefect-report", f"{artifact}/{artifacts[f'training-{NAME}']}", ("Repair",), 1500)
    yield Page("prefect-gates", f"{artifact}/{artifacts[f'gates-{NAME}']}", ("verdict",), 1000)
    yield Page(
        "mlflow-run",
        f"{mlflow}/#/experiments/{experiment}/runs/{run_id}",
        ("Child runs", "promoted"),
        1430,
        UNFOLD,
    )
    yield Page(
        "mlflow-version",
        f"{mlflow}/#/models/{NAME}/versions/{window.new_version}",
        ("champion", "Cause"),
        900,
        UNFOLD,
    )


def shrink(path: Path) -> None:
    """Rewrite a PNG with a palette, which user interfaces do not need more than."""
    with Image.open(path) as image:
        shown = image.convert("RGB")
    if shown.width > WIDTH:
        height = round(shown.height * WIDTH / shown.width)
        shown = shown.resize((WIDTH, height), Image.Resampling.LANCZOS)
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path} {path.stat().st_size / 1024:.0f} KB")


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path(".demo"), help="Folder of the demo.")
    parser.add_argument("--into", type=Path, default=Path("docs/screenshots"))
    options = parser.parse_args()
    window = last_promoted(Summary.read(options.demo))
    options.into.mkdir(parents=True, exist_ok=True)
    taken = [Path(shutil.copy(options.demo / "timeline.png", options.into))]
    with (
        tempfile.TemporaryDirectory() as profile,
        servers(options.demo) as addresses,
        Browser(Path(profile)) as browser,
    ):
        for page in pages(window, *addresses):
            path = options.into / f"{page.name}.png"
            path.write_bytes(browser.picture(page))
            taken.append(path)
    for path in taken:
        shrink(path)


if __name__ == "__main__":
    main()
