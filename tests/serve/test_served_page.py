"""The page in a real browser: an upload followed to its end, what goes wrong, the keyboard, light, dark and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from shutil import which

import pytest
from browser import Page
from conftest import HEADER
from processes import free_port
from selenium import webdriver
from selenium.webdriver import Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

CHROMIUM, DRIVER = which("chromium"), which("chromedriver")
NEEDED = "a browser shows the page: apt-get install chromium chromium-driver"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=NEEDED)]

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(serve, chromium) -> Iterator[Callable[[], Page]]:
    """Opens the page of a server with the test's lake and database."""
    with serve() as server:
        yield lambda: Page(chromium, str(server.client.base_url))


@pytest.fixture
def page(job, tmp_path, csv_file, opened) -> Page:
    """The page with 25 products, five of them lamps, a reject, and requests of a customer on three days."""
    names = [("Lamp", "Desk", EVIL, "Rug", "Bed")[n % 5] for n in range(25)]
    products = csv_file("a.csv", HEADER, *(f"{n:02},{name}," for n, name in enumerate(names)), f",{EVIL},")
    assert job("run", "products", products, "--with-records", "--max-rejects", 1).exit_code == 0
    log = tmp_path / "in" / "requests.csv"
    assert job("generate", "requests", "--rows", 500, "--seed", 1, "--output", log).exit_code == 0
    assert job("run", "requests", log).exit_code == 0
    return opened()


def test_an_upload_is_followed_to_its_end(opened, csv_file):
    page = opened()
    assert page.text("tables-list").startswith("No table is in the lake.")
    assert page.text("uploads-list") == "Nothing was uploaded yet."
    file = csv_file("new.csv", HEADER, f"1,{EVIL},", "2,Desk,", f",{EVIL},")
    page.upload(file, rejects="50%")
    page.wait(lambda: page.all("#run-steps .runs"))
    assert page.text("run-title") == "new.csv into products"
    assert page.focused == page.part("run")
    page.wait_for_end("done: 3 read, 2 inserted, 1 rejected")
    steps = [step.text.split("\n")[0] for step in page.all("#run-steps .ended")]
    assert {"read", "merge", "aggregate"} <= {*steps}
    assert "sku is empty" in page.text("run-result")
    page.wait(lambda: page.rows("tables-list"))
    assert [row[:2] for row in page.rows("tables-list")][:2] == [["products", "2"], ["products_agg", "2"]]
    assert [row[:3] for row in page.rows("uploads-list")] == [["new.csv", "products", "done"]]
    page.wait(lambda: page.rows("products-list"))
    assert page.rows("products-list") == [["1", EVIL, ""], ["2", "Desk", ""]]
    assert page.all("main img") == []
    assert page.complaints() == []


def test_a_run_is_followed_across_a_kill_of_the_server(serve, chromium, csv_file):
    port = free_port()
    with serve("--port", port) as server:
        page = Page(chromium, str(server.client.base_url))
        page.upload(csv_file("new.csv", HEADER, "1,Lamp,", "2,Desk,"))
        page.wait(lambda: page.all("#run-steps .ended"))
        server.process.kill()
        page.wait(lambda: page.text("run-state") == "Connecting again …")
        with serve("--port", port):
            page.wait_for_end("done: 2 read, 2 inserted")
            page.wait(lambda: page.rows("products-list") == [["1", "Lamp", ""], ["2", "Desk", ""]])


def test_a_bad_file_and_a_wrong_token_are_explained(opened, csv_file):
    page = opened()
    bad = csv_file("bad.csv", "colour,size", "red,1")
    page.upload(bad, token="another-token-than-that")
    page.wait(lambda: page.text("upload-error"))
    assert page.text("upload-error") == "show the token: Authorization: Bearer SLUICE_TOKEN"
    assert not page.part("run").is_displayed()
    page.upload(bad)
    page.wait_for_end("failed")
    assert page.text("upload-error") == ""
    (error,) = page.all("#run-result .bad")
    assert "bad.csv" in error.text
    assert "sku" in error.text
    page.wait(lambda: page.rows("uploads-list"))
    assert [row[:3] for row in page.rows("uploads-list")] == [["bad.csv", "products", "failed"]]


def test_pages_and_searches(page):
    assert page.text("products-total") == "25 products with 5 different names"
    assert [row[0] for row in page.rows("products-list")] == [f"{n:02}" for n in range(10)]
    page.part("products-search").send_keys("lam", Keys.ENTER)
    page.wait(lambda: len(page.rows("products-list")) == 5)
    assert {row[1] for row in page.rows("products-list")} == {"Lamp"}
    page.part("products-search").send_keys("p%", Keys.ENTER)
    page.wait(lambda: page.text("products-state") == "nothing is found")
    assert page.rows("products-list") == []
    Select(page.part("counts-order")).select_by_value("name")
    page.wait(lambda: page.rows("counts-list")[0] == [EVIL, "5"])
    assert page.complaints() == []


def test_rejects_runs_and_the_chart(page):
    assert [reject.text for reject in page.all("#rejects-list summary")] == ["1\nsku is empty"]
    page.all("#rejects-list summary")[0].click()
    assert page.all("#rejects-list pre")[0].text == f",{EVIL},"
    first = page.all("#runs-list summary")[0]
    assert "succeeded" in first.text
    (drawing,) = page.all("#latency-chart svg[role=img]")
    customer = page.part("latency-customer").get_attribute("value")
    assert drawing.accessible_name == f"Seconds a request of customer {customer}, by day"
    texts = [text.text for text in drawing.find_elements(By.CSS_SELECTOR, "text")]
    assert {"0", "day (UTC)", "seconds a request"} <= {*texts}
    page.all("#latency-chart summary")[0].click()
    numbers = page.rows("latency-chart")
    assert len(numbers) == len(drawing.find_elements(By.CSS_SELECTOR, ".series-1 circle")) > 1
    assert numbers[-1][0] in texts
    page.part("latency-customer").send_keys("-nobody", Keys.ENTER)
    page.wait(lambda: "no requests" in page.text("latency-state"))
    assert page.all("#latency-chart svg") == []
    assert page.complaints() == []


def test_by_keyboard_alone(page):
    seen: list[WebElement] = []
    page.press(Keys.TAB)
    while page.focused.tag_name != "body":
        outline = page.driver.execute_script("return getComputedStyle(arguments[0]).outlineStyle", page.focused)
        assert (outline, bool(page.focused.accessible_name)) == ("solid", True), page.focused.get_attribute("outerHTML")
        seen.append(page.focused)
        assert len(seen) < 100, "the keyboard cannot leave the page"
        page.press(Keys.TAB)
    reached = [element.get_attribute("id") for element in seen]
    assert seen[0].get_attribute("textContent") == "Skip to the upload"
    in_order = ["refresh", "upload-table", "upload-file", "upload-token", "upload-button", "products-search"]
    in_order += ["counts-order", "latency-customer", "latency-from", "latency-to"]
    assert [each for each in dict.fromkeys(reached) if each in in_order] == in_order
    assert {element.text for element in seen if element.tag_name == "button"} >= {
        "Upload",
        "Search",
        "Next page",
        "Show",
    }

    (turn,) = [e for e in page.all("#products-list button") if e.text == "Next page"]
    page.driver.execute_script("arguments[0].focus()", turn)
    page.press(Keys.ENTER)
    page.wait(lambda: page.text("products-state") == "page 2")
    page.wait(lambda: page.focused.text == "Next page")
    page.press(Keys.SPACE)
    page.wait(lambda: page.text("products-state") == "page 3")
    page.wait(lambda: page.focused.text == "Previous page")  # there is no page 4
    assert [row[0] for row in page.rows("products-list")] == ["20", "21", "22", "23", "24"]
    page.press(Keys.ENTER)
    page.wait(lambda: page.text("products-state") == "page 2")
    assert page.rows("products-list")[0][0] == "10"


def test_it_can_be_read_in_light_in_dark_and_where_it_is_narrow(page):
    page.driver.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    for width, scheme in [(1200, "light"), (1200, "dark"), (400, "light"), (400, "dark")]:
        page.look(width, scheme)
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
        contrasts = page.contrasts()
        assert len(contrasts) > 150
        assert [found for found in contrasts if found[0] < 4.5] == []
