import numpy as np
from numpy.typing import NDArray

def box_blur(image: NDArray[np.float32], radius: int, threads: int) -> NDArray[np.float32]: ...
