"""Strips of scans: their rows and margins, from scans as they are and from aligned ones."""

import numpy as np
import pytest

from dustbust.files.spool import Spool
from dustbust.registration.register import Registration
from dustbust.stacking import strips
from dustbust.stacking.scans import Scans
from dustbust.stacking.strips import go_over_strips
from dustbust.stacking.tone import Evening

HEIGHT, WIDTH = 50, 30


def scans_of(number=2, threads=1):
    """Scans of a page that lies 3 px lower each time, with another level in each pixel."""
    spool, registrations = Spool(), []
    for k in range(number):
        levels = 1000 * k + np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1)
        spool.add(levels.astype(np.uint16), on_disk=False)
        moved = np.array([[1, 0, 0], [0, 1, 3 * k], [0, 0, 1.0]])
        registrations.append(Registration(moved))
    names = [f"scan {k}" for k in range(number)]
    return Scans.of(spool, names, registrations, [Evening.unchanged(1)] * number, threads)


def strips_of(scans, **options):
    """What the work is given: (top, rows, strips), from the top down."""
    found = []
    go_over_strips(scans, lambda *step: found.append(step), **options)
    return sorted(found, key=lambda step: step[0])


@pytest.mark.parametrize(
    ("bytes_", "threads", "rows"),
    [
        (20 * WIDTH * 2 * 2 * 2, 1, 20),  # of 16 bits, with alpha, of two scans
        (40 * WIDTH * 2 * 2 * 2, 2, 20),
        (5 * WIDTH * 2 * 2 * 2, 1, 16),
        (1 << 20, 1, HEIGHT),
    ],
)
def test_strips_are_as_high_as_memory_allows(monkeypatch, bytes_, threads, rows):
    monkeypatch.setattr(strips, "STRIP_BYTES", bytes_)
    found = strips_of(scans_of(threads=threads))
    assert [top for top, _, _ in found] == list(range(0, HEIGHT, rows))
    assert [number for _, number, _ in found] == [
        min(rows, HEIGHT - top) for top in range(0, HEIGHT, rows)
    ]


@pytest.mark.parametrize("margin", [0, 1, 4])
@pytest.mark.parametrize("ready", [False, True])
def test_a_strip_has_margins_also_beyond_the_page(monkeypatch, margin, ready):
    """There nothing is known of the first scan; the second one shows 3 rows above the page."""
    monkeypatch.setattr(strips, "STRIP_BYTES", 1)
    scans = scans_of()
    second = scans.aligned(1, (0, 0, WIDTH, HEIGHT))
    found = strips_of(scans, margin=margin, aligned={1: second} if ready else {})
    for top, rows, parts in found:
        for k, part in enumerate(parts):
            assert part.shape == (rows + 2 * margin, WIDTH, 2)
            for row, y in enumerate(range(top - margin, top + rows + margin)):
                place = y + 3 * k
                known = 0 <= place < HEIGHT
                assert (part[row, :, 1] > 0).all() == (part[row, :, 1] > 0).any() == known
                if known:
                    assert np.array_equal(part[row, :, 0], scans.pictures[k][place, :, 0])


def test_the_page_may_be_written_over_an_aligned_scan(monkeypatch):
    monkeypatch.setattr(strips, "STRIP_BYTES", 1)
    scans = scans_of()
    page = scans.aligned(1, (0, 0, WIDTH, HEIGHT))
    expected = page.copy()

    def work(top, rows, parts):
        inner = slice(max(top - 1, 0), min(top + rows + 1, HEIGHT))
        cut = inner.start - (top - 1)
        part = parts[1][cut : cut + inner.stop - inner.start]
        assert np.array_equal(part, expected[inner])
        page[top : top + rows] = 7

    go_over_strips(scans, work, margin=1, aligned={1: page})
    assert (page == 7).all()


def test_scans_as_they_are_and_the_progress(monkeypatch):
    monkeypatch.setattr(strips, "STRIP_BYTES", 1)
    scans, told = scans_of(), []
    for top, rows, parts in strips_of(scans, as_they_are=True, progress=told.append):
        for k, part in enumerate(parts):
            assert np.array_equal(part, scans.pictures[k][top : top + rows])
    assert told == [16 / 50, 32 / 50, 48 / 50, 1]
