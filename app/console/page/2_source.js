// One node, asked for itself: its stream of events, kept up for as long as the page is open, and
// what its figures were in the last two minutes.

const silentAfter = 800;    // ms: three events that did not come
const givenUpAfter = 5000;  // then the connection is made anew
const kept = 120;           // seconds
const clockTolerance = 2500;  // ms
// A node tells a tenth of that, even of its first words. Whoever answers in the place of the other
// one does not take the browser's time and memory from what this one tells.
const mostInASecond = 2 << 20;  // letters

const kinds = [
  ["get", f => f.cmd_get],
  ["set", f => f.cmd_set],
  ["delete", f => f.delete_hits + f.delete_misses],
  ["other", f => f.cmd_touch + f.incr_hits + f.incr_misses + f.decr_hits + f.decr_misses + f.cmd_flush],
];

class Source {
  constructor(origin) {
    this.origin = origin;
    this.standing = null;  // the last that it told
    this.status = null;
    this.history = [];
    this.lines = [];
    this.samples = [];     // {at, counts, latency}, one a second
    this.clockAhead = 0;   // ms, of this browser's; 0: as good as equal
    this.heardAt = 0;      // 0: never
    this.isOpen = false;
    this.why = "";         // not seen; as the browser says it
    this.onChange = () => {};
    this.onTold = () => {};
  }

  get isSeen() { return this.isOpen && performance.now() - this.heardAt < silentAfter; }
  get silence() { return this.heardAt ? (performance.now() - this.heardAt) / 1000 : Infinity; }

  async keepUp() {
    for (let wait = 250; ; wait = Math.min(wait * 1.6, 2500)) {
      try {
        this.onTold = () => { wait = 250; };
        await this.listen();
        this.why = "it has closed the connection";
      } catch (error) {
        this.why = error.name === "AbortError" ? "it does not answer" : error.message;
      }
      this.isOpen = false;
      this.onChange();
      await new Promise(resolve => setTimeout(resolve, wait));
    }
  }

  async listen() {
    const control = new AbortController();
    let asked = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - Math.max(asked, this.isOpen ? this.heardAt : 0) > givenUpAfter) control.abort();
    }, 500);
    try {
      const answer = await fetch(this.origin + "/live", {cache: "no-store", credentials: "omit", redirect: "error",
        referrerPolicy: "no-referrer", signal: control.signal, headers: {Accept: "text/event-stream"}});
      if (!answer.ok) throw new Error(answer.status === 503 ? "as many look on as may" : "it answers with " + answer.status);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "", second = performance.now(), told = 0;
      for (;;) {
        const {done, value} = await reader.read();
        if (done) return;
        if (performance.now() - second > 1000) [second, told] = [performance.now(), 0];
        told += value.length;
        if (told > mostInASecond || text.length > mostInASecond) throw new Error("it tells more than a node has to tell");
        text = this.take(text + value);
      }
    } finally {
      clearInterval(watch);
      control.abort();
    }
  }

  // All whole events of the text; what is left of it.
  take(text) {
    const events = text.split("\n\n");
    const rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const name = lines.filter(line => line.startsWith("event: ")).map(line => line.slice(7)).join();
      const data = lines.filter(line => line.startsWith("data: ")).map(line => line.slice(6)).join("\n");
      if (Object.hasOwn(shapes, name) && data) this.on(name, readAs(shapes[name], data));
    }
    if (events.length) {
      this.isOpen = true;
      this.heardAt = performance.now();
      this.onTold();
      this.onChange();
    }
    return rest;
  }

  on(name, data) {
    if (name === "standing") this.standing = data;
    if (name === "history") this.history = data.slice(-100);
    if (name === "link") this.addLines(data);
    if (name !== "status") return;
    this.standing = this.status = data;
    this.addSample(data);
  }

  // It tells some of them again on each connection, and a node that was started anew, perhaps with
  // another clock, counts from 1 again.
  addLines(lines) {
    const nameOf = line => `${line.number} ${line.at_ms}`;
    const told = new Set(lines.map(nameOf));
    this.lines = this.lines.filter(line => !told.has(nameOf(line))).concat(lines).slice(-100);
  }

  // Its seconds are whole, and on their way for a while: what is within that is no difference.
  readClock(seconds) {
    if (!isTime(seconds * 1000)) return;
    const ahead = seconds * 1000 + 500 - Date.now();
    if (Math.abs(ahead - this.clockAhead) > clockTolerance) this.clockAhead = Math.abs(ahead) > clockTolerance ? ahead : 0;
  }

  addSample({figures, latency}) {
    this.readClock(figures.time);
    const counts = {hits: figures.get_hits, misses: figures.get_misses, evictions: figures.evictions,
      read: figures.bytes_read, written: figures.bytes_written, uptime: figures.uptime};
    for (const [kind, of] of kinds) counts[kind] = of(figures);
    const before = this.samples.at(-1);
    if (before && counts.uptime < before.counts.uptime) this.samples = [];
    this.samples.push({at: performance.now(), counts, steps: stepsOf(latency)});
    if (this.samples.length > kept + 1) this.samples.shift();
  }

  // Per second, between the last two samples or over the last `seconds`; null: not known.
  rate(name, seconds = 1) {
    const last = this.samples.at(-1), first = this.samples.at(-1 - Math.min(seconds, this.samples.length - 1));
    if (!last || first === last) return null;
    return Math.max(0, (last.counts[name] - first.counts[name]) / ((last.at - first.at) / 1000));
  }

  // Requests a second of each kind, oldest first.
  rates() {
    return this.samples.slice(1).map((sample, i) => {
      const before = this.samples[i], seconds = Math.max(.5, (sample.at - before.at) / 1000);
      return Object.fromEntries(kinds.map(([kind]) => [kind, Math.max(0, sample.counts[kind] - before.counts[kind]) / seconds]));
    });
  }

  // Of the last minute if enough was measured in it, else since the start: [[nanoseconds, count]].
  latencies() {
    const last = this.samples.at(-1);
    if (!last) return {steps: [], isLately: true};
    const first = this.samples[Math.max(0, this.samples.length - 61)];
    const lately = [...last.steps].map(([bound, count]) => [bound, count - (first.steps.get(bound) || 0)]).filter(step => step[1] > 0);
    const measured = lately.reduce((sum, step) => sum + step[1], 0);
    return measured >= 50 ? {steps: lately, isLately: true} : {steps: [...last.steps], isLately: false};
  }
}

function stepsOf(latency) {
  const all = new Map();
  for (const dialect of Object.values(latency)) {
    for (const series of Object.values(dialect)) {
      for (const [bound, count] of series.steps_ns) all.set(bound, (all.get(bound) || 0) + count);
    }
  }
  return new Map([...all].sort((x, y) => x[0] - y[0]));
}

function quantile(steps, percent) {
  const total = steps.reduce((sum, step) => sum + step[1], 0);
  let sum = 0;
  for (const [bound, count] of steps) {
    sum += count;
    if (sum * 100 >= total * percent) return bound / 1000;
  }
  return NaN;
}
