// What is drawn: the field with its dots and tails, and the charts (uPlot).
"use strict";

// Okabe and Ito's colours, told apart by most people; each dot carries its number besides.
touchline.COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
const DARK_TEXT = new Set(["#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#999999", "#009e73", "#d55e00"]);
const TAIL = 5000; // ms
const MARGIN = 4; // m around the field

touchline.ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Degrees → metres on a plain projection; with corners along the field, else east and north.
class Projection {
  constructor(pitch) {
    this.pitch = pitch;
  }

  // Without corners the first fix is the origin.
  place(latitude, longitude) {
    if (!this.pitch) {
      const north = 111195, east = 111195 * Math.cos((latitude * Math.PI) / 180);
      this.pitch = {
        kind: null, origin: [latitude, longitude], metres_per_degree: [north, east],
        along: [1, 0], across: [0, 1], length: 0, width: 0,
      };
    }
    const { origin, metres_per_degree: m, along, across, length, width } = this.pitch;
    const north = (latitude - origin[0]) * m[0], east = (longitude - origin[1]) * m[1];
    return [
      along[0] * east + along[1] * north + length / 2,
      across[0] * east + across[1] * north + width / 2,
    ];
  }
}

touchline.Field = class {
  constructor(canvas, note, pitch) {
    this.canvas = canvas;
    this.note = note;
    this.projection = new Projection(pitch);
    this.tails = new Map(); // number → [{t, x, y}], the oldest first
    this.due = false;
    new ResizeObserver(() => this.soon()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
    note.textContent = pitch ? "" : "The activity has no corners: positions from the first fix, north up.";
  }

  add(number, times, latitudes, longitudes) {
    const tail = this.tails.get(number) ?? [];
    times.forEach((t, i) => {
      if (latitudes[i] === null || longitudes[i] === null || (!latitudes[i] && !longitudes[i])) return;
      const [x, y] = this.projection.place(latitudes[i], longitudes[i]);
      tail.push({ t, x, y });
    });
    if (!tail.length) return;
    tail.sort((a, b) => a.t - b.t);
    const since = tail[tail.length - 1].t - TAIL;
    this.tails.set(number, tail.filter((at) => at.t >= since));
    this.soon();
  }

  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => { this.due = false; this.draw(); });
  }

  // [left, bottom, right, top] in metres.
  bounds() {
    const pitch = this.projection.pitch;
    if (pitch?.kind) return [-MARGIN, -MARGIN, pitch.length + MARGIN, pitch.width + MARGIN];
    const all = [...this.tails.values()].flat();
    const xs = all.map((at) => at.x), ys = all.map((at) => at.y);
    if (!all.length) return [-50, -30, 50, 30];
    const [x, y] = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
    const half = Math.max(30, 10 + Math.max(...xs) - x, 1.6 * (10 + Math.max(...ys) - y));
    return [x - half, y - half / 1.6, x + half, y + half / 1.6];
  }

  draw() {
    const { canvas } = this;
    const [left, bottom, right, top] = this.bounds();
    const wide = canvas.clientWidth, ratio = devicePixelRatio || 1;
    const scale = wide / (right - left), high = (top - bottom) * scale;
    if (!wide) return;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(high * ratio);
      canvas.style.height = `${high}px`;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const at = (x, y) => [(x - left) * scale, high - (y - bottom) * scale];
    this.lines(pen, at, scale);
    for (const [number, tail] of this.tails) this.athlete(pen, at, number, tail);
  }

  lines(pen, at, scale) {
    const pitch = this.projection.pitch;
    pen.strokeStyle = touchline.ink("--soft");
    pen.lineWidth = 1.5;
    if (!pitch?.kind) return this.scaleBar(pen, scale);
    const { length, width } = pitch;
    const box = (x, y, w, h) => pen.strokeRect(at(x, y + h)[0], at(x, y + h)[1], w * scale, h * scale);
    const line = (x1, y1, x2, y2) => {
      pen.beginPath(); pen.moveTo(...at(x1, y1)); pen.lineTo(...at(x2, y2)); pen.stroke();
    };
    box(0, 0, length, width);
    line(length / 2, 0, length / 2, width);
    if (pitch.kind !== "pitch") return undefined;
    pen.beginPath();
    pen.arc(...at(length / 2, width / 2), 9.15 * scale, 0, 2 * Math.PI);
    pen.stroke();
    const area = Math.min(40.32, width);
    box(0, (width - area) / 2, 16.5, area);
    box(length - 16.5, (width - area) / 2, 16.5, area);
    return undefined;
  }

  scaleBar(pen, scale) {
    const metres = [5, 10, 20, 50, 100, 200, 500, 1000].find((m) => m * scale > 60) ?? 1000;
    pen.beginPath(); pen.moveTo(12, 22); pen.lineTo(12 + metres * scale, 22); pen.stroke();
    pen.fillStyle = touchline.ink("--ink");
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.textBaseline = "alphabetic";
    pen.fillText(`${metres} m`, 12, 16);
  }

  athlete(pen, at, number, tail) {
    const colour = touchline.COLOURS[(number - 1) % touchline.COLOURS.length];
    pen.strokeStyle = colour;
    pen.globalAlpha = 0.55;
    pen.lineWidth = 3;
    pen.beginPath();
    tail.forEach((where, i) => (i ? pen.lineTo : pen.moveTo).call(pen, ...at(where.x, where.y)));
    pen.stroke();
    pen.globalAlpha = 1;
    const last = tail[tail.length - 1];
    const [x, y] = at(last.x, last.y);
    pen.fillStyle = colour;
    pen.beginPath(); pen.arc(x, y, 11, 0, 2 * Math.PI); pen.fill();
    pen.lineWidth = 1.5;
    pen.strokeStyle = touchline.ink("--sheet");
    pen.stroke();
    pen.fillStyle = DARK_TEXT.has(colour) ? "#000000" : "#ffffff";
    pen.font = "600 12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(number), x, y);
  }
};

const RED = "#d55e00", BLUE = "#0072b2";

// Speed (km/h) and heart rate (1/min) of the last minute, without axes.
touchline.sparkline = (cell) => new uPlot({
  width: cell.clientWidth - 12, height: 36, pxAlign: 0,
  legend: { show: false }, cursor: { show: false }, select: { show: false },
  padding: [3, 0, 3, 0],
  scales: { x: { time: false }, kmh: { range: [0, 34] }, bpm: { range: [60, 210] } },
  axes: [{ show: false }, { show: false }],
  series: [
    {},
    { scale: "kmh", stroke: BLUE, width: 1.5, points: { show: false }, spanGaps: false },
    { scale: "bpm", stroke: RED, width: 1.5, points: { show: false }, spanGaps: false },
  ],
}, [[], [], []], cell);

// The same with axes, zoom and values under the cursor, for one athlete.
touchline.chart = (place, zone) => {
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const axis = {
    stroke: () => touchline.ink("--ink"),
    grid: { stroke: () => touchline.ink("--line"), width: 1 },
    ticks: { show: false },
  };
  const from = (least, most) => (_, low, high) => [least, Math.max(most, high || 0)];
  const chart = new uPlot({
    width: place.clientWidth, height: 260,
    scales: { kmh: { range: from(0, 20) }, bpm: { range: from(40, 200) } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((s) => clock.format(s * 1000)) },
      { ...axis, scale: "kmh", label: "km/h" },
      { ...axis, scale: "bpm", label: "1/min", side: 1, grid: { show: false } },
    ],
    series: [
      { label: "Time", value: (_, s) => (s ? clock.format(s * 1000) : "–") },
      { label: "Speed, km/h", scale: "kmh", stroke: BLUE, width: 1.5, value: (_, v) => v?.toFixed(1) ?? "–" },
      { label: "Heart rate, 1/min", scale: "bpm", stroke: RED, width: 1.5, value: (_, v) => v?.toFixed(0) ?? "–" },
    ],
  }, [[], [], []], place);
  chart.root.querySelectorAll("th").forEach((head) => { head.scope = "row"; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false, true));
  return chart;
};
