"""The helper as a process: what it says first, what it refuses, and when it ends."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dustbust.files.read import read_frame
from dustbust_gimp import core
from dustbust_gimp.errors import Refused
from helpers.helper_process import alive

FRAMES = sorted((Path(__file__).parents[1] / "samples" / "run").glob("*.jpg"))


def sentence(call):
    """The text of the refusal with which a call ends."""
    with pytest.raises(Refused) as refusal:
        call()
    text = refusal.value.args[0]
    return text["template"].format(**text["words"])


def wait_until_gone(number, seconds=5.0):
    end = time.monotonic() + seconds
    while alive(number):
        assert time.monotonic() < end, f"process {number} is still there"
        time.sleep(0.005)


def busy(helper):
    """Give the helper several seconds of work; returns where its answer comes."""
    answers = queue.SimpleQueue()
    arguments = {"method": "opacity", "polarity": "auto", "blank": None, "areas": [4, 0]}
    files = FRAMES * 20
    request = core.Request("estimate_mask", files=files, threads=2, **arguments)
    told = queue.SimpleQueue()
    helper.begin(request, answers.put, lambda *progress: told.put(progress))
    told.get(timeout=30)
    return answers


def test_it_ends_with_its_standard_input_whatever_it_does(helper):
    busy(helper)
    helper.process.stdin.close()
    wait_until_gone(helper.process.pid)


def test_it_ends_with_its_program(installed):
    """The program is killed, while somebody else keeps the pipe open."""
    code = """
import json, os, subprocess, sys, time
sys.path.append(sys.argv[1])
from dustbust_gimp import core
helper = core.Helper(json.loads(sys.argv[2]))
helper.ask(core.Request("pictures_among", files=[]))
keeper = subprocess.Popen(["sleep", "60"], stdout=helper.process.stdin, stdin=subprocess.DEVNULL)
print(helper.process.pid, keeper.pid, flush=True)
time.sleep(60)
"""
    plugin = str(Path(core.__file__).parents[1])
    command = [sys.executable, "-c", code, plugin, json.dumps(installed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        helper, keeper = map(int, program.stdout.readline().split())
        assert alive(helper)
        program.kill()
        wait_until_gone(helper)
        assert alive(keeper)
        os.kill(keeper, signal.SIGKILL)


def test_a_killed_helper_is_one_sentence_for_all_who_wait(helper):
    answers = busy(helper)
    helper.process.send_signal(signal.SIGKILL)
    assert "ended in the middle of its work (SIGKILL)" in sentence(
        lambda: core.value_of(answers.get(timeout=10))
    )
    later = core.Request("pictures_among", files=[])
    assert "SIGKILL" in sentence(lambda: helper.ask(later))


def test_moving_pixels_does_not_wait_for_the_work_under_way(helper):
    answers = busy(helper)
    picture = helper.new_picture(4, 5, 3, "uint8")
    data = np.arange(60, dtype=np.uint8).tobytes()
    picture.put(0, 4, data)
    assert picture.get(0, 4) == data
    assert answers.empty()


def test_pictures_are_filled_before_the_helper_has_started(start, monkeypatch):
    """More goes through the window than fits into it at once."""
    monkeypatch.setattr(core, "WINDOW_BYTES", 10_000)
    helper = start()
    rows = np.random.default_rng(1).integers(0, 255, (50, 300, 3), np.uint8)
    pictures = [helper.new_picture(50, 300, 3, "uint8") for _ in range(2)]
    for row in range(50):
        for picture in pictures:
            picture.put(row, 1, rows[row].tobytes())
    for picture in pictures:
        data = b"".join(picture.get(first, 10) for first in range(0, 50, 10))
        assert data == rows.tobytes()


def test_an_error_of_a_picture_that_nobody_waits_for_is_raised_with_the_next_question(start):
    helper = start()
    helper.new_picture(500_000, 500_000, 4, "float32")
    with pytest.raises(MemoryError):
        helper.ask(core.Request("pictures_among", files=[]))


def test_missing_and_broken_interpreters_are_told_apart(start, tmp_path):
    assert sentence(lambda: core.Helper({})).endswith("is not installed: run install.sh again.")
    gone = {"python": str(tmp_path / "python")}
    assert "cannot be started" in sentence(lambda: start(**gone))
    assert "No such file" in sentence(lambda: start(**gone))
    (tmp_path / "python").write_text("#!/bin/sh\n")
    assert "Permission denied" in sentence(lambda: start(**gone))
    (tmp_path / "python").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "python").chmod(0o755)
    request = core.Request("pictures_among", files=[])
    assert "does not start (exit code 3)" in sentence(lambda: start(**gone).ask(request))


def test_what_prevents_an_early_start_is_reported_by_the_start(monkeypatch):
    monkeypatch.setattr(core, "own_process_group", lambda: None)
    monkeypatch.setattr(core, "_helper", None)
    monkeypatch.setattr(core, "installed", {})
    core.start_early()
    assert "is not installed" in sentence(core.start)

    def no_more_files(size):
        raise OSError("too many open files")

    monkeypatch.setattr(core, "installed", {"python": sys.executable})
    monkeypatch.setattr(core, "new_file", no_more_files)
    core.start_early()
    with pytest.raises(OSError, match="too many"):
        core.start()


def test_another_version_is_refused_at_its_first_word(start):
    request = core.Request("pictures_among", files=[])
    text = sentence(lambda: start(version="9.9").ask(request))
    assert "is 0.1.0, but the plug-in is 9.9: run ./install.sh again" in text


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("no_such_operation", {}),
        ("pictures_among", {}),
        ("pictures_among", {"files": ["a", 1]}),
        ("pictures_among", {"files": ["a\0b"]}),
        ("thumbnail", {"path": "a.jpg", "more": 1}),
        ("new_picture", {"height": 0, "width": 5, "channels": 3, "dtype": "uint8"}),
        ("new_picture", {"height": True, "width": 5, "channels": 3, "dtype": "uint8"}),
        ("dust_of_run", {"files": [*map(str, FRAMES)], "width": 4097, "height": 1, "threads": 1}),
        ("picture_of_mask", {"dust": {"handle": 77}}),
    ],
)
def test_what_makes_no_sense_ends_it(capfd, start, operation, arguments):
    helper = start()
    text = sentence(lambda: helper.ask(core.Request(operation, **arguments)))
    assert "exit code 76" in text
    assert "Error" in capfd.readouterr().err


@pytest.mark.parametrize(
    "where",
    [
        {"parts": [[0, 0, 5, 4]], "start": core.WINDOW_BYTES - 59},
        {"parts": [[1, 0, 5, 4]], "start": 0},
        {"parts": [[0, 1, 5, 4]], "start": 0},
        {"parts": [[0, 0, 5]], "start": 0},
    ],
)
def test_what_is_outside_of_a_picture_or_of_the_window_is_an_error(capfd, start, where):
    helper = start()
    picture = helper.new_picture(4, 5, 3, "uint8")
    with pytest.raises(RuntimeError, match="ValueError"):
        helper.ask(core.Request("get", picture=picture, **where))
    assert "ValueError" in capfd.readouterr().err


def test_an_answer_that_makes_no_sense_is_a_sentence(start, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nprintf '\\0\\0\\0\\5hello'\nexec sleep 60\n")
    (tmp_path / "python").chmod(0o755)
    helper = start(python=str(tmp_path / "python"))
    text = sentence(lambda: helper.ask(core.Request("pictures_among", files=[])))
    assert "does not understand its core" in text
    wait_until_gone(helper.process.pid)


def test_what_is_dropped_is_forgotten(capfd, start):
    helper = start()
    number = helper.new_picture(4, 5, 3, "uint8").handle
    helper.ask(core.Request("pictures_among", files=[]))  # takes the news along
    request = core.Request("on_canvas", picture={"handle": number}, height=4, width=5)
    assert "exit code 76" in sentence(lambda: helper.ask(request))
    assert "KeyError" in capfd.readouterr().err


def test_variables_of_the_host_do_not_reach_it(start, monkeypatch):
    """As an AppImage sets them; LD_PRELOAD alone would keep most programs from starting."""
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GTK_PATH", "GIO_EXTRA_MODULES"):
        monkeypatch.setenv(name, "/nonsense")
    helper = start()
    assert helper.ask(core.Request("pictures_among", files=FRAMES[:1])) == [str(FRAMES[0])]
    variables = Path(f"/proc/{helper.process.pid}/environ").read_text()
    assert "/nonsense" not in variables


def test_the_client_needs_the_standard_library_only():
    """It is imported without the folders of other packages."""
    plugin = str(Path(core.__file__).parents[1])
    code = f"import sys; sys.path.append({plugin!r}); import dustbust_gimp.core"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_windows_inherits_the_window_by_its_handle(monkeypatch):
    calls = {}

    class FakeWindows:
        @staticmethod
        def get_osfhandle(descriptor):
            return 1000 + descriptor

    monkeypatch.setitem(sys.modules, "msvcrt", FakeWindows)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "set_handle_inheritable", calls.__setitem__, raising=False)
    monkeypatch.setattr(subprocess, "STARTUPINFO", dict, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    argument, options = core.inherited(7)
    assert argument == "1007"
    assert calls == {1007: True}
    assert options == {
        "startupinfo": {"lpAttributeList": {"handle_list": [1007]}},
        "creationflags": 0x08000000,
    }


def test_a_system_without_memfd_uses_a_file_that_has_no_name(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    file, descriptor = core.new_file(8192)
    assert os.fstat(descriptor).st_size == 8192
    file.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("complete", [1, 4, 10])
def test_a_helper_that_is_killed_while_it_writes_leaves_no_file(start, tmp_path, complete):
    """Whole outputs stay; what is half written goes, and with it the process that removes it."""
    helper = start()
    files = [shutil.copy(FRAMES[0], tmp_path / f"{number:02}.jpg") for number in range(40)]
    dust = helper.ask(core.Request("load_mask", path=FRAMES[0].parents[1] / "run-dust.png"))
    settings = {"exists": "skip", "method": "fill", "threads": 2}
    request = core.Request("clean_files", files=files, dust=dust, folder="cleaned", **settings)
    answers = queue.SimpleQueue()
    helper.begin(request, answers.put)
    written = tmp_path / "cleaned"
    end = time.monotonic() + 30
    while len(list(written.glob("*.jpg"))) < complete:
        assert time.monotonic() < end
        time.sleep(0.002)
    (janitor,) = children(helper.process.pid)
    helper.process.kill()
    assert "SIGKILL" in sentence(lambda: core.value_of(answers.get(timeout=10)))
    wait_until_gone(janitor)
    outputs = list(written.glob("*.jpg"))
    assert 1 <= len(outputs) < 40
    for output in outputs:
        read_frame(output)  # raises when it is cut short
    assert not list(written.glob(".dustbust-batch-*.part"))


def children(number):
    """The processes that a process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        if parent == str(number):
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files a process has open")
def test_messages_are_out_of_reach_of_what_it_calls(helper):
    """Standard input is empty, and standard output is standard error."""
    helper.ask(core.Request("pictures_among", files=[]))
    source, target, error = (
        os.readlink(f"/proc/{helper.process.pid}/fd/{number}") for number in range(3)
    )
    assert source == os.devnull
    assert target == error
