"""The ten digits as stylised characters of 7 by 12 pixels: what the 84 units of F6 are taught to draw.

In the paper every output unit compares F6 with the picture of its own character, so that characters that look alike
get codes that are alike. These are drawn in the manner of its Fig. 3.
"""

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 12, 7

_DRAWN = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...##..  .#####.  .#####.  ....##.  #######  ..####.  #######  .#####.  .#####.
.##.##.  ..###..  ##...##  ##...##  ...###.  ##.....  .##....  ##...##  ##...##  ##...##
##...##  .####..  .....##  .....##  ..####.  ##.....  ##.....  .....##  ##...##  ##...##
##...##  ...##..  .....##  .....##  .##.##.  ######.  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  ....##.  ..####.  ##..##.  ##...##  ######.  ....##.  .#####.  ##...##
##...##  ...##..  ...##..  .....##  ##..##.  .....##  ##...##  ...##..  ##...##  .######
##...##  ...##..  ..##...  .....##  #######  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...##..  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##
.##.##.  ...##..  ##.....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .######  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


def draw_bitmaps() -> NDArray[np.float32]:
    """float32 (10, 12, 7): +1 where there is ink, -1 elsewhere."""
    rows = [line.split() for line in _DRAWN.split("\n") if line]
    ink = np.array([[list(row) for row in digit] for digit in zip(*rows, strict=True)]) == "#"
    return np.where(ink, np.float32(1), np.float32(-1))
