// Search by name, kind and shape.

const MOST_HITS = 60;

function normal(text) {
  return text.toLowerCase().replace(/(\d)\s*[x*]\s*(?=\d|\?)/g, "$1×");
}

class Search {
  constructor(network, choose, leave) {
    this.network = network;
    this.choose = choose;
    this.leave = leave;
    this.input = document.getElementById("query");
    this.list = document.getElementById("hits");
    this.hits = [];
    this.at = -1;
    this.texts = network.parts.map((part) =>
      part.id && part.kind !== "run" && part.kind !== "row" ? normal([part.path, part.title, part.layer, part.shape].filter(Boolean).join(" ")) : null,
    );
    this.input.addEventListener("input", () => this.find());
    this.input.addEventListener("focus", () => this.find());
    this.input.addEventListener("blur", () => setTimeout(() => this.hide(), 120));
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  find() {
    const words = normal(this.input.value).split(/\s+/).filter(Boolean);
    this.hits = [];
    let count = 0;
    if (words.length) {
      this.texts.forEach((text, id) => {
        if (text === null || !words.every((word) => text.includes(word))) return;
        count++;
        if (this.hits.length < MOST_HITS) this.hits.push(id);
      });
    }
    this.at = this.hits.length ? 0 : -1;
    const rows = this.hits.map((id, at) => this.row(this.network.parts[id], at));
    if (words.length && !count) rows.push(make("li", { class: "none", role: "option", "aria-disabled": "true" }, "Nothing found"));
    if (count > this.hits.length) rows.push(make("li", { class: "none", role: "option", "aria-disabled": "true" }, `and ${(count - this.hits.length).toLocaleString("en")} more`));
    this.list.replaceChildren(...rows);
    this.list.hidden = !rows.length;
    this.input.setAttribute("aria-expanded", !this.list.hidden);
    if (words.length) say(`${count.toLocaleString("en")} found`);
    this.select(this.at);
  }

  row(part, at) {
    const row = make("li", { role: "option", id: `hit${at}` }, make("span", { class: `dot c${part.category ?? ""}` }), make("b", {}, clipped(part.title)), make("span", { class: "shape" }, part.shape), make("span", { class: "path" }, part.path ?? ""));
    row.addEventListener("pointerdown", (event) => event.preventDefault());
    row.addEventListener("click", () => this.take(at));
    return row;
  }

  select(at) {
    this.at = at;
    [...this.list.children].forEach((row, number) => row.setAttribute("aria-selected", number === at));
    if (at < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", `hit${at}`);
      this.list.children[at].scrollIntoView({ block: "nearest" });
    }
  }

  take(at) {
    if (at < 0) return;
    this.hide();
    this.choose(this.hits[at]);
  }

  hide() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  key(event) {
    const last = this.hits.length - 1;
    if (event.key === "ArrowDown" && last >= 0) this.select(this.at < last ? this.at + 1 : 0);
    else if (event.key === "ArrowUp" && last >= 0) this.select(this.at > 0 ? this.at - 1 : last);
    else if (event.key === "Enter") this.take(this.at);
    else if (event.key === "Escape") {
      this.input.value = "";
      this.find();
      this.leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
