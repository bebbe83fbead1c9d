// Places for all that is on show: every frame is laid out by itself, inner ones first.

const HEADER = 32; // the strip of a frame with its title
const PAD = 14;
const ROW_GAP = 24;
const COLUMN_GAP = 60;
const TALLEST = 1500; // a frame that would be taller gets columns

// The layout of a scene. `measure(id)` gives the size of a box, or what a frame's header needs.
// `breaks` holds boxes of the network's own level that begin a column; without it they are chosen
// for a window of the size `window`.
function layOut(scene, measure, window, breaks) {
  const levels = levelsOf(scene);
  const sizes = new Map();
  const done = new Map();
  for (let at = scene.boxes.length - 1; at >= 0; at--) {
    const id = scene.boxes[at];
    if (!scene.isFrame(id)) {
      sizes.set(id, measure(id));
      continue;
    }
    const level = layOutLevel(levels.get(id), sizes, measure(id), null, null);
    done.set(id, level);
    sizes.set(id, level.size);
  }
  const root = layOutLevel(levels.get(0), sizes, null, window, breaks);
  done.set(0, root);
  // From outside in, places in frames become places on the page.
  const places = new Map([[0, { x: 0, y: 0, w: root.size.w, h: root.size.h }]]);
  for (const id of scene.boxes) {
    const frame = scene.frameOf.get(id);
    const [outer, inner] = [places.get(frame), done.get(frame).places.get(id)];
    places.set(id, { ...inner, x: outer.x + inner.x, y: outer.y + inner.y });
  }
  const routes = [];
  for (const [frame, level] of done) {
    for (const line of level.lines) routes.push(routeOf(line, places.get(frame), level));
  }
  return { scene, places, routes, breaks: root.breaks, width: root.size.w, height: root.size.h };
}

function layOutLevel(level, sizes, header, window, breaks) {
  const { rows, lines, nodes } = rowsOf(level, sizes);
  orderRows(rows);
  placeRows(rows);
  const bands = bandsOf(rows, header !== null);
  const columns = columnsOf(rows, bands, window, breaks);
  const box = arrange(rows, bands, columns, header);
  const places = new Map();
  const [ins, outs] = [new Map(), new Map()];
  for (const node of nodes.values()) {
    if (node.item !== undefined) {
      const band = bands[node.row];
      places.set(node.item, { x: node.x, y: band.y + (band.h - node.h) / 2, w: node.w, h: node.h, fans: node.fans });
    } else if (node.entry !== undefined) ins.set(node.entry, node.x);
    else outs.set(node.exit, node.x);
  }
  const starts = new Set(columns.slice(1).flatMap((row) => rows[row].filter((n) => n.item !== undefined).map((n) => n.item)));
  const fans = rows[0]?.some((node) => node.entry !== undefined && node.downs.length > 1);
  return { lines, bands, places, breaks: starts, size: { ...box, ins, outs, fans } };
}

// The height of every row, and the gap below it.
function bandsOf(rows, framed) {
  return rows.map((row, at) => {
    const entries = row.some((node) => node.entry !== undefined);
    const next = rows[at + 1];
    const leaves = next?.some((node) => node.exit !== undefined);
    const widest = row.flatMap((node) => node.downs).reduce((most, arc) => Math.max(most, Math.abs(arc.up.x + arc.upAt - arc.down.x - arc.downAt)), 0);
    const gap = ROW_GAP + Math.min(22, widest / 14);
    return {
      h: row.reduce((most, node) => Math.max(most, node.h), 0),
      gap: next ? (entries && framed ? HEADER + 8 + Math.min(18, widest / 16) : leaves ? PAD + Math.min(16, widest / 16) : gap) : 0,
    };
  });
}

// The rows that begin a column. Only one line may go from a column to the next.
function columnsOf(rows, bands, window, breaks) {
  if (breaks) {
    const starts = rows.flatMap((row, at) => (at && row.some((node) => breaks.has(node.item)) ? [at] : []));
    return [0, ...starts.filter((at) => isCut(rows, at))];
  }
  const tops = [];
  let height = 0;
  for (const band of bands) {
    tops.push(height);
    height += band.h + band.gap;
  }
  const cuts = rows.map((_, at) => at).filter((at) => at && isCut(rows, at));
  const split = (count) => {
    const starts = [0];
    for (const at of cuts) {
      const goal = (height * starts.length) / count;
      const next = cuts.find((cut) => cut > at);
      const nearer = next === undefined || Math.abs(tops[at] - goal) <= Math.abs(tops[next] - goal);
      if (starts.length < count && nearer && at > starts.at(-1)) starts.push(at);
    }
    return starts;
  };
  if (!window) return split(Math.ceil(height / TALLEST));
  let best = { starts: [0], scale: 0 };
  for (let count = 1; count <= Math.min(cuts.length + 1, 60); count++) {
    const starts = split(count);
    const size = extent(rows, bands, starts);
    const fit = Math.min(window.w / size.w, window.h / size.h, 1.1) * 0.94 ** (starts.length - 1);
    if (fit > best.scale) best = { starts, scale: fit };
  }
  return best.starts;
}

function isCut(rows, at) {
  const sources = new Set(rows[at - 1].flatMap((node) => node.downs.map((arc) => arc.source)));
  return sources.size === 1 && rows[at].every((node) => node.exit === undefined) && rows[at - 1].every((node) => node.entry === undefined);
}

function columnEnds(starts, rows) {
  return starts.map((from, at) => [from, starts[at + 1] ?? rows.length]);
}

function sides(rows) {
  let [left, right] = [Infinity, -Infinity];
  for (const row of rows) {
    if (!row.length) continue;
    left = Math.min(left, row[0].x);
    right = Math.max(right, row.at(-1).x + row.at(-1).w);
  }
  return left <= right ? [left, right] : [0, 0];
}

function extent(rows, bands, starts) {
  let [w, h] = [(starts.length - 1) * COLUMN_GAP, 0];
  for (const [from, to] of columnEnds(starts, rows)) {
    const [left, right] = sides(rows.slice(from, to));
    w += right - left;
    h = Math.max(h, bands.slice(from, to).reduce((sum, band) => sum + band.h + band.gap, 0));
  }
  return { w, h };
}

// Moves rows into their columns and away from the frame's border; returns the frame's size.
function arrange(rows, bands, starts, header) {
  const framed = header !== null;
  const hasEntries = rows[0]?.some((node) => node.entry !== undefined);
  const exits = rows.at(-1)?.some((node) => node.exit !== undefined) ? rows.length - 1 : -1;
  let x = framed ? PAD : 0;
  let bottom = 0;
  columnEnds(starts, rows).forEach(([from, to], column) => {
    const [left, right] = sides(rows.slice(from, to));
    let y = framed && !(column === 0 && hasEntries) ? HEADER + 8 : 0;
    if (column === 0 && framed) x = Math.max(x, PAD + aside(rows, left, header));
    for (let row = from; row < to; row++) {
      const band = bands[row];
      Object.assign(band, { y, column, gutter: x - COLUMN_GAP / 2 });
      for (const node of rows[row]) node.x += x - left;
      y += band.h + band.gap;
    }
    const last = bands[to - 1];
    if (last && to - 1 !== exits) bottom = Math.max(bottom, last.y + last.h + (framed ? PAD : 0));
    else if (last) bottom = Math.max(bottom, last.y);
    x += right - left + COLUMN_GAP;
  });
  if (exits >= 0) bands[exits].y = bottom;
  const w = x - COLUMN_GAP + (framed ? PAD : 0);
  return { w: framed ? Math.max(w, header.w + PAD) : w, h: bottom };
}

// How far the inside of a frame moves right, so that its first line does not cross its title.
function aside(rows, left, header) {
  const entries = rows[0].filter((node) => node.entry !== undefined);
  if (!entries.length) return 0;
  const first = Math.min(...entries.map((node) => node.x)) - left + PAD;
  return Math.min(220, Math.max(0, header.w + 8 - first));
}
