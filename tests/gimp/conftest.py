"""A GIMP 3 with the plug-in in it, once per session.

DUSTBUST_GIMP_RUN is a command prefix, which tests/run sets: what follows it runs where GIMP 3 is,
with this checkout and /tmp in the same places. If it is empty, the GIMP 3 of this machine is used.
DUSTBUST_GIMP_HOME is a home folder in which install.sh has run already, for a core that GIMP's own
Python cannot import; DUSTBUST_CHECKS is then a folder with the same core for GIMP's Python.
"""

import fcntl
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PREFIX = shlex.split(os.environ.get("DUSTBUST_GIMP_RUN", ""))

# GIMP's own plug-ins that the tests use: starting only these and ours is several times faster.
OF_GIMP = ("python-eval", "script-fu", "file-png", "file-jpeg", "file-tiff")


class Gimp:
    """GIMP with a profile of its own, in which install.sh has installed the plug-in."""

    def __init__(self, folder):
        self.folder = folder
        home = os.environ.get("DUSTBUST_GIMP_HOME")
        installed = home and next(Path(home).rglob("plug-ins/dustbust-gimp"))
        self.profile = Path(installed).parents[1] if installed else folder / "profile"
        self.plug_in = self.profile / "plug-ins" / "dustbust-gimp"
        self.environment = {
            "GIMP3_DIRECTORY": str(self.profile),
            "LC_ALL": "C.UTF-8",
            "LANGUAGE": "en",
            "HOME": home or str(folder),
        }
        if not installed:
            self.install()
        self.python = json.loads((self.plug_in / "core.json").read_text())["python"]
        (self.core,) = Path(self.python).parents[1].glob("lib/python3*/site-packages")
        self.core = os.environ.get("DUSTBUST_CHECKS", self.core)
        answer = folder / "answer"
        self.console(
            "python-fu-eval",
            f"import __main__; open({str(answer)!r}, 'w').write(__main__.__file__)",
        )
        of_gimp = Path(answer.read_text()).parent.parent
        folders = [self.plug_in.parent, *(of_gimp / name for name in OF_GIMP)]
        self.environment["GIMP_TESTING_PLUGINDIRS"] = os.pathsep.join(map(str, folders))

    def keep_compiled_modules(self):
        """Let Python compile the plug-in's modules once, as it does for users, and keep them."""
        self.environment["PYTHONDONTWRITEBYTECODE"] = ""
        self.environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "compiled")

    def install(self):
        (CHECKOUT / "build").mkdir(exist_ok=True)
        with open(
            CHECKOUT / "build" / "lock", "w"
        ) as lock:  # pip builds in the checkout, perhaps for another GIMP right now
            fcntl.flock(lock, fcntl.LOCK_EX)
            installed = self.command([CHECKOUT / "install.sh"], timeout=600)
        assert installed.returncode == 0, installed.stdout + installed.stderr

    def command_line(self, command, environment=()):
        """What to start so that a command runs where GIMP is."""
        variables = [
            f"{name}={value}" for name, value in {**self.environment, **dict(environment)}.items()
        ]
        return [*PREFIX, "env", *variables, *map(str, command)]

    def command(self, command, timeout=300, environment=()):
        """Run a command where GIMP is."""
        return subprocess.run(
            self.command_line(command, environment),
            capture_output=True,
            text=True,
            errors="replace",  # GIMP may print a name that it cuts in the middle of a letter
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd=CHECKOUT,
        )

    def console(self, interpreter, code, check=True, fonts=False, **options):
        """Run batch code in gimp-console."""
        done = self.command(
            [
                "gimp-console",
                "-nids" if fonts else "-nidfs",
                "--quit",
                "--batch-interpreter",
                interpreter,
                "-b",
                code,
            ],
            **options,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def paths(self, script):
        """Where a Python file that runs inside GIMP finds its imports."""
        return [*map(str, (self.plug_in, Path(script).parent, self.core))]

    def run_script(self, script, *arguments, **options):
        """Run a Python file inside GIMP with `arguments`; returns its `result`, and the console.

        It can import the core, to compare, the plug-in, and what is beside it.
        """
        answer = self.folder / "result.json"
        answer.unlink(missing_ok=True)
        code = (
            f"import json; scope = {{'__name__': 'inside', '__file__': {str(script)!r}, "
            f"'arguments': {json.dumps(arguments)}}}; "
            f"import sys; sys.path[:0] = {self.paths(script)!r}; "
            f"exec(compile(open({str(script)!r}).read(), {str(script)!r}, 'exec'), scope); "
            f"json.dump(scope['result'], open({str(answer)!r}, 'w'))"
        )
        done = self.console("python-fu-eval", code, **options)
        return json.loads(answer.read_text()), done.stdout + done.stderr


def gimp_3_is_there():
    return bool(PREFIX) or (
        shutil.which("gimp-console") is not None
        and " 3."
        in subprocess.run(["gimp-console", "--version"], capture_output=True, text=True).stdout
    )


@pytest.fixture(scope="session")
def gimp(tmp_path_factory):
    if not gimp_3_is_there():
        pytest.fail("there is no GIMP 3 on this machine; tests/run makes a private one")
    return Gimp(tmp_path_factory.mktemp("gimp"))
