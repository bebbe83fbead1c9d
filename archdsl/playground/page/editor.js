// The text: an editor that underlines what is wrong.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { language } from "./language.js";

const NARROW = matchMedia("(max-width: 760px)");

export function makeEditor(parent, words, { changed, keys }) {
  const extensions = [
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    lintGutter(),
    indentUnit.of("    "),
    EditorState.tabSize.of(4),
    NARROW.matches ? EditorView.lineWrapping : [],
    language(words),
    keymap.of([...keys, ...lintKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ "aria-label": "The network's text", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) changed(update.state.doc.toString());
    }),
  ];
  return new EditorView({ parent, state: EditorState.create({ extensions }) });
}

export function setText(view, text) {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

/** The offsets of a place of the compiler's: lines and UTF-16 units from 0. */
export function offsets(view, place) {
  const at = ({ line, character }) => {
    const found = view.state.doc.line(Math.min(line + 1, view.state.doc.lines));
    return Math.min(found.from + character, found.to);
  };
  return place ? [at(place.start), at(place.end)] : [0, 0];
}

/** Underline findings; their words are shown as text and never as HTML. */
export function underline(view, findings) {
  const marked = findings
    .filter((finding) => finding.place)
    .map((finding) => {
      const [from, to] = offsets(view, finding.place);
      const message = [finding.message, ...finding.notes, finding.help && `help: ${finding.help}`];
      return { from, to, severity: finding.severity, message: message.filter(Boolean).join("\n") };
    });
  view.dispatch(setDiagnostics(view.state, marked));
}

export function go(view, place) {
  const [anchor, head] = offsets(view, place);
  view.dispatch({ selection: { anchor, head }, scrollIntoView: true });
  view.focus();
}
