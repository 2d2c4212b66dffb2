"""Progress of a part of the work as progress of the whole."""

import pytest

from dustbust.runtime.progress import part_of, steps


class Recorder(list):
    def __call__(self, fraction, text):
        self.append((fraction, text))


def test_parts_fill_the_whole_without_falling():
    seen = Recorder()
    for before, size in ((0, 3), (3, 1), (4, 4)):
        part = part_of(seen, before, size, 8)
        for fraction in (0, 0.5, 1):
            part(fraction, f"{before}")
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert seen[4] == (pytest.approx(3.5 / 8), "3")


def test_steps_have_a_text_of_their_own_or_the_common_one():
    seen = Recorder()
    part = steps(seen, "mean")(0.5, 0.75)
    part(0)
    part(1, "writing")
    assert seen == [(0.5, "mean"), (0.75, "writing")]


def test_without_progress_there_is_none_for_the_parts():
    assert part_of(None, 0, 1, 2) is None
    assert steps(None, "mean")(0, 1) is None
