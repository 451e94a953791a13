"use strict";
// What the page says of what nodes tell: numbers, durations, and one sentence for how the pair is.
// Pure: no document, no clock.

function short(n, digits = 3) {
  if (!Number.isFinite(n)) return "\u2013";
  const units = [[1e18, " E"], [1e15, " P"], [1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]];
  for (const [size, unit] of units) {
    if (n >= size * (size === 1e3 ? 10 : 1)) return Number((n / size).toPrecision(digits)) + unit;
  }
  return n >= 100 || Number.isInteger(n) ? String(Math.round(n)) : n.toFixed(1);
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let at = 0;
  for (; n >= 1024 && at < units.length - 1; at++) n /= 1024;
  return (at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)) + " " + units[at];
}

function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor(s % 3600 / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor(s % 86400 / 3600) + " h";
}

function behind(ms) { return (ms < 10000 ? ms + " ms" : duration(ms / 1000)) + " behind"; }

function time(ms) {
  if (!Number.isFinite(ms)) return "";
  const kind = Math.abs(ms) < 1e15 ? new Date(ms) : new Date(0);
  return kind.toLocaleTimeString("en-GB");
}

function microseconds(us) {
  if (!Number.isFinite(us)) return "\u2013";
  if (us < 1000) return Number(us.toPrecision(2)) + " \u00b5s";
  return us < 1e6 ? Number((us / 1000).toPrecision(2)) + " ms" : (us / 1e6).toFixed(1) + " s";
}

// What a node tells, by event: what is there must be of that kind, for another version may tell more,
// or less. Pure, and as strict as what is drawn of it needs.
const isText = value => typeof value === "string" && value.length <= 4096;
const isNumber = value => typeof value === "number" && Math.abs(value) < 1e30;
const isTime = value => isNumber(value) && value >= 0 && value < 8e15;  // ms, as a Date takes them
const isSpan = value => isNumber(value) && value >= 0 && value < 1e10;  // s
const isFlag = value => typeof value === "boolean";
const isObject = value => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = is => value => Array.isArray(value) && value.length <= 4096 && value.every(is);
const mapOf = is => value => isObject(value) && Object.values(value).every(is);
const maybe = is => value => value === null || value === undefined || is(value);
const objectOf = members => value => isObject(value) && Object.entries(members).every(([name, is]) => is(value[name]));

const standing = {
  ready: maybe(isFlag), stopping: maybe(isFlag), node: maybe(isText), role: maybe(isText), role_seconds: maybe(isSpan), phase: maybe(isText),
  summary: maybe(isText), state: maybe(isText), link: maybe(isText),
  peer: maybe(objectOf({address: maybe(isText), role: maybe(isText), serving: maybe(isText), last_contact_seconds: maybe(isSpan),
    last_refusal: maybe(isText), lag_ms: maybe(isNumber), resync_percent: maybe(isNumber), resync_seconds_left: maybe(isSpan)})),
};
const isStep = value => listOf(isNumber)(value) && value.length === 2;
const shapes = {
  standing: objectOf(standing),
  status: objectOf({...standing, figures: mapOf(value => isText(value) || isNumber(value) || isFlag(value)),
    latency: mapOf(mapOf(objectOf({steps_ns: listOf(isStep)}))),
    hot_keys: maybe(objectOf({keys_by_requests: maybe(listOf(objectOf({key: isText, amount: isNumber})))}))}),
  history: listOf(objectOf({at_ms: isTime, to: isText, here: isText, why: isText})),
  link: listOf(objectOf({number: isNumber, at_ms: isTime, text: isText, level: isText})),
};

const nonsense = "what it tells makes no sense";

function readAs(is, text) {
  let value;
  try { value = JSON.parse(text); } catch { throw new Error(nonsense); }
  if (!is(value)) throw new Error(nonsense);
  return value;
}

const linked = new Set(["LINKED", "SYNCING", "DRAINING"]);

function otherLetter(letter) { return letter === "a" ? "b" : "a"; }

// {tone, title, detail} of two views: `here` and `there` are what the nodes tell of themselves, or
// null for one that cannot be seen; `letters` are theirs. Of `here` it is known that it was seen.
function verdict(here, there, letters, silence) {
  const [mine, others] = letters.map(letter => "Node " + letter);
  if (!here && !there) {
    return {tone: "bad", title: "Neither node answers.", detail: "Last heard " + duration(silence) + " ago. This page keeps asking."};
  }
  const view = here || there;
  const teller = here ? mine : others;
  if (!here) {
    const serves = view.ready ? others + " serves" + (view.role === "primary" ? " as the primary." : ".") : others + " is " + view.phase + ".";
    return {tone: "bad", title: mine + " is lost.", detail: "Not heard for " + duration(silence) + ". " + serves};
  }
  if (view.stopping) return {tone: "warn", title: teller + " is stopping.", detail: view.summary + "."};
  if (!view.peer) return ofOne(view);
  return ofPair(view, there, [teller, here ? others : mine]);
}

// One of up to four over NATS: they have numbers, and what it calls its peer is all of the others.
function isOfCluster(view) { return Boolean(view && view.peer && /^[0-9]$/.test(view.node)); }

function membersText(figures) {
  if (!figures) return "";
  const said = [0, 1, 2, 3].filter(n => figures["repl_member_" + n]).map(n => `node ${n} ${figures["repl_member_" + n]}`);
  const server = figures.repl_broker ? `NATS server ${figures.repl_broker}` : "no NATS server";
  return ` Over ${server}` + (said.length ? `: ${said.join("; ")}.` : ".");
}

function ofCluster(view, figures) {
  const members = membersText(figures), serves = view.ready ? "Clients are served meanwhile." : "It opens to clients when it is done.";
  if (view.stopping || view.state === "DRAINING") return {tone: "warn", title: `Node ${view.node} is leaving.`, detail: "It tells the cluster the last changes." + members};
  if (view.phase === "drained") return {tone: "warn", title: `Node ${view.node} is drained.`, detail: "Balancers move its clients." + members};
  if (view.state === "LINKED") return {tone: "good", title: "In step with the cluster.", detail: `Each node holds all.${members}`};
  if (view.state === "SYNCING") return {tone: "warn", title: "Catching up.", detail: `It compares what it holds with another node. ${serves}${members}`};
  return {tone: "bad", title: "No NATS server is reached.", detail: (view.peer.last_refusal ? view.peer.last_refusal + ". " : "") + (view.ready ? "It serves alone." : view.summary + ".")};
}

function ofOne(view) {
  if (view.ready) return {tone: "good", title: "One node, serving.", detail: "No peer is configured: what it holds is held once."};
  return {tone: "warn", title: "One node, " + view.phase + ".", detail: view.summary + "."};
}

function ofPair(view, there, [teller, other]) {
  const peer = view.peer;
  const heard = peer.last_contact_seconds;
  switch (view.state) {
    case "LINKED": return inStep(view, there, [teller, other]);
    case "SYNCING":
      return {tone: "warn", title: "Catching up.", detail: "The nodes compare what they hold. " + (view.ready ? "Clients are served meanwhile." : teller + " opens to clients when it is done.")};
    case "DRAINING": return {tone: "warn", title: teller + " is leaving.", detail: "It tells the other node the last changes."};
    case "REFUSED": return {tone: "bad", title: "The nodes refuse each other.", detail: peer.last_refusal || view.link};
  }
  if (there && !linked.has(there.state)) {
    return {tone: "bad", title: "The nodes do not see each other.", detail: view.role === there.role ? "Both serve as " + view.role + "." : teller + " is the " + view.role + ", " + other + " the " + there.role + "."};
  }
  if (heard === null) return {tone: "warn", title: "Waiting for " + other.toLowerCase() + ".", detail: view.summary + "."};
  const serves = view.ready ? teller + " serves alone" + (view.role === "primary" ? ", as the primary." : ".") : teller + ": " + view.summary + ".";
  return {tone: "bad", title: other + " is lost.", detail: "Not heard by the other for " + duration(heard) + ". " + serves};
}

function inStep(view, there, [teller, other]) {
  if (view.phase === "drained") return {tone: "warn", title: teller + " is drained.", detail: "Balancers move its clients; the nodes are in step."};
  if (there && there.phase === "drained") return {tone: "warn", title: other + " is drained.", detail: "Balancers move its clients; the nodes are in step."};
  const first = view.role === "primary" ? teller : other;
  return {tone: "good", title: "In step.", detail: "Both hold the same. " + first + " is the primary."};
}

// Who decides locks and counters (arbitrate); empty where nobody ever did.
function arbitrationText(figures) {
  const asked = figures.repl_asked || 0, decided = figures.repl_decided_for_peer || 0;
  const holds = figures.repl_arbitration || "off";
  if (holds === "off" && !asked && !decided) return "";
  const who = holds === "off" ? "Each node decides for itself" : figures.repl_decides === "yes" ? "Decides for both nodes" : "Asks the other node";
  const text = `${who} (arbitrate: ${holds}) for ${duration(figures.repl_arbitration_age)}.`;
  const asks = asked ? ` Asked ${short(asked)}, answered ${short(figures.repl_asked_answered)}, unknown ${short(figures.repl_asked_unknown)}; ${microseconds(figures.repl_asked_latency_us)} of late.` : "";
  return text + asks + (decided ? ` Decided ${short(decided)} for the other.` : "");
}
