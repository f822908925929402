// Which units a unit sees: plain arithmetic on boxes, [top, left, rows, columns], from layer to layer downwards.

/** Of each layer: the one below, and how a unit looks at it. */
const BELOW = {
  C1: { layer: "input", looks: "window" },
  S2: { layer: "C1", looks: "pair", sameMap: true },
  C3: { layer: "S2", looks: "window" },
  S4: { layer: "C3", looks: "pair", sameMap: true },
  C5: { layer: "S4", looks: "all" },
  F6: { layer: "C5", looks: "all" },
  output: { layer: "F6", looks: "all" },
};
const WINDOW = 5; // rows and columns of a kernel

/** What a box of units in `layer` sees one layer below, or null for the input. `shapes` has [maps, rows, columns]. */
export function seenBelow(layer, map, box, shapes) {
  const below = BELOW[layer];
  if (!below) return null;
  const [, rows, columns] = shapes[below.layer];
  const boxBelow = {
    all: () => [0, 0, rows, columns],
    pair: () => box.map((number) => 2 * number),
    window: () => windowOf(box, padding(layer, shapes), rows, columns),
  }[below.looks]();
  return { layer: below.layer, map: below.sameMap ? map : null, box: boxBelow };
}

/** What it sees in the input, through all layers between. */
export function seenInInput(layer, box, shapes) {
  let seen = { layer, map: null, box };
  while (seen.layer !== "input") seen = seenBelow(seen.layer, null, seen.box, shapes);
  return seen.box;
}

function windowOf([top, left, rows, columns], pad, allRows, allColumns) {
  const [first, start] = [Math.max(top - pad, 0), Math.max(left - pad, 0)];
  const last = Math.min(top - pad + rows + WINDOW - 1, allRows);
  const end = Math.min(left - pad + columns + WINDOW - 1, allColumns);
  return [first, start, last - first, end - start];
}

/** How far a layer's windows reach over the edge. The network of 1998 saw 32×32: 2 more around our 28×28. */
function padding(layer, shapes) {
  const [, rows] = shapes[layer];
  const [, rowsBelow] = shapes[BELOW[layer].layer];
  return Math.max((rows + WINDOW - 1 - rowsBelow) / 2, 0);
}
