"""What a service on the internet meets, row by row: each is a function with counts, small in `make test`.

`python -m tests.torture ROW` (`make torture ROW=...`) runs one with large counts and appends what it saw to
docs/reliability.md. A row raises AssertionError where something is not as it must be.
"""
