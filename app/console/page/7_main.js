// Puts what the nodes tell on the page, each time that one of them tells anything, and ten times a
// second, for silence tells something, too.

const peerOrigin = document.querySelector('meta[name="peer-console"]').content;
const here = new Source(location.origin);
const there = peerOrigin ? new Source(peerOrigin) : null;
const pictures = {a: new NodePicture("a"), b: new NodePicture("b")};
const panels = {a: new Panel("a"), b: new Panel("b")};
const link = new LinkPicture();
const timeline = new Timeline(byId("timeline"));
const sinceWhen = new Map();

// Seconds are told whole: the moment that they mean is kept until it is another one.
function since(name, seconds) {
  const at = Date.now() - seconds * 1000;
  const known = sinceWhen.get(name);
  if (!known || Math.abs(known - at) > 2500) sinceWhen.set(name, at);
  const shown = sinceWhen.get(name);
  const day = seconds > 86400 ? new Date(shown).toISOString().slice(0, 10) : time(shown);
  return `since ${day}, ${duration(seconds)}`;
}

function visible(source) { return source && source.isSeen ? source.standing : null; }

function lettersNow() {
  const told = here.standing && (isOfCluster(here.standing) ? "a" : here.standing.node);
  const others = there && there.standing && there.standing.node;
  const mine = told || (others ? otherLetter(others) : "a");
  return [mine, otherLetter(mine)];
}

function memoryOf(source) {
  const figures = source && source.status && source.status.figures;
  return figures ? figures.memory_used / figures.limit_maxbytes : null;
}

function toneOf(phase) { return phase === "open" ? "good" : phase === "closed" || phase === "stopping" ? "bad" : "warn"; }

// A node that this page sees itself, or has seen.
function asTold(source, letter, where) {
  const view = source.standing, isLost = !source.isSeen;
  const isMember = isOfCluster(view);
  return {letter, name: "Node " + (isMember ? view.node : letter), where, source, isLost, role: isLost || isMember ? "" : view.role,
    phase: isLost ? "silent for " + duration(source.silence) : view.phase, tone: isLost ? "bad" : toneOf(view.phase),
    since: isLost || isMember ? "" : view.role + " " + since(letter + "role", view.role_seconds), memory: isLost ? null : memoryOf(source)};
}

// One that it does not see: as the other one knows it.
function asKnown(source, letter, view) {
  const peer = view.peer, isLinked = linked.has(view.state);
  const phase = !isLinked ? "not in sight" : peer.serving === "READY" ? "serves" : peer.serving === "COLD" ? "cold" : "linked";
  const heard = peer.last_contact_seconds;
  return {letter, name: "Node " + letter, where: peer.address, source, isLost: !isLinked, role: isLinked ? peer.role : "",
    phase, tone: !isLinked ? "bad" : phase === "cold" ? "warn" : "good",
    since: heard === null ? "never heard" : isLinked ? "as the other node says" : "last heard " + duration(heard) + " ago", memory: null};
}

function unknown(source, letter, where) {
  return {letter, name: "Node " + letter, where, source, isLost: source ? source.heardAt > 0 : false, role: "", phase: "not seen yet", tone: "warn", since: "", memory: null};
}

function nodesNow([mine, others]) {
  const nodes = [here.standing ? asTold(here, mine, location.host) : unknown(here, mine, location.host)];
  const view = visible(here) || here.standing;
  if (isOfCluster(view)) return nodes;
  if (!there && !(view && view.peer)) return nodes;
  const where = there ? peerOrigin.replace(/^https?:\/\//, "") : "";
  if (there && there.standing && (there.isSeen || !view || !linked.has(view.state))) nodes.push(asTold(there, others, where));
  else if (view && view.peer) nodes.push(asKnown(there, others, view));
  else nodes.push(unknown(there, others, where));
  return nodes;
}

function drawLink(view) {
  const peer = view && view.peer;
  if (!view) return link.draw("broken", "not seen", "");
  if (!peer) return link.draw("broken", "no peer", "");
  if (view.state === "LINKED") return link.draw("linked", "in step", behind(peer.lag_ms));
  if (view.state === "SYNCING") return link.draw("syncing", "catching up", `${peer.resync_percent} %`);
  if (view.state === "DRAINING") return link.draw("syncing", "leaving", "");
  if (view.state === "REFUSED") return link.draw("broken", "refused", "");
  // A node that calls the other in vain changes its state at each call.
  return link.draw("broken", "no link", peer.last_contact_seconds === null ? "" : "for " + duration(peer.last_contact_seconds));
}

function drawResync(view) {
  const isRunning = Boolean(view && view.state === "SYNCING" && view.peer);
  show(byId("resync"), isRunning);
  if (!isRunning) return;
  const {resync_percent: percent, resync_seconds_left: left} = view.peer;
  byId("resync-bar").setAttribute("aria-valuenow", percent);
  byId("resync-fill").style.width = percent + "%";
  say(byId("resync-text"), `${percent} % compared` + (left ? `, about ${duration(left)} left` : ""));
}

function clockText(source) {
  const ahead = source.clockAhead;
  return ahead ? `Its clock is ${duration(Math.abs(ahead) / 1000)} ${ahead > 0 ? "ahead of" : "behind"} this browser's.` : "";
}

function noteOf(node, isMine) {
  if (isMine) return node.source.status ? clockText(node.source) : "This page cannot see it: " + (node.source.why || "it was not asked yet") + ".";
  if (!there) return "Asked through the other node alone: where its console is (peer-console) is not set there.";
  if (there.isSeen) return clockText(there);
  return "This page cannot see it: " + (there.why || "it does not answer") + (node.isLost ? "." : ". What is shown of it the other node says.");
}

let announced = "";
let wasSeen = {};

// Read aloud, and noted, once for each change; details, which change every second, are not.
function announce(shown, nodes) {
  for (const node of nodes) {
    const isSeen = Boolean(node.source && node.source.isSeen);
    if (wasSeen[node.letter] && !isSeen) timeline.note(`This page has lost sight of node ${node.letter}`, "error");
    if (wasSeen[node.letter] === false && isSeen) timeline.note(`This page sees node ${node.letter} again`);
    if (node.source && node.source.heardAt) wasSeen[node.letter] = isSeen;
  }
  const primary = nodes.find(node => node.role === "primary");
  const text = shown.title + (primary ? ` ${primary.name} is the primary.` : "");
  if (text !== announced) say(byId("announcer"), text);
  announced = text;
}

function draw() {
  const letters = lettersNow();
  const nodes = nodesNow(letters);
  const [hereView, thereView] = [visible(here), visible(there)];
  const view = hereView || thereView;
  if (here.heardAt || (there && there.heardAt)) {
    const shown = isOfCluster(hereView) ? ofCluster(hereView, here.status && here.status.figures) : verdict(hereView, thereView, letters, here.heardAt ? here.silence : 0);
    document.documentElement.dataset.tone = shown.tone;
    say(byId("headline"), shown.title);
    say(byId("detail"), shown.detail);
    document.title = shown.title + " \u2013 twincached";
    announce(shown, nodes);
  }
  drawLink(view);
  drawResync(view);
  const isPair = nodes.length > 1;
  mark(byId("picture"), isPair ? "picture" : "picture alone");
  const ordered = [...nodes].sort((x, y) => x.letter < y.letter ? -1 : 1);
  place(byId("picture"), isPair ? [pictures.a.element, link.element, pictures.b.element] : [pictures[letters[0]].element]);
  place(byId("panels"), ordered.map(node => panels[node.letter].element));
  for (const node of nodes) {
    pictures[node.letter].draw(node);
    panels[node.letter].draw(node.source, node.name, noteOf(node, node.source === here), Boolean(node.source) && !node.source.isSeen);
  }
  timeline.draw(nodes);
  drawHotKeys([here, there]);
  const figures = here.status && here.status.figures;
  say(byId("foot"), figures ? `twincached ${figures.twincached_version} \u00b7 up ${duration(figures.uptime)} \u00b7 this page asks ${there ? "each node for itself" : "one node"}` : "");
}

function place(parent, children) {
  if (parent.children.length !== children.length || children.some((child, i) => parent.children[i] !== child)) parent.replaceChildren(...children);
}

// As the system wants it, until somebody says otherwise; that is kept in this browser.
function theme() {
  const system = matchMedia("(prefers-color-scheme: light)");
  let chosen = null;
  try { chosen = localStorage.getItem("twincached-theme"); } catch { /* storage is shut: the system's */ }
  const apply = () => {
    const day = (chosen || (system.matches ? "day" : "night")) === "day";
    document.documentElement.dataset.theme = day ? "day" : "night";
    byId("theme").setAttribute("aria-pressed", String(day));
    byId("theme").setAttribute("aria-label", day ? "Show by night colours" : "Show by day colours");
    say(byId("theme-name"), day ? "Day" : "Night");
  };
  byId("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "day" ? "night" : "day";
    try { localStorage.setItem("twincached-theme", chosen); } catch { /* it holds for this visit */ }
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}

theme();
say(byId("at"), location.host);
// What one node has told must not end the stream of the other.
function redraw() {
  try { draw(); } catch (error) { console.error(error); }
}
for (const source of [here, there]) {
  if (!source) continue;
  source.onChange = redraw;
  source.keepUp();
}
setInterval(redraw, 100);
redraw();
