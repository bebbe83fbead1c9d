// What is on show: which parts are boxes, which are frames around others, and the lines.
//
// `open` holds the parts that were opened: blocks and rows to show what is in them, runs to show
// each of their blocks.

const MOST_BOXES = 2500; // beyond that browsers become slow

function sceneOf(network, open) {
  const { parts } = network;
  const boxes = []; // in preorder, frames among them
  const frameOf = new Map(); // the frame around each
  const times = new Map(); // how many blocks it stands for
  const holder = new Int32Array(parts.length); // the frame that holds what is in a part
  const shownAs = new Int32Array(parts.length).fill(-1); // the box that shows a part
  const repeats = new Int32Array(parts.length).fill(-1); // the run in which it is not drawn
  for (let id = 1; id < parts.length; ) {
    const part = parts[id];
    const frame = holder[part.parent];
    const folded = parts[part.parent].kind === "run" && !open.has(part.parent) ? parts[part.parent] : null;
    if (folded && id !== folded.id + 1) {
      // A block like the first of its run: what is in it is shown as what is in that one.
      const shift = id - (folded.id + 1);
      for (; id < part.end; id++) {
        shownAs[id] = shownAs[id - shift];
        repeats[id] = folded.id;
      }
      continue;
    }
    if (part.kind === "run" && !open.has(id)) {
      holder[id++] = frame;
      continue;
    }
    boxes.push(id);
    frameOf.set(id, frame);
    if (folded) times.set(id, folded.children.length);
    if (part.opens && open.has(id)) {
      holder[id] = id;
      shownAs[id++] = id - 1;
    } else {
      shownAs.fill(id, id, part.end);
      id = part.end;
    }
  }
  const scene = { network, open, boxes, frameOf, times, shownAs };
  scene.isFrame = (id) => parts[id].opens && open.has(id);
  scene.links = linksOf(network, shownAs, repeats);
  return scene;
}

// The edges as they are seen: from box to box, once each.
function linksOf(network, shownAs, repeats) {
  const links = new Map();
  for (const [source, target] of network.edges) {
    const hidden = [repeats[source], repeats[target]];
    // In a folded run, and from block to block of it: the first block shows the like.
    if (hidden[0] >= 0 && isInside(network, hidden[0], target)) continue;
    if (hidden[1] >= 0 && isInside(network, hidden[1], source)) continue;
    const [from, to] = [shownAs[source], shownAs[target]];
    if (from !== to) links.set(from * network.parts.length + to, { from, to });
  }
  return links;
}

// The box that shows a part, whatever it is: of a folded run its first block.
function boxOf(scene, id) {
  while (scene.shownAs[id] < 0) id++;
  return scene.shownAs[id];
}

// ---- what is open ----

function countBoxes(network, open) {
  return sceneOf(network, open).boxes.length;
}

// Opens blocks, all of one template together, until the picture says something and still fits.
function firstOpening(network) {
  const { parts, start } = network;
  const open = new Set();
  if (!start.fold) for (const part of parts) if (part.kind === "run") open.add(part.id);
  if (start.depth !== null) {
    const levels = new Map([[0, 0]]);
    for (const part of parts.slice(1)) {
      const level = levels.get(part.parent) + (part.kind === "block" ? 1 : 0);
      levels.set(part.id, level);
      if (part.kind === "block" && level < start.depth) open.add(part.id);
    }
    return open;
  }
  for (let boxes = countBoxes(network, open); boxes < 10; ) {
    const scene = sceneOf(network, open);
    const groups = new Map();
    for (const id of scene.boxes) {
      if (parts[id].kind !== "block" || open.has(id)) continue;
      const name = parts[id].title.replace(/<.*/s, "").replace(/^.*: /s, "");
      groups.set(name, [...(groups.get(name) ?? []), id]);
    }
    // What costs most is what a reader wants to see first.
    const cost = (ids) => ids.reduce((sum, id) => sum + parts[id].macs + parts[id].params, 0);
    const ordered = [...groups.values()].sort((a, b) => cost(b) - cost(a));
    const fitting = ordered.find((ids) => countBoxes(network, new Set([...open, ...ids])) <= 26);
    if (!fitting) break;
    for (const id of fitting) open.add(id);
    boxes = countBoxes(network, open);
  }
  return open;
}

// The next step of opening everything: all blocks, then all runs, then all rows.
function openMore(network, open) {
  for (const kinds of [["block"], ["block", "run"], ["block", "run", "row"]]) {
    const wider = new Set(open);
    for (const part of network.parts) {
      if (part.id && part.opens && kinds.includes(part.kind)) wider.add(part.id);
    }
    if (countBoxes(network, wider) > countBoxes(network, open)) return wider;
  }
  return open;
}

// As much of a wider opening as can be shown, level by level.
function limited(network, open, wider) {
  if (countBoxes(network, wider) <= MOST_BOXES) return wider;
  const levels = new Map();
  for (const id of wider) {
    const level = network.parts[id].level;
    levels.set(level, [...(levels.get(level) ?? []), id]);
  }
  let opened = new Set(open);
  for (const level of [...levels.keys()].sort((a, b) => a - b)) {
    const next = new Set([...opened, ...levels.get(level)]);
    if (countBoxes(network, next) > MOST_BOXES) break;
    opened = next;
  }
  return opened;
}

// Opens all that is around a part. A run is unfolded only for a block that is not its first.
function reveal(network, open, id) {
  const { parts } = network;
  const opened = new Set(open);
  for (let inner = id; inner > 0; inner = parts[inner].parent) {
    const outer = parts[parts[inner].parent];
    if (outer.kind !== "run" || inner !== outer.id + 1) opened.add(outer.id);
  }
  opened.delete(0);
  return opened;
}
