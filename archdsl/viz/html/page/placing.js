// Layered layout, second half: the order in every row, and places from left to right.

const BOX_GAP = 22;
const LINE_GAP = 15;

// Orders every row by the middle of what its boxes are joined to, and keeps the best it saw.
function orderRows(rows) {
  const number = (row) => row.forEach((node, at) => (node.order = at));
  rows.forEach(number);
  if (rows.every((row) => row.length < 2)) return;
  let best = rows.map((row) => [...row]);
  let fewest = crossings(rows);
  for (let round = 0; round < 6 && fewest > 0; round++) {
    const down = round % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      const middle = new Map(row.map((node) => [node, middleOf(down ? node.ups : node.downs, down, node.order)]));
      row.sort((a, b) => middle.get(a) - middle.get(b));
      number(row);
    }
    const now = crossings(rows);
    if (now < fewest) [best, fewest] = [rows.map((row) => [...row]), now];
  }
  best.forEach((row, at) => {
    rows[at] = row;
    number(row);
  });
}

function middleOf(arcs, down, otherwise) {
  if (!arcs.length) return otherwise;
  // Where on its box a line begins counts too: two that leave one frame do not cross below it.
  const place = (arc) => (down ? arc.up.order + arc.upAt / (arc.up.w + 1) : arc.down.order + arc.downAt / (arc.down.w + 1));
  return arcs.reduce((sum, arc) => sum + place(arc), 0) / arcs.length;
}

function crossings(rows) {
  let count = 0;
  for (const row of rows) {
    const ends = row.flatMap((node) => [...node.downs].sort((a, b) => a.upAt - b.upAt || a.down.order - b.down.order));
    if (ends.length > 400) continue;
    for (let a = 0; a < ends.length; a++) {
      for (let b = a + 1; b < ends.length; b++) {
        if (ends[a].down.order > ends[b].down.order && ends[a].up !== ends[b].up) count++;
      }
    }
  }
  return count;
}

// Gives every node its x: as near to right above what it is joined to as its neighbours let it.
function placeRows(rows) {
  for (const row of rows) {
    let x = 0;
    row.forEach((node, at) => {
      node.x = x;
      x += node.w + (at + 1 < row.length ? gapBetween(node, row[at + 1]) : 0);
    });
    row.forEach((node) => (node.x -= x / 2));
  }
  const fromUps = (node) => node.ups.map((arc) => [arc.up.x + arc.upAt - arc.downAt, arc.weight]);
  const fromDowns = (node) => node.downs.map((arc) => [arc.down.x + arc.downAt - arc.upAt, arc.weight]);
  const both = (node) => [...fromUps(node), ...fromDowns(node)];
  const upwards = [...rows].reverse();
  for (let round = 0; round < 4; round++) {
    for (const row of rows) settle(row, fromUps);
    for (const row of upwards) settle(row, fromDowns);
  }
  for (const row of rows) settle(row, both);
  for (const row of upwards) settle(row, both);
}

function gapBetween(left, right) {
  return left.bend || right.bend || left.entry !== undefined || left.exit !== undefined ? LINE_GAP : BOX_GAP;
}

// The places of a row that are nearest to those wanted, in order and without overlap: where boxes
// would overlap they go together to the mean (isotonic regression, pooling adjacent violators).
function settle(row, wishes) {
  const pools = [];
  let offset = 0;
  const offsets = row.map((node, at) => {
    if (at) offset += row[at - 1].w + gapBetween(row[at - 1], node);
    return offset;
  });
  row.forEach((node, at) => {
    const wanted = wishes(node);
    const place = wanted.length ? weightedMedian(wanted) : node.x;
    // Lines give way to boxes.
    const weight = wanted.reduce((sum, [, weight]) => sum + weight, 0.1) * (node.bend ? 0.001 : 1);
    let pool = { place: place - offsets[at], weight, count: 1 };
    while (pools.length && pools.at(-1).place > pool.place) {
      const before = pools.pop();
      const weight = before.weight + pool.weight;
      const mean = (before.place * before.weight + pool.place * pool.weight) / weight;
      pool = { place: mean, weight, count: before.count + pool.count };
    }
    pools.push(pool);
  });
  let at = 0;
  for (const pool of pools) {
    for (let rest = pool.count; rest > 0; rest--, at++) row[at].x = pool.place + offsets[at];
  }
}

function weightedMedian(pairs) {
  const sorted = [...pairs].sort((a, b) => a[0] - b[0]);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let sum = 0;
  for (let at = 0; at < sorted.length; at++) {
    sum += sorted[at][1];
    if (sum > half) return sorted[at][0];
    if (sum === half) return (sorted[at][0] + sorted[Math.min(at + 1, sorted.length - 1)][0]) / 2;
  }
  return sorted.at(-1)[0];
}
