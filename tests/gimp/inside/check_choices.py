"""The choices in the windows follow the core's tables."""

from dustbust.helper.tables import tables
from dustbust_gimp.actions import choices, frame_files
from dustbust_gimp.texts import share_text

CHOICES = {
    "stacking_modes": choices.stacking_modes,
    "restoration_methods": choices.restoration_methods,
    "estimation_methods": choices.estimation_methods,
    "polarities": choices.polarities,
    "scanner_polarities": choices.scanner_polarities,
}


def check_every_value_of_the_core_is_offered(folder):
    of_core = tables()["choices"]
    assert of_core.keys() == CHOICES.keys()
    for name, options in CHOICES.items():
        offered = options()
        assert sorted(option.name for option in offered) == sorted(of_core[name]), name
        assert all(option.label for option in offered), name


def check_a_new_value_of_the_core_appears_with_its_summary(folder):
    table = {
        "geometric mean": "the root of the product",
        "mean": "the sum divided by the number",
    }
    mean, new = choices.options(table, choices.STACKING_MODES)
    assert mean == ("mean", "Mean", "The sum divided by the number")
    assert new == ("geometric mean", "Geometric mean", "The root of the product")


def check_without_the_core_the_known_values_stand_for_its_table(folder):
    names = [option.name for option in choices.options({}, choices.POLARITIES)]
    assert names == ["auto", "light", "dark", "both"]


def check_what_is_there_is_never_shown_as_zero(folder):
    shares = [share_text(share) for share in (0, 1e-9, 4.9e-5, 1e-4, 0.5)]
    assert shares == ["0.00%", "less than 0.01%", "less than 0.01%", "0.01%", "50.00%"]
    assert share_text(0.004, 0) == "less than 1%"


def check_the_window_says_how_many_frames_are_missing(folder):
    def said(number, has_blank=False):
        return frame_files.description([{"why": None}] * number, has_blank).split("\n")[1:]

    assert "at least five" in said(4)[0]
    assert "Ten or more" in said(5)[0]
    assert said(10) == said(1, has_blank=True) == []
