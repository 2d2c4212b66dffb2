"""A GIMP with its windows on a virtual screen, and the keys and the mouse to operate it."""

import itertools
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

INSIDE = Path(__file__).parent / "inside"
SIZE, FULL = "1280x900", ("1280", "870")  # of the screen; of GIMP's window, without its frame

START = """
Xvfb :{display} -screen 0 {size}x24 >/dev/null 2>&1 & screen=$!
for attempt in $(seq 50); do [ -e /tmp/.X11-unix/X{display} ] && break; sleep 0.2; done
openbox >/dev/null 2>&1 & manager=$!
dbus-run-session -- gimp -nsf --batch-interpreter python-fu-eval -b "$1"
kill $manager $screen
"""


def before(width, height):
    """A part of the picture on the left of a preview, in a window of this size."""
    return 30, height - 300, width // 2 - 30, height - 150


def after(width, height):
    """A part of the picture on the right of a preview, in a window of this size."""
    return width // 2 + 30, height - 300, width - 30, height - 150


def left(width, height):
    """A part of the large view of a review on the left of its line, in a window of this size."""
    return width // 2 - 150, height // 2 - 60, width // 2 - 20, height // 2 + 60


def right(width, height):
    """A part of the large view of a review on the right of its line."""
    return width // 2 + 4, height // 2 - 60, width // 2 + 150, height // 2 + 60


def counts(width, height):
    """The line that says what a threshold marks."""
    return 10, height - 150, 400, height - 125


def view_choice(width, height):
    """Where a click opens the choice of what a review shows on the right of its line."""
    return width - 107, 202


def order_choice(width, height):
    """Where a click opens the choice of the order of the particles."""
    return 229, height - 177


def thumbnail(width, height):
    """A part of the picture beside the list, in a file window of this size."""
    return width - 200, height // 2 - 50, width - 30, height // 2 + 50


def first_in_list(width, height):
    """A part of the first picture of the list in the window of Estimate."""
    return 44, 85, 84, 105


def first_dust(width, height):
    """A part of the dust of the first run of the list in the window of Estimate."""
    return 118, 64, 165, 92


class Desktop:
    def __init__(self, gimp, folder, pictures, language="en"):
        self.gimp, self.folder, self.pictures, self._number = gimp, folder, pictures, 0
        first = 100 + os.getpid() % 800  # not the same for two that look at the same time
        self.display = next(
            number
            for number in itertools.count(first)
            if not os.path.exists(f"/tmp/.X11-unix/X{number}")
        )
        profile = gimp.profile
        with open(profile / "gimprc", "a") as settings:
            settings.write("(show-welcome-dialog no)\n(check-updates no)\n")
        self.environment = {
            "DISPLAY": f":{self.display}",
            "GDK_BACKEND": "x11",
            "NO_AT_BRIDGE": "1",
            "LANGUAGE": language,
        }
        agent = INSIDE / "agent.py"
        code = (
            f"exec(compile(open({str(agent)!r}).read(), {str(agent)!r}, 'exec'), "
            f"{{'__file__': {str(agent)!r}, 'arguments': {[str(folder), *gimp.paths(agent)]!r}}})"
        )
        self._log = (folder / "console.log").open("w+")
        start = gimp.command_line(
            ["sh", "-c", START.format(display=self.display, size=SIZE), "sh", code],
            self.environment,
        )
        self._process = subprocess.Popen(
            start,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.ask("pass", timeout=90)
        time.sleep(1)
        for __ in self.windows("Welcome to GIMP"):
            self.wait_for("Welcome to GIMP")
            self.key("Escape")
        self._tool(
            "xdotool",
            "windowsize",
            "--sync",
            self.wait_for("GNU Image Manipulation Program"),
            *FULL,
        )

    def close(self):
        """End GIMP; gives what it wrote on its console."""
        (self.folder / f"request-{self._number}.py").write_text(
            "quit = Gimp.get_pdb().lookup_procedure('gimp-quit'); c = quit.create_config(); "
            "c.set_property('force', True); quit.run(c)"
        )
        try:
            self._process.wait(30)
        except (
            subprocess.TimeoutExpired
        ):  # GIMP is slow to quit while it still shows many images; its console is whole
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.seek(0)
        with self._log:
            return self._log.read()

    def ask(self, code, timeout=60):
        """Run Python inside this GIMP; gives what it put into `result`."""
        part = self.folder / "request.part"
        part.write_text(code)
        part.rename(self.folder / f"request-{self._number}.py")
        answer = self.folder / f"answer-{self._number}.json"
        self._number += 1
        self.wait_for_true(answer.exists, f"GIMP did not answer {code!r}", timeout)
        answer = json.loads(answer.read_text())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def wait_until(self, expression, timeout=60):
        """Wait until a Python expression is true inside this GIMP."""
        self.wait_for_true(
            lambda: self.ask(f"result = bool({expression})"),
            f"{expression} did not come true",
            timeout,
        )

    def wait_for_true(self, true, complaint, timeout=60):
        """Wait until a function gives something that is true, and return that."""
        end = time.monotonic() + timeout
        while not (found := true()):
            if time.monotonic() > end:
                self.picture("stuck")
                raise AssertionError(f"{complaint}; see {self.pictures / 'stuck.png'}")
            time.sleep(0.1)
        return found

    def _tool(self, *command):
        done = self.gimp.command(command, environment=self.environment.items())
        return done.stdout.strip()

    def key(self, *keys, pause=0.3):
        self._tool("xdotool", "key", "--delay", "80", *keys)
        time.sleep(pause)

    def type(self, text):
        self._tool("xdotool", "type", "--delay", "15", text)
        time.sleep(0.3)

    def drag(self, *points):
        """Press the mouse at the first point and move it over the others."""
        (x, y), *others = points
        moves = [part for x, y in others for part in ("mousemove", str(x), str(y), "sleep", "0.05")]
        self._tool(
            "xdotool",
            "mousemove",
            str(x),
            str(y),
            "sleep",
            "0.2",
            "mousedown",
            "1",
            "sleep",
            "0.1",
            *moves,
            "mouseup",
            "1",
        )
        time.sleep(0.5)

    def click(self, x, y):
        self._tool("xdotool", "mousemove", str(x), str(y), "sleep", "0.3", "click", "1")
        time.sleep(0.7)

    def place(self, window):
        """Left and top of a window's content on the screen."""
        shell = self._tool("xdotool", "getwindowgeometry", "--shell", window)
        values = dict(line.split("=") for line in shell.splitlines())
        return int(values["X"]), int(values["Y"])

    def click_row(self, window, row):
        """Click on a row of the list in the window of Estimate; 0 is the first."""
        left, top = self.place(window)
        self.click(left + 250, top + 80 + 50 * row)

    def drop(self, path, window):
        """Drag a file, as from a file manager, onto the list in the window of Estimate."""
        left, top = self.place(window)
        with subprocess.Popen(
            self.gimp.command_line(
                ["python3", INSIDE / "drag_source.py", path.as_uri()], self.environment
            ),
            stdin=subprocess.PIPE,
        ) as source:
            x, y = self.place(self.wait_for("A file to drag"))
            steps = [(x + 40 + step, y + 40) for step in (10, 20, 40)]
            self.drag((x + 40, y + 40), *steps, (left + 200, top + 150), (left + 205, top + 155))
            source.stdin.close()  # which ends it

    def helpers(self):
        """The processes of the plug-in's core."""
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = command.read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has ended
                continue
            if words[0] == self.gimp.python and "dustbust.helper" in words:
                found.append(int(command.parent.name))
        return found

    def click_in(self, window, x, y):
        """Click at a place of a window."""
        self._tool("xdotool", "mousemove", "--window", window, str(x), str(y))
        time.sleep(0.3)
        self._tool("xdotool", "click", "1")
        time.sleep(0.7)

    def choose(self, window, choice, *keys):
        """Open a choice of a review with the mouse, and choose with the keys."""
        self.click_in(window, *choice(*self.size_of(window)))
        self.key(*keys, "Return")

    def turn_wheel(self, window, x, y, steps):
        """Turn the wheel over a place of a window: up if `steps` is positive."""
        self._tool("xdotool", "mousemove", "--window", window, str(x), str(y))
        button = "4" if steps > 0 else "5"
        self._tool("xdotool", "click", "--repeat", str(abs(steps)), "--delay", "100", button)
        time.sleep(0.5)

    def drag_in(self, window, *points):
        """Drag as in `drag`, with places of a window."""
        left, top = self.place(window)
        self.drag(*((left + x, top + y) for x, y in points))

    def resize(self, window, width, height):
        """Give a window another size."""
        self._tool("xdotool", "windowsize", "--sync", window, str(width), str(height))
        time.sleep(0.5)

    def part_of(self, window, part):
        """Pixels of a part of a window, uint8 (H, W, 3)."""
        self.picture("window", window)
        with Image.open(self.pictures / "window.png") as picture:
            return np.array(picture.convert("RGB").crop(part(*picture.size)))

    def size_of(self, window):
        """Width and height of a window."""
        lines = self._tool("xdotool", "getwindowgeometry", "--shell", window).splitlines()
        values = dict(line.split("=") for line in lines)
        return int(values["WIDTH"]), int(values["HEIGHT"])

    def windows(self, title):
        return self._tool("xdotool", "search", "--onlyvisible", "--name", title).split()

    def wait_for(self, title, timeout=60):
        """Wait for a window with this in its title."""
        # Not asked for twice: a window that is being drawn can be hidden for a moment.
        found = self.wait_for_true(lambda: self.windows(title), f"no window {title!r}", timeout)
        window = found[-1]
        self._tool("xdotool", "windowactivate", "--sync", window)
        time.sleep(0.5)
        return window

    def wait_gone(self, title, timeout=60):
        self.wait_for_true(lambda: not self.windows(title), f"the window {title!r} stays", timeout)

    def picture(self, name, window="root"):
        """A screenshot, of a window alone if one is given."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self._tool("import", "-window", window, "-strip", str(self.folder / f"{name}.png"))
        (self.pictures / f"{name}.png").write_bytes((self.folder / f"{name}.png").read_bytes())

    def wait_for_photograph(self, window, other_than=None, part=before, timeout=120):
        """Wait until a part of a window shows a photograph (many colours), and a new one.

        Returns its bytes.
        """

        def seen():
            self.picture("window", window)
            with Image.open(self.pictures / "window.png") as picture:
                colours = picture.convert("RGB").crop(part(*picture.size))
            return colours.tobytes() if colours.getcolors(50) is None else None

        self.wait_for_true(
            lambda: seen() not in (None, other_than), "there is no (other) photograph", timeout
        )
        return seen()

    def main_key(self, *keys, pause=0.3):
        """Press keys in GIMP's main window."""
        self.wait_for("GIMP$|^GNU Image Manipulation Program")
        self.key(*keys, pause=pause)

    def menu(self, mnemonic):
        """Choose from Filters > Dust Removal, the last entry of that menu."""
        self.main_key("alt+r", "Up", "Right", mnemonic)

    def choose_file(self, mnemonic, path):
        """Choose a file; the button with this mnemonic opens GTK's file window."""
        self.key(f"alt+{mnemonic}", "space")
        self.wait_for("Select a File")
        self.key("slash", "ctrl+a", pause=1)
        self.type(str(path))
        self.key("Return")
        self.wait_gone("Select a File")
