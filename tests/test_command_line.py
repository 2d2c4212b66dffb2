"""The command line does what the functions do, and says what went wrong."""

import importlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dustbust
from dustbust.__main__ import main
from dustbust.command_line.options import show_progress
from dustbust.estimation.methods import METHODS as ESTIMATION_METHODS
from dustbust.files.read import read_frame
from dustbust.restoration.methods import METHODS as RESTORATION_METHODS
from dustbust.stacking.modes import MODES as STACKING_MODES

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(SAMPLES / "run", tmp_path / "run"))


def test_same_mask_and_same_pixels_as_the_functions(run, tmp_path, capsys):
    frames = sorted(run.glob("*.jpg"))
    assert (
        main(
            [
                "estimate",
                "--first",
                str(frames[0]),
                "--last",
                str(frames[-1]),
                "-o",
                str(tmp_path / "mask.png"),
            ]
        )
        == 0
    )
    assert "8 frames" in capsys.readouterr().out
    dust = dustbust.estimate_mask(frames)
    loaded = dustbust.DustMask.load(tmp_path / "mask.png")
    assert np.array_equal(loaded.grey, dust.grey)
    assert loaded.threshold == dust.threshold

    assert main(["apply", str(tmp_path / "mask.png"), str(run)]) == 0
    dustbust.clean_frames(frames, dust, tmp_path / "by-function")
    for frame in frames:
        assert np.array_equal(
            read_frame(run / "cleanedphotos" / frame.name),
            read_frame(tmp_path / "by-function" / frame.name),
        )

    assert (
        main(
            [
                "compare",
                str(frames[0]),
                str(run / "cleanedphotos" / frames[0].name),
                "-o",
                str(tmp_path / "both.png"),
            ]
        )
        == 0
    )
    assert read_frame(tmp_path / "both.png").shape == (960, 2 * 960 + 4, 3)


def test_apply_without_frames_takes_those_of_the_mask(run, tmp_path):
    frames = sorted(run.glob("*.jpg"))[:4]
    dustbust.estimate_mask(frames).save(tmp_path / "mask.png")
    assert main(["apply", str(tmp_path / "mask.png")]) == 0
    assert [path.name for path in sorted((run / "cleanedphotos").glob("*.jpg"))] == [
        path.name for path in frames
    ]


def test_frames_are_found_from_any_folder_and_when_they_have_moved_with_their_mask(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(run)
    assert (
        main(
            [
                "estimate",
                "frame01.jpg",
                "frame02.jpg",
                "frame03.jpg",
                "frame04.jpg",
                "frame05.jpg",
                "-o",
                "mask.png",
            ]
        )
        == 0
    )
    monkeypatch.chdir(tmp_path)
    assert main(["apply", "run/mask.png"]) == 0
    assert len(list((run / "cleanedphotos").glob("*.jpg"))) == 5
    shutil.rmtree(run / "cleanedphotos")
    moved = run.rename(tmp_path / "moved")
    (moved / "dust-masks").mkdir()
    shutil.copy(moved / "mask.png", moved / "dust-masks")
    for mask in ("mask.png", "dust-masks/mask.png"):
        assert main(["apply", str(moved / mask), "--exists", "overwrite"]) == 0
        assert "5 written" in capsys.readouterr().out
    shutil.move(moved / "mask.png", tmp_path)
    assert main(["apply", "mask.png"]) == 1
    assert (
        "frame01.jpg: there is no such file, nor any of the other 4 frames"
        in capsys.readouterr().err
    )
    assert not run.exists()
    assert not (tmp_path / "cleanedphotos").exists()


def test_particles_above_the_largest_are_left_alone(run, tmp_path):
    frames = sorted(map(str, run.glob("*.jpg")))
    sizes = []
    for limits in ([], ["--smallest", "30", "--largest", "300"]):
        assert main(["estimate", *frames, "-o", str(tmp_path / "mask.png"), *limits]) == 0
        sizes.append(
            [
                particle[2]
                for particle in dustbust.DustMask.load(tmp_path / "mask.png").report["particles"]
            ]
        )
    assert min(sizes[0]) < 30
    assert max(sizes[0]) > 300
    assert sizes[1]
    assert min(sizes[1]) >= 30
    assert max(sizes[1]) <= 300


def test_a_higher_threshold_changes_less(run, tmp_path):
    frame = run / "frame01.jpg"
    dustbust.estimate_mask(sorted(run.glob("*.jpg"))).save(tmp_path / "mask.png")
    changed = []
    for threshold in ("0.05", "0.6", "1"):
        assert (
            main(
                [
                    "apply",
                    str(tmp_path / "mask.png"),
                    str(frame),
                    "--threshold",
                    threshold,
                    "--exists",
                    "overwrite",
                ]
            )
            == 0
        )
        before, after = (
            read_frame(path).astype(int) for path in (frame, run / "cleanedphotos" / frame.name)
        )
        changed.append((np.abs(before - after).max(axis=2) > 30).sum())
    assert changed[0] > changed[1] > changed[2]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_stack_writes_the_page(tmp_path, suffix):
    scans = [SAMPLES / "pair" / name for name in ("scan-a.jpg", "scan-b.jpg")]
    page = tmp_path / f"page{suffix}"
    assert main(["stack", *map(str, scans), "-o", str(page), "--mode", "maximum"]) == 0
    assert np.array_equal(read_frame(page), dustbust.stack_scans(scans, mode="maximum"))
    assert (
        main(
            [
                "stack",
                str(SAMPLES / "pair"),
                "-o",
                str(tmp_path / f"of-folder{suffix}"),
                "--mode",
                "maximum",
            ]
        )
        == 0
    )
    assert (tmp_path / f"of-folder{suffix}").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["estimate"], "no frames"),
        (["estimate", "nowhere.jpg"], "nowhere.jpg: there is no such file"),
        (["apply", "nowhere.png", "a.jpg"], "nowhere.png: there is no such file"),
        (["stack", str(SAMPLES / "pair" / "scan-a.jpg"), "-o", "page.png"], "at least two scans"),
        (
            [
                "stack",
                str(SAMPLES / "pair" / "scan-a.jpg"),
                str(SAMPLES / "pair" / "scan-b.jpg"),
                "-o",
                "page.gif",
            ],
            "page.gif: the name must end in",
        ),
        (
            ["estimate", str(SAMPLES / "run"), "-o", "mask.jpg"],
            "mask.jpg: the name must end in .png",
        ),
        (
            ["estimate", str(SAMPLES / "run"), "-o", "nowhere/mask.png"],
            "there is no folder nowhere",
        ),
        (
            ["apply", str(SAMPLES / "run" / "frame01.jpg")],
            "frame01.jpg: has colours, but a mask is black and white",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(
    tmp_path, monkeypatch, capsys, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("dustbust: ")
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_pairs_of_a_folder(tmp_path, capsys):
    folder = tmp_path / "scans"
    folder.mkdir()
    for page in (1, 2):
        for name in ("a", "b"):
            shutil.copy(SAMPLES / "pair" / f"scan-{name}.jpg", folder / f"page{page}{name}.jpg")
    (folder / "page2b.jpg").write_text("not a picture")
    assert main(["stack", "--pairs", str(folder), "--mode", "minimum", "--no-align"]) == 1
    printed = capsys.readouterr()
    assert "1 pages written, 0 there already, 1 failed" in printed.out
    assert "page2b.jpg" in printed.err
    assert [path.name for path in (folder / "pages").iterdir()] == ["page1a.jpg"]
    page = folder / "pages" / "page1a.jpg"
    written = page.stat().st_mtime_ns
    shutil.copy(
        SAMPLES / "pair" / "scan-b.jpg", folder / "page2b.jpg"
    )  # put right and run again, it goes on
    assert main(["stack", "--pairs", str(folder), "--mode", "minimum", "--no-align"]) == 0
    assert "1 pages written, 1 there already, 0 failed" in capsys.readouterr().out
    assert page.stat().st_mtime_ns == written
    (folder / "page2b.jpg").unlink()
    assert main(["stack", "--pairs", str(folder)]) == 1
    assert "3 scans cannot be divided into groups of 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate", "a.png", "b.png", "-o", "b.png"],
        ["estimate", "a.png", "b.png", "-o", "mask.png", "--plot", "b.png"],
        ["stack", "a.png", "b.png", "-o", "b.png"],
        ["stack", "a.png", "b.png", "-o", "page.png", "--dust", "b.png"],
        ["compare", "a.png", "b.png", "-o", "b.png"],
        ["estimate", "a.png", "--blank", "b.png", "-o", "b.png", "--overwrite"],
        ["estimate", "a.png", "--blank", "b.png", "--plot", "b.png", "--overwrite"],
    ],
)
def test_no_picture_is_written_over_one_that_it_is_made_from(
    tmp_path, monkeypatch, capsys, arguments
):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        dustbust.files.write.write_picture(
            f"{name}.png", read_frame(SAMPLES / "pair" / f"scan-{name}.jpg")
        )
    before = Path("b.png").read_bytes()
    assert main(arguments) == 1
    assert (
        "b.png: is one of the pictures it is made from, which are never written over"
        in capsys.readouterr().err
    )
    assert Path("b.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate", "a.png", "b.png", "-o", "new.png", "--plot", "./new.png"],
        ["stack", "a.png", "b.png", "-o", "new.png", "--dust", "./new.png"],
    ],
)
def test_two_results_are_not_written_to_one_file(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        dustbust.files.write.write_picture(f"{name}.png", np.zeros((32, 32), np.uint8))
    assert main(arguments) == 1
    assert "new.png: is the name of two of the new files" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_names_of_files_are_printed_as_one_line_each(run, tmp_path, capsys):
    mask = tmp_path / "mask\n\x1b[31m.png"
    assert main(["estimate", str(run), "-o", str(mask)]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}/mask\\n\\x1b[31m.png: 8 frames")
    (run / "a\nb").mkdir()
    for frame in run.glob("*.jpg"):
        frame.rename(run / "a\nb" / frame.name)
    for _ in range(2):
        assert main(["apply", str(mask), str(run / "a\nb")]) == 0
        assert all("a\\nb/cleanedphotos: " in line for line in capsys.readouterr().out.splitlines())


def test_a_mask_is_no_frame(run, tmp_path, capsys):
    for name in ("mask.png", "mask-again.png"):
        assert main(["estimate", str(run), "-o", str(run / name)]) == 0
        assert "8 frames" in capsys.readouterr().out
    assert (
        main(["estimate", *map(str, sorted(run.iterdir())), "-o", str(tmp_path / "mask.png")]) == 1
    )
    assert "mask-again.png: is a dust mask, not a frame" in capsys.readouterr().err


def test_one_bad_frame_is_named_and_the_others_are_done(run, tmp_path, capsys):
    dustbust.estimate_mask(sorted(run.glob("*.jpg"))).save(tmp_path / "mask.png")
    (run / "frame03.jpg").write_text("not a picture")
    assert main(["apply", str(tmp_path / "mask.png"), str(run)]) == 1
    assert "frame03.jpg" in capsys.readouterr().err
    assert len(list((run / "cleanedphotos").glob("*.jpg"))) == 7


def test_a_mask_for_each_run_of_a_folder(run, capsys):
    assert main(["estimate", "--runs", str(run)]) == 0
    assert [path.name for path in (run / "dust-masks").glob("*.png")] == ["frame01-frame08.png"]
    printed = capsys.readouterr().out.splitlines()
    assert (run / "dust-masks" / "runs.csv").read_text().splitlines()[0].split(",") == re.split(
        "  +", printed[0]
    )
    assert printed[1].split()[:4] == ["frame01-frame08.png", "frame01.jpg", "frame08.jpg", "8"]

    (run / "dust-masks" / "frame01-frame08.png").rename(run / "dust-masks" / "b.png")
    lost = dustbust.DustMask(np.zeros((4, 4)), 0.5, frames=("gone.jpg",))
    lost.save(run / "dust-masks" / "a.png")
    assert main(["apply", str(run / "dust-masks")]) == 1
    printed = capsys.readouterr()
    assert "8 written, 0 there already, 0 failed" in printed.out
    assert "gone.jpg: there is no such file" in printed.err
    assert main(["apply", str(run / "dust-masks"), str(run)]) == 1
    assert (
        "each mask of a folder goes with the frames that it was made from"
        in capsys.readouterr().err
    )
    assert main(["apply", str(run)]) == 1
    assert "there are no dust masks" in capsys.readouterr().err


def test_without_a_last_frame_the_run_goes_as_far_as_the_dust(run, tmp_path):
    for name in (
        "frame01.jpg",
        "frame02.jpg",
        "frame03.jpg",
    ):  # turned by half a turn, the dust is elsewhere
        pixels = read_frame(run / name)
        dustbust.files.write.write_picture(
            run / f"later-{name}", np.ascontiguousarray(pixels[::-1, ::-1])
        )
    assert (
        main(["estimate", "--first", str(run / "frame01.jpg"), "-o", str(tmp_path / "mask.png")])
        == 0
    )
    assert [Path(name).name for name in dustbust.DustMask.load(tmp_path / "mask.png").frames] == [
        f"frame{k:02d}.jpg" for k in range(1, 9)
    ]


def test_the_installed_command_is_the_module(monkeypatch, capsys):
    """Both run `program`, which keeps freed memory and ends with the exit code of `main`."""
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    (target,) = re.findall(r'^dustbust = "(.+)"$', project, re.MULTILINE)
    module, _, function = target.partition(":")
    program_file = Path(dustbust.__file__).with_name("__main__.py")
    kept = []
    monkeypatch.setattr(dustbust.runtime.memory, "keep_for_reuse", lambda: kept.append(True))
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/dustbust", "verify", "nowhere"])
    for run in (
        getattr(importlib.import_module(module), function),
        lambda: runpy.run_path(program_file, run_name="__main__"),
    ):
        with pytest.raises(SystemExit) as ended:
            run()
        assert ended.value.code == 1
        assert kept.pop()
        assert not kept
        assert "nowhere: there is no receipt here" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"dustbust {dustbust.__version__}\n"


def help_of(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("estimate", ESTIMATION_METHODS),
        ("apply", RESTORATION_METHODS),
        ("stack", STACKING_MODES),
    ],
)
def test_help_lists_each_choice_and_its_options(command, table, capsys):
    text = help_of(command, capsys)
    for entry in table.values():
        assert f"{entry.name}: {entry.summary}" in text
        for option in entry.options:
            assert f"--{option.name}" in text
            assert option.summary in text


def test_apply_counts_what_exists_before_it_writes(run, tmp_path, capsys):
    mask, cleaned = tmp_path / "mask.png", run / "cleanedphotos"
    dustbust.estimate_mask(sorted(run.glob("*.jpg"))).save(mask)
    assert main(["apply", str(mask), str(run)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{cleaned}: 8 written, 0 there already, 0 failed"
    ]
    edited = cleaned / "frame02.jpg"
    dustbust.files.write.write_picture(edited, 255 - read_frame(edited))
    retouched = edited.read_bytes()
    assert main(["apply", str(mask), str(run), "--method", "fill", "--grow", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        f"{cleaned}: 7 made with another mask or other settings, 1 changed by you"
    )
    assert edited.read_bytes() == retouched


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["estimate", "x.png", "--method", "sum", "--smallest", "9"], "has no option"),
        (["stack", "x.png", "--mode", "mean", "--polarity", "dark", "-o", "p.png"], "no option"),
    ],
)
def test_an_option_of_another_method_is_refused(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x", "y"):
        dustbust.files.write.write_picture(f"{name}.png", np.zeros((32, 32), np.uint8))
    arguments[2:2] = ["y.png"]
    assert main(arguments) == 1
    assert sentence in capsys.readouterr().err


def test_a_value_out_of_range_is_refused_with_the_range(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["estimate", "x.png", "--method", "sum", "--blur", "0"])
    assert ended.value.code == 2
    assert "blur must be from 1 to 1,000 px, not 0" in capsys.readouterr().err


def lines_of_json(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_results_for_programs_are_lines_of_json(run, tmp_path, capsys):
    mask, frames = tmp_path / "mask.png", sorted(run.glob("*.jpg"))
    assert main(["estimate", str(run), "-o", str(mask), "--json"]) == 0
    (told,) = lines_of_json(capsys)
    dust = dustbust.DustMask.load(mask)
    assert told["mask"] == str(mask)
    assert told["frames"] == list(map(str, frames))
    assert told["threshold"] == dust.threshold
    assert told["particles"] == len(dust.particles)
    assert told["coverage"] == dust.coverage

    frames[3].write_bytes(frames[3].read_bytes()[:9000])
    assert main(["apply", str(mask), str(run), "--json"]) == 1
    (told,) = lines_of_json(capsys)
    cleaned = run / "cleanedphotos"
    assert told["folder"] == str(cleaned)
    assert sorted(told["written"]) == sorted(map(str, cleaned.glob("*.jpg")))
    assert list(told["failed"]) == [str(frames[3])]

    assert main(["verify", str(cleaned), "--json"]) == 0
    assert lines_of_json(capsys) == [{"folder": str(cleaned), "problems": []}]
    (cleaned / frames[0].name).write_bytes(b"changed")
    assert main(["verify", str(cleaned), "--json"]) == 1
    (told,) = lines_of_json(capsys)
    assert len(told["problems"]) == 1
    assert frames[0].name in told["problems"][0]


def test_a_page_for_programs_is_a_line_of_json(tmp_path, capsys):
    scans = sorted(map(str, (SAMPLES / "pair").glob("*.jpg")))
    page = tmp_path / "page.png"
    command = ["stack", *scans, "-o", str(page), "--mode", "mean", "--json"]
    assert main(command) == 0
    (told,) = lines_of_json(capsys)
    assert (told["page"], told["scans"], told["mode"]) == (str(page), scans, "mean")
    registered = dustbust.register_scans(scans)
    assert told["moved"] == [found.moved for found in registered]


def test_the_manual_page_describes_every_option(capsys):
    assert main(["manual", "man"]) == 0
    page = capsys.readouterr().out
    for command, words in {
        "estimate": ("--polarity POLARITY", "--smallest PX", "--json\n"),
        "apply": ("--exists",),
        "gimp": ("install",),
    }.items():
        assert f".SS dustbust {command}\n" in page
        assert all(word.replace("-", "\\-") in page for word in words)
    assert "SUPPRESS" not in page


@pytest.mark.skipif(os.name == "nt", reason="streams cannot be closed like this")
@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2)])
def test_the_work_is_done_without_a_place_for_what_is_printed(run, tmp_path, closed):
    mask = tmp_path / "mask.png"
    command = [sys.executable, "-m", "dustbust", "estimate", str(run), "-o", str(mask)]
    shell = f'exec "$@" {" ".join(f"{stream}>&-" for stream in closed)}'
    done = subprocess.run(["sh", "-c", shell, "sh", *command], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert mask.exists()


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no program to read it with")
def test_the_manual_page_can_be_read(tmp_path, capsys):
    main(["manual", "man"])
    (tmp_path / "dustbust.1").write_text(capsys.readouterr().out)
    command = ["man", "--warnings", "-l", tmp_path / "dustbust.1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "cleanedphotos" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_values(tmp_path, capsys):
    main(["manual", "bash"])
    (tmp_path / "completion").write_text(capsys.readouterr().out)

    def completed(*words):
        code = (
            f'source {tmp_path / "completion"}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            '_dustbust; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        command = ["bash", "-c", code, "bash", "dustbust", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("es") == ["estimate"]
    assert completed("apply", "--ex") == ["--exists"]
    assert completed("apply", "--exists", "") == ["skip", "overwrite", "rename"]
    assert completed("gimp", "") == ["--help", "install", "uninstall", "list"]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "files that were finished are whole"),
        (MemoryError(), 1, "not enough memory"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (PermissionError(13, "Permission denied", "roll"), 1, "roll (Permission denied)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stops_a_command_is_one_sentence_and_an_exit_code(
    monkeypatch, capsys, error, code, sentence
):
    def stop(folder, progress):
        raise error

    monkeypatch.setattr("dustbust.command_line.verify.verify", stop)
    assert main(["verify", "roll"]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("dustbust: ")
    assert output.err.count("\n") == 1
    assert sentence in output.err


def test_the_progress_bar_is_filled_as_far_as_the_work_is_done(capsys):
    show_progress(0.5, "/roll/" + 50 * "x" + ".tif")
    bar = capsys.readouterr().err
    assert bar == f"\r[{15 * '#'}{15 * '.'}]  50 %  {40 * 'x'}\r"
    show_progress(1.0, "2.tif")
    assert capsys.readouterr().err == f"\r{len(bar[1:-1]) * ' '}\r"
