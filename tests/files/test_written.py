"""Only files that this program wrote, and nobody changed, are replaced unasked."""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dustbust.command_line import main
from dustbust.files import written
from dustbust.files.write import new_file, write_picture
from dustbust.files.written import state_folder, wrote


@pytest.fixture
def scans(tmp_path):
    """Two scans of a page, one with a speck."""
    rng = np.random.default_rng(1)
    page = rng.integers(60, 200, (96, 128), np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(page).save(tmp_path / name)
        page = page.copy()
        page[40:44, 50:54] = 255
    return [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def commands(scans, tmp_path):
    """Each command with an output of its own: (words, output)."""
    page, picture = tmp_path / "page.tif", tmp_path / "compared.png"
    return [
        (["stack", "--no-align", "--mode", "maximum", *scans, "-o", str(page)], page),
        (["compare", *scans, "-o", str(picture)], picture),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_an_output_is_replaced_as_long_as_nobody_changed_it(scans, tmp_path, capsys, which):
    words, output = commands(scans, tmp_path)[which]
    assert main(words) == 0
    assert main(words) == 0
    with Image.open(output) as opened:
        opened.load()
        opened.crop((0, 0, 40, 40)).save(output)
    mine = output.read_bytes()
    assert main(words) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_bytes() == mine
    assert main([*words, "--overwrite"]) == 0
    assert output.read_bytes() != mine
    assert main(words) == 0


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_of_somebody_else_is_kept(scans, tmp_path, capsys, which):
    words, output = commands(scans, tmp_path)[which]
    output.write_text("Dear Sir")
    assert main(words) == 1
    assert str(output) in capsys.readouterr().err
    assert output.read_text() == "Dear Sir"


def test_a_mask_and_its_plot_of_somebody_else_are_kept(scans, tmp_path, capsys):
    for name, option in (("mask.png", "-o"), ("plot.png", "--plot")):
        (tmp_path / name).write_text("Dear Sir")
        others = ["-o", str(tmp_path / "new.png")] if option == "--plot" else []
        assert main(["estimate", *scans, *others, option, str(tmp_path / name)]) == 1
        assert name in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "Dear Sir"


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(written, "REMEMBERED", 10)
    for index in range(30):
        write_picture(tmp_path / f"{index}.png", np.full((3, 3), index, np.uint8))
    assert len((state_folder() / "written").read_bytes().splitlines()) <= 10
    assert wrote(tmp_path / "29.png")
    assert not wrote(tmp_path / "0.png")
    assert os.listdir(state_folder()) == ["written"]


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "state").write_text("not a folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_picture(tmp_path / "a.png", np.zeros((3, 3), np.uint8))
    assert not wrote(tmp_path / "a.png")


def test_two_writers_of_one_name_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "page.png"
    with new_file(path) as first, new_file(path) as second:
        first.write_bytes(b"A" * 1000)
        second.write_bytes(b"B" * 10)
        assert first != second
    assert path.read_bytes() == b"A" * 1000
    assert os.listdir(tmp_path) == ["page.png"]


def test_a_new_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    real = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append("fsync") or real[0](file))
    monkeypatch.setattr(os, "replace", lambda a, b: done.append("replace") or real[1](a, b))
    write_picture(tmp_path / "a.png", np.zeros((3, 3), np.uint8))
    assert done[:3] == ["fsync", "replace", "fsync"]


def run(words, **options):
    return subprocess.run(
        [sys.executable, "-m", "dustbust", *words], capture_output=True, text=True, **options
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_or_closed_or_narrow_output_is_a_sentence(scans, tmp_path):
    words = ["compare", *scans, "-o", str(tmp_path / "compared-ä.png")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dustbust", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "dustbust", *words], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    narrow = run(words, env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert narrow.returncode == 0
    assert "\\xe4" in narrow.stdout


def test_too_little_memory_is_a_sentence(scans, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))

    Image.new("RGB", (14000, 14000)).save(tmp_path / "huge.jpg")
    done = run(
        ["compare", str(tmp_path / "huge.jpg"), scans[0], "-o", str(tmp_path / "c.png")],
        preexec_fn=limit,
    )
    assert done.returncode == 1
    assert "memory" in done.stderr
    assert done.stderr.count("\n") == 1
