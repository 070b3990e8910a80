// What lies on the ground: the way on a plain projection with a scale bar, and the heat map.
"use strict";

(() => {
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const MARGIN = 16; // px
  const PATH = "#0072b2", HERE = "#d55e00";

  // WGS84: metres per degree of latitude and longitude there.
  const radii = (latitude) => {
    const phi = (latitude * Math.PI) / 180, w = 1 - 0.0066943799901413165 * Math.sin(phi) ** 2;
    const across = 6378137 / Math.sqrt(w);
    return [(across * (1 - 0.0066943799901413165) / w) * (Math.PI / 180), across * Math.cos(phi) * (Math.PI / 180)];
  };

  // A canvas that is drawn again when its size or the theme changes. `aspect`: height over width.
  class Drawing {
    constructor(canvas) {
      this.canvas = canvas;
      new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
      dark.addEventListener("change", () => this.draw());
      addEventListener("beforeprint", () => this.draw());
    }

    pen(width, height) {
      const ratio = devicePixelRatio || 1;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
      const pen = this.canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.lineJoin = pen.lineCap = "round";
      pen.font = "12px system-ui, sans-serif";
      return pen;
    }
  }

  const fieldLines = (pen, pitch, at, scale) => {
    const { length, width, kind } = pitch;
    const box = (x, y, w, h) => pen.strokeRect(at(x, y + h)[0], at(x, y + h)[1], w * scale, h * scale);
    const line = (x1, y1, x2, y2) => { pen.beginPath(); pen.moveTo(...at(x1, y1)); pen.lineTo(...at(x2, y2)); pen.stroke(); };
    box(0, 0, length, width);
    line(length / 2, 0, length / 2, width);
    if (kind === "court") {
      const service = Math.min(6.4, length / 2);
      line(length / 2 - service, 0, length / 2 - service, width);
      line(length / 2 + service, 0, length / 2 + service, width);
      line(length / 2 - service, width / 2, length / 2 + service, width / 2);
      return;
    }
    pen.beginPath(); pen.arc(...at(length / 2, width / 2), 9.15 * scale, 0, 2 * Math.PI); pen.stroke();
    const area = Math.min(40.32, width);
    box(0, (width - area) / 2, 16.5, area);
    box(length - 16.5, (width - area) / 2, 16.5, area);
  };

  const scaleBar = (pen, scale, x, y) => {
    const metres = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].find((m) => m * scale > 60) ?? 100000;
    const words = metres < 1000 ? `${metres} m` : `${metres / 1000} km`;
    pen.strokeStyle = pen.fillStyle = ink("--ink");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(x, y - 5); pen.lineTo(x, y); pen.lineTo(x + metres * scale, y); pen.lineTo(x + metres * scale, y - 5);
    pen.stroke();
    pen.textAlign = "left";
    pen.textBaseline = "bottom";
    pen.fillText(words, x + 4, y - 2);
  };

  // The way of one time frame: thin as a whole, strong in the part that the charts show, a dot
  // where their cursor is. On the field where the activity has one, else north is up.
  touchline.Route = class extends Drawing {
    constructor(canvas, route, pitch) {
      super(canvas);
      this.pitch = pitch;
      this.t = route.t;
      const breaks = new Set(route.breaks);
      this.starts = (i) => i === 0 || breaks.has(i);
      this.project(route);
      this.part = [-Infinity, Infinity];
      this.here = null;
      this.thin = this.windings() > 12;
      this.draw();
    }

    project({ latitude, longitude }) {
      const { pitch } = this;
      const middle = pitch ? pitch.origin : [latitude[latitude.length >> 1], longitude[longitude.length >> 1]];
      const [north, east] = pitch ? pitch.metres_per_degree : radii(middle[0]);
      const along = pitch ? pitch.along : [1, 0], across = pitch ? pitch.across : [0, 1];
      const [dx, dy] = pitch ? [pitch.length / 2, pitch.width / 2] : [0, 0];
      const wrap = (degrees) => ((degrees + 540) % 360) - 180;
      this.points = latitude.map((lat, i) => {
        const y = (lat - middle[0]) * north, x = wrap(longitude[i] - middle[1]) * east;
        return [along[0] * x + along[1] * y + dx, across[0] * x + across[1] * y + dy];
      });
    }

    // How long the way is in diagonals of its ground: many on a field, few on a tour.
    windings() {
      const [left, bottom, right, top] = this.bounds();
      const way = this.points.reduce((sum, [x, y], i, all) => (i ? sum + Math.hypot(x - all[i - 1][0], y - all[i - 1][1]) : 0), 0);
      return way / Math.hypot(right - left, top - bottom);
    }

    bounds() {
      let [left, bottom, right, top] = this.pitch ? [-3, -3, this.pitch.length + 3, this.pitch.width + 3] : [Infinity, Infinity, -Infinity, -Infinity];
      for (const [x, y] of this.points) {
        left = Math.min(left, x); right = Math.max(right, x);
        bottom = Math.min(bottom, y); top = Math.max(top, y);
      }
      const least = 20; // m
      const room = (low, high) => (high - low < least ? [(low + high - least) / 2, (low + high + least) / 2] : [low, high]);
      [left, right] = room(left, right);
      [bottom, top] = room(bottom, top);
      return [left, bottom, right, top];
    }

    show(from, to) {
      this.part = [from, to];
      this.draw();
    }

    point(t) {
      if (t === this.here) return;
      this.here = t;
      this.draw();
    }

    draw() {
      const wide = this.canvas.parentElement.clientWidth;
      if (wide < 4 * MARGIN || !this.points?.length) return;
      const [left, bottom, right, top] = this.bounds();
      const most = Math.min(480, Math.max(220, wide));
      const scale = Math.min((wide - 2 * MARGIN) / (right - left), (most - 2 * MARGIN - 14) / (top - bottom));
      const high = (top - bottom) * scale + 2 * MARGIN + 14;
      const shift = (wide - (right - left) * scale) / 2;
      const at = (x, y) => [shift + (x - left) * scale, high - MARGIN - 14 - (y - bottom) * scale];
      const pen = this.pen(wide, high);
      if (this.pitch) {
        pen.strokeStyle = ink("--soft");
        pen.lineWidth = 1.5;
        fieldLines(pen, this.pitch, at, scale);
      }
      this.way(pen, at);
      if (this.here !== null) this.dot(pen, at);
      scaleBar(pen, scale, MARGIN, high - 6);
      if (!this.pitch) { pen.textAlign = "right"; pen.fillText("N ↑", wide - MARGIN, high - 4); }
    }

    way(pen, at) {
      const stroke = (inside) => {
        pen.beginPath();
        let down = false;
        this.points.forEach((point, i) => {
          const there = !inside || (this.t[i] >= this.part[0] && this.t[i] <= this.part[1]);
          if (there) {
            if (down && !this.starts(i)) pen.lineTo(...at(...point));
            else pen.moveTo(...at(...point));
          }
          down = there;
        });
        pen.stroke();
      };
      pen.strokeStyle = PATH;
      pen.globalAlpha = this.thin ? 0.25 : 0.35;
      pen.lineWidth = this.thin ? 1 : 2;
      stroke(false);
      pen.globalAlpha = this.thin ? 0.7 : 1;
      pen.lineWidth = this.thin ? 1.25 : 2.5;
      stroke(true);
      pen.globalAlpha = 1;
    }

    dot(pen, at) {
      let low = 0, high = this.t.length - 1;
      while (low < high) { const middle = (low + high) >> 1; if (this.t[middle] < this.here) low = middle + 1; else high = middle; }
      pen.fillStyle = HERE;
      pen.strokeStyle = ink("--sheet");
      pen.lineWidth = 2;
      pen.beginPath(); pen.arc(...at(...this.points[low]), 7, 0, 2 * Math.PI); pen.fill(); pen.stroke();
    }
  };

  // Seconds per cell of the field, from the first corner; darker is longer, by the root so that
  // short stays show.
  touchline.HeatMap = class extends Drawing {
    constructor(canvas, note, heat, pitch) {
      super(canvas);
      this.heat = heat;
      this.pitch = pitch;
      // One cell in which somebody stood must not make all others pale.
      const spent = heat.seconds.flat().filter((s) => s > 0).sort((a, b) => a - b);
      this.most = spent.length ? spent[Math.floor(spent.length * 0.98)] : 1;
      const shown = this.most >= 10 ? this.most.toFixed(0) : this.most.toFixed(1);
      note.textContent = `Cells of ${heat.cell} m; faint to strong: 0 to ${shown} s and more${heat.outside ? `; outside the field ${Math.round(heat.outside)} s` : ""}.`;
      this.draw();
    }

    draw() {
      const { heat, pitch } = this;
      const wide = this.canvas.parentElement.clientWidth;
      if (wide < 4 * MARGIN || !heat) return;
      const length = heat.columns * heat.cell, width = heat.rows * heat.cell;
      const scale = (wide - 2 * MARGIN) / length, high = width * scale + 2 * MARGIN;
      const { x: left, y: bottom } = heat.origin; // of the first cell, on the field
      const at = (x, y) => [MARGIN + (x - left) * scale, high - MARGIN - (y - bottom) * scale];
      const pen = this.pen(wide, high);
      pen.fillStyle = HERE;
      for (let row = 0; row < heat.rows; row += 1) {
        for (let column = 0; column < heat.columns; column += 1) {
          const s = heat.seconds[row][column];
          if (!s) continue;
          pen.globalAlpha = 0.08 + 0.92 * Math.sqrt(Math.min(1, s / this.most));
          const [x, y] = at(left + column * heat.cell, bottom + (row + 1) * heat.cell);
          pen.fillRect(x, y, heat.cell * scale + 0.5, heat.cell * scale + 0.5);
        }
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = ink("--soft");
      pen.lineWidth = 1.5;
      if (pitch) fieldLines(pen, pitch, at, scale);
      else pen.strokeRect(...at(left, bottom + width), length * scale, width * scale);
    }
  };
})();
