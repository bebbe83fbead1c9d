"""The interactive page, in a real browser: what a reader sees, points at and types."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support import browser
from support.browser import in_browser

import archdsl
from archdsl.cli import main
from archdsl.viz.draw import draw
from archdsl.viz.draw.themes import THEMES

pytest.importorskip("selenium")
from selenium.webdriver import ActionChains, Keys

HOSTILE = """<img src=x onerror="document.title='broken'">&"'</script><b>\u202e שלום 🐍"""


class Page:
    """A page in the browser, and what is on it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, file: Path) -> "Page":
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get(file.as_uri())
        return self

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def titles(self) -> list[str]:
        return self.js(
            "return [...document.querySelectorAll('.box .title')].map(e => e.textContent)"
        )

    def box(self, title: str) -> Any:
        boxes = self.driver.find_elements("css selector", ".box")
        return next(b for b in boxes if b.find_element("css selector", ".title").text == title)

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        return self.js(
            "return document.activeElement.querySelector(':scope.box .title')?.textContent ?? ''"
        )

    def facts(self, of: str) -> dict[str, str]:
        return dict(
            self.js(
                "return [...document.querySelectorAll(arguments[0] + ' dt')]"
                ".map(e => [e.textContent, e.nextSibling.textContent])",
                of,
            )
        )

    def complaints(self) -> list[str]:
        return browser.complaints(self.driver)

    def requests(self) -> list[str]:
        return browser.requests(self.driver)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser.opened() as driver:
        yield Page(driver)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a spec, as the command line writes it."""
    folder = tmp_path_factory.mktemp("pages")

    def make(spec: str) -> Path:
        file = folder / f"{spec}.html"
        if not file.exists():
            done = CliRunner().invoke(main, ["draw", spec, "-o", str(file)])
            assert done.exit_code == 0, done.output
        return file

    return make


def summary_of(spec: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["summary", spec, "--json"])
    return {layer["scope"]: layer for layer in json.loads(done.stdout)["layers"]}


@in_browser
@pytest.mark.parametrize(
    "spec", ["lenet", "resnet50", "googlenet", "mask_rcnn_resnet50_fpn", "unet"]
)
def test_it_opens_with_an_overview_that_fits_and_asks_for_nothing(
    page: Page, made: Callable[[str], Path], spec: str
) -> None:
    file = made(spec)
    page.open(file)
    assert page.complaints() == []
    assert page.requests() == [file.as_uri()]
    assert 8 <= len(page.titles()) <= 30
    overlaps = page.js(
        "const r = document.getElementById('world').getBoundingClientRect(),"
        " w = document.getElementById('picture').getBoundingClientRect();"
        "return [w.left - r.left, w.top - r.top, r.right - w.right, r.bottom - w.bottom]"
    )
    assert max(overlaps) <= 0


@in_browser
def test_every_layer_can_be_opened_and_boxes_do_not_overlap(
    page: Page, made: Callable[[str], Path]
) -> None:
    """Fully open, the page has a box for each of the layers that the summary lists."""
    page.open(made("resnet50"))
    for _ in range(3):
        page.keys("e")
    shown = page.js(
        "return [...document.querySelectorAll('.box.layer')].map(e => {"
        "const r = e.querySelector('.body').getBoundingClientRect();"
        "return [r.left, r.top, r.right, r.bottom]})"
    )
    assert len(shown) == len(summary_of("resnet50"))
    shown.sort()
    for at, (_, top, right, bottom) in enumerate(shown):
        for left, other_top, _, other_bottom in shown[at + 1 :]:
            if left >= right:
                break
            assert other_top >= bottom or other_bottom <= top
    page.keys("c")
    assert page.titles()[0] == "input" and "bottleneck_stage<6,256,2>" in page.titles()


@in_browser
def test_a_block_opens_in_its_place_and_a_run_unfolds(
    page: Page, made: Callable[[str], Path]
) -> None:
    """Stage 3 of ResNet-50 has one block that shrinks and five equal ones (table 1)."""
    page.open(made("resnet50"))
    page.keys("c")
    box = page.box("bottleneck_stage<6,256,2>")
    before = box.find_element("css selector", ".sign").rect
    ActionChains(page.driver).move_to_element(
        box.find_element("css selector", ".sign")
    ).click().perform()
    frame = page.box("bottleneck_stage<6,256,2>")
    assert frame.get_attribute("aria-expanded") == "true"
    after = frame.find_element("css selector", ".sign").rect
    assert abs(before["x"] - after["x"]) < 4 and abs(before["y"] - after["y"]) < 12
    assert page.titles().count("block<bottleneck,256>") == 1
    badge = page.box("block<bottleneck,256>").find_element("css selector", ".times")
    assert badge.text == "×5"
    ActionChains(page.driver).move_to_element(badge).click().perform()
    assert page.titles().count("block<bottleneck,256>") == 5


@in_browser
def test_search_finds_shows_and_tells(page: Page, made: Callable[[str], Path]) -> None:
    """The third convolution of the last block is shown, in the middle, with the summary's facts."""
    path = "bottleneck_stage4.block2.body.conv_bn3.conv"
    expected = summary_of("resnet50")[path]
    page.open(made("resnet50"))
    page.keys("/")
    page.keys("stage4.block2.body.conv_bn3 con 2048x7x7")
    hits = [e.text for e in page.driver.find_elements("css selector", "#hits .path")]
    assert path in hits
    page.keys(*[Keys.ARROW_DOWN] * hits.index(path), Keys.ENTER)
    assert page.focused() == "1×1 conv, 2048"
    place = page.driver.switch_to.active_element.rect
    room = page.driver.find_element("id", "picture").rect
    assert abs(place["x"] + place["width"] / 2 - room["x"] - room["width"] / 2) < 20
    assert abs(place["y"] + place["height"] / 2 - room["y"] - room["height"] / 2) < 20
    for where in ("#card", "#facts"):
        facts = page.facts(where)
        assert facts["Kind"] == expected["kind"]
        assert facts["Output"] == "×".join(map(str, expected["shape"])) == "2048×7×7"
        assert facts["Parameters"] == f"{expected['params']:,}" == f"{512 * 2048:,}"
        assert facts["MACs"] == f"{expected['macs']:,}"
        assert facts["Receptive field"] == "×".join(map(str, expected["receptive_field"]))
    where = page.js("return document.querySelector('#facts .where').textContent")
    line = (Path(archdsl.__file__).parents[1] / where.split(":")[0]).read_text().splitlines()
    assert re.search(r"\bcon<", line[int(where.split(":")[1]) - 1])


@in_browser
def test_pointing_at_a_box_tells_its_facts(page: Page, made: Callable[[str], Path]) -> None:
    """LeNet's second convolution: 16 filters of 5×5×6 and a bias each, at 14×14 places: padded."""
    page.open(made("lenet"))
    ActionChains(page.driver).move_to_element(page.box("5×5 conv, 16")).perform()
    facts = page.facts("#card")
    assert facts["Parameters"] == f"{16 * (25 * 6 + 1):,}"
    assert facts["MACs"] == f"{16 * 25 * 6 * 14 * 14:,}"
    assert "specs/lenet.arch:" in page.driver.find_element("id", "card").text


@in_browser
def test_the_path_leaves_out_what_a_layer_does_not_depend_on(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "two.html"
    text = "fc<2,parallel<con<3,3,3,1,1>,con<5,5,5,1,1>,con<4,1,1,1,1,input<3,8,8>>>>"
    file.write_bytes(draw(archdsl.load(text).checked, ".html"))
    page.open(file)
    ActionChains(page.driver).move_to_element(page.box("3×3 conv, 3")).click().perform()
    marked = "return [...document.querySelectorAll('.box.on .title')].map(e => e.textContent)"
    assert page.js(marked) == ["input", "1×1 conv, 4", "3×3 conv, 3"]
    assert page.js("return document.querySelectorAll('#lines .on').length") == 2
    page.keys(Keys.ESCAPE)
    assert page.js(marked) == []


@in_browser
def test_a_link_shows_what_it_was_taken_of(page: Page, made: Callable[[str], Path]) -> None:
    """What is open, chosen and seen stands in the address, and comes back with it."""
    page.open(made("resnet50"))
    first = page.titles()
    stages = page.driver.find_elements("css selector", ".box:has(.sign)")
    ActionChains(page.driver).double_click(stages[0]).perform()
    page.keys("+")
    seen = "return document.getElementById('world').getAttribute('transform').match(/[-.0-9]+/g)"
    about = "return document.getElementById('facts').textContent"
    time.sleep(0.5)  # the address follows when all has come to rest
    opened, told, address = page.titles(), page.js(about), page.driver.current_url
    view = [float(number) for number in page.js(seen)]
    assert opened != first and "stem" in told
    page.open(made("lenet"))
    page.driver.get(address)
    assert page.titles() == opened
    assert page.js(about) == told
    assert [float(number) for number in page.js(seen)] == pytest.approx(view, abs=1)
    for nonsense in ("#open=x.99999999&chosen=-1&view=1,2", "#open=&view=a,b,c", "#<b>"):
        page.driver.get("about:blank")
        page.driver.get(made("resnet50").as_uri() + nonsense)
        assert page.titles() and not page.complaints()


@in_browser
def test_the_figure_s_details_are_beside_the_picture(
    page: Page, made: Callable[[str], Path]
) -> None:
    """He et al. 2015, figure 5: the two kinds of bottlenecks; as pictures, which run no scripts."""
    page.open(made("resnet50"))
    images = page.js(
        "return [...document.querySelectorAll('#details img')].map(e => [e.alt, e.naturalWidth])"
    )
    assert [words for words, _ in images] == [
        "Inside of A · block_down(N, OUT, STRIDE)",
        "Inside of B · block(N)",
    ]
    assert all(width > 100 for _, width in images)


@in_browser
def test_keys_alone_are_enough(page: Page, made: Callable[[str], Path]) -> None:
    page.open(made("resnet50"))
    page.keys("c")
    for _ in range(12):
        if page.focused():
            break
        page.keys(Keys.TAB)
    assert page.focused() == "input"
    page.keys(Keys.ARROW_DOWN)
    assert page.focused() == "stem"
    count = len(page.titles())
    page.keys(Keys.ENTER)
    assert len(page.titles()) > count and page.focused() == "stem"
    page.keys(Keys.ARROW_RIGHT)
    assert page.focused() == "7×7 conv, 64, /2"
    page.keys("p")
    assert page.js("return document.querySelectorAll('.box.chosen').length") == 1
    page.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert page.focused() == "stem" and len(page.titles()) == count
    view = "return document.getElementById('world').getAttribute('transform')"
    fitted = page.js(view)
    page.keys("+")
    assert page.js(view) != fitted
    roles = page.js(
        "return [...document.querySelectorAll('.box')].map(e => [e.getAttribute('role'),"
        " e.getAttribute('aria-label').includes('Output'), e.tabIndex])"
    )
    assert all(role == "treeitem" and told for role, told, _ in roles)
    assert [index for *_, index in roles].count(0) == 1


@in_browser
def test_it_is_dark_where_the_reader_s_system_is_and_switches(
    page: Page, made: Callable[[str], Path]
) -> None:
    background = "return getComputedStyle(document.body).backgroundColor"
    for scheme, colour, other in (("light", 255, 21), ("dark", 21, 255)):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        page.open(made("lenet"))
        assert page.js(background).startswith(f"rgb({colour},")
        page.driver.find_element("id", "theme").click()
        assert page.js(background).startswith(f"rgb({other},")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def hostile_page(folder: Path) -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    name = HOSTILE.replace("/", "\\")  # file names hold anything but a slash
    spec = folder / f"{name}.arch"
    spec.write_text(f"// {HOSTILE}\nfc<10,relu<con<6,5,5,1,1,input<1,28,28>>>>;", encoding="utf-8")
    return draw(archdsl.load(spec).checked, ".html")


def test_nothing_of_a_spec_is_read_as_markup(tmp_path: Path) -> None:
    content = hostile_page(tmp_path).decode()
    assert content.count("</script>") == 2
    assert "<img" not in content and "<b>" not in content
    told = re.search(r'id="document">(.*?)</script>', content, re.DOTALL)
    assert told is not None and "<" not in told[1]
    assert "שלום 🐍" in json.loads(told[1])["name"]


@in_browser
def test_hostile_names_are_shown_as_they_are(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_bytes(hostile_page(tmp_path / "specs"))
    page.open(file)
    assert page.complaints() == []
    name = page.js("return document.getElementById('name').textContent")
    assert name.startswith("<img src=x onerror=") and name.endswith("שלום 🐍")
    assert page.driver.title != "broken"
    assert page.js("return document.images.length") == 0


@in_browser
def test_a_network_of_ten_thousand_layers_opens(page: Page, tmp_path: Path) -> None:
    """1,700 residual blocks of six layers each, folded; in far less than the browser's limit."""
    network = archdsl.load(
        "template <typename S> using b = relu<add_prev1<bn_con<con<4,3,3,1,1,relu<con<4,3,3,1,1,"
        "tag1<S>>>>>>>;\nusing net_type = fc<2,repeat<1700,b,input<4,8,8>>>;"
    ).checked
    assert len(network.graph) > 10_000
    file = tmp_path / "deep.html"
    file.write_bytes(draw(network, ".html"))
    page.driver.set_page_load_timeout(20)
    page.open(file)
    assert page.complaints() == []
    assert len(page.titles()) <= 30


def test_equal_networks_give_equal_bytes() -> None:
    first, second = (draw(archdsl.load("googlenet").checked, ".html") for _ in range(2))
    assert first == second


def test_text_stands_out_in_the_dark() -> None:
    """WCAG 2.1: a contrast of 4.5 to 1 for text, 3 to 1 for the border against the page."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    for paint in THEMES["dark"].paints.values():
        assert contrast(THEMES["dark"].text, paint.fill) >= 4.5
        assert contrast(paint.line, THEMES["dark"].paper) >= 3
