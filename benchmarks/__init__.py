"""What a request costs, what a batch does, and what others need for the same."""

import service  # noqa: F401  first: from then on numpy's matrix products have one thread, here as in the service
