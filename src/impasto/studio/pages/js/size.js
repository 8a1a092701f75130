/** The size of the picture, in plain words and pixels. */

import { change, draft, setField, value } from "./draft.js";
import { h } from "./dom.js";
import { cropContent } from "./inputs.js";
import { studio } from "./studio.js";
import { t } from "./words.js";

const CHOICES = [512, 768, 1024, 1920, 2560, 3840, "15cm", "29.7cm", "42cm", "content"];
const DPI = 300;
const LARGE = 2000;
const SCREENS = [1920, 2560, 3840];

/** How many times more pixels than the photograph a picture may have along a side before it looks soft. */
const ENLARGED = 2;

/** Return the long edge in pixels of a recipe's size, or null. */
export function longEdge(size, { content } = draft.value) {
  if (typeof size === "number") return size;
  if (Array.isArray(size)) return Math.max(...size);
  const text = String(size);
  if (text === "content") return content ? Math.max(content.width, content.height) : null;
  const print = /^([\d.]+)(cm|mm|in)$/.exec(text);
  if (print) return Math.round((Number(print[1]) / { cm: 2.54, mm: 25.4, in: 1 }[print[2]]) * (value("dpi") ?? DPI));
  if (/^\d+$/.test(text)) return Number(text);
  const pair = /^(\d+)x(\d+)$/.exec(text);
  return pair ? Math.max(Number(pair[1]), Number(pair[2])) : null;
}

/** Return width and height of the picture to be, or null. */
export function pixelSize(now = draft.value, size = value("size")) {
  const edge = longEdge(size, now);
  if (!edge) return null;
  const pair = /^(\d+)x(\d+)$/.exec(String(size));
  if (pair) return { width: Number(pair[1]), height: Number(pair[2]) };
  if (now.kind === "texture") return { width: edge, height: edge };
  if (!now.content) return null;
  const scale = edge / Math.max(now.content.width, now.content.height);
  return {
    width: Math.max(1, Math.round(now.content.width * scale)),
    height: Math.max(1, Math.round(now.content.height * scale)),
  };
}

/** Return a choice in words, with the pixels that it gives this photograph. */
function text(choice) {
  const { width, height } = pixelSize(draft.value, choice) ?? {};
  const pixels = width ? `${width} × ${height}` : choice;
  return t(`size.${String(choice).replace(".", "_")}`, { pixels });
}

/** Return the shape of screens, "16:9" or "9:16", that the photograph lacks; null where it has it. */
function screenShape({ content, kind }) {
  if (kind !== "stylize" || !content) return null;
  const { width, height } = content;
  const shape = width >= height ? [16, 9] : [9, 16];
  return Math.abs(width * shape[1] - height * shape[0]) < 9 ? null : shape.join(":");
}

export function createSize(errorOf) {
  const most = studio.limits.size ?? Infinity;
  const choices = CHOICES.filter((choice) => choice === "content" || longEdge(choice) <= most);
  const select = h(
    "select",
    {
      id: "size",
      "aria-describedby": "size-pixels",
      onchange: () => {
        other.hidden = select.value !== "other";
        if (select.value === "other") {
          number.value = longEdge(value("size")) ?? 512;
          number.focus();
        } else setField("size", /^\d+$/.test(select.value) ? Number(select.value) : select.value);
      },
    },
    choices.map((choice) => h("option", { value: String(choice) }, text(choice))),
    h("option", { value: "other" }, t("size.other")),
  );
  const number = h("input", {
    type: "number",
    min: 16,
    max: most,
    step: 1,
    "aria-label": t("size.long_edge"),
    // At once, not when it loses the focus: words below it come and go, and would move away from under the pointer.
    oninput: () => number.checkValidity() && number.value && setField("size", Number(number.value)),
  });
  const other = h("span", { class: "size-other" }, number, " px");
  const pixels = h("output", { id: "size-pixels", class: "number" });
  const advice = h(
    "p",
    { class: "quiet small" },
    t("size.large"),
    " ",
    h("button", { type: "button", class: "link", onclick: () => change({ preset: "print" }) }, t("size.use_print")),
  );
  const toCrop = h("button", { type: "button", class: "link", onclick: () => cropContent(screenShape(draft.value)) });
  const crop = h("p", { class: "quiet small" }, t("size.screen"), " ", toCrop);
  const warning = h("p", { class: "warning small", id: "size-warning", role: "status" });
  const element = h(
    "div",
    { class: "control" },
    h("div", { class: "control-head" }, h("label", { htmlFor: "size" }, t("size.name")), pixels),
    h("div", { class: "size-row" }, select, other),
    crop,
    warning,
    advice,
    errorOf("size"),
  );
  draft.watch((now) => {
    const { preset, content, kind } = now;
    const size = String(value("size"));
    const known = choices.some((choice) => String(choice) === size);
    if (document.activeElement !== number) {
      select.value = known ? size : "other";
      other.hidden = known;
      number.value = longEdge(value("size")) ?? "";
    }
    advice.hidden = (longEdge(value("size")) ?? 0) < LARGE || !kind === "film" || !["draft", "standard", "fine"].includes(preset);
    const result = pixelSize();
    pixels.value = result ? `${result.width} × ${result.height} px` : "";
    for (const [index, choice] of choices.entries()) select.options[index].textContent = text(choice);
    toCrop.textContent = t("size.crop", { shape: screenShape(now) ?? "" });
    crop.hidden = !SCREENS.includes(value("size")) || !screenShape(now);
    const times = result && content && kind !== "texture" ? result.width / content.width : 1;
    const isNew = warning.hidden;
    warning.hidden = times <= ENLARGED;
    warning.textContent = warning.hidden ? "" : t("size.enlarged", { ...content, times: times.toFixed(1) });
    if (isNew && !warning.hidden) warning.scrollIntoView({ block: "nearest" });
  });
  return element;
}
