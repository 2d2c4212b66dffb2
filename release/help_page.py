"""The help pages, where GIMP's Help buttons find them. setup.py makes them.

The English one is the README as HTML, each other one a text beside this file.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import markdown

# The place in the README of each procedure's help.
SECTIONS = {
    "plug-in-dustbust-estimate-mask": "estimate-dust-mask",
    "plug-in-dustbust-apply-mask": "apply-dust-mask",
    "plug-in-dustbust-stack-scans": "stack-offset-scans",
}

PAGE = """<!DOCTYPE html>
<html lang="{language}">
<meta charset="utf-8">
<title>Dustbust</title>
<style>
body {{ max-width: 46em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif }}
pre {{ background: #eee; padding: 1em; overflow: auto }}
img {{ max-width: 100% }}
td, th {{ border: 1px solid #ccc; padding: .3em .6em; text-align: left }}
table {{ border-collapse: collapse }}
</style>
{content}
</html>
"""


def as_text(page: str) -> str:
    """Return a part of a page as plain text, for systems without a browser.

    >>> as_text("<p>a <em>b</em>\\nc</p>\\n<ul>\\n<li>d &amp; e</li>\\n</ul>")
    'a b c\\n\\n- d & e\\n'
    """
    lines = re.sub(r"\s+", " ", re.sub(r"<!--.*?-->|<img[^>]*>", "", page, flags=re.DOTALL))
    lines = re.sub(r" ?<li> ?(<p>)?", "\n- ", lines)
    lines = re.sub(r" ?</?(p|ul|ol|table|pre|h\d)[^>]*> ?", "\n\n", lines)
    lines = html.unescape(re.sub(r"<[^>]*>", "", lines))
    return re.sub(r" *\n *(\n\s*)?", lambda gap: "\n\n" if gap[1] else "\n", lines).strip() + "\n"


def write(readme: Path, folder: Path) -> None:
    """Write the page of each language and its pictures into a folder named for the language."""
    _write_page(readme, folder / "en")
    for text in sorted(Path(__file__).parent.glob("help.*.md")):
        _write_page(text, folder / text.suffixes[0][1:])


def _write_page(source: Path, target: Path) -> None:
    """Write a page, its pictures, and the file that tells GIMP where each help is in it."""
    target.mkdir(parents=True, exist_ok=True)
    text = source.read_text(encoding="utf-8")
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        if (source.parent / picture).is_file():
            (target / picture).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.parent / picture, target / picture)
    content = markdown.markdown(text, extensions=["fenced_code", "sane_lists", "tables", "toc"])
    for procedure, place in SECTIONS.items():
        section = re.split(rf'<h(\d) id="{place}">', content)[2]
        plain = as_text(re.split(r"<h[123]", section)[0])
        (target / f"{procedure}.txt").write_text(plain, encoding="utf-8")
    page = PAGE.format(language=target.name, content=content)
    (target / "index.html").write_text(page, encoding="utf-8")
    items = "\n".join(
        f'  <help-item id="{procedure}" ref="index.html#{place}"/>'
        for procedure, place in SECTIONS.items()
    )
    (target / "gimp-help.xml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<gimp-help>\n{items}\n</gimp-help>\n',
        encoding="utf-8",
    )
