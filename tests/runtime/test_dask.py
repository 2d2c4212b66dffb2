"""Batches and masks are the same to the byte, wherever they are made.

As a program, in a process of its own since Dask starts more of them:

    python tests/runtime/test_dask.py FOLDER
"""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.__main__ import main
from dustbust.batch.receipt import RECEIPT_NAME as NAME
from dustbust.batch.receipt import Receipt, verify
from helpers import synthetic_run


def make_run(folder):
    """Eight frames, one of them no picture, and a mask."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    for index in range(7):
        Image.fromarray(rng.integers(60, 200, (60, 80, 3), np.uint8)).save(
            folder / f"{index}.{('png', 'jpg')[index % 2]}"
        )
    (folder / "7.png").write_text("no picture")
    grey = np.zeros((60, 80), np.float32)
    grey[20:24, 30:34] = grey[40:43, 60:63] = 1
    return dustbust.DustMask(grey, 0.5)


def outputs(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != NAME}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_any_executor_gives_the_same_bytes(tmp_path, kind):
    mask = make_run(tmp_path / "scans")
    here = dustbust.clean_frames(tmp_path / "scans", mask, "here")
    with (
        ThreadPoolExecutor(2)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor
    ):
        there = dustbust.clean_frames(tmp_path / "scans", mask, "there", executor=executor)
    assert outputs(here.folder) == outputs(there.folder)
    assert len(there.written) == 7
    assert list(there.failed.values()) == list(here.failed.values())
    assert Receipt.load(there.folder / NAME).files == Receipt.load(here.folder / NAME).files
    assert verify(there.folder) == []


def test_arrays_as_masks_reach_the_workers(tmp_path):
    make_run(tmp_path / "scans")
    dust = np.zeros((60, 80), np.float32)
    dust[20:24, 30:34] = 0.5
    here = dustbust.clean_frames(tmp_path / "scans", dust, "here", method="fill")
    with ThreadPoolExecutor(2) as executor:
        there = dustbust.clean_frames(
            tmp_path / "scans", dust, "there", method="fill", executor=executor
        )
    assert outputs(here.folder) == outputs(there.folder)


def test_two_dask_workers_give_the_same_bytes(tmp_path):
    tests = {
        "PYTHONPATH": os.pathsep.join(
            [str(Path(synthetic_run.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        )
    }
    done = subprocess.run(
        [sys.executable, __file__, tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **tests},
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_address_where_nobody_answers_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("dustbust.runtime.dask.PATIENCE", 1)
    make_run(tmp_path / "scans").save(tmp_path / "mask.png")
    assert (
        main(
            [
                "apply",
                str(tmp_path / "mask.png"),
                str(tmp_path / "scans"),
                "--dask",
                "tcp://127.0.0.1:9",
            ]
        )
        == 1
    )
    assert "no Dask scheduler answers" in capsys.readouterr().err


def with_dask(folder):
    """Through Python and through the command line, on a scheduler with two worker processes."""
    from distributed import Client, LocalCluster

    mask = make_run(folder / "scans")
    mask.save(folder / "mask.png")
    here = dustbust.clean_frames(folder / "scans", mask, "here")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        with Client(cluster) as client, client.get_executor() as executor:
            assert len(client.scheduler_info()["workers"]) == 2
            there = dustbust.clean_frames(folder / "scans", mask, "there", executor=executor)
        failed = main(
            [
                "apply",
                str(folder / "mask.png"),
                str(folder / "scans"),
                "--folder",
                "line",
                "--dask",
                cluster.scheduler_address,
            ]
        )
    assert outputs(here.folder) == outputs(there.folder) == outputs(folder / "scans" / "line")
    assert len(there.written) == 7
    assert len(there.failed) == 1
    assert failed == 1
    assert main(["verify", str(there.folder)]) == 0


def estimate_with_dask(folder):
    """The same for masks: of 20 frames, which are three parts, and of the two runs in them."""
    from distributed import Client, LocalCluster

    (folder / "run").mkdir()
    frames = synthetic_run.run(3, 11)[0] + synthetic_run.run(4, 9)[0]
    paths = [folder / "run" / f"{index:02d}.png" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    dustbust.estimate_mask(paths).save(folder / "here.png")
    dustbust.estimate_runs(paths, folder / "here")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        with Client(cluster) as client, client.get_executor() as executor:
            dustbust.estimate_mask(paths, executor=executor).save(folder / "there.png")
        line = ["estimate", str(folder / "run"), "--dask", cluster.scheduler_address]
        assert main([*line, "-o", str(folder / "line.png")]) == 0
        assert main([*line, "--runs", "-o", str(folder / "line")]) == 0
    assert (
        (folder / "here.png").read_bytes()
        == (folder / "there.png").read_bytes()
        == (folder / "line.png").read_bytes()
    )
    assert outputs(folder / "here") == outputs(folder / "line")
    assert len(outputs(folder / "here")) == 3


if __name__ == "__main__":
    with_dask(Path(sys.argv[1]))
    estimate_with_dask(Path(sys.argv[1]))
