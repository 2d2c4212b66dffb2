"""Work on a cluster that runs Dask."""

import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, cast

from ..errors import DustbustError

# How long to wait for the scheduler, in seconds.
PATIENCE = 20


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The executor of a Dask cluster, while the context lasts.

    Pass it as `executor` to `clean_frames`, `estimate_mask` or `find_runs`.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as "tcp://host:8786". Its workers must have Dustbust
        installed and see the same files under the same names.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    DustbustError
        If Dask is not installed, or no scheduler answers at the address.

    Examples
    --------
    >>> with dask_executor("tcp://host:8786") as executor:  # doctest: +SKIP
    ...     dust = dustbust.estimate_mask(frames, executor=executor)
    """
    try:
        import distributed
    except ImportError as error:
        raise DustbustError(
            "Dask is not installed for this Python; install it with: pip install dustbust[dask]"
        ) from error
    try:
        client: Any = distributed.Client(address, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise DustbustError(
            "{address}: no Dask scheduler answers here ({error}); "
            "give its address, such as tcp://host:8786",
            address=address,
            error=error,
        ) from error
    with client, client.get_executor() as executor, warnings.catch_warnings():
        # All workers need the model of the dust, and it is large.
        warnings.filterwarnings("ignore", "Sending large graph")
        yield cast(Executor, executor)
