"""dustbust gimp: the plug-in in the GIMPs of this user."""

import argparse
import sys

from ..errors import DustbustError
from ..helper.installation import (
    Profile,
    can_start,
    find_profiles,
    install,
    missing_procedures,
    uninstall,
)

SUMMARY = "install the plug-in for every GIMP 3 of this user, with this core, or remove it"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument(
        "what",
        choices=("install", "uninstall", "list"),
        help="install or update the plug-in, remove it, or list the GIMPs that are found",
    )
    # install.sh names itself: what the plug-in tells its user to run when its core is broken.
    command.add_argument(
        "--command",
        default=f"{sys.executable} -m dustbust gimp install",
        help=argparse.SUPPRESS,
    )


def run(options: argparse.Namespace) -> int:
    """Install, remove or list."""
    profiles = find_profiles()
    if options.what == "uninstall":
        for profile in uninstall(profiles):
            print(f"removed {profile.plug_in}")
        return 0
    if not profiles:
        raise DustbustError(
            "no GIMP 3 was found (GIMP 2 cannot run the plug-in): install it, start it once, and "
            "run this again"
        )
    if options.what == "list":
        for profile in profiles:
            state = "installed" if profile.plug_in.is_dir() else "not installed"
            print(f"{profile.name}: {state} in {profile.plug_in}")
        return 0
    able = [profile for profile in profiles if can_start(profile)]
    for profile in profiles:
        if profile not in able:
            print(
                f"dustbust: {profile.name}: not installed: it sees the home folder only, but this "
                f"Python is {sys.base_prefix}; use one in the home folder, such as uv's or pyenv's",
                file=sys.stderr,
            )
    for profile in able:
        install(profile, options.command)
        print(f"{profile.name}: {checked(profile)} in {profile.plug_in}", flush=True)
    return 0 if able else 1


def checked(profile: Profile) -> str:
    """How far an installation is known to work.

    Raises
    ------
    DustbustError
        If GIMP does not list the procedures.
    """
    if not profile.console:
        return "installed, to be seen when it is started,"
    missing, printed = missing_procedures(profile)
    if missing:
        print(printed, file=sys.stderr)
        raise DustbustError(
            f"{profile.name} does not list {', '.join(missing)}; see its output above"
        )
    return "installed and listed by GIMP"
