"""A person with a browser: headless Chromium, driven by what stands on the page, as somebody would read it.

Nothing here sleeps for a time: whatever must appear is waited for, with a limit."""

import base64
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import (ElementNotInteractableException, NoSuchElementException,
                                        StaleElementReferenceException)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = Path(os.environ.get("TANDEM_CONSOLE") or ROOT / "build/console")
SHOTS = ROOT / "build/console-shots"
AXE = ROOT / "console/node_modules/axe-core/axe.min.js"
LIMIT = 20  # seconds that anything may take
PASSING = (StaleElementReferenceException, NoSuchElementException, ElementNotInteractableException)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb",
         "--disable-extensions", "--lang=en-US"]
DESKTOP, PHONE = (1280, 900), (360, 740)


def quoted(text):
    """A string of XPath, whatever quotes it has."""
    if '"' not in text:
        return f'"{text}"'
    return "concat(" + ", '\"', ".join(f'"{part}"' for part in text.split('"')) + ")"


class Browser:
    """One Chromium for many tests; `fresh` forgets what the one before left."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="tandem-browser-")
        self.downloads = Path(self.home) / "downloads"
        self.downloads.mkdir()
        options = Options()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in [*FLAGS, f"--user-data-dir={self.home}/profile", "--window-size={},{}".format(*DESKTOP)]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        environment = {**os.environ, "HOME": self.home, "XDG_CONFIG_HOME": self.home, "XDG_CACHE_HOME": self.home,
                       "TZ": "Europe/Berlin"}
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"), env=environment))
        self.driver.set_page_load_timeout(LIMIT)
        self.driver.set_script_timeout(LIMIT)
        self.cdp("Page.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.base = ""

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.home, ignore_errors=True)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def fresh(self, port):
        """Nobody is signed in, at a desk, in light; what comes next belongs to this server."""
        self.driver.get("about:blank")
        self.cdp("Network.clearBrowserCookies")
        self.base = f"http://127.0.0.1:{port}"
        self.cdp("Storage.clearDataForOrigin", origin=self.base, storageTypes="all")
        self.size(*DESKTOP)
        self.scheme("light")
        self.driver.get_log("performance")
        self.driver.get_log("browser")

    def open(self, path):
        self.driver.get(self.base + path)

    def path(self):
        parts = urlsplit(self.driver.current_url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 500)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name},
                                                         {"name": "prefers-reduced-motion", "value": "reduce"}])

    # --- waiting ---

    def wait(self, what, condition, seconds=LIMIT):
        """The condition's first true value. What changes under its eyes is looked at again."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = condition()
                if value:
                    return value
            except PASSING:
                pass
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}; {self.path()} shows:\n{self.text()}")
            time.sleep(0.05)  # between two looks

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def see(self, text, within="body", seconds=LIMIT):
        self.wait(f"\"{text}\" in {within}", lambda: text in self.one(within).text, seconds)

    def see_none(self, text, within="body"):
        self.wait(f"no \"{text}\" in {within}", lambda: text not in self.one(within).text)

    def at(self, path):
        self.wait(f"the page {path}", lambda: self.path() == path)

    def one(self, selector):
        """The first visible element of a CSS selector."""
        shown = [one for one in self.all(selector) if self.shown(one)]
        if not shown:
            raise NoSuchElementException(selector)
        return shown[0]

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    @staticmethod
    def shown(element):
        return element.is_displayed()

    # --- what a person does ---

    def _find(self, xpath):
        found = [one for one in self.driver.find_elements(By.XPATH, xpath) if self.shown(one)]
        return found[0] if found else None

    def button(self, name, wait=True):
        words = quoted(name)
        xpath = (f"//*[self::button or self::summary or @role='button' or @role='menuitem']"
                 f"[normalize-space()={words} or @aria-label={words}]")
        return self.wait(f"the button \"{name}\"", lambda: self._find(xpath)) if wait else self._find(xpath)

    def link(self, name):
        return self.wait(f"the link \"{name}\"", lambda: self._find(f"//a[normalize-space()={quoted(name)}]"))

    def field(self, label):
        """The control that a label names, by text or aria-label."""
        words = quoted(label)
        named = f"//label[normalize-space()={words} or .//span[normalize-space()={words}] or .//*[self::legend][normalize-space()={words}]]"

        def control():
            direct = self.driver.find_elements(
                By.XPATH, f"//*[self::input or self::select or self::textarea][@aria-label={words}]")
            for one in direct + self.driver.find_elements(By.XPATH, named):
                if one.tag_name != "label":
                    return one
                target = self.driver.execute_script("return arguments[0].control", one)
                if target is not None:
                    return target
            return None
        return self.wait(f"the field \"{label}\"", control)

    def click(self, name):
        self.press(lambda: self.button(name))

    def follow(self, name):
        self.press(lambda: self.link(name))

    def press(self, find):
        """Clicks what find() finds; again where the page was drawn anew in between."""
        def clicked():
            element = find()
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True
        self.wait("something that can be clicked", clicked)

    def fill(self, label, text):
        def filled():
            field = self.field(label)
            field.clear()
            field.send_keys(text)
            return True
        self.wait(f"\"{label}\" takes a text", filled)

    def choose(self, label, option):
        """Of a select: by its text."""
        def chosen():
            field = self.field(label)
            entry = next(one for one in field.find_elements(By.TAG_NAME, "option") if one.text.strip() == option)
            entry.click()
            return True
        self.wait(f"\"{option}\" among {label}", chosen)

    def tick(self, label):
        """A check box or radio button, which may be drawn in its label's stead."""
        field = self.field(label)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
        field.click()

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        """(tag, name) of what has the focus, as it is read aloud."""
        return self.driver.execute_script("""
            const e = document.activeElement;
            const label = e.labels && e.labels[0] ? e.labels[0].innerText : e.innerText;
            return [e.tagName.toLowerCase(), (e.getAttribute('aria-label') || label || '').trim()];""")

    def tab_to(self, name, tag=None, most=80):
        """Presses Tab until the focus is on what is called so; only what a keyboard reaches is found."""
        for _ in range(most):
            now, label = self.focused()
            if now != "body" and label.split("\n")[0].strip() == name and tag in (None, now):
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"Tab never reaches \"{name}\"; the page shows:\n{self.text()}")

    # --- what is looked at ---

    def violations(self):
        """What axe finds; contrast and names included."""
        self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e), nodes: []}]));")
        return [f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}" for one in found
                for node in one["nodes"] or [{"html": ""}]]

    def shot(self, name):
        """The whole page as a picture, kept for a look by eye."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.execute_script("scrollTo(0, 0)")
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        data = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        (SHOTS / f"{name}.png").write_bytes(base64.b64decode(data))

    def overflow(self):
        """What makes the page wider than its window: the innermost elements that stand out; what scrolls in a box does not."""
        return self.driver.execute_script("""
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const out = (e) => e.getBoundingClientRect().right > width + 1;
            const all = [...document.querySelectorAll('body *')].filter(out);
            return all.filter((e) => ![...e.children].some(out)).map((e) => e.outerHTML.slice(0, 160)).concat('the page is wider');""")

    def foreign(self):
        """Requests since the last look that did not go to this server."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = message["params"].get("url") or message["params"]["request"]["url"]
                if not url.startswith((self.base + "/", "data:", "blob:", "about:")) and url != self.base:
                    found.append(url)
        return found

    def complaints(self):
        """What scripts and the content security policy wrote into the console; answers that are refusals are none."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and entry["source"] != "network"]

    def downloaded(self, suffix):
        """Waits for a finished download, and takes it away."""
        path = self.wait(f"a download {suffix}", lambda: next(iter(self.downloads.glob(f"*{suffix}")), None))
        data = path.read_bytes()
        path.unlink()
        return path.name, data
