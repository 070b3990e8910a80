// Charts of one time frame (uPlot): a chart per channel, one cursor and one zoom over all of them.
// Each draws the mean over the band from lowest to highest value of its buckets.
"use strict";

(() => {
  const COLOURS = {
    "gnss.speed": "#0072b2", "ecg.hr": "#d55e00", "gnss.altitude": "#009e73", "pwr.pwr_instantpower": "#cc79a7",
    "pwr.pwr_cadence": "#e69f00", "run.cadence": "#e69f00", "env.temp": "#56b4e9",
  };
  // What a channel is called, its unit for people, the factor to it, its decimals.
  const WORDS = {
    "gnss.speed": ["Speed", "km/h", 3.6, 1], "ecg.hr": ["Heart rate", "1/min", 1, 0], "gnss.altitude": ["Altitude", "m", 1, 0],
    "pwr.pwr_instantpower": ["Power", "W", 1, 0], "pwr.pwr_cadence": ["Cadence", "1/min", 1, 0],
    "run.cadence": ["Cadence", "steps/min", 1, 0], "env.temp": ["Temperature", "°C", 1, 1],
  };
  const HEIGHT = 150;
  const FROM_ZERO = new Set(["gnss.speed", "pwr.pwr_instantpower", "pwr.pwr_cadence", "run.cadence"]);
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)");

  touchline.save = (name, blob) => {
    const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // A hole is one where the values around it are further apart than `gap`; else the line goes on.
  const holes = (t, values, gap) => {
    const shown = new Array(values.length);
    let last = null;
    for (let i = 0; i < values.length; i += 1) {
      if (values[i] === null) { shown[i] = undefined; continue; }
      if (last !== null && i - last > 1 && t[i] - t[last] > gap) shown[last + 1] = null;
      shown[i] = values[i];
      last = i;
    }
    return shown;
  };

  // A drawing as it is seen, on the page's ground.
  touchline.picture = (from, name) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: from.width, height: from.height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = ink("--sheet");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(from, 0, 0);
    canvas.toBlob((blob) => touchline.save(name, blob));
  };

  touchline.button = (words, act) => {
    const made = Object.assign(document.createElement("button"), { className: "quiet", textContent: words });
    made.addEventListener("click", act);
    return made;
  };

  class Chart {
    constructor(place, channel, all) {
      this.channel = channel;
      this.all = all;
      [this.title, this.unit, this.factor, this.digits] = WORDS[channel];
      this.place = document.createElement("figure");
      this.place.className = "chart-figure";
      this.caption = document.createElement("figcaption");
      this.words = Object.assign(document.createElement("span"), { className: "chart-words" });
      this.heading = Object.assign(document.createElement("b"), { textContent: `${this.title}, ${this.unit}` });
      const tools = Object.assign(document.createElement("span"), { className: "chart-tools" });
      this.tableButton = touchline.button("Table", () => this.toggleTable());
      this.tableButton.setAttribute("aria-expanded", "false");
      tools.append(this.tableButton, touchline.button("CSV", () => this.csv()), touchline.button("PNG", () => this.png()));
      this.caption.append(this.heading, this.words, tools);
      this.drawing = document.createElement("div");
      this.table = Object.assign(document.createElement("div"), { className: "scroll chart-table", tabIndex: 0, hidden: true });
      this.table.setAttribute("role", "region");
      this.table.setAttribute("aria-label", `${this.title} as a table`);
      this.place.append(this.caption, this.drawing, this.table);
      place.append(this.place);
    }

    format(value) {
      return value === null || value === undefined ? "–" : (value * this.factor).toFixed(this.digits).replace("-", "−");
    }

    set(t, one, gap) {
      this.t = t;
      this.one = one;
      const scaled = (values) => holes(t, values.map((v) => (v === null ? null : v * this.factor)), gap);
      const data = [t.map((ms) => ms / 1000), scaled(one.min), scaled(one.max), scaled(one.mean)];
      if (this.plot) this.plot.setData(data, false);
      else this.draw(data);
      if (!this.table.hidden) this.fill();
      const derived = one.source === "position" ? " (from positions)" : "";
      this.heading.textContent = `${this.title}, ${this.unit}${derived}`;
      this.drawing.setAttribute("role", "img");
      this.drawing.setAttribute("aria-label", `${this.title} over time; its table has the numbers`);
    }

    draw(data) {
      const { all } = this;
      const colour = COLOURS[this.channel];
      const axis = { stroke: () => ink("--soft"), grid: { stroke: () => ink("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
      const line = { points: { show: false }, spanGaps: false };
      this.plot = new uPlot({
        width: this.width(), height: HEIGHT, legend: { show: false },
        cursor: { sync: { key: "streams", setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false, bind: { dblclick: () => () => all.whole() } },
        scales: { x: { time: true, range: () => all.window() }, y: { range: (_, low, high) => this.range(low, high) } },
        axes: [
          { ...axis, values: (_, splits) => splits.map((s) => all.tick(s * 1000)), size: 28, space: 70 },
          { ...axis, size: 52 },
        ],
        series: [
          {},
          { ...line, stroke: "transparent" },
          { ...line, stroke: "transparent" },
          { ...line, stroke: colour, width: 1.5, points: { size: 4 } },
        ],
        bands: [{ series: [2, 1], fill: `${colour}40` }],
        hooks: {
          setCursor: [(plot) => all.pointed(plot)],
          setSelect: [(plot) => {
            if (plot.select.width < 3) return;
            const from = plot.posToVal(plot.select.left, "x"), to = plot.posToVal(plot.select.left + plot.select.width, "x");
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            all.show(from * 1000, to * 1000);
          }],
        },
      }, data, this.drawing);
    }

    range(low, high) {
      if (low === null || high === null) return [0, 1];
      const least = FROM_ZERO.has(this.channel) ? 0 : low;
      const room = Math.max((high - least) * 0.06, 0.5);
      return [FROM_ZERO.has(this.channel) ? 0 : low - room, high + room];
    }

    width() {
      return Math.max(200, this.place.clientWidth);
    }

    point(index) {
      if (index === null || index === undefined || !this.one) { this.words.textContent = ""; return; }
      const { min, mean, max } = this.one;
      const spread = min[index] !== max[index] ? ` (${this.format(min[index])} to ${this.format(max[index])})` : "";
      this.words.textContent = mean[index] === null ? "–" : `${this.format(mean[index])}${spread}`;
    }

    rows() {
      return this.t.map((t, i) => [t, this.one.min[i], this.one.mean[i], this.one.max[i]]).filter((row) => row[1] !== null);
    }

    toggleTable() {
      this.table.hidden = !this.table.hidden;
      this.tableButton.setAttribute("aria-expanded", String(!this.table.hidden));
      if (this.table.hidden) this.table.replaceChildren();
      else this.fill();
    }

    fill() {
      const table = document.createElement("table");
      table.className = "dense";
      const head = table.createTHead().insertRow();
      for (const word of [`Time (${this.all.zone})`, `Lowest (${this.unit})`, `Mean (${this.unit})`, `Highest (${this.unit})`]) {
        const th = Object.assign(document.createElement("th"), { scope: "col", textContent: word });
        if (head.cells.length) th.className = "number";
        head.append(th);
      }
      const body = table.createTBody();
      for (const [t, ...values] of this.rows()) {
        const row = body.insertRow();
        row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: this.all.clock(t) }));
        for (const value of values) Object.assign(row.insertCell(), { className: "number", textContent: this.format(value) });
      }
      this.table.replaceChildren(table);
    }

    csv() {
      const lines = this.rows().map(([t, ...values]) => [new Date(t).toISOString(), ...values].join(","));
      const text = [`time,${this.channel}.min,${this.channel}.mean,${this.channel}.max`, ...lines].join("\n");
      touchline.save(`${this.title}.csv`, new Blob([text], { type: "text/csv" }));
    }

    png() {
      touchline.picture(this.plot.ctx.canvas, `${this.title}.png`);
    }
  }

  // All charts of a time frame. `read(start, stop, width)` gives the series' document; `moved(t)` is
  // told where the cursor is (ms or null), `shown(from, to)` which part is shown.
  touchline.Charts = class {
    constructor(place, zone, { read, moved, shown }) {
      Object.assign(this, { place, zone, read, moved, shown });
      this.charts = new Map();
      this.reading = 0;
      const minutes = { timeZone: zone, hour: "2-digit", minute: "2-digit" };
      this.format = new Intl.DateTimeFormat("en-GB", { ...minutes, second: "2-digit" });
      this.short = new Intl.DateTimeFormat("en-GB", minutes);
      dark.addEventListener("change", () => this.charts.forEach((chart) => chart.plot.redraw(false, true)));
      this.printing = false;
      addEventListener("resize", () => { if (!this.printing) this.fit(); });
      addEventListener("beforeprint", () => { this.printing = true; this.fit(164, 84); });
      addEventListener("afterprint", () => { this.printing = false; this.fit(); });
    }

    clock(ms) {
      return this.format.format(ms);
    }

    // On an axis: seconds only where they tell ticks apart.
    tick(ms) {
      return (this.to - this.from > 900_000 ? this.short : this.format).format(ms);
    }

    window() {
      return [this.from / 1000, this.to / 1000];
    }

    // The whole frame; its answer says where there are samples.
    async start() {
      const document = await this.read(null, null, this.width());
      if (!document.channels.length) return document;
      [this.first, this.last] = [document.start, document.stop];
      [this.from, this.to] = [this.first, this.last];
      this.whole_ = document;
      this.set(document);
      this.shown(this.from, this.to);
      return document;
    }

    width() {
      return Math.min(2000, Math.max(200, Math.round(this.place.clientWidth)));
    }

    set(document) {
      for (const one of document.channels) {
        if (!this.charts.has(one.channel)) this.charts.set(one.channel, new Chart(this.place, one.channel, this));
        this.charts.get(one.channel).set(document.t, one, Math.max(document.gap, document.bucket));
      }
      this.charts.forEach((chart) => chart.plot.setScale("x", { min: this.from / 1000, max: this.to / 1000 }));
    }

    // At once with what is there, then with what the server has for this part.
    async show(from, to) {
      const least = 2000, most = this.last - this.first;
      const span = Math.min(most, Math.max(least, to - from));
      this.from = Math.max(this.first, Math.min(from, this.last - span));
      this.to = this.from + span;
      this.charts.forEach((chart) => chart.plot.setScale("x", { min: this.from / 1000, max: this.to / 1000 }));
      this.shown(this.from, this.to);
      this.reading += 1;
      const mine = this.reading;
      if (span >= most) { this.set(this.whole_); return; }
      const room = span * 0.05;
      const found = await this.read(Math.floor(Math.max(this.first, this.from - room)), Math.ceil(Math.min(this.last, this.to + room)), this.width());
      if (mine === this.reading) this.set(found);
    }

    whole() {
      return this.show(this.first, this.last);
    }

    step(how) {
      const span = this.to - this.from, middle = (this.from + this.to) / 2;
      if (how === "in") return this.show(middle - span / 4, middle + span / 4);
      if (how === "out") return this.show(middle - span, middle + span);
      if (how === "back") return this.show(this.from - span / 2, this.to - span / 2);
      if (how === "on") return this.show(this.from + span / 2, this.to + span / 2);
      return this.whole();
    }

    pointed(plot) {
      const index = plot.cursor.left >= 0 ? plot.cursor.idx : null;
      this.charts.forEach((chart) => { if (chart.plot === plot) chart.point(index); });
      const t = index === null || index === undefined ? null : plot.data[0][index] * 1000;
      this.moved(t);
    }

    fit(width, height = HEIGHT) {
      this.charts.forEach((chart) => chart.plot.setSize({ width: width ?? chart.width(), height }));
    }
  };

  // A curve over a logarithmic axis (mean-maximal power), from the rows of its table.
  touchline.curve = (place, points, words) => {
    const axis = { stroke: () => ink("--soft"), grid: { stroke: () => ink("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const span = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${+(s / 60).toFixed(1)} min` : `${+(s / 3600).toFixed(1)} h`);
    const plot = new uPlot({
      width: place.clientWidth || 300, height: 220, legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, distr: 3 }, y: { range: (_, low, high) => [0, high * 1.06] } },
      axes: [
        { ...axis, size: 28, values: (_, splits) => splits.map((s) => (s === null ? null : span(s))), splits: () => [1, 5, 30, 60, 300, 1200, 3600].filter((s) => s <= points[points.length - 1][0]), filter: (_, splits) => splits },
        { ...axis, size: 52 },
      ],
      series: [{}, { stroke: COLOURS["pwr.pwr_instantpower"], width: 2, points: { show: true, size: 5 } }],
      hooks: { setCursor: [(u) => words(u.cursor.left >= 0 && u.cursor.idx !== null ? `${span(points[u.cursor.idx][0])}: ${points[u.cursor.idx][1].toFixed(0)} W` : "")] },
    }, [points.map((p) => p[0]), points.map((p) => p[1])], place);
    dark.addEventListener("change", () => plot.redraw(false, true));
    addEventListener("resize", () => plot.setSize({ width: place.clientWidth, height: 220 }));
    return plot;
  };
})();
