/** The picture: fitted or pixel by pixel, moved by dragging, beside the photograph through a divider. */

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const MOST_ZOOM = 16;

/** Return the viewer: {element, show, message, toggleCompare, zoomTo, peek}. */
export function createViewer() {
  const after = h("img", { class: "picture after", alt: "", draggable: false });
  const before = h("img", { class: "picture before", alt: "", draggable: false });
  const handle = h("div", {
    class: "divider",
    role: "slider",
    tabIndex: 0,
    "aria-label": t("viewer.divider"),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  const under = h("img", { class: "picture", alt: "", draggable: false, hidden: true });
  const sheet = h("div", { class: "sheet" }, under, after, before, handle);
  const caption = h("p", { class: "caption" });
  const view = h("div", { class: "view", tabIndex: 0, role: "group", "aria-label": t("viewer.name") }, sheet);
  const zoomLabel = h("output", { class: "zoom" });
  const compareButton = h(
    "button",
    { type: "button", class: "text-button", title: t("viewer.compare_help"), "aria-pressed": "false", onclick: () => toggleCompare() },
    icon("compare"),
    t("viewer.compare"),
  );
  const fitButton = h("button", { type: "button", class: "text-button", onclick: () => fit() }, t("viewer.fit"));
  const pixelsButton = h("button", { type: "button", class: "text-button", onclick: () => zoomTo(1) }, t("viewer.pixels"));
  const saveLink = h("a", { class: "text-button", title: t("viewer.save"), "aria-label": t("viewer.save") }, icon("download"), h("span", {}, t("viewer.download")));
  const tools = h("div", { class: "view-tools" }, saveLink, compareButton, fitButton, pixelsButton, zoomLabel);
  const film = h("video", { class: "film", controls: true, loop: true, playsInline: true, preload: "metadata", hidden: true });
  const element = h("div", { class: "viewer" }, h("h1", { class: "unseen" }, t("viewer.title")), film, view, h("div", { class: "view-foot" }, caption, tools));

  let now = { before: null, after: null, width: 0, height: 0 };
  let zoom = null; // null: fitted
  let center = { x: 0.5, y: 0.5 };
  let split = null; // null: no comparison; else the divider's place, 0 to 1
  let wanted = "";

  function fitted() {
    const space = 24;
    const across = (view.clientWidth - space) / now.width;
    const down = (view.clientHeight - space) / now.height;
    return Math.max(0.01, Math.min(across, down, 4));
  }

  function lay() {
    if (!now.width || !view.clientWidth) return;
    const scale = zoom ?? fitted();
    const width = now.width * scale;
    const height = now.height * scale;
    const place = (size, room, middle) =>
      size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - middle * size));
    const x = place(width, view.clientWidth, center.x);
    const y = place(height, view.clientHeight, center.y);
    Object.assign(sheet.style, { width: `${width}px`, height: `${height}px`, left: `${x}px`, top: `${y}px` });
    sheet.classList.toggle("pixels", scale >= 2 && zoom !== null);
    zoomLabel.value = `${Math.round(scale * devicePixelRatio * 100)} %`;
    fitButton.setAttribute("aria-pressed", String(zoom === null));
    pixelsButton.setAttribute("aria-pressed", String(zoom === 1 / devicePixelRatio));
    view.classList.toggle("can-move", width > view.clientWidth || height > view.clientHeight);
  }

  function showSplit() {
    const both = split !== null && now.before && now.after;
    before.hidden = !now.before || (!both && Boolean(now.after) && !element.classList.contains("peek"));
    handle.hidden = !both;
    compareButton.disabled = !(now.before && now.after);
    compareButton.setAttribute("aria-pressed", String(Boolean(both)));
    before.style.clipPath = both ? `inset(0 ${(1 - split) * 100}% 0 0)` : "none";
    if (!both) return;
    handle.style.left = `${split * 100}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(split * 100)));
    handle.setAttribute("aria-valuetext", t("viewer.share", { n: Math.round(split * 100) }));
  }

  function setSplit(next) {
    split = next === null ? null : Math.min(1, Math.max(0, next));
    showSplit();
  }

  function toggleCompare() {
    if (compareButton.disabled) return;
    setSplit(split === null ? 0.5 : null);
    if (split !== null) handle.focus({ preventScroll: true });
  }

  function fit() {
    zoom = null;
    center = { x: 0.5, y: 0.5 };
    lay();
  }

  /** Zoom to `pixels` screen pixels for each of the picture, around a point of the view. */
  function zoomTo(pixels, point = null) {
    const old = sheet.getBoundingClientRect();
    const frame = view.getBoundingClientRect();
    const spot = point ?? { x: frame.left + frame.width / 2, y: frame.top + frame.height / 2 };
    const inside = { x: (spot.x - old.left) / old.width, y: (spot.y - old.top) / old.height };
    zoom = Math.min(MOST_ZOOM, Math.max(0.02, pixels / devicePixelRatio));
    center = {
      x: inside.x - (spot.x - frame.left - frame.width / 2) / (now.width * zoom),
      y: inside.y - (spot.y - frame.top - frame.height / 2) / (now.height * zoom),
    };
    clampCenter();
    lay();
  }

  function zoomBy(factor, point) {
    zoomTo((zoom ?? fitted()) * devicePixelRatio * factor, point);
  }

  function clampCenter() {
    center = { x: Math.min(1, Math.max(0, center.x)), y: Math.min(1, Math.max(0, center.y)) };
  }

  function move(x, y) {
    const scale = zoom ?? fitted();
    center = { x: center.x - x / (now.width * scale), y: center.y - y / (now.height * scale) };
    clampCenter();
    lay();
  }

  view.addEventListener(
    "wheel",
    (event) => {
      if (!now.width) return;
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY / 400), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
  view.addEventListener("dblclick", (event) => {
    if (zoom === null) zoomTo(1, { x: event.clientX, y: event.clientY });
    else fit();
  });
  const fingers = new Map();
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !now.width) return;
    fingers.set(event.pointerId, event);
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    if (fingers.size === 2) pinch(event, last);
    else if (zoom !== null) move(event.clientX - last.clientX, event.clientY - last.clientY);
    fingers.set(event.pointerId, event);
  });
  function pinch(event, last) {
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const distance = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
    if (distance(last) > 0) {
      zoomBy(distance(event) / distance(last), {
        x: (event.clientX + other.clientX) / 2,
        y: (event.clientY + other.clientY) / 2,
      });
    }
  }
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, (event) => fingers.delete(event.pointerId));
  view.addEventListener("keydown", (event) => {
    if (event.target !== view || !now.width) return;
    const steps = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (steps) move(...steps);
    else if (event.key === "+" || event.key === "=") zoomBy(1.4);
    else if (event.key === "-") zoomBy(1 / 1.4);
    else return;
    event.preventDefault();
  });

  const drag = (event) => {
    const box = sheet.getBoundingClientRect();
    setSplit((event.clientX - box.left) / box.width);
  };
  handle.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    handle.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    handle.addEventListener("pointermove", drag);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    handle.addEventListener(end, (event) => {
      if (end === "pointerup" && handle.hasPointerCapture(event.pointerId)) drag(event);
      handle.removeEventListener("pointermove", drag);
    });
  }
  handle.addEventListener("dblclick", (event) => event.stopPropagation());
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, PageDown: -0.2, PageUp: 0.2 }[event.key];
    if (step) setSplit(split + step);
    else if (event.key === "Home") setSplit(0);
    else if (event.key === "End") setSplit(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  new ResizeObserver(lay).observe(view);

  /** Show a picture, once it is decoded, so that nothing flickers.
   *
   * width, height: of the picture to be, in pixels. mask: address of a mask outside which the photograph is shown.
   * save: the name under which it can be downloaded.
   */
  async function show({ before: old, after: next, width, height, name, mask = null, save = null }) {
    saveLink.hidden = !(save && next);
    if (save && next) Object.assign(saveLink, { href: next, download: save });
    const isOther = width * now.height !== height * now.width;
    now = { before: old ?? null, after: next ?? null, width, height };
    if (isOther) fit();
    if (old && before.getAttribute("src") !== old) before.src = under.src = old;
    under.hidden = !(mask && old && next);
    Object.assign(after.style, { maskImage: mask ? `url("${mask}")` : "", maskMode: "luminance", maskSize: "100% 100%" });
    before.alt = t("viewer.photograph");
    wanted = next ?? "";
    if (next && after.getAttribute("src") !== next) {
      const loading = new Image();
      loading.src = next;
      await loading.decode().catch(() => {});
      if (wanted !== next) return;
      after.src = next;
    }
    after.hidden = !next;
    after.alt = name ?? "";
    showSplit();
    lay();
  }

  /** Show a film in the place of the picture; address: null for the picture. */
  function showFilm(address) {
    film.hidden = !address;
    view.hidden = tools.hidden = Boolean(address);
    if ((film.getAttribute("src") ?? null) === address) return;
    if (address) film.src = address;
    else {
      film.removeAttribute("src");
      film.load();
    }
  }

  /** Show the photograph for as long as asked. */
  function peek(on) {
    element.classList.toggle("peek", on && Boolean(now.before && now.after));
    showSplit();
  }

  return { element, show, showFilm, toggleCompare, fit, zoomTo, peek, say: (text) => (caption.textContent = text) };
}
