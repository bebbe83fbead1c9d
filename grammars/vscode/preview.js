// The page of the figure: an image, without scripts, so that nothing of a text can run.
"use strict";

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (letter) => ESCAPES[letter]);
}

/** The page of what the server says: {svg, current, message}. */
function page({ svg, current, message }) {
  const data = svg === null ? "" : Buffer.from(svg).toString("base64");
  const figure = svg === null ? "" : `<img alt="" src="data:image/svg+xml;base64,${data}">`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body { margin: 0; padding: 8px; display: flex; flex-direction: column; height: 100vh; box-sizing: border-box; }
img { flex: 1; min-height: 0; object-fit: contain; }
.old img { opacity: 0.4; }
p { margin: 8px 0 0; font: 12px sans-serif; color: var(--vscode-descriptionForeground, gray); }
</style>
</head>
<body class="${current ? "new" : "old"}">${figure}<p>${escaped(message)}</p></body>
</html>`;
}

module.exports = { page };
