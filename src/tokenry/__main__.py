"""`python -m tokenry` is the command line."""

from tokenry.cli import main

if __name__ == "__main__":
    main()
