"""A headless Chromium, driven by the DevTools protocol over a pipe: no port, no driver, no library."""
import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

from harness import world

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
             "--disable-background-timer-throttling", "--disable-renderer-backgrounding"]


class Browser:
    """One page of one browser. `problems` are exceptions and errors that the console has told, but
    for requests that found nobody."""

    def __init__(self):
        self._profile = tempfile.mkdtemp(prefix="twincached-browser-")
        to_child, self._to = os.pipe()
        self._from, from_child = os.pipe()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" 3<&$TO 4>&$FROM', "sh", PROGRAM, *ARGUMENTS,
             *(["--no-sandbox"] if world.IS_ROOT else []), f"--user-data-dir={self._profile}",
             "about:blank"],
            env={**os.environ, "TO": str(to_child), "FROM": str(from_child)},
            pass_fds=(to_child, from_child), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self._answers = queue.Queue()
        self._number = 0
        self._session = None
        self.problems = []
        threading.Thread(target=self._listen, daemon=True).start()
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def stop(self):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _listen(self):
        pending = b""
        while True:
            read = os.read(self._from, 1 << 16)
            if not read:
                return
            *messages, pending = (pending + read).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers.put(message)
                else:
                    self._note(message["method"], message.get("params", {}))

    def _note(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(str(params["args"]))
        elif method == "Log.entryAdded":
            entry = params["entry"]
            if entry["level"] in ("error", "warning") and entry["source"] != "network":
                self.problems.append(entry["text"])

    def _ask(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._answers.get(timeout=world.scaled(20))
            if answer["id"] == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    # --- what a test does ------------------------------------------------------------------------

    def size(self, width, height, scale=1):
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=width < 500)

    def prefers(self, **features):
        """prefers(color_scheme="light") and the like."""
        self._ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-" + name.replace("_", "-"), "value": value}
            for name, value in features.items()])

    def open(self, url):
        self._ask("Page.navigate", url=url)

    def run(self, expression):
        """The value of a JavaScript expression; of a promise what it comes to."""
        result = self._ask("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, text="\r" if key == "Enter" and kind == "keyDown" else "")

    def until(self, expression, seconds, what):
        """Waits until it is true; how long that took."""
        begun = time.monotonic()
        while not self.run(expression):
            if time.monotonic() - begun > world.scaled(seconds):
                raise AssertionError(f"{what}: not within {world.scaled(seconds)} s; the page says "
                                     + self.run("document.body.innerText")[:1500])
            time.sleep(0.01)
        return time.monotonic() - begun

    def picture(self, path):
        """All of the page, as WebP or PNG by the path's ending."""
        kind = os.path.splitext(path)[1][1:]
        shot = self._ask("Page.captureScreenshot", format=kind, captureBeyondViewport=True,
                         **({"quality": 82} if kind == "webp" else {}))
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
