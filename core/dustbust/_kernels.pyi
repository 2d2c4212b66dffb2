import numpy as np
from numpy.typing import NDArray

def box_blur(image: NDArray[np.float32], radius: int, threads: int) -> NDArray[np.float32]: ...

def dilate(mask: NDArray[np.bool_], radius: int, threads: int) -> NDArray[np.bool_]: ...
def box_fill(
    image: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32],
    mask: NDArray[np.bool_],
    colours: int,
    box: int,
    passes: int,
    soften: float,
    threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], int]: ...
