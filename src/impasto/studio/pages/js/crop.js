/** The crop: a frame of a chosen shape, moved over the photograph, whose pixels give a picture of exactly that shape. */

import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { attempt } from "./notices.js";
import { t } from "./words.js";

const SHAPES = ["whole", "16:9", "9:16", "4:3", "3:2", "1:1", "own"];
const LEAST = 0.2;

/** From this many pixels on, both sides of an own shape are meant as the picture's size. */
const PIXELS = 200;

const divisor = (one, other) => (other ? divisor(other, one % other) : one);

/** Return the largest [width, height] of a shape [across, down] inside a picture, times a share of it.
 *
 * Whole multiples of the shape where it is small, so that every size of the picture keeps it exactly; else the
 * nearest sides that become exactly the shape's own pixels.
 */
export function fitShape([across, down], width, height, share = 1) {
  const most = Math.max(1, Math.floor(Math.min(width, (height * across) / down) * share));
  const common = divisor(across, down);
  const [wide, high] = [across / common, down / common];
  const count = Math.floor(most / wide);
  if (count > 0 && wide < 50) return [count * wide, count * high];
  const [long, short] = [Math.max(across, down), Math.min(across, down)];
  for (let side = most; side > most / 2; side--) {
    const other = Math.min(height, Math.max(1, Math.round((side * down) / across)));
    const scaled = (Math.min(side, other) * long) / Math.max(side, other);
    if (Math.abs(scaled - short) < 0.49) return [side, other];
  }
  return [most, Math.min(height, Math.max(1, Math.round((most * down) / across)))];
}

/** Return the picture that another one is a part of: that one itself where it is whole. */
function wholeOf(picture) {
  const { of: id, whole } = picture.crop ?? {};
  if (!id) return picture;
  const address = `/api/pictures/${id}`;
  return { ...picture, id, width: whole[0], height: whole[1], picture: address, thumbnail: `${address}/thumbnail`, crop: null };
}

/** Return the name of the shape that a picture has, or "own". */
function shapeOf({ width, height, crop }) {
  if (!crop) return "whole";
  const isLike = (name) => {
    const [across, down] = name.split(":").map(Number);
    return Math.abs(width * down - height * across) < Math.max(across, down);
  };
  return SHAPES.slice(1, -1).find(isLike) ?? "own";
}

/** Choose a part of a photograph. Resolves with {picture, size} (size: pixels that were asked for, or null), or undefined. */
export function cropPicture(picture, first = shapeOf(picture)) {
  const whole = wholeOf(picture);
  const [left, top, width, height] = picture.crop?.box ?? [0, 0, whole.width, whole.height];
  let frame = { left, top, width, height };
  const photo = h("img", { src: whole.picture, alt: whole.name, draggable: false });
  const box = h("div", { class: "crop-frame", tabIndex: 0, role: "group", "aria-label": t("crop.frame") });
  const sheet = h("div", { class: "mask-sheet crop-sheet" }, photo, box);
  const board = h("div", { class: "mask-board" }, sheet);
  const size = h("input", { type: "range", id: "crop-size", min: LEAST, max: 1, step: 0.01, value: 1, oninput: fit });
  const across = h("input", { type: "number", min: 1, max: 20000, value: picture.crop ? width : 1920, "aria-label": t("crop.across"), oninput: fit });
  const down = h("input", { type: "number", min: 1, max: 20000, value: picture.crop ? height : 1080, "aria-label": t("crop.down"), oninput: fit });
  const own = h("div", { class: "size-row" }, h("span", { class: "size-other" }, across, " × ", down));
  const said = h("p", { class: "quiet small", "aria-live": "polite" });
  const shapes = h(
    "fieldset",
    { class: "segments crop-shapes" },
    h("legend", {}, t("crop.shape")),
    h(
      "div",
      {},
      SHAPES.map((name) =>
        h(
          "label",
          { class: "segment" },
          h("input", { type: "radio", name: "crop-shape", value: name, checked: name === first, onchange: fit }),
          h("span", {}, t(`crop.${name.replace(":", "_")}`)),
        ),
      ),
    ),
  );
  const shape = () => shapes.querySelector("input:checked").value;

  /** Return the chosen shape as [across, down]; of the whole photograph its own. */
  function ratio() {
    if (shape() === "whole") return [whole.width, whole.height];
    if (shape() !== "own") return shape().split(":").map(Number);
    return [across, down].map((input) => Math.max(1, Math.round(Number(input.value) || 1)));
  }

  /** Give the frame the chosen shape and size, around its middle. */
  function fit() {
    own.hidden = shape() !== "own";
    const [wide, high] =
      shape() === "whole"
        ? [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * Number(size.value))))
        : fitShape(ratio(), whole.width, whole.height, Number(size.value));
    const x = frame.left + frame.width / 2;
    const y = frame.top + frame.height / 2;
    frame = { ...frame, width: wide, height: high };
    place(x - wide / 2, y - high / 2);
  }

  /** Put the frame at a corner, inside the photograph. */
  function place(x, y) {
    frame.left = Math.round(Math.min(whole.width - frame.width, Math.max(0, x)));
    frame.top = Math.round(Math.min(whole.height - frame.height, Math.max(0, y)));
    const share = (part, all) => `${(100 * part) / all}%`;
    Object.assign(box.style, {
      left: share(frame.left, whole.width),
      top: share(frame.top, whole.height),
      width: share(frame.width, whole.width),
      height: share(frame.height, whole.height),
    });
    said.textContent = t("crop.pixels", frame);
  }

  const spot = (event) => {
    const area = sheet.getBoundingClientRect();
    const scale = whole.width / area.width;
    return { x: (event.clientX - area.left) * scale, y: (event.clientY - area.top) * scale };
  };
  let held = null; // the pointer's place in the frame while it is dragged
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    sheet.setPointerCapture(event.pointerId);
    const { x, y } = spot(event);
    held = { x: x - frame.left, y: y - frame.top };
    const isInside = held.x >= 0 && held.y >= 0 && held.x < frame.width && held.y < frame.height;
    if (!isInside) held = { x: frame.width / 2, y: frame.height / 2 };
    place(x - held.x, y - held.y);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!held) return;
    const { x, y } = spot(event);
    place(x - held.x, y - held.y);
  });
  for (const end of ["pointerup", "pointercancel"]) sheet.addEventListener(end, () => (held = null));
  board.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      size.value = Number(size.value) * Math.exp(-event.deltaY / 800);
      fit();
    },
    { passive: false },
  );
  box.addEventListener("keydown", (event) => {
    const step = Math.max(1, Math.round(Math.max(whole.width, whole.height) / (event.shiftKey ? 10 : 100)));
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const wider = { "+": 0.05, "=": 0.05, "-": -0.05 }[event.key];
    if (way) place(frame.left + way[0] * step, frame.top + way[1] * step);
    else if (wider) {
      size.value = Number(size.value) + wider;
      fit();
    } else return;
    event.preventDefault();
  });

  return openDialog(
    t("crop.title"),
    (close) => {
      const done = h("button", { type: "button", class: "button primary", onclick: finish }, t("crop.done"));
      async function finish() {
        done.disabled = true;
        const isWhole = frame.width === whole.width && frame.height === whole.height;
        const found = isWhole ? whole : await attempt(() => post(`/api/pictures/${whole.id}/crop`, frame));
        done.disabled = false;
        const isSize = shape() === "own" && Math.min(...ratio()) >= PIXELS;
        if (found) close({ picture: found, size: isSize ? Math.max(...ratio()) : null });
      }
      const lay = () => {
        const scale = Math.min(board.offsetWidth / whole.width, board.offsetHeight / whole.height);
        Object.assign(sheet.style, { width: `${whole.width * scale}px`, height: `${whole.height * scale}px` });
      };
      new ResizeObserver(lay).observe(board);
      size.value = picture.crop && first === shapeOf(picture) ? width / fitShape(ratio(), whole.width, whole.height)[0] : 1;
      fit();
      const side = h(
        "div",
        { class: "mask-tools" },
        h("p", { class: "quiet" }, t("crop.help")),
        shapes,
        own,
        h("div", { class: "control" }, h("label", { htmlFor: "crop-size" }, t("crop.size")), size),
        said,
        h("p", { class: "quiet small" }, t("crop.keys")),
        h("div", { class: "buttons" }, h("button", { type: "button", class: "button", onclick: () => close() }, t("cancel")), done),
      );
      return h("div", { class: "mask-editor" }, board, side);
    },
    { wide: true },
  );
}
