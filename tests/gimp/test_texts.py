"""The texts: German is complete, its compiled file is up to date, and can be read; the help page is the README."""

import gettext
import importlib.util
import re
import string

from conftest import CHECKOUT

LOCALE = CHECKOUT / "plugin" / "locale"


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


update = module(LOCALE / "update.py")


def test_german_has_every_text():
    german = update.read(LOCALE / "de.po")
    assert list(german) == update.texts() and all(all(values) for values in german.values())
    assert (LOCALE / "de" / "LC_MESSAGES" / "dustbust-gimp.mo").read_bytes() == update.compiled(
        german
    )


def test_german_fills_in_the_same_words():
    fields = lambda text: {name for __, name, __, __ in string.Formatter().parse(text) if name}
    for key, values in update.read(LOCALE / "de.po").items():
        for text, value in zip(key, values):
            assert fields(text) == fields(value), text


def test_the_compiled_german_is_read():
    """By gettext as Python has it: the private GIMP has no German locale, without which the system's does not look."""
    german = gettext.translation("dustbust-gimp", CHECKOUT / "plugin" / "locale", ["de"])
    assert (
        german.gettext("Choose the first frame of the run.")
        == "Wählen Sie die erste Aufnahme der Serie."
    )


def test_help_is_the_readme(tmp_path):
    help_page = module(CHECKOUT / "plugin" / "dustbust_gimp" / "help_page.py")
    help_page.write(CHECKOUT / "README.md", tmp_path)
    page = (tmp_path / "en" / "index.html").read_text()
    items = dict(
        re.findall(
            r'id="(.*?)" ref="index.html#(.*?)"', (tmp_path / "en" / "gimp-help.xml").read_text()
        )
    )
    assert list(items) == [
        "plug-in-dustbust-estimate-mask",
        "plug-in-dustbust-apply-mask",
        "plug-in-dustbust-stack-scans",
    ]
    for place in items.values():
        assert f'<h3 id="{place}">' in page
    for picture in re.findall(r'src="(.*?)"', page):
        assert (tmp_path / "en" / picture).exists(), picture


def test_help_is_installed(gimp):
    assert (gimp.plug_in / "help" / "en" / "gimp-help.xml").exists()
