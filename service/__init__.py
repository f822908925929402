"""The service: uploaded pictures in, digits out. Knows fastapi, pillow and onnxruntime; never torch."""

__version__ = "0.1.0"
