"""`python -m sojourn`: the command line."""

from sojourn.cli import app

if __name__ == "__main__":
    app()
