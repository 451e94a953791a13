// The figures of one node.

class Panel {
  constructor(place) {
    this.title = make("h2");
    this.seen = make("span", {class: "seen"});
    this.total = make("span");
    this.amounts = {};
    const legend = make("ul", {class: "legend"}, ...kinds.map(([kind]) =>
      make("li", {class: "kind-" + kind}, kind, this.amounts[kind] = make("b"))));
    this.areas = kinds.map(([kind]) => [kind, make("path", {class: "area kind-" + kind}), make("path", {class: "edge kind-" + kind})]);
    this.chart = make("svg", {class: "chart", viewBox: `0 0 ${kept} 96`, preserveAspectRatio: "none", role: "img"},
      make("line", {class: "base", x1: 0, x2: kept, y1: 96, y2: 96}), ...this.areas.flatMap(([, area, edge]) => [area, edge]));
    this.most = make("span");
    this.tiles = {};
    this.meters = {};
    const tile = ([name, label]) => {
      this.tiles[name] = make("dd");
      const bar = name === "memory" || name === "connections" || name === "hits" ? make("div", {class: "meter"}, this.meters[name] = make("i")) : "";
      return make("div", {class: "tile"}, make("dt", {}, label), this.tiles[name], bar);
    };
    const tiles = make("dl", {class: "tiles"}, ...[["hits", "Hit ratio"], ["memory", "Memory"], ["connections", "Connections"],
      ["items", "Items"], ["evictions", "Evictions"], ["traffic", "Answers"]].map(tile));
    this.latencyTitle = make("span", {}, "Latency");
    this.quantiles = make("span");
    this.bars = make("svg", {class: "bars", viewBox: "0 0 240 44", preserveAspectRatio: "none", role: "img"});
    this.latency = make("div", {class: "latency"}, make("h3", {}, this.latencyTitle, this.quantiles), this.bars,
      make("div", {class: "axis"}, make("span", {}, "1 \u00b5s"), make("span", {}, "30 \u00b5s"), make("span", {}, "1 ms"), make("span", {}, "30 ms"), make("span", {}, "1 s")));
    this.live = make("div", {class: "live"},
      make("div", {class: "rate"}, make("div", {class: "big"}, this.total, make("span", {class: "unit"}, "requests/s")), legend),
      this.chart, make("div", {class: "axis"}, make("span", {}, "2 min ago"), this.most, make("span", {}, "now")), tiles, this.latency,
      this.arbitration = make("p", {class: "note"}));
    this.note = make("p", {class: "note"});
    this.element = make("section", {class: "card panel " + place}, make("header", {}, this.title, this.seen), this.note, this.live);
    this.place = place;
  }

  draw(source, name, note, isLost) {
    mark(this.element, `card panel ${this.place}${isLost ? " stale" : ""}`);
    this.element.setAttribute("aria-label", name);
    say(this.title, name);
    say(this.note, note);
    show(this.note, note !== "");
    const status = source && source.status;
    show(this.live, Boolean(status));
    say(this.seen, !status ? "" : isLost ? "as it was " + duration(source.silence) + " ago" : "live");
    if (!status || this.drawn === source.samples.at(-1)) return;
    this.drawn = source.samples.at(-1);
    this.drawRates(source);
    this.drawTiles(source, status.figures);
    this.drawLatency(source);
    const decided = arbitrationText(status.figures);
    say(this.arbitration, decided);
    show(this.arbitration, decided !== "");
  }

  drawRates(source) {
    const rates = source.rates();
    const sum = point => kinds.reduce((all, [kind]) => all + point[kind], 0);
    const last = rates.at(-1);
    say(this.total, last ? short(sum(last)) : "\u2013");
    for (const [kind] of kinds) say(this.amounts[kind], last ? short(last[kind]) : "\u2013");
    const highest = Math.max(0, ...rates.map(sum)), most = Math.max(1, highest);
    say(this.most, `at most ${short(highest)}/s`);
    this.chart.setAttribute("aria-label", `Requests a second in the last two minutes, at most ${short(highest)}`);
    const x = i => kept - rates.length + i + 1, y = value => (94 - value / most * 90).toFixed(1);
    let below = rates.map(() => 0);
    for (const [kind, area, edge] of this.areas) {
      const above = rates.map((point, i) => below[i] + point[kind]);
      const line = above.map((value, i) => `${x(i)},${y(value)}`);
      const back = below.map((value, i) => `${x(i)},${y(value)}`).reverse();
      const isThere = line.length > 1 && rates.some(point => point[kind] > 0);
      area.setAttribute("d", isThere ? `M${line.join("L")}L${back.join("L")}Z` : "");
      edge.setAttribute("d", isThere ? `M${line.join("L")}` : "");
      below = above;
    }
  }

  drawTiles(source, figures) {
    const lately = source.rate("hits", 10) + source.rate("misses", 10);
    const isLately = lately > 0;
    const hits = isLately ? source.rate("hits", 10) / lately : figures.get_hits / (figures.get_hits + figures.get_misses);
    this.tile("hits", Number.isFinite(hits) ? (hits * 100).toFixed(1) + " %" : "\u2013", isLately ? "in the last 10 s" : "since the start");
    this.meter("hits", Number.isFinite(hits) ? hits : 0, 2);
    this.tile("memory", bytes(figures.memory_used), "of " + bytes(figures.limit_maxbytes));
    this.meter("memory", figures.memory_used / figures.limit_maxbytes, 2);
    this.tile("connections", short(figures.curr_connections), "of " + short(figures.max_connections));
    this.meter("connections", figures.curr_connections / figures.max_connections, .9);
    this.tile("items", short(figures.curr_items), short(figures.total_items) + " stored so far");
    this.tile("evictions", short(source.rate("evictions", 10) || 0) + " /s", short(figures.evictions) + " since the start");
    this.tile("traffic", bytes(source.rate("written", 2) || 0) + "/s", "in " + bytes(source.rate("read", 2) || 0) + "/s");
  }

  tile(name, text, unit) {
    const at = this.tiles[name];
    if (at.dataset.shown === text + unit) return;
    at.dataset.shown = text + unit;
    at.replaceChildren(text, make("small", {}, unit));
  }

  meter(name, part, warnsFrom) {
    this.meters[name].style.width = Math.min(100, part * 100).toFixed(1) + "%";
    this.meters[name].parentNode.classList.toggle("full", part >= warnsFrom);
  }

  // On a scale on which each step is as far as the one that doubles it.
  drawLatency(source) {
    const {steps, isLately} = source.latencies();
    show(this.latency, steps.length > 0);
    if (!steps.length) return;
    say(this.latencyTitle, isLately ? "Latency, the last minute" : "Latency since the start");
    const [p50, p99] = [50, 99].map(percent => microseconds(quantile(steps, percent)));
    this.quantiles.replaceChildren("p50 ", make("b", {}, p50), "\u2002p99 ", make("b", {}, p99));
    this.bars.setAttribute("aria-label", `Latency: half within ${p50}, 99 of 100 within ${p99}`);
    const bins = new Array(48).fill(0);
    for (const [bound, count] of steps) {
      bins[Math.max(0, Math.min(47, Math.floor((Math.log10(bound) - 3) * 8)))] += count;
    }
    const most = Math.max(...bins);
    this.bars.replaceChildren(...bins.map((count, i) => {
      const height = count ? Math.max(2, count / most * 42) : .6;
      return make("rect", {class: count ? "" : "none", x: i * 5 + .6, y: (44 - height).toFixed(1), width: 3.8, height: height.toFixed(1), rx: 1});
    }));
  }
}
