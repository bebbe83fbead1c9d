// The colours of the language: its words come from the catalogue of layers.
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const DECLARING = new Set(["template", "using", "param", "const", "constexpr", "typename", "class", "namespace", "struct"]);
const TYPES = new Set(["int", "long", "unsigned", "bool", "float", "double", "char", "size_t", "uint8", "uint16"]);

export function language(words) {
  const kinds = new Map();
  for (const [group, kind] of [
    ["pixels", "typeName"],
    ["inputs", "className"],
    ["combinators", "keyword"],
    ["layers", "variableName.standard"],
  ]) {
    for (const word of words[group]) kinds.set(word, kind);
  }
  const stream = StreamLanguage.define({
    name: "arch",
    startState: () => ({ comment: false }),
    languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } } },
    token(text, state) {
      if (state.comment || text.match("/*")) {
        state.comment = !text.match(/^.*?\*\//);
        if (state.comment) text.skipToEnd();
        return "comment";
      }
      if (text.eatSpace()) return null;
      if (text.match("//")) {
        text.skipToEnd();
        return "comment";
      }
      if (text.sol() && text.match(/^#\s*\w+/)) return "meta";
      if (text.match(/^"[^"]*"?/)) return "string";
      if (text.match(/^\d+(\.\d*)?([eE][-+]?\d+)?/)) return "number";
      const word = text.match(/^[A-Za-z_]\w*/);
      if (!word) {
        text.next();
        return null;
      }
      if (DECLARING.has(word[0])) return "definitionKeyword";
      if (TYPES.has(word[0])) return "typeName";
      const kind = kinds.get(word[0]) ?? kinds.get(word[0].replace(/_$/, ""));
      if (kind) return kind;
      return text.match(/^\s*</, false) ? "variableName.function" : "variableName";
    },
    tokenTable: {
      "variableName.standard": tags.standard(tags.variableName),
      "variableName.function": tags.function(tags.variableName),
    },
  });
  return [stream, syntaxHighlighting(STYLE), bracketMatching({ brackets: "<>()[]{}" })];
}

const STYLE = HighlightStyle.define([
  { tag: tags.comment, color: "var(--comment)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.definitionKeyword], color: "var(--keyword)" },
  { tag: tags.typeName, color: "var(--type)" },
  { tag: tags.className, color: "var(--input)" },
  { tag: tags.number, color: "var(--number)" },
  { tag: [tags.string, tags.meta], color: "var(--string)" },
  { tag: tags.standard(tags.variableName), color: "var(--layer)" },
  { tag: tags.function(tags.variableName), color: "var(--block)" },
]);
