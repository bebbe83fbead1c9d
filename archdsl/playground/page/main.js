// The page: what is typed goes to the compiler, what that says goes beside it.
import { asked, cleanName, shared } from "./address.js";
import { Compiler } from "./compiler.js";
import { go, makeEditor, setText, underline } from "./editor.js";
import { png, save, show } from "./picture.js";

const PAUSE = 60; // milliseconds without a keystroke before a text is checked
const FIRST = "resnet50";
const KEPT = "archdsl playground theme";

const $ = (id) => document.getElementById(id);
const image = $("figure").querySelector("img");
const compiler = new Compiler();
compiler.ask({ ask: "check", name: "network", text: "input<1,1,1>" }); // Python starts meanwhile
const facts = await (await fetch("facts.json")).json();

let name = FIRST;
let newest = null; // the text to be checked next
let busy = false;
let timer;
let svg = null;
let unchanged = true; // the text is the one that the address asked for

const editor = makeEditor($("editor"), facts.words, {
  changed: (text) => {
    newest = text;
    if (!unchanged) $("spec").value = "";
    unchanged = false;
    clearTimeout(timer);
    timer = setTimeout(work, PAUSE);
  },
  keys: [{ key: "Shift-Alt-f", run: () => (format(), true) }],
});

/** Check the newest text, and draw it; a text that is typed meanwhile goes first. */
async function work() {
  if (busy) return;
  busy = true;
  while (newest !== null) {
    const text = newest;
    newest = null;
    const told = await compiler.ask({ ask: "check", name, text });
    if (newest !== null) continue;
    tell(told);
    if (told.line === undefined) continue;
    const drawn = await compiler.ask({ ask: "draw", style: style() });
    if (drawn.svg) {
      svg = drawn.svg;
      show(image, svg, told.line);
      $("figure").classList.remove("old");
    } else tell(drawn);
    document.documentElement.dataset.drawn = text.length;
  }
  busy = false;
}

function tell(told) {
  const findings = told.diagnostics ?? [];
  underline(editor, findings);
  $("findings").replaceChildren(...findings.map(item));
  const errors = findings.filter((finding) => finding.severity === "error").length;
  $("figure").classList.toggle("old", errors > 0 || "fault" in told);
  $("status").className = errors || told.fault ? "wrong" : "right";
  $("status").textContent = told.fault ?? told.line ?? (errors === 1 ? "1 error" : `${errors} errors`);
  if (told.rows) $("layers").replaceChildren(table(told));
}

function item(finding) {
  const place = element("button", finding.severity, finding.place ? `line ${finding.place.start.line + 1}` : finding.severity);
  place.onclick = () => go(editor, finding.place);
  const words = element("span", "", finding.message);
  for (const note of [...finding.notes, finding.help && `help: ${finding.help}`].filter(Boolean)) {
    words.append(element("small", "", note));
  }
  const code = element("button", "code", finding.code ?? "");
  code.title = "Explain";
  code.onclick = () => explain(finding.code);
  const row = element("li", finding.severity);
  row.append(place, words, code);
  return row;
}

function table({ columns, rows, totals }) {
  const made = element("table");
  const row = (kind, cells) => {
    const line = element("tr");
    cells.forEach((cell, at) => line.append(element(kind, columns[at][1], cell)));
    return line;
  };
  made.createTHead().append(row("th", columns.map(([heading]) => heading)));
  made.createTBody().append(...rows.map((cells) => row("td", cells)));
  made.createTFoot().append(row("td", totals));
  return made;
}

function element(kind, className = "", text = "") {
  const made = document.createElement(kind);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

async function explain(code) {
  const told = await compiler.ask({ ask: "explain", code });
  if (!told.text) return;
  const [heading, text] = $("explanation").querySelectorAll("h2, pre");
  heading.textContent = `${code}: ${told.title}`;
  text.textContent = told.text;
  $("explanation").showModal();
}

async function format() {
  const told = await compiler.ask({ ask: "format", name, text: editor.state.doc.toString() });
  if (told.text === undefined) return tell(told);
  if (told.text !== editor.state.doc.toString()) setText(editor, told.text);
}

async function share() {
  history.replaceState(null, "", await shared(name, editor.state.doc.toString()));
  let where = "the address of this page has the text";
  try {
    await navigator.clipboard.writeText(location.href);
    where = "copied: the address of this page, which has the text";
  } catch {
    // Not allowed here; the address is there to be copied.
  }
  $("status").textContent = where;
}

async function download(kind) {
  $("download").open = false;
  if (kind === "arch") save(new Blob([editor.state.doc.toString()], { type: "text/plain" }), `${name}.arch`);
  else if (svg === null) $("status").textContent = "there is no figure yet";
  else if (kind === "svg") save(new Blob([svg], { type: "image/svg+xml" }), `${name}.svg`);
  else save(await png(image, 2), `${name}.png`);
}

/** Open what the address asks for, or else the first network. */
async function open() {
  const wanted = await asked(location.hash);
  const spec = facts.specs.find((known) => known.name === (wanted.spec ?? FIRST));
  unchanged = true;
  if (wanted.text !== undefined) {
    name = wanted.name;
    $("spec").value = "";
    setText(editor, wanted.text);
    return;
  }
  name = cleanName(spec?.name ?? FIRST);
  $("spec").value = name;
  const text = await (await fetch(`specs/${name}.arch`)).text();
  unchanged = true;
  setText(editor, text);
}

// ---- light and dark

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
const style = () => $("style").value || (theme() === "dark" ? "dark" : "paper");

function draw() {
  newest ??= editor.state.doc.toString();
  work();
}

function wear(chosen) {
  document.documentElement.dataset.theme = chosen;
  draw();
}

try {
  const kept = localStorage.getItem(KEPT);
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  // Storage may be forbidden; the system's choice stands then.
}
$("theme").onclick = () => {
  const other = theme() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEPT, other);
  } catch {
    // As above.
  }
  wear(other);
};
dark.onchange = draw;

// ---- menus and tabs

$("spec").append(...facts.specs.map(({ name, title }) => {
  const option = element("option", "", name);
  option.value = name;
  option.title = title;
  return option;
}));
$("spec").onchange = () => {
  if ($("spec").value) location.hash = `#spec=${$("spec").value}`;
};
$("style").onchange = draw;
$("format").onclick = format;
$("share").onclick = share;
for (const button of $("download").querySelectorAll("button")) {
  button.onclick = () => download(button.dataset.kind);
}
addEventListener("pointerdown", (event) => {
  if (!$("download").contains(event.target)) $("download").open = false;
});
$("zoom").onclick = () => {
  const own = $("figure").classList.toggle("own-size");
  $("zoom").setAttribute("aria-pressed", own);
};
const tabs = [...document.querySelectorAll("[role=tab]")];
function choose(tab) {
  for (const one of tabs) {
    one.setAttribute("aria-selected", one === tab);
    one.tabIndex = one === tab ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = one !== tab;
  }
  $("zoom").hidden = tab !== tabs[0];
}
tabs.forEach((tab, at) => {
  tab.onclick = () => choose(tab);
  tab.onkeydown = ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = tabs[(at + 1) % tabs.length];
    choose(other);
    other.focus();
  };
});

addEventListener("hashchange", open);
await open();
