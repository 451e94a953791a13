// What happened: as the nodes have noted it, and what this page saw or lost sight of.

const shownEvents = 80;

class Timeline {
  constructor(list) {
    this.list = list;
    this.seen = [];
    this.shown = "";
  }

  // Of what this page has seen itself.
  note(text, level = "info") {
    this.seen.push({at: Date.now(), own: Date.now(), teller: "", text, level});
    this.seen = this.seen.slice(-shownEvents);
  }

  // By this browser's clock, lest what a node with another one tells stands in the wrong place.
  draw(nodes) {
    const turns = [], all = [...this.seen];
    for (const {source, letter} of nodes.filter(node => node.source)) {
      for (const {at_ms, to, here, why} of source.history) {
        const turn = {at: at_ms - source.clockAhead, own: at_ms, to, teller: to, isOwn: to === here, text: `${to ? "Node " + to : "The other node"} is the primary: ${why}`, level: "turn"};
        const known = turns.findIndex(other => other.to === to && Math.abs(other.at - turn.at) < 3000);
        if (known < 0) turns.push(turn);
        else if (turn.isOwn && !turns[known].isOwn) turns[known] = turn;
      }
      for (const {at_ms, text, level} of source.lines) all.push({at: at_ms - source.clockAhead, own: at_ms, teller: letter, text, level});
    }
    const events = all.concat(turns).sort((x, y) => y.at - x.at).slice(0, shownEvents);
    const key = JSON.stringify(events);
    if (key === this.shown) return;
    this.shown = key;
    this.list.replaceChildren(...events.map(event => this.line(event)));
    if (!events.length) this.list.append(make("li", {class: "quiet"}, "Nothing yet."));
  }

  line({at, own, teller, text, level}) {
    const isOld = Date.now() - at > 86400000;
    const badge = make("span", {class: "badge " + (/^[ab]$/.test(teller) ? teller : "page")}, teller || "\u2022");
    badge.setAttribute("aria-label", teller ? "Node " + teller : "This page");
    badge.setAttribute("role", "img");
    const when = make("time", {datetime: new Date(at).toISOString(), title: new Date(own).toString()}, isOld ? new Date(at).toISOString().slice(5, 10) : time(at));
    return make("li", {class: ["warning", "error", "turn"].includes(level) ? level : ""}, when, badge, make("p", {}, text));
  }
}

// Told by a node to whoever may read its items, if it counts at all.
function drawHotKeys(sources) {
  const source = sources.find(one => one && one.status && one.status.hot_keys);
  show(byId("keys"), Boolean(source));
  if (!source) return;
  const keys = (source.status.hot_keys.keys_by_requests || []).slice(0, 10);
  const most = Math.max(1, ...keys.map(key => key.amount));
  byId("hot-keys").replaceChildren(...keys.map(({key, amount}) => {
    const bar = make("i");
    bar.style.width = (amount / most * 100).toFixed(1) + "%";
    return make("li", {}, bar, make("code", {}, key), make("b", {}, short(amount)));
  }));
  if (!keys.length) byId("hot-keys").append(make("li", {class: "quiet"}, "No key stands out."));
}
