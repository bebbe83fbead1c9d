// The network as a tree of parts, and the edges between its layers.
//
// Parts stand in preorder: all that is inside part i are the parts i + 1 to end - 1.

function readNetwork(told) {
  const parts = told.parts.map((about, id) => ({ ...about, id, end: id + 1, level: 0, children: [] }));
  for (let id = parts.length - 1; id > 0; id--) {
    const outer = parts[parts[id].parent];
    outer.end = Math.max(outer.end, parts[id].end);
  }
  for (const part of parts.slice(1)) {
    const outer = parts[part.parent];
    outer.children.push(part.id);
    part.level = outer.level + 1;
  }
  for (const part of parts) {
    part.opens = part.children.length > 0;
    if (part.kind === "run") {
      const first = parts[part.id + 1];
      part.title = `${first.title} ×${part.children.length}`;
      part.path = first.path;
      part.scope = first.scope;
      part.at = first.at;
    }
    if (part.kind === "row") {
      const first = parts[part.id + 1];
      part.more = part.children.slice(1).map((id) => parts[id].title).join(", ");
      part.at = first.at;
      part.scope = first.scope;
      part.inputs = first.inputs;
    }
  }
  const before = parts.map(() => []);
  for (const [source, target] of told.edges) before[target].push(source);
  return { ...told, parts, before };
}

function isInside(network, outer, id) {
  return outer < id && id < network.parts[outer].end;
}

// Every layer that a part depends on, and those of the part itself.
function dependencies(network, id) {
  const found = new Set();
  const waiting = [];
  for (let inner = id; inner < network.parts[id].end; inner++) {
    if (!network.parts[inner].opens) waiting.push(inner);
  }
  while (waiting.length) {
    const layer = waiting.pop();
    if (found.has(layer)) continue;
    found.add(layer);
    waiting.push(...network.before[layer]);
  }
  return found;
}

// A number with its thousands apart; null is one that depends on an open size.
function number(value) {
  return value === null ? "unknown" : value.toLocaleString("en");
}

// "1.50 G", as papers count operations.
function giga(number) {
  if (number === null) return "unknown";
  for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (number >= 0.9995 * size) return `${Number((number / size).toPrecision(3))} ${letter}`;
  }
  return String(number);
}

function counted(number, singular) {
  return `${number.toLocaleString("en")} ${singular}${number === 1 ? "" : "s"}`;
}
