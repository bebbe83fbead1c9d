// The picture: elements for boxes, frames and lines, kept from one layout to the next.

const SVG = "http://www.w3.org/2000/svg";
const FAMILY = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const LONGEST = 54; // letters of a title in a box
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function make(name, attributes = {}, ...content) {
  const element = name in HTML_NAMES ? document.createElement(name) : document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content); // strings become text, never markup
  return element;
}

const HTML_NAMES = Object.fromEntries(
  ["div", "dl", "dt", "dd", "li", "h2", "h3", "p", "span", "button", "pre", "mark", "ol", "b", "img"].map((name) => [name, 1]),
);

const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text, font) {
  const key = `${font} ${text}`;
  if (!widths.has(key)) {
    pen.font = `${font} ${FAMILY}`;
    widths.set(key, pen.measureText(text).width);
  }
  return widths.get(key);
}

function clipped(text, longest = LONGEST) {
  const letters = [...text];
  return letters.length > longest ? `${letters.slice(0, longest - 1).join("")}…` : text;
}

class Picture {
  constructor(network) {
    this.network = network;
    this.world = document.getElementById("world");
    this.boxes = document.getElementById("boxes");
    this.lines = document.getElementById("lines");
    this.elements = new Map();
    this.layout = null;
  }

  // What stands in a box, or in the header of a frame.
  words(id) {
    const part = this.network.parts[id];
    const strong = part.kind === "block" || part.kind === "run";
    const join = this.isJoin(part);
    const title = clipped(join && part.more ? `${part.title} · ${part.more}` : part.title);
    const cost = part.params ? ` · ${giga(part.params)} params` : "";
    const told = { block: `${part.shape}${cost}`, run: `${part.shape}${cost}` };
    const small = told[part.kind] ?? [part.more, part.shape].filter(Boolean).join(" · ");
    return { title, small: join ? "" : clipped(small), strong, join };
  }

  isJoin(part) {
    return this.network.categories[part.category] === "join" && (part.kind === "layer" || part.kind === "row") && part.title.length + (part.more?.length ?? 0) < 20;
  }

  measure(scene) {
    return (id) => {
      const { title, small, strong, join } = this.words(id);
      const wide = widthOf(title, strong ? "600 13px" : "500 13px");
      if (scene.isFrame(id)) return { w: wide + 34, h: 0 };
      if (join) return { w: Math.max(26, wide + 16), h: 26 };
      const opens = this.network.parts[id].opens ? 16 : 0;
      const more = scene.times.has(id) ? 16 : 0;
      return { w: Math.max(64, Math.max(wide + more, widthOf(small, "400 11px")) + 24 + opens), h: small ? 42 : 28 };
    };
  }

  // Shows a layout; boxes that were there before glide to their new places, others appear from
  // the place of `origin`.
  show(layout, origin) {
    const { scene, places } = layout;
    const before = this.layout?.places;
    const start = before && origin !== undefined ? before.get(origin) ?? places.get(origin) : null;
    const moves = [];
    let previous = null;
    for (const id of scene.boxes) {
      let element = this.elements.get(id);
      const state = `${scene.isFrame(id)} ${scene.times.get(id)}`;
      if (element?.dataset.state !== state) {
        const focused = element && element === document.activeElement;
        element?.remove();
        element = this.build(scene, id);
        element.dataset.state = state;
        this.elements.set(id, element);
        if (focused) queueMicrotask(() => element.focus({ preventScroll: true }));
      }
      if ((previous ? previous.nextSibling : this.boxes.firstChild) !== element) {
        const focused = element === document.activeElement;
        this.boxes.insertBefore(element, previous ? previous.nextSibling : this.boxes.firstChild);
        if (focused) element.focus({ preventScroll: true });
      }
      previous = element;
      moves.push([element, before?.get(id) ?? start ?? places.get(id), places.get(id), before?.has(id)]);
    }
    for (const [id, element] of this.elements) {
      if (!places.has(id)) {
        element.remove();
        this.elements.delete(id);
      }
    }
    this.layout = layout;
    this.draw(layout.routes);
    this.glide(moves, Boolean(before) && moves.length <= 500 && !calm.matches);
  }

  glide(moves, slowly) {
    cancelAnimationFrame(this.frame);
    const began = performance.now();
    const step = (now) => {
      const part = slowly ? Math.min(1, Math.max(0, now - began) / 240) : 1;
      const eased = 1 - (1 - part) ** 3;
      for (const [element, from, to, known] of moves) {
        const at = (key) => from[key] + (to[key] - from[key]) * eased;
        fit(element, { x: at("x"), y: at("y"), w: at("w"), h: at("h"), fans: to.fans });
        element.style.opacity = known || part === 1 ? "" : eased;
      }
      this.lines.style.opacity = part === 1 ? "" : 0;
      this.world.classList.toggle("moving", part < 1);
      if (part < 1) this.frame = requestAnimationFrame(step);
    };
    step(began);
  }

  build(scene, id) {
    const part = this.network.parts[id];
    const frame = scene.isFrame(id);
    const { title, small, strong, join } = this.words(id);
    const level = levelIn(scene, id);
    const colour = frame ? `frame ${level % 2 ? "odd" : "even"}` : `c${part.category}`;
    const group = make("g", {
      class: `box ${colour} ${part.kind}${strong ? " strong" : ""}${join ? " join" : ""}`,
      role: "treeitem",
      tabindex: "-1",
      "data-id": id,
      "aria-level": level,
      "aria-label": spoken(this.network, part, scene.times.get(id)),
    });
    if (part.opens) group.setAttribute("aria-expanded", frame);
    if (scene.times.has(id)) {
      group.append(make("rect", { class: "stack", rx: 6, "data-x": 8 }), make("rect", { class: "stack", rx: 6, "data-x": 4 }));
    }
    group.append(make("rect", { class: "body", rx: join ? 13 : frame ? 10 : 6 }));
    const left = part.opens && !join;
    if (left) group.append(make("path", { class: "sign", d: frame ? "M9 13l4 5 4-5z" : "M10.5 9.5l5 4-5 4z" }));
    const words = make("g", { class: left ? "words left" : "words" });
    words.append(make("text", { class: "title", y: frame ? 20 : 18 }, title));
    if (small && !frame) words.append(make("text", { class: "small", y: 33 }, small));
    if (small && frame) group.append(make("text", { class: "small end", y: 20, "data-w": widthOf(title, "600 13px") + widthOf(small, "400 11px") }, small));
    group.append(words);
    if (scene.times.has(id)) {
      const badge = `×${scene.times.get(id)}`;
      const wide = widthOf(badge, "700 11px") + 12;
      group.append(make("g", { class: "times", "data-w": wide }, make("rect", { width: wide, height: 18, rx: 9 }), make("text", { x: wide / 2, y: 13 }, badge)));
    }
    return group;
  }

  draw(routes) {
    this.lines.replaceChildren(
      ...routes.map((route) => {
        route.element = make("path", { d: route.d });
        if (route.arrow) route.element.setAttribute("marker-end", "url(#arrow)");
        return route.element;
      }),
    );
  }

  // Marks what leads to a part, and dims all else; null takes the marks away.
  mark(id) {
    const { scene, routes } = this.layout;
    this.world.classList.toggle("marked", id !== null);
    for (const element of this.elements.values()) element.classList.remove("on", "chosen");
    for (const { element } of routes) element.classList.remove("on");
    if (id === null) return 0;
    const needed = dependencies(this.network, id);
    const shown = new Set();
    for (const layer of needed) shown.add(boxOf(scene, layer));
    const used = new Set();
    for (const [source, target] of this.network.edges) {
      if (needed.has(source) && needed.has(target)) {
        used.add(boxOf(scene, source) * this.network.parts.length + boxOf(scene, target));
      }
    }
    for (const box of shown) {
      for (let at = box; at; at = scene.frameOf.get(at)) this.elements.get(at).classList.add("on");
    }
    for (const { stretch, element } of routes) {
      const on = stretch.links.some(({ from, to }) => used.has(from * this.network.parts.length + to));
      element.classList.toggle("on", on);
      if (on) this.lines.append(element); // above the others
    }
    this.elements.get(boxOf(scene, id)).classList.add("chosen");
    return needed.size;
  }
}

function levelIn(scene, id) {
  let level = 0;
  for (let at = id; at; at = scene.frameOf.get(at)) level++;
  return level;
}

// Puts the parts of a box where its place and size want them.
function fit(element, { x, y, w, h, fans }) {
  element.setAttribute("transform", `translate(${round(x)} ${round(y)})`);
  for (const child of element.children) {
    const { classList } = child;
    if (classList.contains("body")) setSize(child, w, h);
    else if (classList.contains("stack")) {
      child.setAttribute("transform", `translate(${child.dataset.x} ${child.dataset.x})`);
      setSize(child, w, h);
    } else if (classList.contains("times")) {
      child.setAttribute("transform", `translate(${round(w - Number(child.dataset.w) + 6)} -8)`);
    } else if (classList.contains("words")) {
      child.setAttribute("transform", `translate(${classList.contains("left") ? 24 : round(w / 2)} 0)`);
    } else if (classList.contains("end")) {
      child.setAttribute("x", round(w - 12));
      // Lines that come in need a part of the header, more where they spread.
      child.style.display = Number(child.dataset.w) + (fans ? 300 : 100) < w ? "" : "none";
    }
  }
}

function setSize(rect, w, h) {
  rect.setAttribute("width", round(Math.max(0, w)));
  rect.setAttribute("height", round(Math.max(0, h)));
}
