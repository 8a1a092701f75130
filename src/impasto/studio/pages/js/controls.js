/** The settings of first sight: preset, strength, style scale, color, size. */

import { change, draft, isOptimized, resetField, setField, value } from "./draft.js";
import { h, keyed } from "./dom.js";
import { createSize } from "./size.js";
import { machine, presetValue, studio } from "./studio.js";
import { t, tryText, valueWords } from "./words.js";

const FIRST_PRESETS = ["draft", "standard", "portrait", "fine", "print"];

/** Return a slider over a field. toValue, toPlace: between the slider's place and the field's value. */
function slider({ name, least, most, step, toValue = (place) => place, toPlace = (one) => one, format, ends }, errorOf) {
  const id = `first-${name}`;
  const number = h("output", { class: "number", htmlFor: id });
  const input = h("input", {
    type: "range",
    id,
    min: least,
    max: most,
    step,
    oninput: () => setField(name, Number(toValue(Number(input.value)).toFixed(3))),
    ondblclick: () => resetField(name),
  });
  const label = h(
    "label",
    { htmlFor: id, title: t("controls.reset_hint"), ondblclick: () => resetField(name) },
    t(`controls.${name}`),
  );
  draft.watch(() => {
    const now = value(name);
    number.value = now === null ? "–" : format(now);
    if (document.activeElement !== input || toValue(Number(input.value)).toFixed(3) !== Number(now).toFixed(3)) {
      input.value = toPlace(now ?? presetValue("standard", name));
    }
    input.setAttribute("aria-valuetext", number.value);
    label.classList.toggle("changed", name in draft.value.changes);
  });
  return h(
    "div",
    { class: "control" },
    h("div", { class: "control-head" }, label, number),
    input,
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, t(ends[0])), h("span", {}, t(ends[1]))),
    errorOf(name),
  );
}

/** Return radio buttons side by side: those of `list`, and the present value where it is another one. */
function choices({ name, legend, list, labelOf, now, set }) {
  const row = h("div", {});
  const segment = (one) =>
    h(
      "label",
      { class: "segment" },
      h("input", { type: "radio", name, value: one, onchange: () => set(one) }),
      h("span", {}, labelOf(one)),
    );
  draft.watch(() => {
    const current = now();
    keyed(row, list.includes(current) ? list : [...list, current], (one) => one, segment);
    for (const input of row.querySelectorAll("input")) input.checked = input.value === current;
  });
  return h("fieldset", { class: "segments" }, h("legend", {}, legend), row);
}

function createPresets() {
  const names = studio.presets.map((preset) => preset.name);
  const help = h("p", { class: "quiet small" });
  draft.watch(({ preset }) => {
    const own = studio.presets.find((one) => one.name === preset)?.help;
    help.textContent = tryText(`preset.${preset}_help`) ?? own ?? "";
  });
  const segments = choices({
    name: "preset",
    legend: t("preset.name"),
    list: FIRST_PRESETS.filter((name) => names.includes(name)),
    labelOf: (name) => (FIRST_PRESETS.includes(name) ? t(`preset.${name}`) : name),
    now: () => draft.value.preset,
    set: (preset) => change({ preset }),
  });
  return h("div", { class: "control" }, segments, help);
}

function createColors(errorOf) {
  const segments = choices({
    name: "color",
    legend: t("color.name"),
    list: ["style", "content-luma"],
    labelOf: (name) => valueWords("color", name),
    now: () => value("color"),
    set: (name) => setField("color", name),
  });
  return h("div", { class: "control" }, segments, errorOf("color"));
}

/** The network of the instant version, where the package has trained ones. */
export function createNetworks() {
  const styles = machine.value.styles ?? [];
  if (styles.length === 0) return null;
  const select = h(
    "select",
    { id: "network", onchange: () => change({ network: select.value || null }) },
    h("option", { value: "" }, t("instant.automatic")),
    h("option", { value: "any" }, t("instant.any")),
    styles.map((style) => h("option", { value: style.name }, tryText(`networks.${style.name}`) ?? style.title)),
  );
  draft.watch(({ network }) => (select.value = network ?? ""));
  return h(
    "div",
    { class: "control" },
    h("div", { class: "control-head" }, h("label", { htmlFor: "network" }, t("instant.network"))),
    select,
  );
}

export function createControls(errorOf) {
  const colors = createColors(errorOf);
  const strength = slider(
    {
      name: "strength",
      least: 0,
      most: 1,
      step: 0.01,
      format: (one) => one.toFixed(2),
      ends: ["controls.photograph", "controls.painting"],
    },
    errorOf,
  );
  const scale = slider(
    {
      name: "style_scale",
      least: -2,
      most: 2,
      step: 0.05,
      toValue: (place) => 2 ** place,
      toPlace: (one) => Math.log2(Math.max(0.001, one)),
      format: (one) => `× ${one.toFixed(2)}`,
      ends: ["controls.finer", "controls.larger"],
    },
    errorOf,
  );
  const presets = createPresets();
  draft.watch((now) => {
    strength.hidden = colors.hidden = now.kind === "texture";
    scale.hidden = presets.hidden = !isOptimized(now);
  });
  return h(
    "section",
    { class: "controls", "aria-label": t("controls.name") },
    strength,
    scale,
    colors,
    presets,
    createSize(errorOf),
  );
}
