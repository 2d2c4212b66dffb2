"""Batch mode: Script-Fu, Python in GIMP, the command line and the core give the same files."""

import shutil

import pytest

from conftest import CHECKOUT, PREFIX

FRAMES = sorted((CHECKOUT / "tests" / "samples" / "run").glob("*.jpg"))[:4]

SCRIPT_FU = """
(let* ((mask (car (plug-in-dustbust-estimate-mask #:run-mode RUN-NONINTERACTIVE
                                                  #:first-frame "{first}" #:last-frame "{last}")))
       (layers (car (gimp-image-get-selected-layers mask))))
  (gimp-file-save RUN-NONINTERACTIVE mask "{folder}/mask.xcf")
  (plug-in-dustbust-apply-mask #:run-mode RUN-NONINTERACTIVE #:image mask #:drawables layers
                               #:folder "{folder}/script-fu")
  (gimp-image-delete mask))
"""

CORE = """
import dustbust
files = dustbust.files.find.frames_between("{first}", "{last}")
dust = dustbust.estimate_mask(files)
dust.save("{folder}/core.png")
dustbust.clean_frames(files, dust, "{folder}/core")
"""


@pytest.fixture
def run(tmp_path):
    """Some frames, and what the templates above call them."""
    for path in FRAMES:
        shutil.copy(path, tmp_path)
    return {
        "folder": tmp_path,
        "first": tmp_path / FRAMES[0].name,
        "last": tmp_path / FRAMES[-1].name,
    }


def cleaned(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.jpg")}


def test_all_ways_give_the_same_files(gimp, run, tmp_path):
    gimp.console("plug-in-script-fu-eval", SCRIPT_FU.format(**run))
    in_python, __ = gimp.run_script(
        CHECKOUT / "tests/gimp/inside/batch.py",
        *map(str, (run["first"], run["last"], tmp_path / "python")),
    )
    assert in_python["status"] == "SUCCESS"
    python = gimp.python
    for command in (
        [python, "-c", CORE.format(**run)],
        [
            python,
            "-m",
            "dustbust",
            "estimate",
            "--first",
            run["first"],
            "--last",
            run["last"],
            "-o",
            tmp_path / "cli.png",
        ],
        [python, "-m", "dustbust", "apply", tmp_path / "cli.png", "--folder", tmp_path / "cli"],
    ):
        done = gimp.command(command)
        assert done.returncode == 0, done.stdout + done.stderr
    expected = cleaned(tmp_path / "core")
    assert sorted(expected) == [path.name for path in FRAMES]
    for way in ("script-fu", "python", "cli"):
        assert cleaned(tmp_path / way) == expected, way
    assert (tmp_path / "cli.png").read_bytes() == (tmp_path / "core.png").read_bytes()
    # What was saved as XCF, in a GIMP that has been closed since, is the same mask.
    again, __ = gimp.run_script(
        CHECKOUT / "tests/gimp/inside/apply_saved.py",
        str(tmp_path / "mask.xcf"),
        str(tmp_path / "later"),
    )
    assert again["status"] == "SUCCESS"
    assert cleaned(tmp_path / "later") == expected


def test_failure_is_an_exit_code_and_a_sentence(gimp, run):
    done = gimp.console(
        "plug-in-script-fu-eval",
        SCRIPT_FU.format(**{**run, "first": run["folder"] / "gone.jpg"}),
        check=False,
    )
    assert done.returncode == 70
    assert "gone.jpg: there is no such file" in done.stdout + done.stderr
    assert not (run["folder"] / "script-fu").exists()


def test_batch_mode_prints_warnings(gimp, run):
    """A mask of four frames is a warning on the console; the success of Apply is not."""
    done = gimp.console("plug-in-script-fu-eval", SCRIPT_FU.format(**run))
    console = done.stdout + done.stderr
    assert "Only 4 frames of different scenes" in console
    assert "cleaned frames are in" not in console


def test_german(gimp, run):
    """The core's sentences are in the plug-in's catalogue, so they are German in a German GIMP."""
    german = {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}.items()
    if "de_DE.utf8" not in gimp.command(["locale", "-a"]).stdout:
        assert not PREFIX, "the private GIMP has no German locale"
        pytest.skip("without a German locale (de_DE.UTF-8), gettext does not translate")
    gone = SCRIPT_FU.format(**{**run, "first": run["folder"] / "gone.jpg"})
    done = gimp.console("plug-in-script-fu-eval", gone, check=False, environment=german)
    assert done.returncode == 70
    assert "gone.jpg: Diese Datei gibt es nicht" in done.stdout + done.stderr
    run["last"].write_bytes(run["last"].read_bytes()[:20000])
    done = gimp.console(
        "plug-in-script-fu-eval", SCRIPT_FU.format(**run), check=False, environment=german
    )
    assert (
        f"{run['last']}: ist ein beschädigtes oder unvollständiges JPEG"
        in done.stdout + done.stderr
    ), done.stdout + done.stderr


def test_without_the_core_it_registers_and_says_what_to_do(gimp, tmp_path):
    """The plug-in's own folder without the package dustbust, in GIMP's plug-in folder."""
    target = tmp_path / "plug-ins" / "dustbust-gimp"
    target.mkdir(parents=True)
    for name in ("dustbust-gimp.py", "dustbust_gimp", "locale"):
        source = CHECKOUT / "plugin" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target / name)
    path = gimp.environment["GIMP_TESTING_PLUGINDIRS"].replace(
        str(gimp.plug_in.parent), str(target.parent)
    )
    done = gimp.console(
        "plug-in-script-fu-eval",
        '(plug-in-dustbust-estimate-mask #:run-mode RUN-NONINTERACTIVE #:polarity "dark")',
        check=False,
        environment={
            "GIMP_TESTING_PLUGINDIRS": path,
            "GIMP3_DIRECTORY": tmp_path / "profile",
        }.items(),
    )
    assert done.returncode == 70
    assert "run install.sh again" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_demo_of_install_sh(gimp, tmp_path):
    """The very batch script that install.sh --demo runs."""
    (tmp_path / "run").mkdir()
    for path in FRAMES:
        shutil.copy(path, tmp_path / "run")
    done = gimp.command(
        [
            "sh",
            "-c",
            f"cd {tmp_path} && gimp-console -nidfs --quit --batch-interpreter python-fu-eval -b - "
            f"< {CHECKOUT / 'tests/gimp/demo_batch.py'}",
        ]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "mask.png").exists()
    assert len(cleaned(tmp_path / "run" / "cleanedphotos")) == len(FRAMES)


def test_the_environment_of_an_appimage_does_not_reach_the_core(gimp, run):
    """AppImages export these for their own programs; the helper's interpreter is another one."""
    prefix = {"PYTHONHOME": "/usr", "PYTHONPATH": "/usr/lib/python3/dist-packages"}
    nonsense = {
        "LD_PRELOAD": "/nonsense/preloaded.so",
        "LD_LIBRARY_PATH": "/nonsense/lib",
        "PYTHONSTARTUP": "/nonsense/startup.py",
        "GIO_EXTRA_MODULES": "/nonsense/gio",
        "VIRTUAL_ENV": "/nonsense/venv",
    }
    environment = {**prefix, **nonsense}.items()
    gimp.console("plug-in-script-fu-eval", SCRIPT_FU.format(**run), environment=environment)
    assert sorted(cleaned(run["folder"] / "script-fu")) == [path.name for path in FRAMES]
