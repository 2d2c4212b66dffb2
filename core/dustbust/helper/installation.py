"""Put the plug-in into the profiles of GIMP, so that it finds this core, and take it out again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import DustbustError

# GIMP requires the folder and the script to have the same name. The name differs from that of the
# Python package.
NAME = "dustbust-gimp"

PROCEDURES = (
    "plug-in-dustbust-estimate-mask",
    "plug-in-dustbust-apply-mask",
    "plug-in-dustbust-stack-scans",
)

# Names that the console program of GIMP 3 has on the path.
CONSOLES = ("gimp-console", "gimp-console-3.2", "gimp-console-3.0", "gimp-console-3", "gimp-3")

# s; the first start of GIMP queries all plug-ins and takes 10 to 20 s.
PATIENCE = 180.0


@dataclass(frozen=True)
class Profile:
    """A folder in which a GIMP keeps the settings and the plug-ins of a user.

    Parameters
    ----------
    name : str
        What messages call the GIMP.
    folder : pathlib.Path
    console : str
        The program that checks an installation; empty if there is none.
    flatpak : bool
        Whether this GIMP is a Flatpak, which can access only the home folder.
    """

    name: str
    folder: Path
    console: str = ""
    flatpak: bool = False

    @property
    def plug_in(self) -> Path:
        """The folder of the plug-in."""
        return self.folder / "plug-ins" / NAME


def find_profiles(environment: Mapping[str, str] | None = None) -> list[Profile]:
    """The profiles of every GIMP 3 of this user.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Variables of the environment; by default those of this process. GIMP3_DIRECTORY names the
        only profile, GIMP_CONSOLE the program of a GIMP that has an unusual name.

    Returns
    -------
    list of Profile
        Profiles of native GIMPs and AppImages, which share them, and of the Flatpak. A native GIMP
        need not have been started before.
    """
    given = os.environ if environment is None else environment
    console, version = find_console(given)
    if given.get("GIMP3_DIRECTORY"):
        return [Profile("GIMP 3", Path(given["GIMP3_DIRECTORY"]), console)]
    home = Path(given.get("HOME") or Path.home())
    native = _native_root(home, given)
    found = {
        folder: Profile(f"GIMP {folder.name}", folder, console if version == folder.name else "")
        for folder in _versions_in(native)
    }
    if version:
        found.setdefault(native / version, Profile(f"GIMP {version}", native / version, console))
    flatpak = home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP"
    for folder in _versions_in(flatpak):
        found[folder] = Profile(f"GIMP {folder.name} (Flatpak)", folder, flatpak=True)
    return list(found.values())


def _native_root(home: Path, environment: Mapping[str, str]) -> Path:
    """The folder of the profiles, one for each version: see `gimp_directory` in libgimpbase."""
    if sys.platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "GIMP"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP"


def _versions_in(root: Path) -> list[Path]:
    """Folders that are named for a version of GIMP 3, the oldest first."""
    found = [folder for folder in root.glob("3.*") if re.fullmatch(r"3\.\d+", folder.name)]
    return sorted(filter(Path.is_dir, found), key=lambda folder: int(folder.name[2:]))


def find_console(environment: Mapping[str, str]) -> tuple[str, str]:
    """The console program of a GIMP 3 on the path, and its version, such as "3.2"; or two ""."""
    names = (environment["GIMP_CONSOLE"],) if environment.get("GIMP_CONSOLE") else CONSOLES
    for name in names:
        program = shutil.which(name, path=environment.get("PATH"))
        if program is None:
            continue
        try:
            told = subprocess.run(
                [program, "--version"], capture_output=True, text=True, timeout=60, check=False
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = re.search(r"version (3\.\d+)", told)
        if version:
            return program, version[1]
    return "", ""


def source() -> Path:
    """The folder with the plug-in's files: in the package, or in the checkout that it runs from.

    Raises
    ------
    DustbustError
        If it is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "plug_in", package.parents[1] / "plugin"):
        if (folder / f"{NAME}.py").is_file():
            return folder
    raise DustbustError("{package}: the plug-in for GIMP is missing in it", package=package)


def can_start(profile: Profile) -> bool:
    """Whether a GIMP can start this interpreter: the Flatpak's needs one in the home folder."""
    if not profile.flatpak:
        return True
    home = Path.home().resolve()
    places = (sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)))
    return all(Path(place).resolve().is_relative_to(home) for place in places)


def install(profile: Profile, command: str) -> None:
    """Install the plug-in for one GIMP, with this interpreter for its core.

    Parameters
    ----------
    profile : Profile
    command : str
        The command that the plug-in shows its user when its core is missing or broken.

    Raises
    ------
    DustbustError
        If the folder cannot be written. An earlier installation is then kept.
    """
    from .tables import tables

    target = profile.plug_in
    part = target.with_name(f".{NAME}.part")  # GIMP skips hidden folders
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        skipped = shutil.ignore_patterns("__pycache__", "*.po", "update")
        # The copies get new times: GIMP rereads a plug-in only when its modification time changes.
        shutil.copytree(source(), part, ignore=skipped, copy_function=shutil.copyfile)
        (part / f"{NAME}.py").chmod(0o755)
        installed = {"python": sys.executable, "command": command, **tables()}
        (part / "core.json").write_text(json.dumps(installed, indent=1), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be written ({error})", folder=target, error=error
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def uninstall(profiles: Iterable[Profile]) -> list[Profile]:
    """Remove the plug-in. -> the profiles that had it"""
    had = [profile for profile in profiles if profile.plug_in.is_dir()]
    for profile in had:
        shutil.rmtree(profile.plug_in)
    return had


def missing_procedures(profile: Profile) -> tuple[list[str], str]:
    """The procedures that GIMP does not list, and its output.

    Parameters
    ----------
    profile : Profile
        With a console program.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")
        code = (
            "from gi.repository import Gimp; "
            f"open({str(answer)!r}, 'w').write(' '.join(name for name in {PROCEDURES!r} "
            "if not Gimp.get_pdb().procedure_exists(name)))"
        )
        command = [profile.console, "-nidfs", "--quit"]
        done = subprocess.run(
            [*command, "--batch-interpreter", "python-fu-eval", "-b", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIMP3_DIRECTORY": str(profile.folder)},
            check=False,
        )
        found = answer.read_text().split() if answer.exists() else list(PROCEDURES)
    return found, done.stdout + done.stderr
