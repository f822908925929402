"""The service: uploaded pictures in, digits out. Knows fastapi, pillow and onnxruntime; never torch."""

import os

__version__ = "0.1.0"

# A digit's matrices are so small that a second thread costs more than it does: numpy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# onnxruntime's Linux wheels keep a number of the device and send Microsoft what is run, unless they are told before
# they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
