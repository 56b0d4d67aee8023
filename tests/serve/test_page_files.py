"""The files of the page: they load nothing from elsewhere, name only what exists, and have a strict policy."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from shutil import which

import pytest
from conftest import PROJECT

FILES = {path.name: path.read_text() for path in (PROJECT / "lib" / "sluice" / "serve" / "page").iterdir()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
INDEX = FILES["index.html"]


class Tags(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.all = []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))


TAGS = Tags(INDEX).all


def attributes(name):
    return [found[name] for _, found in TAGS if name in found]


def test_nothing_is_loaded_from_elsewhere():
    namespace = 'const SVG = "http://www.w3.org/2000/svg";'
    assert namespace in FILES["dom.js"]
    for name, text in FILES.items():
        own = text.replace(namespace, "").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert re.findall(r"https?:|//\w|@import|url\(", own) == [], name


def test_there_is_no_inline_script_or_style_and_no_text_becomes_html():
    assert [tag for tag, found in TAGS if any(name.startswith("on") or name == "style" for name in found)] == []
    assert re.findall(r"<script[^>]*>[^<]|<style", INDEX) == []
    for name, text in SCRIPTS.items():
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\bFunction\(", text) == [], (
            name
        )


def test_what_scripts_and_labels_refer_to_exists_once():
    ids = attributes("id")
    assert len(ids) == len(set(ids))
    named = {name for text in SCRIPTS.values() for name in re.findall(r'byId\("([\w-]+)"\)', text)}
    named |= {
        f"{name}-{part}"
        for name in re.findall(r'new Pages\("(\w+)"', FILES["products.js"])
        for part in ("list", "state")
    }
    named |= {*re.findall(r'"(run-\w+)"', FILES["watch.js"])}
    assert len(named) > 20
    assert named - {*ids} == set()
    refers = {*attributes("for"), *attributes("aria-labelledby"), *attributes("aria-describedby")}
    refers |= {link[1:] for link in attributes("href") if link.startswith("#")}
    assert refers - {*ids} == set()


def test_every_field_has_a_label():
    fields = [found["id"] for tag, found in TAGS if tag in ("input", "select")]
    assert len(fields) == 14
    assert {*fields} - {*attributes("for")} == set()


def test_files_that_are_loaded_or_imported_exist():
    loaded = {path.removeprefix("page/") for path in (*attributes("src"), *attributes("href")) if path[0] != "#"}
    imported = {name for text in SCRIPTS.values() for name in re.findall(r'from "\./(.*)"', text)}
    assert loaded | imported | {"index.html"} == FILES.keys()


def test_what_scripts_import_is_exported():
    for name, text in SCRIPTS.items():
        for names, source in re.findall(r'import \{ (.*?) \} from "\./(.*)"', text):
            exported = re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", FILES[source], re.MULTILINE)
            assert {*names.split(", ")} - {*exported} == set(), name
            assert [each for each in names.split(", ") if len(re.findall(rf"\b{each}\b", text)) < 2] == [], name


@pytest.mark.skipif(not which("node"), reason="node checks the scripts' syntax: it is not installed")
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_valid(name):
    subprocess.run(["node", "--input-type=module", "--check"], input=SCRIPTS[name], text=True, check=True)


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/page/page.css", "/page/icon.svg"])
def test_a_strict_policy_and_an_etag(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/page/other.js", "/page/..%2Froutes%2Fpage.py", "/page/%2e%2e%2f__init__.py", "/page/"]
)
def test_no_other_file_is_served(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/page/page.js"])
def test_only_get(client, path):
    assert client.post(path).status_code == 405
    assert client.put(path).status_code == 405
