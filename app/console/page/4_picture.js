// Both nodes and what is between them.

const around = 2 * Math.PI * 78;

class NodePicture {
  constructor(letter) {
    this.ring = make("circle", {class: "ring", cx: 100, cy: 100, r: 78, transform: "rotate(-90 100 100)", "stroke-dasharray": "0 999"});
    this.letter = make("text", {class: "letter", x: 100, y: 112});
    this.inside = make("text", {class: "inside", x: 100, y: 139});
    this.drawing = make("svg", {class: "disc", viewBox: "10 10 180 180", role: "img"},
      make("circle", {class: "halo", cx: 100, cy: 100, r: 94}), make("circle", {class: "body", cx: 100, cy: 100, r: 78}),
      make("circle", {class: "groove", cx: 100, cy: 100, r: 78}), this.ring, this.letter, this.inside);
    this.who = make("div", {class: "who"});
    this.where = make("div", {class: "where"});
    this.role = make("span", {class: "chip mine"});
    this.phase = make("span", {class: "chip"});
    this.since = make("div", {class: "since"});
    this.element = make("div", {class: "node"}, this.drawing, this.who, this.where, make("div", {class: "chips"}, this.role, this.phase), this.since);
    this.place = letter;
  }

  // `node`: {letter, where, view, isLost, isAsked, role, roleSince, phase, tone, memory}
  draw(node) {
    mark(this.element, ["node", this.place, node.role === "primary" ? "primary" : "", node.isLost ? "lost" : "", node.memory === null ? "unasked" : ""].filter(Boolean).join(" "));
    say(this.letter, node.letter);
    say(this.inside, node.isLost ? "lost" : node.memory === null ? "" : Math.round(node.memory * 100) + " % full");
    const arc = Math.max(0, Math.min(1, node.memory || 0)) * around;
    this.ring.setAttribute("stroke-dasharray", arc < 1 ? "0 999" : arc.toFixed(1) + " 999");
    say(this.who, node.name);
    say(this.where, node.where);
    say(this.role, node.role);
    show(this.role, node.role !== "");
    say(this.phase, node.phase);
    mark(this.phase, "chip " + node.tone);
    say(this.since, node.since);
    this.drawing.setAttribute("aria-label", `${node.name}: ${node.role}, ${node.phase}`);
  }
}

class LinkPicture {
  constructor() {
    const there = "M0,50 C90,4 310,4 400,50", back = "M400,50 C310,96 90,96 0,50";
    this.title = make("b");
    this.text = make("small");
    this.element = make("div", {class: "link"},
      make("svg", {viewBox: "0 0 400 100", preserveAspectRatio: "none", "aria-hidden": "true"},
        make("path", {class: "rail", d: there}), make("path", {class: "rail", d: back}),
        make("path", {class: "drops", d: there}), make("path", {class: "drops back", d: back})),
      make("div", {class: "pill"}, this.title, this.text));
  }

  draw(state, title, text) {
    mark(this.element, "link " + state);
    say(this.title, title);
    say(this.text, text);
    show(this.text, text !== "");
  }
}
