"""The README: its lists are those of the program, and its commands work."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from dustbust.__main__ import main
from helpers.readme_lists import README, lists, with_lists

TEXT = README.read_text()
COMMANDS = re.findall(r"^dustbust .*$", TEXT, re.MULTILINE)
(EXAMPLE,) = re.findall(r"^```python\n(import dustbust\n.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("run", "pair"):
        shutil.copytree(README.parent / "tests" / "samples" / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lists_are_those_of_the_program():
    assert with_lists(TEXT) == TEXT, "run: python tests/helpers/readme_lists.py"


def test_a_list_that_is_out_of_date_is_noticed():
    for content in lists().values():
        assert with_lists(TEXT.replace(content, "")) == TEXT


def test_commands(folder):
    assert len(COMMANDS) >= 5
    for command in COMMANDS:
        assert main(shlex.split(command, comments=True)[1:]) == 0, command
    assert len(list((folder / "run" / "cleanedphotos").glob("*.jpg"))) == 8
    assert (folder / "page.png").exists()
    assert list((folder / "run" / "dust-masks").glob("*.png"))


def test_python_example(folder):
    names = {}
    exec(EXAMPLE, names)
    assert len(names["cleaned"].written) == 8
    assert names["page"].shape == (900, 1100)


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or Path(README.parent, target).exists(), target
