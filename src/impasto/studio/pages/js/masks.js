/** The mask editor: a brush over the photograph, with undo, similar colors and found faces. */

import { post, upload } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, icon, iconButton } from "./dom.js";
import { createMaskCanvas } from "./mask_canvas.js";
import { attempt } from "./notices.js";
import { whileBusy } from "./pace.js";
import { machine } from "./studio.js";
import { t } from "./words.js";

const TINTS = [
  [233, 122, 60],
  [60, 190, 255],
  [150, 255, 60],
  [255, 0, 200],
];
const COLORS = { only: [233, 122, 60], protect: [70, 160, 220], region: [120, 185, 90], part: [120, 185, 90] };

async function loadImage(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Edit a mask. Resolves with its picture, null where it is empty, or undefined where nothing was changed. */
export function editMask({ picture, role, mask }) {
  const pad = createMaskCanvas(picture.width, picture.height, COLORS[role]);
  const { canvas } = pad;
  let tool = "brush";
  let tints = 0;
  let zoom = 1;
  let cursor = null;
  let last = null;

  const photo = h("img", { src: picture.picture, alt: picture.name, draggable: false });
  const ring = h("div", { class: "brush-ring", hidden: true });
  Object.assign(canvas, { className: "mask-canvas", tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("mask.canvas"));
  const board = h("div", { class: "mask-board" }, h("div", { class: "mask-sheet" }, photo, canvas, ring));
  const sheet = board.firstElementChild;
  const size = h("input", { type: "range", id: "brush-size", min: 4, max: 300, value: 60, oninput: showRing });
  const softness = h("input", { type: "range", id: "brush-soft", min: 0, max: 1, step: 0.05, value: 0.4 });
  const tolerance = h("input", { type: "range", id: "wand-tolerance", min: 2, max: 90, value: 28 });
  const said = h("p", { class: "quiet small", "aria-live": "polite" });
  const undoButton = iconButton("undo", t("undo"), () => travel("undo"));
  const redoButton = iconButton("redo", t("redo"), () => travel("redo"));

  const tools = ["brush", "erase", "wand"].map((name) =>
    h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => choose(name) }, icon(name), t(`mask.${name}`)),
  );
  const brushParts = [size, softness].map((input) => slider(input));
  const everywhere = h("input", { type: "checkbox", id: "wand-everywhere" });
  const wandPart = h("div", {}, slider(tolerance), h("label", { class: "check" }, everywhere, t("mask.everywhere")), h("p", { class: "quiet small" }, t("mask.wand_help")));

  function slider(input) {
    return h("div", { class: "control" }, h("label", { htmlFor: input.id }, t(`mask.${input.id}`)), input);
  }

  function choose(name) {
    tool = name;
    for (const [index, button] of tools.entries()) {
      button.setAttribute("aria-pressed", String(["brush", "erase", "wand"][index] === name));
    }
    for (const part of brushParts) part.hidden = name === "wand";
    wandPart.hidden = name !== "wand";
    showRing();
  }

  function update() {
    const { undo, redo } = pad.state();
    undoButton.disabled = !undo;
    redoButton.disabled = !redo;
  }

  function travel(way) {
    pad[way]();
    update();
  }

  /** Run a change that can be undone. */
  function edit(work) {
    pad.remember();
    work();
    update();
  }

  const factor = () => canvas.width / canvas.getBoundingClientRect().width;
  const radius = () => (Number(size.value) / 2 / 1000) * Math.max(canvas.width, canvas.height) * 1.5;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) * factor(), y: (event.clientY - box.top) * factor() };
  };

  function showRing() {
    ring.hidden = !cursor;
    if (!cursor) return;
    const across = tool === "wand" ? 12 : (radius() * 2) / factor();
    Object.assign(ring.style, {
      width: `${across}px`,
      height: `${across}px`,
      left: `${cursor.x / factor() - across / 2}px`,
      top: `${cursor.y / factor() - across / 2}px`,
    });
  }

  function apply(from, to, erase) {
    if (tool === "wand") pad.similar(clamp(to), { tolerance: Number(tolerance.value), everywhere: everywhere.checked, erase });
    else pad.stroke(from, to, { radius: radius(), hardness: 1 - Number(softness.value), erase: erase || tool === "erase" });
  }

  const clamp = ({ x, y }) => ({
    x: Math.min(canvas.width - 1, Math.max(0, x)),
    y: Math.min(canvas.height - 1, Math.max(0, y)),
  });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    edit(() => apply(last, last, event.altKey));
  });
  canvas.addEventListener("pointermove", (event) => {
    cursor = place(event);
    showRing();
    if (!last || tool === "wand") return;
    apply(last, cursor, event.altKey);
    last = cursor;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  canvas.addEventListener("pointerleave", () => {
    if (document.activeElement !== canvas) cursor = null;
    showRing();
  });
  canvas.addEventListener("focus", () => {
    cursor ??= { x: canvas.width / 2, y: canvas.height / 2 };
    showRing();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = Math.max(2, radius() / (event.shiftKey ? 1 : 3));
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way && cursor) cursor = clamp({ x: cursor.x + way[0] * step, y: cursor.y + way[1] * step });
    else if (event.key === " " && cursor) edit(() => apply(cursor, cursor, event.altKey));
    else return;
    event.preventDefault();
    showRing();
  });

  async function findFaces() {
    said.textContent = t("mask.looking");
    const found = await attempt(() => whileBusy(() => post(`/api/pictures/${picture.id}/faces`)));
    said.textContent = found ? t(found.count === 1 ? "mask.one_face" : "mask.faces_found", { n: found.count }) : "";
    if (found?.count) {
      const image = await loadImage(found.mask.picture);
      edit(() => pad.add(image));
    }
  }

  function keys(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") travel(event.shiftKey ? "redo" : "undo");
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") travel("redo");
    else if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
    else if (event.key === "[") size.value = Number(size.value) - 8;
    else if (event.key === "]") size.value = Number(size.value) + 8;
    else if (event.key === "b") choose("brush");
    else if (event.key === "e") choose("erase");
    else if (event.key === "w") choose("wand");
    else return;
    event.preventDefault();
    event.stopPropagation();
    showRing();
  }

  loadImage(picture.picture).then((image) => pad.setPhoto(image), () => {});
  if (mask?.picture) loadImage(mask.picture).then((image) => pad.add(image), () => {});

  return openDialog(
    t(`mask.${role}_title`),
    (close) => {
      const done = h("button", { type: "button", class: "button primary", onclick: finish }, t("mask.done"));
      async function finish() {
        done.disabled = true;
        const file = await pad.toFile();
        const stored = file === null ? null : await attempt(() => upload(file, "mask.png"));
        done.disabled = false;
        if (stored !== undefined) close(stored);
      }
      choose("brush");
      update();
      const side = h(
        "div",
        { class: "mask-tools" },
        h("p", { class: "quiet" }, t(`mask.${role}_help`), picture.film && role !== "part" ? ` ${t("mask.film")}` : ""),
        h("div", { class: "chips", role: "group", "aria-label": t("mask.tools") }, tools),
        brushParts,
        wandPart,
        h(
          "div",
          { class: "chips" },
          undoButton,
          redoButton,
          h("button", { type: "button", class: "chip", onclick: () => edit(pad.invert) }, icon("invert"), t("mask.invert")),
          h("button", { type: "button", class: "chip", onclick: () => edit(pad.clear) }, icon("trash"), t("mask.clear")),
          h("button", { type: "button", class: "chip", onclick: () => pad.tint(TINTS[++tints % TINTS.length]) }, icon("swap"), t("mask.tint")),
          machine.value.faces && h("button", { type: "button", class: "chip", onclick: findFaces }, icon("face"), t("mask.faces")),
        ),
        said,
        h("p", { class: "quiet small" }, t("mask.keys")),
        h("div", { class: "buttons" }, h("button", { type: "button", class: "button", onclick: () => close() }, t("cancel")), done),
      );
      const lay = () => {
        const scale = zoom * Math.min(board.offsetWidth / picture.width, board.offsetHeight / picture.height);
        Object.assign(sheet.style, { width: `${picture.width * scale}px`, height: `${picture.height * scale}px` });
        showRing();
      };
      board.addEventListener(
        "wheel",
        (event) => {
          event.preventDefault();
          const box = sheet.getBoundingClientRect();
          const spot = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
          zoom = Math.min(12, Math.max(1, zoom * Math.exp(-event.deltaY / 400)));
          lay();
          const now = sheet.getBoundingClientRect();
          board.scrollBy(now.left + spot.x * now.width - event.clientX, now.top + spot.y * now.height - event.clientY);
        },
        { passive: false },
      );
      new ResizeObserver(lay).observe(board);
      return h("div", { class: "mask-editor", onkeydown: keys }, board, side);
    },
    { wide: true },
  );
}
