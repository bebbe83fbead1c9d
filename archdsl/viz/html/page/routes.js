// The paths of lines: straight past boxes, smooth between rows, around into the next column.

function routeOf({ stretch, from, to, bends }, origin, { bands }) {
  const outAt = from.outs?.get(stretch.source) ?? from.w / 2;
  const inAt = to.ins?.get(stretch.source) ?? to.w / 2;
  const path = new Path(origin);
  const edge = (node, side) => bands[node.row].y + (bands[node.row].h + side * node.h) / 2;
  path.start(from.x + outAt, edge(from, 1), bands[from.row]);
  for (const bend of bends) path.pass(bend.x, bands[bend.row]);
  path.end(to.x + inAt, edge(to, -1), bands[to.row]);
  return { stretch, d: path.text, arrow: stretch.to !== EXIT && to.item !== undefined && !to.ins };
}

class Path {
  constructor(origin) {
    this.origin = origin;
    this.text = "";
  }

  at(x, y) {
    return `${round(this.origin.x + x)} ${round(this.origin.y + y)}`;
  }

  start(x, y, band) {
    this.text = `M${this.at(x, y)}`;
    this.leave(x, band);
  }

  leave(x, band) {
    Object.assign(this, { x, y: band.y + band.h, band });
    this.text += `L${this.at(x, this.y)}`;
  }

  pass(x, band) {
    this.reach(x, band);
    this.leave(x, band);
  }

  end(x, y, band) {
    this.reach(x, band);
    this.text += `L${this.at(x, y)}`;
  }

  reach(x, band) {
    if (band.column !== this.band.column) this.around(x, band);
    else if (Math.abs(x - this.x) < 0.5) this.text += `L${this.at(x, band.y)}`;
    else {
      const middle = (this.y + band.y) / 2;
      this.text += `C${this.at(this.x, middle)} ${this.at(x, middle)} ${this.at(x, band.y)}`;
    }
  }

  // From the bottom of a column up to the top of the next.
  around(x, band) {
    const [low, high] = [this.y + 16, band.y - 16];
    const corners = [[this.x, this.y], [this.x, low], [band.gutter, low], [band.gutter, high], [x, high], [x, band.y]];
    for (let at = 1; at < corners.length - 1; at++) {
      const [here, next] = [corners[at], corners[at + 1]];
      this.text += `L${this.at(...towards(here, corners[at - 1]))}Q${this.at(...here)} ${this.at(...towards(here, next))}`;
    }
    this.text += `L${this.at(x, band.y)}`;
  }
}

// The point near a corner from which the line bends into it.
function towards([x, y], [otherX, otherY]) {
  const length = Math.hypot(otherX - x, otherY - y);
  const part = Math.min(10, length / 2) / (length || 1);
  return [x + (otherX - x) * part, y + (otherY - y) * part];
}

function round(value) {
  return Math.round(value * 10) / 10;
}
