"""Masks and cleaned frames are the same bytes on every processor, with any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples" / "run"

# What numpy, its linear algebra and the C library do not use on older processors. Names that a
# build of numpy does not know are ignored.
OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
    "AVX512_ICL AVX512_SPR X86_V3 X86_V4",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}

PROGRAM = """
import sys
import dustbust
folder, threads, *frames = sys.argv[1:]
dust = dustbust.estimate_mask(frames, polarity="both", threads=int(threads))
dust.save(folder + "/mask.png")
dustbust.clean_frames(frames[:2], dust, folder=folder, threads=int(threads))
"""


def made(folder, threads, environment):
    frames = sorted(SAMPLES.glob("frame*.jpg"))[:6]
    subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, str(threads), *frames],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
def test_an_older_processor_and_one_thread_make_the_same_files(tmp_path):
    for name in ("newer", "older"):
        (tmp_path / name).mkdir()
    newer = made(tmp_path / "newer", 2, {})
    assert len(newer) == 3
    assert newer == made(tmp_path / "older", 1, OLDER)
