// What is known of a part, in words: for the card, the panel, and readers of the screen.

function factsOf(network, part) {
  if (part.kind === "output") return [["Output", part.shape]];
  const facts = [];
  const kind = part.kind === "layer" ? part.layer : null;
  if (kind) facts.push(["Kind", kind]);
  if (part.inputs?.length) facts.push([part.inputs.length > 1 ? "Inputs" : "Input", [...new Set(part.inputs)].join(", ")]);
  facts.push(["Output", part.shape]);
  if (part.layers) facts.push(["Layers", part.layers.toLocaleString("en")]);
  facts.push(["Parameters", part.params.toLocaleString("en") + (part.frozen ? " (frozen)" : "")]);
  if (part.buffers) facts.push(["Buffers", part.buffers.toLocaleString("en")]);
  facts.push(["MACs", number(part.macs)]);
  if (part.reach) facts.push(["Receptive field", part.reach.map((n) => n.toLocaleString("en")).join("×")]);
  return facts;
}

function whereIs(network, at) {
  return at ? `${network.sources[at[0]].name}:${at[1]}:${at[2]}` : "";
}

// The template instances around a part, innermost first, each with where it is written.
function instancesAround(network, part) {
  const found = [];
  let scope = network.scopes[part.scope];
  if (part.kind === "block") scope = network.scopes[scope.outer];
  for (; scope; scope = network.scopes[scope.outer]) {
    if (scope.at) found.push(scope);
  }
  return found;
}

function spoken(network, part, times) {
  const facts = factsOf(network, part).map(([name, value]) => `${name} ${value}`);
  const more = part.more ? [part.more] : [];
  const where = part.at ? [whereIs(network, part.at)] : [];
  return [times ? `${part.title}, ${times} times` : part.title, ...more, ...facts, ...where].join(", ");
}

function table(facts) {
  const list = make("dl");
  for (const [name, value] of facts) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}

function heading(network, part, level) {
  const title = make(level, {}, part.title);
  if (part.category !== undefined) title.prepend(make("span", { class: `dot c${part.category}` }));
  const lines = [title];
  if (part.more) lines.push(make("p", { class: "with" }, `with ${part.more}`));
  if (part.path) lines.push(make("p", { class: "path" }, part.path));
  return lines;
}

// The card beside a box that is pointed at or focused.
function fillCard(card, network, part, times) {
  const where = whereIs(network, part.at);
  const each = times ? [make("p", { class: "with" }, `the first of ${times} equal ones in a row`)] : [];
  card.replaceChildren(...heading(network, part, "h3"), ...each, table(factsOf(network, part)), ...(where ? [make("p", { class: "where" }, where)] : []));
}

// The panel: a chosen part, or the network.
function fillPanel(panel, network, part, choose) {
  if (!part) {
    const { totals } = network;
    const facts = [["Input", totals.input]];
    for (const end of network.parts) if (end.kind === "output") facts.push([end.title === "output" ? "Output" : `Output ${end.title}`, end.shape]);
    facts.push(["Layers", totals.layers.toLocaleString("en")], ["Parameters", totals.params.toLocaleString("en")]);
    if (totals.trainable !== totals.params) facts.push(["Trainable", totals.trainable.toLocaleString("en")]);
    facts.push(["MACs", number(totals.macs)]);
    panel.replaceChildren(
      make("h2", {}, network.name),
      table(facts),
      make("p", { class: "hint" }, "Point at a box for its facts. Click it for the path from the input to it. Double click, or click its triangle, to open it; click ×N to unfold a repeated block."),
    );
    return;
  }
  const content = [...heading(network, part, "h2"), table(factsOf(network, part))];
  const share = network.totals.macs && part.macs ? `${((100 * part.macs) / network.totals.macs).toPrecision(2)}% of all MACs` : "";
  if (share && part.kind !== "output") content.push(make("p", { class: "hint" }, share));
  if (part.kind === "row") content.push(make("h3", {}, "Layers"), layersOf(network, part, choose));
  if (part.at) content.push(make("h3", {}, "Source"), ...quote(network, part.at));
  const around = part.kind === "output" ? [] : instancesAround(network, part);
  if (around.length) {
    content.push(make("h3", {}, "Expanded in"));
    const list = make("ol", { class: "around" });
    for (const scope of around) list.append(make("li", {}, make("b", {}, clipped(scope.title, 60)), make("span", { class: "where" }, whereIs(network, scope.at))));
    content.push(list);
  }
  panel.replaceChildren(...content);
}

function layersOf(network, part, choose) {
  const list = make("ol", { class: "layers" });
  for (const id of part.children) {
    const layer = network.parts[id];
    const button = make("button", {}, make("span", { class: `dot c${layer.category}` }), layer.title, make("span", { class: "path" }, layer.shape));
    button.addEventListener("click", () => choose(id));
    list.append(make("li", {}, button));
  }
  return list;
}

// Where it is written, and the line itself with the words marked.
function quote(network, [source, line, column, length]) {
  const { name, lines } = network.sources[source];
  const where = make("p", { class: "where" }, `${name}:${line}:${column}`);
  if (!lines) return [where];
  const letters = [...lines[line - 1]];
  const [start, end] = [column - 1, column - 1 + length];
  const mark = make("mark", {}, letters.slice(start, end).join(""));
  return [where, make("pre", { tabindex: "0" }, letters.slice(0, start).join("").trimStart(), mark, letters.slice(end).join(""))];
}
