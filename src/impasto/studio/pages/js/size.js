/** The size of the picture, in plain words and pixels. */

import { change, draft, setField, value } from "./draft.js";
import { h } from "./dom.js";
import { studio } from "./studio.js";
import { t } from "./words.js";

const CHOICES = [512, 768, 1024, 1920, 2560, 3840, "15cm", "29.7cm", "42cm", "content"];
const DPI = 300;
const LARGE = 2000;

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
export function pixelSize(now = draft.value) {
  const edge = longEdge(value("size"), now);
  if (!edge) return null;
  const pair = /^(\d+)x(\d+)$/.exec(String(value("size")));
  if (pair) return { width: Number(pair[1]), height: Number(pair[2]) };
  if (now.kind === "texture") return { width: edge, height: edge };
  if (!now.content) return null;
  const scale = edge / Math.max(now.content.width, now.content.height);
  return {
    width: Math.max(1, Math.round(now.content.width * scale)),
    height: Math.max(1, Math.round(now.content.height * scale)),
  };
}

function text(choice) {
  return t(`size.${String(choice).replace(".", "_")}`);
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
    onchange: () => number.value && setField("size", Math.round(Number(number.value))),
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
  const element = h(
    "div",
    { class: "control" },
    h("div", { class: "control-head" }, h("label", { htmlFor: "size" }, t("size.name")), pixels),
    h("div", { class: "size-row" }, select, other),
    advice,
    errorOf("size"),
  );
  draft.watch(({ preset }) => {
    const size = String(value("size"));
    const known = choices.some((choice) => String(choice) === size);
    if (document.activeElement !== number) {
      select.value = known ? size : "other";
      other.hidden = known;
      number.value = longEdge(value("size")) ?? "";
    }
    advice.hidden = (longEdge(value("size")) ?? 0) < LARGE || !["draft", "standard", "fine"].includes(preset);
    const result = pixelSize();
    pixels.value = result ? `${result.width} × ${result.height} px` : "";
  });
  return element;
}
