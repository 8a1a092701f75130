/** Build DOM elements. Text enters the page as text only; styles come from classes, measures through CSSOM. */

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element. props: attributes, properties, or listeners such as `onclick`; null and false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || (value === false && name !== "draggable")) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !/^(list|role|form|aria)/.test(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Replace all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Return an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  check: "M5 13l5 5 9-11",
  close: "M6 6l12 12M18 6L6 18",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  brush: "M14 4l6 6-8 8c-2 2-6 2-8 2 1-2 0-5 2-7z",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  stop: "M6 6h12v12H6z",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  undo: "M9 6L4 11l5 5M4 11h10a6 6 0 010 12h-2",
  redo: "M15 6l5 5-5 5M20 11H10a6 6 0 000 12h2",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1 1M18 18l1 1M5 19l1-1M18 6l1-1",
  help: "M9 9a3 3 0 114 3c-1 .5-1 1-1 2M12 18h.01",
  wand: "M5 19L16 8M14 4v3M20 10h-3M19 5l-2 2",
  erase: "M8 19h12M5 15l8-9 6 6-7 7H8z",
  face: "M12 3a9 9 0 100 18 9 9 0 000-18zM9 10h.01M15 10h.01M8.5 14.5c2 2 5 2 7 0",
  invert: "M12 3a9 9 0 100 18zM12 3a9 9 0 010 18",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  crop: "M7 3v14h14M3 7h14v14",
  swap: "M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4",
};

/** Return a line icon, hidden from screen readers: the button around it has the name. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** Return a button with an icon, its name as tooltip and for screen readers. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props }, icon(name));
}

/** Bring the children of an element in line with items: kept where their key is there already, so that focus stays. */
export function keyed(container, items, keyOf, build, update) {
  const there = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let place = container.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = there.get(key);
    if (!child) {
      child = build(item);
      child.dataset.key = key;
    }
    there.delete(key);
    update?.(child, item);
    if (child === place) place = place.nextElementSibling;
    else container.insertBefore(child, place);
  }
  for (const child of there.values()) child.remove();
}
