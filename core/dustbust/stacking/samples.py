"""Parts of a page on which values for the whole page are measured."""

import numpy as np

# Number of parts, and the largest height and width of each, px. Together they have at most about a
# million px, so a measurement takes the same time for a page of any size.
SAMPLES, SAMPLE_ROWS, SAMPLE_COLUMNS = 8, 96, 1360

# Horizontal position of each part, as a rank: parts that follow each other down the page lie apart.
ORDER = (0, 3, 6, 1, 4, 7, 2, 5)

Box = tuple[int, int, int, int]


def sample_boxes(height: int, width: int) -> list[Box]:
    """Parts of a page that are spread over it.

    Parameters
    ----------
    height, width : int
        Of the page, px.

    Returns
    -------
    list of tuple of int
        Left, top, width, height of each part.

    Examples
    --------
    >>> sample_boxes(1000, 700)[1]
    (0, 129, 700, 96)
    >>> [left for left, *_ in sample_boxes(1000, 2060)]
    [0, 300, 600, 100, 400, 700, 200, 500]
    """
    rows, columns = min(SAMPLE_ROWS, height), min(SAMPLE_COLUMNS, width)
    tops = np.linspace(0, height - rows, SAMPLES).astype(int)
    lefts = np.linspace(0, width - columns, SAMPLES).astype(int)[list(ORDER)]
    return [(int(left), int(top), columns, rows) for left, top in zip(lefts, tops, strict=True)]
