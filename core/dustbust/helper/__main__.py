"""What `python -m dustbust.helper` does."""

import sys

from dustbust.helper.process import serve

if __name__ == "__main__":
    serve(sys.argv[1])
