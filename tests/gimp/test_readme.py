"""The README's batch recipes and examples, word for word, in a folder with the sample pictures."""

import re
import shutil
from pathlib import Path

import pytest

from conftest import CHECKOUT

BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```$", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture
def folder(tmp_path):
    for name in ("run", "pair"):
        shutil.copytree(CHECKOUT / "tests" / "samples" / name, tmp_path / name)
    return tmp_path


def recipe(language, part):
    (found,) = [code for kind, code in BLOCKS if kind == language and part in code]
    return found


def inside(gimp, folder, command):
    return gimp.command(["bash", "-c", f"cd '{folder}' && {command}"])


def test_script_fu_recipe(gimp, folder):
    done = inside(gimp, folder, recipe("sh", "plug-in-script-fu-eval"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((folder / "run" / "cleanedphotos").glob("*.jpg"))) == 8


def test_script_fu_recipe_fails_with_an_exit_code(gimp, folder):
    (folder / "run" / "frame01.jpg").unlink()
    done = inside(gimp, folder, recipe("sh", "plug-in-script-fu-eval"))
    assert done.returncode == 70
    assert "frame01.jpg" in done.stdout + done.stderr


def test_python_recipe(gimp, folder):
    done = inside(gimp, folder, recipe("sh", "python-fu-eval"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "page.png").exists()


def test_python_recipe_fails_with_an_exit_code(gimp, folder):
    shutil.copy(
        CHECKOUT / "tests" / "samples" / "run" / "frame01.jpg", folder / "pair" / "scan-b.jpg"
    )  # another page
    done = inside(gimp, folder, recipe("sh", "python-fu-eval"))
    assert done.returncode == 64
    assert "RuntimeError" in done.stdout + done.stderr
    assert not (folder / "page.png").exists()


def test_command_line_and_python_examples(gimp, folder):
    """With the core that install.sh built."""
    path = f"export PATH={Path(gimp.python).parent}:$PATH;"
    for command in [
        line
        for kind, code in BLOCKS
        if kind == "sh"
        for line in code.splitlines()
        if line.startswith("dustbust ")
    ]:
        done = inside(gimp, folder, f"{path} {command}")
        assert done.returncode == 0, done.stdout + done.stderr
    (folder / "example.py").write_text(recipe("python", "import dustbust"))
    done = inside(gimp, folder, f"{path} python example.py")
    assert done.returncode == 0, done.stdout + done.stderr
