"""A picture that takes long, to be seen in work."""

from PIL import Image

from tests.conftest import encoded

SLOW = encoded(Image.new("RGBA", (5000, 5000)), "PNG")
"""A tenth of a second of work and more, in a hundred kilobytes, which are there at once."""
