// The report of an activity: reads the chosen time frame's series and draws it.
"use strict";

(() => {
  const root = document.getElementById("activity");
  const { timeframe, zone } = root.dataset;
  if (!timeframe) return;
  const tokens = new touchline.Tokens(root.dataset.csrf);
  const pitch = JSON.parse(root.dataset.pitch);
  const note = document.getElementById("streams-note");

  const get = async (path) => {
    for (let attempt = 0; ; attempt += 1) {
      const token = await tokens.get();
      const answer = await fetch(`/api/v1/timeframes/${timeframe}/${path}`, { headers: { Authorization: `Bearer ${token}` } });
      if (answer.ok) return answer.json();
      if (answer.status === 401 && attempt === 0) { tokens.forget(); continue; }
      const problem = await answer.json().catch(() => ({}));
      throw new Error(problem.detail ?? `the server answered ${answer.status}`);
    }
  };
  const why = (error) => (error instanceof touchline.LoggedOut ? "You are logged out; load the page again." : `${error.message}. Load the page again.`);

  let route = null;
  const charts = note && new touchline.Charts(document.getElementById("charts"), zone, {
    read: (start, stop, width) => get(`series/?width=${width}${start === null ? "" : `&start=${start}&stop=${stop}`}`),
    moved: (t) => route?.point(t),
    shown: (from, to) => {
      route?.show(from, to);
      const whole = from <= charts.first && to >= charts.last;
      note.textContent = whole ? "Drag over a part to zoom; every chart follows." : `${charts.clock(from)} to ${charts.clock(to)}`;
    },
  });

  const follow = async () => {
    try {
      const found = await charts.start();
      if (!found.channels.length) { note.textContent = "No samples came in this time frame."; root.dataset.drawn = "nothing"; return; }
      document.getElementById("zoom").hidden = false;
      if (found.route.t.length > 1) {
        document.getElementById("route").hidden = false;
        route = new touchline.Route(document.getElementById("route-map"), found.route, pitch);
        document.getElementById("route-note").textContent = pitch ? "On the field, from its first corner." : "Plain projection of the positions.";
      }
      requestAnimationFrame(() => requestAnimationFrame(() => { root.dataset.drawn = String(Math.round(performance.now())); }));
    } catch (error) {
      note.textContent = `The samples could not be read: ${why(error)}`;
    }
  };

  const heat = async (canvas) => {
    const words = document.getElementById("heat-note");
    try {
      const found = await get("computed/");
      new touchline.HeatMap(canvas, words, found.heat_map, pitch);
      tools(words.parentElement, "heat map", () => canvas, () => found.heat_map.seconds.map((row) => row.join(",")));
    } catch (error) {
      words.textContent = `The heat map could not be read: ${why(error)}`;
    }
  };

  document.getElementById("zoom")?.addEventListener("click", (event) => {
    const how = event.target.dataset.zoom;
    if (how) charts.step(how).catch((error) => { note.textContent = why(error); });
  });
  root.addEventListener("click", (event) => {
    const { png, name } = event.target.dataset;
    if (png) touchline.picture(document.getElementById(png), `${name}.png`);
  });
  const tools = (place, name, canvas, lines) => {
    const made = Object.assign(document.createElement("span"), { className: "chart-tools" });
    made.append(
      touchline.button("CSV", () => touchline.save(`${name}.csv`, new Blob([lines().join("\n")], { type: "text/csv" }))),
      touchline.button("PNG", () => touchline.picture(canvas(), `${name}.png`)),
    );
    place.append(made);
  };
  for (const table of window.uPlot ? document.querySelectorAll("table[data-curve]") : []) {
    const points = JSON.parse(table.dataset.curve);
    const about = "Highest mean power by how long it was held";
    const figure = Object.assign(document.createElement("figure"), { className: "chart-figure" });
    const caption = document.createElement("figcaption");
    const words = Object.assign(document.createElement("span"), { className: "soft", textContent: about });
    const place = document.createElement("div");
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${about}; the table has the numbers`);
    caption.append(words);
    figure.append(place, caption);
    table.closest("section").querySelector(".tables").before(figure);
    const plot = touchline.curve(place, points, (text) => { words.textContent = text || about; });
    tools(caption, "power curve", () => plot.ctx.canvas, () => ["seconds,watts", ...points.map((p) => p.join(","))]);
  }
  if (charts) follow();
  const canvas = document.getElementById("heat-map");
  if (canvas) heat(canvas);
})();
