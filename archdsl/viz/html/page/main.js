// The page: what is open, chosen and focused, and what pointer and keys do to it.

const network = readNetwork(JSON.parse(document.getElementById("document").textContent));
const svg = document.getElementById("picture");
const picture = new Picture(network);
const camera = new Camera(svg, picture.world, () => noteLink());
const card = document.getElementById("card");
const panel = document.getElementById("facts");
let open = firstOpening(network);
let chosen = null; // the part whose path is marked
let focused = null; // the box that the tab key comes to

function boxesShown() {
  const count = picture.layout.scene.boxes.length;
  return `${count.toLocaleString("en")} ${count === 1 ? "box" : "boxes"} shown`;
}

function say(words) {
  document.getElementById("status").textContent = words;
}

// ---- the link ----

let noting = 0;
let noted = ""; // the fragment that was written last

// Keeps the page's address up to date, once the view has come to rest.
function noteLink() {
  clearTimeout(noting);
  noting = setTimeout(() => {
    noted = fragmentOf(open, chosen, camera);
    history.replaceState(null, "", noted);
  }, 150);
}

// Shows what the page's address says; false where it says nothing.
function followLink() {
  const told = location.hash === noted ? null : readFragment(network, location.hash);
  if (!told || countBoxes(network, told.open) > MOST_BOXES) return false;
  open = told.open;
  update();
  choose(told.chosen);
  if (told.view) camera.look(...told.view);
  else fitAll(false);
  return true;
}

addEventListener("hashchange", followLink);

// ---- showing ----

// Lays out what is open. The box `anchor` keeps its place in the window.
function update(anchor, again = false) {
  const before = anchor === undefined ? null : picture.layout?.places.get(anchor);
  const scene = sceneOf(network, open);
  const { w, h } = camera.window;
  const layout = layOut(scene, picture.measure(scene), { w: w - 56, h: h - 56 }, again ? picture.layout.breaks : null);
  const after = layout.places.get(anchor);
  picture.show(layout, anchor);
  if (before && after) camera.go(camera.x + (before.x - after.x) * camera.scale, camera.y + (before.y - after.y) * camera.scale, camera.scale);
  picture.mark(chosen);
  noteLink();
  setFocus(focused === null ? scene.boxes[0] : nearestShown(focused), false);
}

function nearestShown(id) {
  const box = boxOf(picture.layout.scene, id);
  return picture.elements.has(box) ? box : picture.layout.scene.boxes[0];
}

function fitAll(slowly) {
  const { width, height } = picture.layout;
  camera.fit(width, height, slowly);
}

function toggle(id) {
  const part = network.parts[id];
  if (!part.opens) return;
  const opened = new Set(open);
  if (opened.has(id)) opened.delete(id);
  else {
    opened.add(id);
    // A block whose one inner block is nearly all of it shows nothing new by itself.
    for (let inner = part; inner; ) {
      const blocks = inner.children.map((child) => network.parts[child]).filter((child) => child.kind === "block" || child.kind === "run");
      const only = blocks.length === 1 && blocks[0].kind === "block" && blocks[0].macs >= 0.5 * part.macs ? blocks[0] : null;
      if (only && inner.children.length <= 4) opened.add(only.id);
      inner = only && inner.children.length <= 4 ? only : null;
    }
  }
  change(opened, id);
}

// Unfolds the run that a box stands for, or folds the one it is in.
function unfold(id) {
  const opened = new Set(open);
  for (let at = id; at > 0; at = network.parts[at].parent) {
    const run = network.parts[at].kind === "run" ? at : network.parts[at].parent;
    if (network.parts[run].kind !== "run") continue;
    if (opened.has(run)) opened.delete(run);
    else opened.add(run);
    focused = run + 1;
    change(opened, opened.has(run) ? run + 1 : run);
    return;
  }
}

function change(opened, id) {
  if (opened.size > open.size && countBoxes(network, opened) > MOST_BOXES) {
    say(`That would be more than ${MOST_BOXES.toLocaleString("en")} boxes`);
    return;
  }
  open = opened;
  update(id, true);
  hideCard();
  say(`${network.parts[id].title}: ${boxesShown()}`);
}

function openAll() {
  open = limited(network, open, openMore(network, open));
  update();
  fitAll();
  say(boxesShown());
}

function closeAll() {
  open = new Set();
  update();
  fitAll();
  say("All blocks closed");
}

// ---- choosing ----

function choose(id) {
  chosen = id;
  fillPanel(panel, network, id === null ? null : network.parts[id], find);
  const layers = picture.mark(id);
  noteLink();
  if (id !== null) say(`Path to ${network.parts[id].title}: ${counted(layers, "layer")}`);
}

// Shows a part wherever it is, and chooses it.
function find(id) {
  open = reveal(network, open, id);
  update(undefined, true);
  choose(id);
  const box = boxOf(picture.layout.scene, id);
  setFocus(box, true);
  camera.centre(picture.layout.places.get(box));
}

function setFocus(id, move) {
  if (focused !== null) picture.elements.get(focused)?.setAttribute("tabindex", "-1");
  focused = id;
  const element = picture.elements.get(id);
  element?.setAttribute("tabindex", "0");
  if (move) element?.focus({ preventScroll: true });
}

// ---- the card ----

function showCard(id) {
  const place = picture.layout.places.get(id);
  if (!place) return;
  fillCard(card, network, network.parts[id], picture.layout.scene.times.get(id));
  card.hidden = false;
  picture.elements.get(id).setAttribute("aria-describedby", "card");
  const room = camera.window;
  const [left, right] = [camera.x + place.x * camera.scale, camera.x + (place.x + place.w) * camera.scale];
  const top = camera.y + place.y * camera.scale;
  const { offsetWidth: w, offsetHeight: h } = card;
  const beside = right + 14 + w < room.w ? right + 14 : left - 14 - w > 0 ? left - 14 - w : room.w - w - 10;
  card.style.left = `${Math.max(8, beside)}px`;
  card.style.top = `${Math.max(8, Math.min(room.h - h - 8, top))}px`;
}

function hideCard() {
  card.hidden = true;
}

// ---- pointer ----

const boxAt = (event) => {
  const element = event.target.closest?.(".box");
  return element ? Number(element.dataset.id) : null;
};

svg.addEventListener("click", (event) => {
  if (camera.dragged) return;
  const id = boxAt(event);
  if (id === null) return choose(null);
  if (event.target.closest(".times")) return unfold(id);
  setFocus(id, true);
  if (event.target.closest(".sign") || onTriangle(event, id)) return toggle(id);
  hideCard();
  choose(id);
});
svg.addEventListener("dblclick", (event) => {
  const id = boxAt(event);
  if (id !== null && !event.target.closest(".times") && !onTriangle(event, id)) toggle(id);
});
svg.addEventListener("pointerover", (event) => {
  const id = boxAt(event);
  if (id === null || event.buttons || picture.world.classList.contains("moving")) return hideCard();
  showCard(id);
});
svg.addEventListener("pointerleave", hideCard);
svg.addEventListener("wheel", hideCard, { passive: true });

// The triangle is small; the corner around it counts.
function onTriangle(event, id) {
  if (!network.parts[id].opens || picture.isJoin(network.parts[id])) return false;
  const place = picture.layout.places.get(id);
  const { left, top } = svg.getBoundingClientRect();
  const [x, y] = [(event.clientX - left - camera.x) / camera.scale - place.x, (event.clientY - top - camera.y) / camera.scale - place.y];
  return x < 23 && y < 28;
}

// ---- keys ----

svg.addEventListener("focusin", (event) => {
  const id = boxAt(event);
  if (id === null) return;
  setFocus(id, false);
  if (event.target.matches(":focus-visible")) {
    camera.include(picture.layout.places.get(id));
    showCard(id);
  }
});
svg.addEventListener("focusout", hideCard);

function goTo(id) {
  if (id !== undefined && picture.elements.has(id)) setFocus(id, true);
}

const BOX_KEYS = {
  ArrowDown: (id, boxes) => goTo(boxes[boxes.indexOf(id) + 1]),
  ArrowUp: (id, boxes) => goTo(boxes[boxes.indexOf(id) - 1]),
  Home: (id, boxes) => goTo(boxes[0]),
  End: (id, boxes) => goTo(boxes.at(-1)),
  ArrowRight: (id, boxes) => {
    if (open.has(id)) goTo(boxes[boxes.indexOf(id) + 1]);
    else toggle(id);
  },
  ArrowLeft: (id) => {
    if (open.has(id)) toggle(id);
    else goTo(picture.layout.scene.frameOf.get(id) || undefined);
  },
  Enter: (id) => (network.parts[id].opens ? toggle(id) : choose(id)),
  " ": (id) => (network.parts[id].opens ? toggle(id) : choose(id)),
  u: (id) => unfold(id),
  p: (id) => choose(chosen === id ? null : id),
};

const PAGE_KEYS = {
  "/": () => search.input.focus(),
  "+": () => camera.zoom(1.25),
  "=": () => camera.zoom(1.25),
  "-": () => camera.zoom(0.8),
  0: () => fitAll(),
  e: openAll,
  c: closeAll,
  d: () => switchTheme(),
  Escape: () => {
    hideCard();
    choose(null);
  },
};

const STEPS = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === search.input) return;
  const onBox = event.target.closest?.(".box");
  const elsewhere = event.target.closest?.("button, summary, pre");
  if (event.shiftKey && STEPS[event.key]) camera.pan(...STEPS[event.key]);
  else if (onBox && BOX_KEYS[event.key]) BOX_KEYS[event.key](Number(onBox.dataset.id), picture.layout.scene.boxes);
  else if (PAGE_KEYS[event.key] && !(elsewhere && event.key === " ")) PAGE_KEYS[event.key]();
  else return;
  event.preventDefault();
});

// ---- the bar, the legend, the theme ----

const search = new Search(network, find, () => setFocus(focused, true));
const buttons = { less: closeAll, more: openAll, fit: () => fitAll(), out: () => camera.zoom(0.8), in: () => camera.zoom(1.25), theme: switchTheme };
for (const [id, action] of Object.entries(buttons)) document.getElementById(id).addEventListener("click", action);

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  document.getElementById("theme").setAttribute("aria-pressed", isDark());
}

function legend() {
  const present = new Set(network.parts.filter((part) => part.kind === "layer").map((part) => part.category));
  const list = make("div", { class: "colours", role: "list" });
  for (const category of [...present].sort((a, b) => a - b)) {
    list.append(make("span", { role: "listitem" }, make("span", { class: `dot c${category}` }), network.categories[category]));
  }
  document.getElementById("legend").replaceChildren(make("h3", {}, "Colours"), list);
}

// The insides of the figure's closed blocks, as Python draws them.
function showDetails() {
  const figures = network.details.map(({ title, svg }) => make("img", { src: `data:image/svg+xml;base64,${svg}`, alt: `Inside of ${title}` }));
  if (figures.length) document.getElementById("details").replaceChildren(make("h3", {}, "Blocks"), ...figures);
}

function arrowHead() {
  const head = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: 90 }, make("path", { d: "M0 0.8L7.5 4L0 7.2z" }));
  svg.prepend(make("defs", {}, head));
}

document.getElementById("name").textContent = network.name;
document.getElementById("totals").textContent = `${network.totals.input} · ${giga(network.totals.params)} parameters · ${giga(network.totals.macs)} MACs`;
document.getElementById("theme").setAttribute("aria-pressed", isDark());
arrowHead();
legend();
showDetails();
fillPanel(panel, network, null, find);
if (!followLink()) {
  update();
  fitAll(false);
}

let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    update();
    fitAll(false);
  }, 150);
});
