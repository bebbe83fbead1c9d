"""The playground in a real browser: it checks and draws as one types, alone with its own files."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from support import browser
from support.browser import in_browser
from support.commands import run

pytest.importorskip("selenium")
from selenium.webdriver import Keys

pytestmark = [pytest.mark.slow, in_browser]
PATIENCE = 60
"""Seconds; a page starts Python, which on a busy machine takes its time."""
HOSTILE = "<img src=x onerror=document.title='broken'>"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site that the command wrote, with the packages that npm brought."""
    folder = tmp_path_factory.mktemp("playground") / "site"
    done = run("playground", "-o", str(folder))
    if done.exit_code and "npm" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.exit_code == 0, done.output
    # In a folder of its server, as pages of a course are.
    with browser.served(folder.parent) as root:
        yield f"{root}site/"


class Page:
    """The playground in the browser."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def js(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def until(self, script: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.js(script):
            assert time.monotonic() < end, (script, self.status(), browser.complaints(self.driver))
            time.sleep(0.02)

    def status(self) -> str:
        return self.js("document.getElementById('status').textContent")

    def text(self) -> str:
        return self.js(
            "[...document.querySelectorAll('.cm-line')].map(l => l.textContent).join('\\n')"
        )

    def type(self, *keys: str) -> None:
        self.driver.find_element("css selector", ".cm-content").send_keys(*keys)

    def replace(self, text: str) -> None:
        self.type(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE, text)

    def picture(self) -> str:
        return self.js("document.querySelector('#figure img').src")

    def click(self, name: str) -> None:
        self.js(f"document.getElementById('{name}').click()")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with browser.opened() as driver:
        driver.get(address)
        yield Page(driver)


def test_an_error_is_underlined_mended_shared_and_loaded_again(page: Page, address: str) -> None:
    began = time.monotonic()
    page.until("document.querySelector('#figure img').naturalWidth > 0")
    print(f"first figure {time.monotonic() - began:.1f} s")
    assert page.status() == (
        "resnet50: input 3×224×224, output 1000, 25,557,032 parameters, 4,089,184,256 MACs"
    )
    assert page.js("document.querySelectorAll('#layers tbody tr').length") > 100

    page.replace("fc<10,relu<con<8,3,3,1,1,inputt<3,8,8>>>>")
    page.until("document.querySelector('.cm-lintRange-error')?.textContent === 'inputt'")
    assert "unknown layer" in page.js("document.getElementById('findings').textContent")
    assert page.js("document.getElementById('figure').classList.contains('old')")
    page.js("document.querySelector('#findings .code').click()")
    page.until("document.getElementById('explanation').open")
    page.js("document.querySelector('#explanation button').click()")

    page.replace("fc<10,relu<con<8,3,3,1,1,input<3,8,8>>>>")
    page.until("document.getElementById('status').textContent.includes('output 10,')")
    assert page.js("document.querySelector('.cm-lintRange-error')") is None
    page.until("!document.getElementById('figure').classList.contains('old')")
    # By hand: (3·3·3 + 1)·8 and (8·8·8 + 1)·10.
    assert "5,354 parameters" in page.status()

    page.click("share")
    page.until("location.hash.startsWith('#text=')")
    page.driver.refresh()
    page.until("document.getElementById('status').textContent.includes('5,354 parameters')")
    assert page.text().strip() == "fc<10,relu<con<8,3,3,1,1,input<3,8,8>>>>"

    asked = browser.requests(page.driver)
    assert asked and all(one.startswith((address, "blob:")) for one in asked), asked
    assert browser.complaints(page.driver) == []


def test_figure_and_text_are_downloaded(page: Page, tmp_path: Path) -> None:
    given = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", given)
    page.replace("fc<10,relu<con<8,3,3,1,1,input<3,8,8>>>>")
    page.until("document.getElementById('status').textContent.includes('5,354 parameters')")
    page.until("!document.getElementById('figure').classList.contains('old')")
    for kind in ("arch", "svg", "png"):
        page.js(f"document.querySelector('#download [data-kind={kind}]').click()")
        end = time.monotonic() + PATIENCE
        while not (found := list(tmp_path.glob(f"*.{kind}"))):
            assert time.monotonic() < end, kind
            time.sleep(0.02)
        content = found[0].read_bytes()
        if kind == "arch":
            assert content == b"fc<10,relu<con<8,3,3,1,1,input<3,8,8>>>>"
        elif kind == "svg":
            svg = ET.fromstring(content)
            assert "fc 10" in {each.text for each in svg.iter()}
        else:
            shown = page.js("document.querySelector('#figure img').naturalWidth")
            assert Image.open(found[0]).size[0] == pytest.approx(2 * shown, abs=2)


def test_names_that_are_html_stay_text(page: Page) -> None:
    page.replace(f'#include "{HOSTILE}"\n')
    page.until("document.getElementById('findings').textContent.includes('onerror')")
    assert page.js("document.querySelectorAll('main img').length") == 1
    assert page.driver.title == "archdsl playground"


def test_the_menu_the_theme_and_a_narrow_window(page: Page) -> None:
    page.js("document.getElementById('spec').value = 'lenet'")
    page.js("document.getElementById('spec').dispatchEvent(new Event('change'))")
    page.until("document.getElementById('status').textContent.startsWith('lenet: ')")
    page.until("!document.getElementById('figure').classList.contains('old')")
    light = page.picture()
    page.click("theme")
    page.until(f"document.querySelector('#figure img').src !== {light!r}")
    assert page.js("getComputedStyle(document.body).colorScheme") == "dark"
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.until("innerWidth === 390")
    assert page.js("document.documentElement.scrollWidth") == 390
    assert page.js("document.getElementById('figure').getBoundingClientRect().right") <= 390
