// The figure: an image, in which nothing of a text can run.

let address = null;

/** Show an SVG document in an image. */
export function show(image, svg, title) {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  image.src = address;
  image.alt = title;
  image.hidden = false;
}

/** The picture of an image as PNG, at so many dots for each of its own. */
export async function png(image, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
