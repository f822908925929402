"""`python -m service.cli` is the command too."""

from service.cli import main

if __name__ == "__main__":  # worker processes import this file as well
    main()
