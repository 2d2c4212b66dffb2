"""The plug-in goes into every profile of GIMP 3, with what starts this core, and out again."""

import json
import os
import sys
from pathlib import Path

import pytest

from dustbust.command_line import main
from dustbust.helper import installation
from dustbust.helper.installation import Profile, find_profiles
from dustbust.helper.tables import tables

CHECKOUT = Path(__file__).parents[2]
PYTHON = sys.executable


def gimp(folder, version, listed=""):
    """A program that looks like GIMP's console: it has a version, and answers batch code."""
    folder.mkdir(exist_ok=True)
    program = folder / "gimp-console"
    program.write_text(
        f'#!{PYTHON}\nimport re, sys\nif "--version" in sys.argv:\n'
        f'    print("GNU Image Manipulation Program version {version}")\n'
        "else:\n"
        f"    answer = re.search(\"open\\\\('(.*?)'\", sys.argv[-1])[1]\n"
        f"    open(answer, 'w').write({listed!r})\n"
        '    print("what GIMP prints")\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def home(tmp_path):
    """A home folder with profiles of GIMP 2.10, 3.0 and 3.2, and of the Flatpak."""
    for name in ("2.10", "3.0", "3.2", "3.0-old"):
        (tmp_path / ".config" / "GIMP" / name).mkdir(parents=True)
    (tmp_path / ".var/app/org.gimp.GIMP/config/GIMP/3.2").mkdir(parents=True)
    return tmp_path


def test_every_gimp_3_is_found(home):
    names = [profile.name for profile in find_profiles({"HOME": str(home), "PATH": ""})]
    assert names == ["GIMP 3.0", "GIMP 3.2", "GIMP 3.2 (Flatpak)"]


def test_a_gimp_on_the_path_need_not_have_been_started(home):
    program = gimp(home / "bin", "3.4.1")
    found = find_profiles({"HOME": str(home), "PATH": str(program.parent)})
    assert [profile.name for profile in found if profile.console] == ["GIMP 3.4"]
    assert found[-2] == Profile("GIMP 3.4", home / ".config/GIMP/3.4", str(program)) or (
        Profile("GIMP 3.4", home / ".config/GIMP/3.4", str(program)) in found
    )


def test_gimp_2_does_not_count(tmp_path):
    program = gimp(tmp_path / "bin", "2.10.38")
    assert find_profiles({"HOME": str(tmp_path), "PATH": str(program.parent)}) == []


def test_gimps_own_variable_names_the_only_profile(home):
    found = find_profiles({"HOME": str(home), "PATH": "", "GIMP3_DIRECTORY": str(home / "mine")})
    assert [profile.folder for profile in found] == [home / "mine"]


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("win32", "Roaming/GIMP/3.0"), ("darwin", "Library/Application Support/GIMP/3.0")],
)
def test_profiles_of_other_systems(tmp_path, monkeypatch, platform, folder):
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(installation.sys, "platform", platform)
    variables = {"HOME": str(tmp_path), "APPDATA": str(tmp_path / "Roaming"), "PATH": ""}
    assert [profile.folder for profile in find_profiles(variables)] == [tmp_path / folder]


def interpreter_in(folder, monkeypatch):
    """Let this interpreter lie in a folder."""
    for name in ("prefix", "base_prefix"):
        monkeypatch.setattr(installation.sys, name, str(folder / "python"))
    monkeypatch.setattr(installation.sys, "executable", str(folder / "python" / "bin" / "python"))


@pytest.fixture
def at_home(home, monkeypatch):
    """Commands find the profiles of this home, with a Python in it, and no GIMP on the path."""
    interpreter_in(home, monkeypatch)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(home / "bin"))
    for name in ("GIMP3_DIRECTORY", "GIMP_CONSOLE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_it_is_installed_everywhere_updated_and_removed(at_home, capsys):
    assert main(["gimp", "install", "--command", "mend it"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "GIMP 3.0",
        "GIMP 3.2",
        "GIMP 3.2 (Flatpak)",
    ]
    profiles = find_profiles()
    assert len(profiles) == 3
    for profile in profiles:
        script = profile.plug_in / "dustbust-gimp.py"
        assert os.access(script, os.X_OK)
        assert script.read_text() == (CHECKOUT / "plugin" / script.name).read_text()
        assert (profile.plug_in / "locale/de/LC_MESSAGES/dustbust-gimp.mo").exists()
        assert not list(profile.plug_in.rglob("*.po"))
        installed = json.loads((profile.plug_in / "core.json").read_text())
        assert installed == {
            "python": installation.sys.executable,
            "command": "mend it",
            **tables(),
        }
    old = profiles[0].plug_in / "dustbust-gimp.py"
    os.utime(old, (1, 1))
    (profiles[0].plug_in / "left over").touch()
    assert main(["gimp", "install"]) == 0
    assert old.stat().st_mtime > 1  # or GIMP would not read it again
    assert not (profiles[0].plug_in / "left over").exists()
    assert main(["gimp", "uninstall"]) == 0
    assert not any(profile.plug_in.exists() for profile in profiles)
    assert not list(at_home.rglob("*dustbust*"))


def test_a_gimp_that_does_not_list_the_procedures_is_an_error(at_home, capsys):
    gimp(at_home / "bin", "3.2.0", "plug-in-dustbust-apply-mask")
    assert main(["gimp", "install"]) == 1
    error = capsys.readouterr().err
    assert "what GIMP prints" in error
    assert "GIMP 3.2 does not list plug-in-dustbust-apply-mask" in error
    gimp(at_home / "bin", "3.2.0")
    assert main(["gimp", "install"]) == 0
    assert "GIMP 3.2: installed and listed by GIMP" in capsys.readouterr().out


def test_the_profile_of_a_gimp_that_was_never_started_is_made(at_home, capsys):
    gimp(at_home / "bin", "3.4.0")
    assert main(["gimp", "install"]) == 0
    assert "GIMP 3.4: installed and listed by GIMP" in capsys.readouterr().out
    assert (at_home / ".config/GIMP/3.4/plug-ins/dustbust-gimp/dustbust-gimp.py").exists()


def test_the_flatpak_is_left_out_if_it_cannot_start_this_python(at_home, monkeypatch, capsys):
    interpreter_in(at_home.parent, monkeypatch)
    assert main(["gimp", "install"]) == 0
    told = capsys.readouterr()
    assert "GIMP 3.2 (Flatpak): not installed" in told.err
    assert [line.partition(":")[0] for line in told.out.splitlines()] == ["GIMP 3.0", "GIMP 3.2"]
    assert not (at_home / ".var/app/org.gimp.GIMP/config/GIMP/3.2/plug-ins").exists()


def test_without_gimp_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert main(["gimp", "install"]) == 1
    assert "no GIMP 3 was found" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(at_home, capsys):
    (at_home / ".config/GIMP/3.0/plug-ins").write_text("in the way")
    assert main(["gimp", "install"]) == 1
    assert ".config/GIMP/3.0/plug-ins/dustbust-gimp: cannot be written" in capsys.readouterr().err
