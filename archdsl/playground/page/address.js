// The text in the address: #spec=NAME for a bundled one, #text=... for any, compressed.

const MOST = 1 << 20; // characters of a text that is taken from an address

export async function shared(name, text) {
  const packed = new Blob([JSON.stringify({ name, text })]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return "#text=" + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What an address asks for: {spec}, {name, text}, or {} where nothing, or nothing readable. */
export async function asked(hash) {
  const spec = /^#spec=([\w-]+)$/.exec(hash);
  if (spec) return { spec: spec[1] };
  const packed = /^#text=([\w-]+)$/.exec(hash);
  if (!packed) return {};
  try {
    const letters = atob(packed[1].replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const { name, text } = JSON.parse(await unpacked(bytes));
    return { name: cleanName(name), text: String(text) };
  } catch {
    return {};
  }
}

/** A name that a file can have. */
export function cleanName(name) {
  return String(name).replace(/[^\w-]+/g, "_").slice(0, 60) || "network";
}

async function unpacked(bytes) {
  const reader = new Blob([bytes]).stream()
    .pipeThrough(new DecompressionStream("deflate-raw"))
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > MOST) throw new Error("too long");
  }
}
