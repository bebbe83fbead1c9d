// The fragment of a link: what is open, chosen and seen, as #open=1.5.9&chosen=12&view=120,80,0.5

// The middle of the view is told in the picture's own units: windows differ.
function fragmentOf(open, chosen, camera) {
  const { w, h } = camera.window;
  const middle = [(w / 2 - camera.x) / camera.scale, (h / 2 - camera.y) / camera.scale].map(round);
  const told = [`open=${[...open].sort((a, b) => a - b).join(".")}`];
  if (chosen !== null) told.push(`chosen=${chosen}`);
  return `#${[...told, `view=${middle},${camera.scale.toFixed(4)}`].join("&")}`;
}

// Reads a fragment; null for one that says nothing of this network.
function readFragment(network, fragment) {
  const told = new URLSearchParams(fragment.slice(1));
  if (!told.has("open")) return null;
  const isPart = (id) => Number.isInteger(id) && id > 0 && id < network.parts.length;
  const open = told.get("open").split(".").map(Number).filter((id) => isPart(id) && network.parts[id].children.length);
  const chosen = told.has("chosen") && isPart(Number(told.get("chosen"))) ? Number(told.get("chosen")) : null;
  const view = (told.get("view") ?? "").split(",").map(Number);
  return { open: new Set(open), chosen, view: view.length === 3 && view.every(Number.isFinite) ? view : null };
}
