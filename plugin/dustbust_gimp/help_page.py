"""The help page: the README as HTML, where GIMP's Help buttons find it.

install.sh runs this once: help_page.py README.md FOLDER
"""
import html
import re
import shutil
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "help"

# The place in the README of each procedure's help.
SECTIONS = {
    "plug-in-dustbust-estimate-mask": "estimate-dust-mask",
    "plug-in-dustbust-apply-mask": "apply-dust-mask",
    "plug-in-dustbust-stack-scans": "stack-offset-scans",
}

STYLE = ("body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif } pre { background: #eee; padding: 1em; "
         "overflow: auto } img { max-width: 100% } td, th { border: 1px solid #ccc; padding: .3em .6em; text-align: left } "
         "table { border-collapse: collapse }")


def write(readme, folder):
    """Write the page, its pictures, and the file that tells GIMP where in it each procedure's help is."""
    target = Path(folder) / "en"
    target.mkdir(parents=True, exist_ok=True)
    text = readme.read_text(encoding="utf-8")
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        if (readme.parent / picture).is_file():
            (target / picture).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(readme.parent / picture, target / picture)
    head = f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>Dustbust</title><style>{STYLE}</style>"
    (target / "index.html").write_text(f"{head}\n{to_html(text)}\n</html>\n", encoding="utf-8")
    items = "\n".join(f'  <help-item id="{procedure}" ref="index.html#{place}"/>' for procedure, place in SECTIONS.items())
    (target / "gimp-help.xml").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<gimp-help>\n{items}\n</gimp-help>\n', encoding="utf-8")


def to_html(text):
    """The Markdown that the README uses, as HTML: headings, paragraphs, lists, tables, code, links, pictures.

    >>> to_html("# A *b*")
    '<h1 id="a-b">A <em>b</em></h1>'
    """
    blocks = re.split(r"\n{2,}", re.sub(r"```.*?```", lambda match: match[0].replace("\n\n", "\n\0\n"), text.strip(), flags=re.S))
    return "\n".join(map(block_to_html, blocks)).replace("\0", "")


def block_to_html(block):
    heading = re.match(r"(#+) (.*)", block)
    if heading:
        level, rest = len(heading[1]), block[heading.end():].strip("\n")
        place = re.sub(r"[^a-z0-9]+", "-", heading[2].lower()).strip("-")
        return f'<h{level} id="{place}">{inline(heading[2])}</h{level}>' + (block_to_html(rest) if rest else "")
    if block.startswith("```"):
        return f"<pre>{html.escape(block.split(chr(10), 1)[1].rsplit('```', 1)[0])}</pre>"
    if block.startswith("    "):
        return f"<pre>{html.escape(re.sub('^ {4}', '', block, flags=re.M))}</pre>"
    if block.startswith("|"):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        rows = [row for row in rows if not re.fullmatch(r"[-: ]+", "".join(row))]
        return "<table>" + "".join("<tr>" + "".join(f"<td>{inline(cell)}</td>" for cell in row) + "</tr>" for row in rows) + "</table>"
    if block.startswith("- "):
        return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in re.split(r"^- ", block, flags=re.M)[1:]) + "</ul>"
    return f"<p>{inline(block)}</p>"


def inline(text):
    text = html.escape(text, quote=False)
    text = re.sub(r"!\[([^]]*)\]\(([^)]+)\)", r'<img alt="\1" src="\2">', text)
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
