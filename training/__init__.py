"""Makes what is in model/artifacts from the original MNIST bytes. Knows torch; never meets the service."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as in service/__init__.py
