"""The choices in the windows follow the core's tables."""

from types import SimpleNamespace

from dustbust_gimp import core
from dustbust_gimp.actions import choices

TABLES = {
    "STACKING_MODES": choices.stacking_modes,
    "RESTORATION_METHODS": choices.restoration_methods,
    "ESTIMATION_METHODS": choices.estimation_methods,
    "POLARITIES": choices.polarities,
}


def check_every_value_of_the_core_is_offered(folder):
    for name, options in TABLES.items():
        offered = options()
        assert sorted(option.name for option in offered) == sorted(getattr(core, name)), name
        assert all(option.label for option in offered), name


def check_a_new_value_of_the_core_appears_with_its_summary(folder):
    table = {
        "geometric mean": SimpleNamespace(summary="The root of the product"),
        "mean": SimpleNamespace(summary="The sum divided by the number"),
    }
    mean, new = choices.options(table, choices.STACKING_MODES)
    assert mean == ("mean", "Mean", "The sum divided by the number")
    assert new == ("geometric mean", "Geometric mean", "The root of the product")


def check_without_the_core_the_known_values_stand_for_its_table(folder):
    names = [option.name for option in choices.options((), choices.POLARITIES)]
    assert names == ["auto", "light", "dark", "both"]
