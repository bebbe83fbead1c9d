// Zooming and moving: wheel, drag, two fingers, and what keys and buttons ask for.

const CLOSEST = 4;
const FURTHEST = 0.02;

class Camera {
  constructor(svg, world, moved) {
    this.svg = svg;
    this.moved = moved;
    this.world = world;
    this.x = this.y = 0;
    this.scale = 1;
    this.fingers = new Map();
    this.dragged = false;
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, (event) => this.up(event));
  }

  get window() {
    const { width, height } = this.svg.getBoundingClientRect();
    return { w: Math.max(50, width), h: Math.max(50, height) };
  }

  apply() {
    this.world.setAttribute("transform", `translate(${round(this.x)} ${round(this.y)}) scale(${this.scale.toFixed(4)})`);
    this.moved();
  }

  // Goes to a view over a few frames.
  go(x, y, scale, slowly = !calm.matches) {
    cancelAnimationFrame(this.frame);
    const from = { x: this.x, y: this.y, scale: this.scale };
    const began = performance.now();
    const step = (now) => {
      const part = slowly ? Math.min(1, Math.max(0, now - began) / 220) : 1;
      const eased = 1 - (1 - part) ** 3;
      this.scale = from.scale * (scale / from.scale) ** eased;
      this.x = from.x + (x - from.x) * eased;
      this.y = from.y + (y - from.y) * eased;
      this.apply();
      if (part < 1) this.frame = requestAnimationFrame(step);
    };
    step(began);
  }

  fit(width, height, slowly) {
    const { w, h } = this.window;
    const margin = 28;
    const scale = Math.max(FURTHEST, Math.min(1.15, (w - 2 * margin) / width, (h - 2 * margin) / height));
    this.go((w - width * scale) / 2, (h - height * scale) / 2, scale, slowly);
  }

  // Brings a point of the picture into the middle.
  look(x, y, scale) {
    const { w, h } = this.window;
    const near = Math.min(CLOSEST, Math.max(FURTHEST, scale));
    this.go(w / 2 - x * near, h / 2 - y * near, near, false);
  }

  zoom(factor, x = this.window.w / 2, y = this.window.h / 2) {
    const scale = Math.min(CLOSEST, Math.max(FURTHEST, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    cancelAnimationFrame(this.frame);
    this.apply();
  }

  pan(x, y) {
    cancelAnimationFrame(this.frame);
    this.x += x;
    this.y += y;
    this.apply();
  }

  // Brings a place into the middle, near enough to read.
  centre({ x, y, w, h }) {
    const room = this.window;
    const readable = Math.max(0.9, this.scale);
    const scale = Math.max(FURTHEST, Math.min(readable, (room.w - 60) / w, (room.h - 60) / h));
    this.go(room.w / 2 - (x + w / 2) * scale, room.h / 2 - (y + h / 2) * scale, scale);
  }

  // Moves as little as is needed for a place to be seen.
  include({ x, y, w, h }) {
    const room = this.window;
    const margin = 16;
    const shift = (low, high, size) => {
      if (low < margin || high - low > size - 2 * margin) return margin - low;
      return Math.min(0, size - margin - high);
    };
    const [left, top] = [this.x + x * this.scale, this.y + y * this.scale];
    const [dx, dy] = [shift(left, left + w * this.scale, room.w), shift(top, top + Math.min(h, 60) * this.scale, room.h)];
    if (dx || dy) this.go(this.x + dx, this.y + dy, this.scale);
  }

  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    if (event.shiftKey) return this.pan(-(event.deltaX + event.deltaY) * unit, 0);
    const { left, top } = this.svg.getBoundingClientRect();
    const speed = event.ctrlKey ? 0.01 : 0.0016; // a pinch on a touchpad comes as small steps
    this.zoom(Math.exp(-event.deltaY * unit * speed), event.clientX - left, event.clientY - top);
  }

  down(event) {
    if (event.button > 0) return;
    if (!this.fingers.size) this.dragged = false;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  move(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    const [dx, dy] = [event.clientX - finger.x, event.clientY - finger.y];
    if (!this.dragged && this.fingers.size === 1 && Math.hypot(dx, dy) < 4) return;
    if (!this.dragged) this.svg.setPointerCapture(event.pointerId);
    this.dragged = true;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const { left, top } = this.svg.getBoundingClientRect();
      const before = Math.hypot(finger.x - other.x, finger.y - other.y);
      const now = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      this.pan(dx / 2, dy / 2);
      this.zoom(now / (before || 1), (event.clientX + other.x) / 2 - left, (event.clientY + other.y) / 2 - top);
    } else this.pan(dx, dy);
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.svg.classList.add("dragging");
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    if (!this.fingers.size) this.svg.classList.remove("dragging");
  }
}
