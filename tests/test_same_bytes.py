"""Results are the same bytes on every processor, with any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"

# What numpy, its linear algebra and the C library do not use on older processors. Names that a
# build of numpy does not know are ignored.
OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
    "AVX512_ICL AVX512_SPR X86_V3 X86_V4",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}

ESTIMATE_AND_APPLY = """
import sys
import dustbust
folder, threads, *frames = sys.argv[1:]
dust = dustbust.estimate_mask(frames, polarity="both", threads=int(threads))
dust.save(folder + "/mask.png")
dustbust.clean_frames(frames[:2], dust, folder=folder, threads=int(threads))
"""

STACK = """
import sys
import dustbust
folder, threads, *scans = sys.argv[1:]
report = dustbust.stack_scans(scans, mode="dust-free", return_report=True, threads=int(threads))
report.page.tofile(folder + "/page")
report.registrations[1].matrix.tofile(folder + "/matrix")
report.dust.save(folder + "/mask.png")
"""


def made(program, pictures, folder, threads, environment):
    subprocess.run(
        [sys.executable, "-c", program, folder, str(threads), *pictures],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
@pytest.mark.parametrize(
    ("program", "pictures"),
    [(ESTIMATE_AND_APPLY, "run/frame*.jpg"), (STACK, "pair/scan-*.jpg")],
    ids=["estimate and apply", "stack"],
)
def test_an_older_processor_and_one_thread_make_the_same_files(tmp_path, program, pictures):
    for name in ("newer", "older"):
        (tmp_path / name).mkdir()
    paths = sorted(SAMPLES.glob(pictures))[:6]
    newer = made(program, paths, tmp_path / "newer", 2, {})
    assert len(newer) == 3
    assert newer == made(program, paths, tmp_path / "older", 1, OLDER)
