"""Entry point of `python -m dustbust.helper`."""

import sys

from dustbust.helper.process import serve

if __name__ == "__main__":
    serve(sys.argv[1])
