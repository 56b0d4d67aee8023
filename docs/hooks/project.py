"""Puts README.md and its neighbours on the site, with links that are right there and in the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = {
    "README.md": "project/readme.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "LICENSE": "project/license.md",
}
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")  # a path; neither a URL nor a place on the same page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, page in PAGES.items():
        text = Path(config.config_file_path).with_name(path).read_text()
        if path == "LICENSE":
            text = f"# License\n\n```text\n{text}```\n"
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return with_links(markdown, page.file.src_uri)


def with_links(markdown: str, page: str) -> str:
    """A page whose links, which are right in the repository, lead to the same files on the site."""
    places = {on_site: path for path, on_site in PAGES.items()}
    folder = posixpath.dirname(places.get(page, f"docs/{page}"))

    def moved(link: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        on_site = PAGES.get(target, target.removeprefix("docs/"))
        return f"]({posixpath.relpath(on_site, posixpath.dirname(page) or '.')}"

    return _LINK.sub(moved, markdown)
