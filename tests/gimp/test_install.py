"""install.sh --uninstall removes all that install.sh made."""

import os
import shutil

import pytest

from conftest import CHECKOUT


def test_uninstalling_leaves_nothing(gimp, tmp_path):
    made = ".local/share/dustbust"
    if os.environ.get("DUSTBUST_GIMP_HOME"):
        pytest.skip("install.sh ran outside")
    shutil.copytree(gimp.folder / made, tmp_path / made, symlinks=True)
    plug_in = tmp_path / "profile" / "plug-ins" / "dustbust-gimp"
    shutil.copytree(gimp.plug_in, plug_in)
    where = {"HOME": tmp_path, "GIMP3_DIRECTORY": tmp_path / "profile"}.items()
    done = gimp.command([CHECKOUT / "install.sh", "--uninstall"], environment=where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"removed {plug_in}" in done.stdout
    assert not list(tmp_path.rglob("*dustbust*"))
    done = gimp.command([CHECKOUT / "install.sh", "--uninstall"], environment=where)
    assert done.returncode == 1
    assert "is not installed" in done.stderr


def test_each_gimp_is_named(gimp):
    done = gimp.command([gimp.python, "-m", "dustbust", "gimp", "list"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"installed in {gimp.plug_in}" in done.stdout
