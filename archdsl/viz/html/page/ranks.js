// Layered layout, first half: which row every box is in, and what lines pass by on their way.
//
// A level is what one frame holds. Lines from outside come in through entries at its top, one for
// each box that sends something; what leaves goes through exits at its bottom.

const ENTRY = -1;
const EXIT = -2;

// For every frame the boxes in it and the stretches of lines that run in it.
function levelsOf(scene) {
  const levels = new Map([[0, { frame: 0, items: [], stretches: new Map() }]]);
  const depth = new Map([[0, 0]]);
  for (const id of scene.boxes) {
    const frame = scene.frameOf.get(id);
    levels.get(frame).items.push(id);
    depth.set(id, depth.get(frame) + 1);
    if (scene.isFrame(id)) levels.set(id, { frame: id, items: [], stretches: new Map() });
  }
  const stretch = (frame, link, from, to) => {
    const { stretches } = levels.get(frame);
    const key = `${from} ${to} ${link.from}`;
    if (!stretches.has(key)) stretches.set(key, { frame, source: link.from, from, to, links: [] });
    stretches.get(key).links.push(link);
  };
  for (const link of scene.links.values()) {
    let { from, to } = link;
    let [outer, inner] = [scene.frameOf.get(from), scene.frameOf.get(to)];
    while (outer !== inner) {
      const [up, down] = [depth.get(outer), depth.get(inner)];
      if (up >= down) {
        stretch(outer, link, from, EXIT);
        [from, outer] = [outer, scene.frameOf.get(outer)];
      }
      if (down >= up) {
        stretch(inner, link, ENTRY, to);
        [to, inner] = [inner, scene.frameOf.get(inner)];
      }
    }
    stretch(outer, link, from, to);
  }
  return levels;
}

// The nodes of a level in rows, and the arcs between neighbouring rows. A line over several rows
// has a bend, a node without size, in each of them; lines of one source share their bends.
function rowsOf(level, sizes) {
  const nodes = new Map();
  const node = (key, about) => {
    if (!nodes.has(key)) nodes.set(key, { w: 0, h: 0, x: 0, row: 0, ups: [], downs: [], ...about });
    return nodes.get(key);
  };
  for (const id of level.items) node(id, { item: id, ...sizes.get(id) });
  const lines = [...level.stretches.values()].map((stretch) => ({
    stretch,
    from: stretch.from === ENTRY ? node(`in ${stretch.source}`, { entry: stretch.source }) : nodes.get(stretch.from),
    to: stretch.to === EXIT ? node(`out ${stretch.source}`, { exit: stretch.source }) : nodes.get(stretch.to),
    bends: [],
  }));
  const all = [...nodes.values()];
  assignRows(all, lines);
  const rows = [];
  const put = (node) => (rows[node.row] ??= []).push(node);
  all.forEach(put);
  const strength = spine(all, lines);
  const chains = new Map();
  const join = (up, down, line, weight) => {
    if (up.downs.some((arc) => arc.down === down && arc.source === line.stretch.source)) return;
    const source = line.stretch.source;
    const upAt = up.outs?.get(source) ?? up.w / 2;
    const downAt = down.ins?.get(source) ?? down.w / 2;
    const arc = { up, down, upAt, downAt, weight, source };
    up.downs.push(arc);
    down.ups.push(arc);
  };
  for (const line of lines) {
    const { from, to } = line;
    if (to.row <= from.row) continue; // a cycle, which no network has
    const chain = chains.get(`${line.stretch.from} ${line.stretch.source}`) ?? [];
    chains.set(`${line.stretch.from} ${line.stretch.source}`, chain);
    let before = from;
    for (let row = from.row + 1; row < to.row; row++) {
      const at = row - from.row - 1;
      if (!chain[at]) put((chain[at] = { bend: true, w: 0, h: 0, x: 0, row, ups: [], downs: [] }));
      join(before, chain[at], line, before === from ? 1 : 16);
      before = chain[at];
      line.bends.push(before);
    }
    join(before, to, line, before === from ? strength(line) : 1);
  }
  for (let row = 0; row < rows.length; row++) rows[row] ??= [];
  return { rows, lines, nodes };
}

// Rows by the longest way from the top; then boxes that take less than they give move down to
// where it is taken.
function assignRows(nodes, lines) {
  const after = new Map(nodes.map((node) => [node, []]));
  const waits = new Map(nodes.map((node) => [node, 0]));
  for (const { from, to } of lines) {
    after.get(from).push(to);
    waits.set(to, waits.get(to) + 1);
  }
  const takes = new Map(waits);
  const first = nodes.some((node) => node.entry !== undefined) ? 1 : 0;
  for (const node of nodes) node.row = node.entry === undefined ? first : 0;
  const ready = nodes.filter((node) => waits.get(node) === 0);
  for (let at = 0; at < ready.length; at++) {
    for (const next of after.get(ready[at])) {
      next.row = Math.max(next.row, ready[at].row + 1);
      waits.set(next, waits.get(next) - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  for (const node of ready.reverse()) {
    const targets = after.get(node);
    if (node.entry !== undefined || node.exit !== undefined) continue;
    if (takes.get(node) < new Set(targets).size) {
      node.row = Math.max(node.row, Math.min(...targets.map((target) => target.row)) - 1);
    }
  }
  const last = nodes.reduce((most, n) => (n.exit === undefined ? Math.max(most, n.row) : most), 0);
  for (const node of nodes) if (node.exit !== undefined) node.row = last + 1;
}

// How much a line wants to be straight: most where it is the only one on a longest way.
function spine(nodes, lines) {
  const rest = new Map(nodes.map((node) => [node, 0]));
  const tight = lines.filter(({ from, to }) => to.row === from.row + 1);
  for (const { from, to } of [...tight].sort((a, b) => b.to.row - a.to.row)) {
    rest.set(from, Math.max(rest.get(from), rest.get(to) + 1));
  }
  const length = nodes.reduce((most, node) => Math.max(most, node.row + rest.get(node)), 0);
  const [leaving, coming] = [new Map(), new Map()];
  const on = tight.filter(({ from, to }) => from.row + 1 + rest.get(to) === length);
  for (const { from, to } of on) {
    leaving.set(from, (leaving.get(from) ?? 0) + 1);
    coming.set(to, (coming.get(to) ?? 0) + 1);
  }
  const strong = new Set(on.filter((l) => leaving.get(l.from) === 1 && coming.get(l.to) === 1));
  return (line) => (strong.has(line) ? 12 : 4);
}
