"""Work on a cluster that runs Dask."""

import warnings
from contextlib import contextmanager

from ..errors import DustbustError

# How long to wait for the scheduler, in seconds.
PATIENCE = 20


@contextmanager
def dask_executor(address):
    """The executor of a Dask cluster, for the `executor` of `clean_frames`, `estimate_mask` or `find_runs`, while the context lasts.

    Parameters
    ----------
    address : of the scheduler, such as "tcp://host:8786". Its workers must have dustbust installed, and see the same files under
        the same names.

    Raises
    ------
    DustbustError
        when Dask is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise DustbustError(
            "Dask is not installed for this Python; install it with: pip install dustbust[dask]"
        ) from error
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise DustbustError(
            "{address}: no Dask scheduler answers here ({error}); "
            "give its address, such as tcp://host:8786",
            address=address,
            error=error,
        ) from error
    with client, client.get_executor() as executor, warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Sending large graph"
        )  # what is known of the dust is large, and wanted by all workers
        yield executor
