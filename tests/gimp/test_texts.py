"""The texts: German is complete and compiled; the help page is the README."""

import gettext
import re
import shutil
import subprocess

import pytest

from conftest import CHECKOUT

LOCALE = CHECKOUT / "plugin" / "locale"


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not installed")
def test_german_has_every_text_and_its_compiled_file_is_up_to_date():
    """The words in braces and the mnemonics are checked too, by msgfmt."""
    done = subprocess.run([LOCALE / "update", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_german_has_no_blank_before_a_dot():
    texts = (LOCALE / "de.po").read_text() + (CHECKOUT / "release" / "help.de.md").read_text()
    assert not re.findall(r"\w+ +(?:\.\.\.|…|[.,;:!?])(?=[ \n\"])", texts)


def test_the_compiled_german_is_read():
    """Read with Python's gettext: the system's needs a German locale."""
    german = gettext.translation("dustbust-gimp", CHECKOUT / "plugin" / "locale", ["de"])
    assert (
        german.gettext("Choose the first frame of the run.")
        == "Wählen Sie die erste Aufnahme der Serie."
    )


def help_of(gimp, language):
    """The folder of the installed help, and the page; each procedure has a place in it."""
    folder = gimp.plug_in / "help" / language
    page = (folder / "index.html").read_text()
    items = dict(
        re.findall(r'id="(.*?)" ref="index.html#(.*?)"', (folder / "gimp-help.xml").read_text())
    )
    assert list(items) == [
        "plug-in-dustbust-estimate-mask",
        "plug-in-dustbust-apply-mask",
        "plug-in-dustbust-stack-scans",
    ]
    for place in items.values():
        assert f'<h3 id="{place}">' in page
    for procedure, place in items.items():
        title = re.search(f'<h3 id="{place}">(.*?)</h3>', page)[1]
        text = (folder / f"{procedure}.txt").read_text()  # where no browser is
        assert text.startswith(f"{title}\n\n")
        assert not re.search("</?[a-z]|&[a-z]+;", text)
        assert len(text.split()) > 50
    return folder, page


def test_the_installed_help_in_german_names_the_entries_of_the_menu(gimp):
    _folder, page = help_of(gimp, "de")
    german = gettext.translation("dustbust-gimp", CHECKOUT / "plugin" / "locale", ["de"])
    for entry in ("_Estimate Dust Mask...", "_Apply Dust Mask...", "_Stack Offset Scans..."):
        title = german.gettext(entry).replace("_", "").rstrip(".…")
        assert f">{title}</h3>" in page


def test_the_installed_help_is_the_readme(gimp):
    folder, page = help_of(gimp, "en")
    pictures = re.findall(r'src="(.*?)"', page)
    for picture in pictures:
        assert (folder / picture).exists(), picture
    readme = (CHECKOUT / "README.md").read_text()
    assert len(pictures) == len(re.findall(r"^!\[", readme, re.MULTILINE))
    assert page.count("<table>") == len(re.findall(r"^\|[-|: ]+\|$", readme, re.MULTILINE))
