"""Quality and speed of the fill, beside OpenCV, scikit-image and candidates that were not kept.

    python -m pip install opencv-python-headless scikit-image scipy
    python tests/bench/fill.py quality [--photos FOLDER]
        PSNR in holes with the shape of real dust
    python tests/bench/fill.py pairs --pairs FOLDER [--pictures FOLDER]
        error against scans that were cleaned by hand, and before/after pictures at 200 %
    python tests/bench/fill.py speed
        processor time of 24 megapixels, 1.4 % dust

`--photos` takes clean pictures. Without it the sample run serves, with the mask turned round so
that it falls on clean picture.
`--pairs` takes NAME_dirty.jpg, NAME_clean.jpg and NAME_diffmask.png.
All figures are without added grain, which always costs PSNR. Times are of the processor, so
another program does not change them much.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve
from skimage.restoration import inpaint_biharmonic

from dustbust.image.morphology import dilate
from dustbust.restoration.box_fill import fill_boxes
from dustbust.restoration.inpaint import fill_at, fill_pixels, grain_at

SAMPLES = Path(__file__).parents[1] / "samples"


def original(image, mask):
    """Means over a 7 x 7 box, pass after pass."""
    return fill_boxes(image, mask, grow=0, soften=0)[0]


def navier_stokes(image, mask):
    return cv2.inpaint(image, mask.astype(np.uint8), 3, cv2.INPAINT_NS)


def telea(image, mask):
    return cv2.inpaint(image, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)


def biharmonic(image, mask):
    return inpaint_biharmonic(image, mask, channel_axis=2, split_into_regions=True) * 255


def harmonic(image, mask):
    """A membrane: each masked pixel is the mean of its four neighbours."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns, known = [], [], np.zeros((mask.sum(), image.shape[2]))
    degree = np.zeros(mask.sum())
    y, x = np.nonzero(mask)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        v, u = y + dy, x + dx
        inside = (v >= 0) & (u >= 0) & (v < mask.shape[0]) & (u < mask.shape[1])
        degree += inside
        at, v, u = np.flatnonzero(inside), v[inside], u[inside]
        hole = mask[v, u]
        rows.append(at[hole])
        columns.append(number[v[hole], u[hole]])
        known[at[~hole]] += image[v[~hole], u[~hole]]
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    diagonal = np.arange(degree.size)
    matrix = coo_matrix(
        (
            np.concatenate([-np.ones(rows.size), degree]),
            (np.concatenate([rows, diagonal]), np.concatenate([columns, diagonal])),
        )
    )
    result = image.astype(np.float64)
    result[mask] = spsolve(matrix.tocsc(), known).reshape(known.shape)
    return result


def normalised_convolution(image, mask):
    """Gaussian mean of known pixels, as wide as the hole is deep (Knutsson and Westin, 1993)."""
    result, depth = image.astype(np.float32), distance_transform_edt(mask)
    for sigma in (1.0, 1.5, 2.5, 4.0, 8.0, 16.0, 32.0):
        blur = [
            cv2.GaussianBlur(plane, (0, 0), sigma)
            for plane in ((~mask).astype(np.float32), image * (~mask[..., None]).astype(np.float32))
        ]
        here = mask & (depth > sigma - 1)
        result[here] = blur[1][here] / np.maximum(blur[0][here], 1e-6)[:, None]
    return result


def non_local_means(image, mask, radius=10, patch=3, sharpness=60.0):
    """Means of pixels with similar known surroundings (Buades et al., 2005) after a first fill."""
    first = original(image, mask).astype(np.float32)
    reach = radius + patch
    padded = np.pad(first, [(reach, reach)] * 2 + [(0, 0)], "reflect")
    known = np.pad(~mask, reach, constant_values=False)
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (2 * patch + 1, 2 * patch + 1), axis=(0, 1)
    )
    result = first.copy()
    for y, x in zip(*np.nonzero(mask), strict=True):
        unlike = np.mean(
            (
                windows[y : y + 2 * radius + 1, x : x + 2 * radius + 1]
                - windows[y + radius, x + radius]
            )
            ** 2,
            axis=(2, 3, 4),
        )
        weight = (
            np.exp(-unlike / sharpness)
            * known[y + patch : y + patch + 2 * radius + 1, x + patch : x + patch + 2 * radius + 1]
        )
        if weight.sum() > 1e-6:
            result[y, x] = (
                np.tensordot(
                    weight,
                    padded[
                        y + patch : y + patch + 2 * radius + 1,
                        x + patch : x + patch + 2 * radius + 1,
                    ],
                )
                / weight.sum()
            )
    return result


METHODS = {
    "dustbust": fill_pixels,
    "original": original,
    "OpenCV NS": navier_stokes,
    "OpenCV Telea": telea,
}
CANDIDATES = {
    "biharmonic": biharmonic,
    "harmonic": harmonic,
    "normalised convolution": normalised_convolution,
    "non-local means": non_local_means,
}


def psnr(image, truth, where):
    return float(
        10
        * np.log10(
            255**2 / max(np.mean((np.asarray(image, np.float64)[where] - truth[where]) ** 2), 1e-9)
        )
    )


def read(path):
    image = cv2.imread(str(path))
    return np.ascontiguousarray(image[..., ::-1])


def sample_dust():
    return cv2.imread(str(SAMPLES / "run-dust.png"), cv2.IMREAD_GRAYSCALE) > 0.12 * 255


def fine_energy(image):
    grey = cv2.cvtColor(np.clip(image, 0, 255).astype(np.float32), cv2.COLOR_RGB2GRAY)
    return (grey - cv2.GaussianBlur(grey, (0, 0), 1.2)) ** 2


def quality(photos):
    paths = sorted(photos.glob("*.jpg")) if photos else sorted((SAMPLES / "run").glob("*.jpg"))
    rows, grain = {}, []
    for path in paths:
        image, dust = read(path), sample_dust()
        hole = np.zeros(image.shape[:2], bool)
        turned = dust[::-1, ::-1]
        hole[: dust.shape[0], : dust.shape[1]] = turned[: hole.shape[0], : hole.shape[1]]
        hole = dilate(hole, 2)
        judged = hole if photos else hole & ~dilate(dust, 6)
        unknown = hole if photos else hole | dilate(dust, 3)
        part = np.s_[:400, :600]  # the candidates are slow
        for name, method in METHODS.items():
            rows.setdefault(name, []).append(psnr(method(image, unknown), image, judged))
        for name, method in (METHODS | CANDIDATES).items():
            filled = method(np.ascontiguousarray(image[part]), np.ascontiguousarray(unknown[part]))
            rows.setdefault(f"{name}, part", []).append(psnr(filled, image[part], judged[part]))
        _, values, _ = fill_at(image, unknown)
        filled = image.astype(np.float32)
        filled[unknown] = values + grain_at(image, unknown, values)
        grain.append(fine_energy(filled)[judged].mean() / fine_energy(image)[judged].mean())
    for name, figures in rows.items():
        print(
            f"{name:30s} PSNR {np.mean(figures):.2f} dB   ",
            " ".join(f"{figure:.2f}" for figure in figures),
        )
    print(
        f"{'grain':30s} {np.median(grain):.2f}           ",
        " ".join(f"{figure:.2f}" for figure in grain),
    )


def pairs(folder, pictures):
    for path in sorted(folder.glob("*_dirty.jpg")):
        dirty, clean = read(path), read(str(path).replace("_dirty", "_clean"))
        dust = (
            cv2.imread(str(path).replace("_dirty.jpg", "_diffmask.png"), cv2.IMREAD_GRAYSCALE) > 0
        )
        hole = dilate(dust, 2)
        figures = {name: psnr(method(dirty, hole), clean, hole) for name, method in METHODS.items()}
        print(
            f"{path.name:35s}",
            "  ".join(f"{name} {figure:.2f}" for name, figure in figures.items()),
        )
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            _, values, _ = fill_at(dirty, hole)
            ours = dirty.astype(np.float32)
            ours[hole] = values + grain_at(dirty, hole, values)
            both = np.hstack([dirty, np.clip(ours + 0.5, 0, 255).astype(np.uint8)])[..., ::-1]
            cv2.imwrite(
                str(pictures / path.name.replace("_dirty", "_before_after")),
                cv2.resize(both, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST),
            )


def processor_seconds(work, repeats=3):
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def speed():
    photo = cv2.resize(
        read(SAMPLES / "run" / "frame01.jpg"), (6000, 4000), interpolation=cv2.INTER_CUBIC
    )
    dust = (
        cv2.resize(
            sample_dust().astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST
        )
        > 0
    )
    dust = np.tile(dust, (-(-4000 // dust.shape[0]), -(-6000 // dust.shape[1])))[
        :4000, :6000
    ].copy()
    dust |= dust[::-1, ::-1]
    dust[:, int(6000 * 0.014 / dust.mean()) :] = False  # 1.4 % of the picture
    print(f"24 MP, {dust.mean():.2%} dust, processor seconds on one core:")
    cv2.setNumThreads(1)
    seconds = {
        "fill_at": processor_seconds(lambda: fill_at(photo, dust, threads=1)),
        "OpenCV NS": processor_seconds(lambda: navier_stokes(photo, dust)),
        "OpenCV Telea": processor_seconds(lambda: telea(photo, dust), 1),
        "original": processor_seconds(lambda: fill_boxes(photo, dust, grow=0, soften=0, threads=1)),
    }
    values = fill_at(photo, dust)[1]
    seconds["grain_at"] = processor_seconds(lambda: grain_at(photo, dust, values, threads=1))
    for name, taken in seconds.items():
        print(
            f"    {name:15s} {taken:.3f}   {seconds['OpenCV NS'] / taken:.1f} times as fast as NS"
        )
    wall = {}
    for name, work in {
        "fill_at": lambda: fill_at(photo, dust),
        "OpenCV NS": lambda: navier_stokes(photo, dust),
    }.items():
        wall[name] = np.inf
        for _ in range(4):
            start = time.perf_counter()
            work()
            wall[name] = min(wall[name], time.perf_counter() - start)
    print(
        f"by the clock, all cores: fill_at {wall['fill_at']:.3f}, NS {wall['OpenCV NS']:.3f}: "
        f"{wall['OpenCV NS'] / wall['fill_at']:.1f} times as fast"
    )
    dust[600:], dust[:, 600:] = (
        False,
        False,
    )  # little dust, so that its cost does not drown the difference
    twice, more = np.concatenate([photo, photo]), np.concatenate([dust, np.zeros_like(dust)])
    once = processor_seconds(lambda: fill_pixels(photo, dust, threads=1), 8)
    again = processor_seconds(lambda: fill_pixels(twice, more, threads=1), 8)
    copy = processor_seconds(twice.copy, 8) - processor_seconds(photo.copy, 8)
    print(
        f"twice the picture, the same dust: {again - once:+.3f} s; "
        f"the copy alone costs {copy:+.3f} s"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("quality", "pairs", "speed"))
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.what == "quality":
        quality(options.photos)
    elif options.what == "pairs":
        if not options.pairs:
            parser.error("pairs needs --pairs FOLDER")
        pairs(options.pairs, options.pictures)
    else:
        speed()


if __name__ == "__main__":
    main()
