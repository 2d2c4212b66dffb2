"""What `python -m dustbust` does; `dustbust` does the same."""

from dustbust.command_line import main, program

__all__ = ["main", "program"]

if __name__ == "__main__":
    program()
