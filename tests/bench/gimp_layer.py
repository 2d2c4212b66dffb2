"""Apply on a large layer in GIMP: what the plug-in adds to the core's time, and its memory.

    python tests/bench/gimp_layer.py [--megapixels 24] [--bits 8] [--rounds 3]

It runs in the GIMP 3 of this machine, or where DUSTBUST_GIMP_RUN says (see tests/gimp/conftest.py).
The action begins when it is called and ends when GIMP has its result. Added is what it takes longer
than the core takes for the same pixels and the same mask file: the start of the plug-in and of its
helper, reading the layer out of GIMP, and writing it back as a step of undo. A part of that is the
start of any plug-in in Python, which is measured with one that does nothing.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gimp"))

from conftest import Gimp

INSIDE = Path(__file__).parents[1] / "gimp" / "inside"

# A plug-in that does nothing.
IDLE = """#!/usr/bin/env python3
import sys

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp


def run(procedure, *arguments):
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


class Idle(Gimp.PlugIn):
    def do_set_i18n(self, name):
        return False

    def do_query_procedures(self):
        return ["plug-in-idle"]

    def do_create_procedure(self, name):
        return Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)


Gimp.main(Idle.__gtype__, sys.argv)
"""


def add_idle(gimp):
    """Give a GIMP the plug-in that does nothing."""
    program = gimp.folder / "idle" / "idle.py"
    program.parent.mkdir()
    program.write_text(IDLE)
    program.chmod(0o755)
    gimp.environment["GIMP_TESTING_PLUGINDIRS"] += os.pathsep + str(program.parent)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gimp = Gimp(Path(folder))
        gimp.keep_compiled_modules()
        add_idle(gimp)
        took, __ = gimp.run_script(
            INSIDE / "bench_layer.py",
            *(folder, str(gimp.plug_in), options.megapixels, options.bits, options.rounds),
            timeout=3600,
        )
    for one in took:
        print(
            f"by the clock: begun after {one['begun']:.2f} s, action {one['action']:.2f} s, core "
            f"{one['core']:.2f} s, idle plug-in {one['idle']:.2f} s; of the processors: action "
            f"{one['used']:.2f} s, core {one['used by the core']:.2f} s, idle plug-in "
            f"{one['used by idle']:.2f} s; peak of the plug-in {one['peak']:.0f} MB"
        )
    action, core, idle = (
        statistics.median(one[name] for one in took) for name in ("action", "core", "idle")
    )
    print(
        f"medians: action {action:.2f} s, core {core:.2f} s; added {action - core:.2f} s, of which "
        f"{idle:.2f} s are the start of any plug-in in Python"
    )


if __name__ == "__main__":
    main()
