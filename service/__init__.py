"""The service: uploaded pictures in, digits out. Knows fastapi, pillow and onnxruntime; never torch."""

import os

__version__ = "0.1.0"

# A digit's matrices are so small that a second thread costs more than it does: numpy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
