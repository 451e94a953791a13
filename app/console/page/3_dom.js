// Making and changing what is shown. A text is always put in as a text; nothing parses markup.

const svgSpace = "http://www.w3.org/2000/svg";

function make(name, attributes = {}, ...children) {
  const isSvg = ["svg", "circle", "path", "rect", "text", "line", "g"].includes(name);
  const element = isSvg ? document.createElementNS(svgSpace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function byId(id) { return document.getElementById(id); }

// Only what differs is touched, so that nothing is read aloud, or painted, twice.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

function mark(element, classes) {
  if (element.getAttribute("class") !== classes) element.setAttribute("class", classes);
}
