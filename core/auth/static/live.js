// The live page: rows of the squad table, fed by the activity's and the devices' streams.
"use strict";

(() => {
  const root = document.getElementById("live");
  const tokens = new touchline.Tokens(root.dataset.csrf);
  const zone = root.dataset.zone;
  const KEPT = 600_000; // ms of samples that the chart of one athlete shows
  const SPARK = 60_000;
  const STALE = 5_000; // ms without news, after which a row is grey
  const GAP = 2_000; // ms between samples, from which a line is broken

  const digits = (places) => {
    const format = new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: places });
    return (value) => (typeof value === "number" ? format.format(value) : "–");
  };
  const whole = digits(0), tenth = digits(1);
  const kmh = (value) => (typeof value === "number" ? value * 3.6 : null);
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const duration = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60]
      .map((part, i) => (i ? String(part).padStart(2, "0") : String(part))).join(":");
  };

  // Samples of one device in the order of their times, no older than KEPT.
  class Series {
    constructor() {
      this.t = [];
      this.speed = [];
      this.heart = [];
    }

    add(message) {
      const { gnss = {}, ecg = {} } = message;
      const times = gnss.timestamp ?? [];
      const last = this.t.length ? this.t[this.t.length - 1] : -Infinity;
      if (times.length && times[0] - last > GAP && this.t.length) this.row(last + 1, null, null);
      times.forEach((t, i) => this.row(t, kmh(gnss.speed?.[i]), ecg.hr ?? null));
      if (times.length && times[0] <= last) this.sort();
      while (this.t.length && this.t[0] < this.t[this.t.length - 1] - KEPT) {
        this.t.shift(); this.speed.shift(); this.heart.shift();
      }
    }

    row(t, speed, heart) {
      this.t.push(t); this.speed.push(speed); this.heart.push(heart);
    }

    // Late samples: put in their place.
    sort() {
      const order = this.t.map((_, i) => i).sort((a, b) => this.t[a] - this.t[b]);
      for (const name of ["t", "speed", "heart"]) this[name] = order.map((i) => this[name][i]);
    }

    since(ms) {
      if (!this.t.length) return [[], [], []];
      const from = this.t.findIndex((t) => t >= this.t[this.t.length - 1] - ms);
      return [this.t.slice(from).map((t) => t / 1000), this.speed.slice(from), this.heart.slice(from)];
    }
  }

  // One line of the table: one time frame.
  class Row {
    constructor(element) {
      this.element = element;
      this.timeframe = element.dataset.timeframe;
      this.device = element.dataset.device;
      this.number = Number(element.dataset.number);
      this.start = Number(element.dataset.start);
      this.stop = Number(element.dataset.stop);
      this.name = element.querySelector(".name").textContent;
      this.cells = Object.fromEntries([...element.querySelectorAll("[data-cell]")].map((e) => [e.dataset.cell, e]));
      this.document = {};
      this.seq = 0;
      this.series = new Series();
      this.heard = 0; // when, by this browser's clock
      this.newest = null; // time of the newest sample
      this.refused = null;
      element.querySelector(".name").addEventListener("click", () => sheet.toggle(this));
    }

    // A partial computed document: the keys that it has are new.
    computed(seq, data) {
      this.seq = seq;
      this.heard = Date.now();
      Object.assign(this.document, data);
      const d = this.document;
      put(this.cells.distance, whole(d.total_distance));
      put(this.cells.pace, whole(d.distance_per_minute));
      put(this.cells.top, tenth(kmh(d.max_speed)));
      put(this.cells.fast, whole(d.high_speed_distance));
      put(this.cells.sprints, whole(d.sprint_count));
      this.see(d.last_timestamp);
      if (sheet.row === this) sheet.numbers();
    }

    samples(message) {
      this.heard = Date.now();
      this.series.add(message);
      const { gnss = {}, ecg } = message;
      const times = gnss.timestamp ?? [];
      if (times.length) {
        put(this.cells.speed, tenth(kmh(gnss.speed?.[times.length - 1])));
        field.add(this.number, times, gnss.latitude ?? [], gnss.longitude ?? []);
        this.see(times[times.length - 1]);
      }
      if (ecg?.hr) this.heart(ecg.hr);
      this.spark ??= touchline.sparkline(this.cells.spark);
      this.spark.setData(this.series.since(SPARK));
      if (sheet.row === this) sheet.draw();
    }

    heart(bpm) {
      const most = this.document.athlete_max_hr;
      const share = most ? Math.round((100 * bpm) / most) : null;
      put(this.cells.heart, share === null ? whole(bpm) : `${whole(bpm)} · ${share} %`);
      this.cells.share.value = share ?? 0;
    }

    see(t) {
      if (typeof t === "number" && (this.newest === null || t > this.newest)) this.newest = t;
    }

    // Grey, with the age of what it shows.
    age() {
      const quiet = this.heard ? Date.now() - this.heard : null;
      const stale = quiet === null || quiet > STALE;
      this.element.classList.toggle("stale", stale);
      const words = this.refused ?? (quiet === null ? "no samples yet" : stale ? `${Math.round(quiet / 1000)} s ago` : "");
      put(this.cells.age, words);
    }
  }

  // What a tap on an athlete opens: ten minutes with axes, and the numbers behind.
  const sheet = {
    place: document.getElementById("athlete"),
    row: null,
    chart: null,

    toggle(row) {
      const same = this.row === row;
      this.close();
      if (same) return;
      this.row = row;
      row.element.querySelector(".name").setAttribute("aria-expanded", "true");
      this.place.hidden = false;
      put(document.getElementById("athlete-name"), `${row.number} ${row.name}`);
      this.chart = touchline.chart(document.getElementById("athlete-chart"), zone);
      this.draw();
      this.numbers();
      this.place.scrollIntoView({ block: "nearest" });
    },

    close() {
      if (!this.row) return;
      this.row.element.querySelector(".name").setAttribute("aria-expanded", "false");
      this.chart.destroy();
      this.row = this.chart = null;
      this.place.hidden = true;
    },

    draw() {
      this.chart.setData(this.row.series.since(KEPT));
    },

    numbers() {
      const d = this.row.document;
      const efforts = (key) => {
        const lists = Object.values(d[key] ?? {}).map((of) => of.values?.length ?? 0);
        return lists.length ? lists.join(" · ") : "–";
      };
      const lines = [
        ["Distance, m", whole(d.total_distance)],
        ["Top speed, km/h", tenth(kmh(d.max_speed))],
        ["Accelerations, by threshold", efforts("accelerations")],
        ["Decelerations, by threshold", efforts("decelerations")],
        ["Sprints", whole(d.sprint_count)],
        ["Heart rate, 1/min, mean and highest", `${whole(d.hr_avg)} · ${whole(d.hr_max)}`],
        ["Quality", [d.quality?.level ?? "–", ...(d.quality?.reasons ?? [])].join(": ")],
      ];
      const list = document.getElementById("athlete-numbers");
      list.replaceChildren(...lines.map(([term, value]) => {
        const line = document.createElement("div");
        line.append(Object.assign(document.createElement("dt"), { textContent: term }));
        line.append(Object.assign(document.createElement("dd"), { textContent: value }));
        return line;
      }));
    },

    save(name, blob) {
      const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    },

    csv() {
      const [t, speed, heart] = this.row.series.since(KEPT);
      const rows = t.map((s, i) => [new Date(s * 1000).toISOString(), speed[i] ?? "", heart[i] ?? ""].join(","));
      this.save(`${this.row.name}.csv`, new Blob([["time,speed_kmh,heart_rate", ...rows].join("\n")], { type: "text/csv" }));
    },

    png() {
      this.chart.ctx.canvas.toBlob((blob) => this.save(`${this.row.name}.png`, blob));
    },
  };

  const connection = document.getElementById("connection");
  const say = (state, words) => {
    connection.className = `connection ${state}`;
    put(connection.firstElementChild, words);
  };

  const table = document.getElementById("squad");
  const rows = new Map();
  const devices = new Map(); // device → its stream, followed once whatever the number of its frames
  const field = table && new touchline.Field(
    document.getElementById("field"), document.getElementById("field-note"), JSON.parse(root.dataset.pitch));

  // A device's samples belong to the frame that covers them.
  const follow = (device) => {
    if (devices.has(device)) return;
    let after = null;
    const its = () => [...rows.values()].filter((row) => row.device === device);
    devices.set(device, new touchline.Stream(`preprocessed-data/${device}/`, tokens, {
      greeting: () => (after === null ? {} : { after }),
      heard: (message) => {
        after = message.seq ?? after;
        const t = message.gnss?.timestamp?.[0];
        its().filter((row) => t === undefined || (row.start <= t && t < row.stop)).forEach((row) => row.samples(message));
      },
      changed: (state, why) => its().forEach((row) => { row.refused = state === "closed" ? `no samples: ${why}` : null; }),
    }));
  };

  const enlist = (element) => {
    const row = new Row(element);
    element.querySelector(".dot").style.setProperty("--dot", touchline.COLOURS[(row.number - 1) % 8]);
    rows.set(row.timeframe, row);
    follow(row.device);
  };

  // Somebody joined: fetch this page again and take the lines that are new.
  let joining = false;
  const join = async () => {
    if (joining) return;
    joining = true;
    try {
      if (!table) { location.reload(); return; }
      const text = await (await fetch(location.href)).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelectorAll("#squad tr");
      for (const line of fresh) {
        if (rows.has(line.dataset.timeframe)) continue;
        table.append(document.adoptNode(line));
        enlist(line);
      }
    } finally {
      setTimeout(() => { joining = false; }, 2000);
    }
  };

  table?.querySelectorAll("tr").forEach(enlist);
  new touchline.Stream(`computed-data/${root.dataset.activity}/`, tokens, {
    greeting: () => ({ after: Object.fromEntries([...rows].map(([id, row]) => [id, row.seq])) }),
    heard: ({ timeframe, seq, data }) => {
      const row = rows.get(String(timeframe));
      if (row) row.computed(seq, data);
      else if (timeframe) join();
    },
    changed: (state, detail) => {
      if (state === "open") say("live", "Live");
      else if (state === "connecting") say("", "Connecting");
      else if (state === "waiting") say("lost", `Connection lost; trying again in ${Math.ceil(detail)} s`);
      else say("lost", detail);
    },
  });

  document.getElementById("athlete-close")?.addEventListener("click", () => sheet.close());
  document.getElementById("chart-csv")?.addEventListener("click", () => sheet.csv());
  document.getElementById("chart-png")?.addEventListener("click", () => sheet.png());
  addEventListener("resize", () => sheet.chart?.setSize({ width: sheet.place.querySelector("#athlete-chart").clientWidth, height: 260 }));

  const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  setInterval(() => {
    const all = [...rows.values()];
    all.forEach((row) => row.age());
    const newest = Math.max(...all.map((row) => row.newest ?? -Infinity));
    if (!Number.isFinite(newest)) return;
    put(document.getElementById("elapsed"), duration(newest - Math.min(...all.map((row) => row.start))));
    put(document.getElementById("time-of-day"), `${time.format(newest)} ${zone}`);
  }, 500);
})();
