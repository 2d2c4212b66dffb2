"""Tables of methods and modes, and the options of their entries."""

import inspect
import re

import pytest

from dustbust.options import Entry, NumberOption, Table, WordOption

SIZE = NumberOption("size", 7, 501, "px", "side of the box", least=3, odd=True)
AREA = NumberOption("area", None, 1e6, "px", "largest area")
KIND = WordOption("kind", ("auto", "light", "dark"), "kind of dust")
TABLE = Table(
    "way", [Entry("box", "means of a box", (SIZE, AREA)), Entry("word", "a word", (KIND,))]
)


def test_numbers_out_of_range_name_the_range():
    for value in (1, 503, float("nan")):
        with pytest.raises(ValueError, match="size must be an odd number from 3 to 501 px, not"):
            SIZE.checked(value)
    for value in (4, 6, 7.5):
        with pytest.raises(ValueError, match="odd number"):
            SIZE.checked(value)
    assert [SIZE.checked(value) for value in (3, 9.0, 501)] == [3, 9, 501]


@pytest.mark.parametrize("value", [None, True, "7", [7]])
def test_what_is_not_a_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="size must be a number"):
        SIZE.checked(value)


def test_none_is_allowed_only_where_it_is_the_default():
    assert AREA.checked(None) is None


def test_words():
    assert KIND.checked("dark") == "dark"
    with pytest.raises(ValueError, match="kind must be one of auto, light, dark, not 'grey'"):
        KIND.checked("grey")


def test_the_options_of_an_entry_are_those_given_and_defaults():
    assert TABLE.checked("box", {"size": 9}) == {"size": 9, "area": None}
    assert TABLE.checked("word", {}) == {"kind": "auto"}


def test_foreign_options_and_unknown_names_are_refused():
    with pytest.raises(TypeError, match='way="word" has no option size; it has kind'):
        TABLE.checked("word", {"size": 9})
    with pytest.raises(ValueError, match="way must be one of box, word, not 'loud'"):
        TABLE.checked("loud", {})


def test_a_function_that_takes_the_options_is_described():
    def function(picture, way=TABLE.default, **options):
        """Work.

        way : str
            One of these:

            {ways}
        """

    TABLE.describe(function)
    parameters = inspect.signature(function).parameters
    assert list(parameters) == ["picture", "way", "size", "area", "kind"]
    assert parameters["size"].default == 7
    (indent,) = re.findall("\n( +)One of these", function.__doc__)
    assert re.findall('\n( +)"', function.__doc__) == [indent] * len(TABLE)
    text = re.sub(r"\s+", " ", function.__doc__)
    assert '"box": means of a box. size = 7, 3 to 501 px: side of the box.' in text
    assert "kind = auto, one of auto, light, dark: kind of dust." in text
