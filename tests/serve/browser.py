"""The page in a browser, as tests look at it and use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait
from serving import TOKEN

# of all elements with a text: the contrast of its colour to its background, by the formula of WCAG
CONTRASTS = """
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => {
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = parts(colour).map((c) => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  return parts(colour)[3] === 0 && element.parentElement ? behind(element.parentElement) : colour;
};
const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const texts = [...document.body.querySelectorAll("*")].filter(
  (element) => element.checkVisibility() && !element.disabled && hasText(element),
);
return texts.map((element) => {
  const style = getComputedStyle(element);
  const of = light(element instanceof SVGElement ? style.fill : style.color);
  const [dark, bright] = [of, light(behind(element))].sort((one, other) => one - other);
  return [(bright + 0.05) / (dark + 0.05), element.textContent];
});
"""


class Page:
    """The page in the browser; its parts are named by their ids."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.look(1200)
        driver.get_log("browser")  # what earlier pages wrote
        driver.get(address)
        self.wait(lambda: self.text("as-of").startswith("as of"))
        self.wait(lambda: self.text("latency-state") or self.text("uploads-list"))

    def look(self, width: int, scheme: str = "light") -> None:
        """Shows it so wide, `light` or `dark`."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def wait(self, condition: Callable[[], object], seconds: float = 120) -> object:
        return WebDriverWait(self.driver, seconds, 0.1).until(lambda _: condition())

    def part(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, name: str) -> str:
        return self.part(name).text

    def rows(self, name: str) -> list[list[str]]:
        """The texts of a table's cells, a list a row."""
        texts = (
            "return [...document.querySelectorAll(arguments[0])].map((row) => [...row.cells].map((c) => c.innerText))"
        )
        return self.driver.execute_script(texts, f"#{name} tbody tr")

    def upload(self, file: Path, token: str = TOKEN, rejects: str = "") -> None:
        """Uploads into products, with as many rejects allowed."""
        Select(self.part("upload-table")).select_by_visible_text("products")
        self.part("upload-file").send_keys(str(file))
        self.part("upload-token").send_keys(Keys.CONTROL, "a")
        self.part("upload-token").send_keys(token)
        if rejects:
            self.part("upload-options").click()
            self.part("option-max-rejects").send_keys(rejects)
        self.part("upload-button").click()

    def wait_for_end(self, state: str) -> None:
        self.wait(lambda: self.text("run-state").startswith(("done", "failed")))
        assert self.text("run-state").startswith(state), self.text("run")

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def contrasts(self) -> list[tuple[float, str]]:
        """Of all texts that are shown, the contrast of their colour to what is behind them."""
        return self.driver.execute_script(CONTRASTS)

    def complaints(self) -> list[str]:
        """What the browser's console has, such as what the page's policy did not let pass, but for statuses of HTTP."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["source"] != "network"]
