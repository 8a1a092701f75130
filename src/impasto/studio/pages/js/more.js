/** All else of the recipe, built from its own fields: what most people use first, the method's own settings last. */

import { createNetworks } from "./controls.js";
import { change, draft, isOptimized, resetField, setField, setKind, value } from "./draft.js";
import { fill, h, iconButton } from "./dom.js";
import { studio } from "./studio.js";
import { fieldWords, namedValues, t, tryText, valueText, valueWords } from "./words.js";

/** Fields that the page has elsewhere, and one that needs a picture which the page does not ask for. */
const ELSEWHERE = new Set(["strength", "size", "style_scale", "style_blend", "fine_layers"]);
const GROUPS = ["first", "masks", "file"];
/** Fields that films alone have, and pictures alone. */
const KINDS = { frame_steps: "film", depth: "picture", dpi: "picture", strip: "picture" };
const LISTS = new Set(["numbers", "layers", "statistics", "list"]);
const OTHER = "…";

function readText(field, text) {
  const trimmed = text.trim();
  if (trimmed === "" && field.optional) return null;
  if (!LISTS.has(field.kind)) return trimmed;
  const parts = trimmed.split(/[,，\s]+/).filter(Boolean);
  return field.kind === "numbers" ? parts.map(Number).filter((one) => !Number.isNaN(one)) : parts;
}

/** Return a select of the values that have words, with a field for others where the server takes others. */
function createChoice(field, id, set) {
  const none = field.optional ? [h("option", { value: "" }, t("more.none"))] : [];
  const known = field.choices?.map(String) ?? namedValues(field.name);
  const options = known.map((text) => h("option", { value: text, title: text }, valueWords(field.name, text)));
  const read = (text) => (field.choices ? field.choices.find((choice) => String(choice) === text) ?? null : readText(field, text));
  const own = h("input", {
    type: "text",
    spellcheck: false,
    autocomplete: "off",
    "aria-label": t("more.own", { name: fieldWords(field).label }),
    onchange: () => set(readText(field, own.value)),
  });
  const input = h(
    "select",
    {
      id,
      onchange: () => {
        own.hidden = input.value !== OTHER;
        if (own.hidden) set(read(input.value));
        else own.focus();
      },
    },
    [...none, ...options, !field.choices && h("option", { value: OTHER }, t("more.other"))],
  );
  let last = null;
  const show = () => {
    const now = valueText(value(field.name));
    if (now === last) return; // the value; "Other" may be chosen, and nothing written yet
    last = own.value = now;
    const isKnown = known.includes(now) || (now === "" && field.optional);
    own.hidden = isKnown;
    input.value = isKnown ? now : OTHER;
  };
  return { input, own, show };
}

/** Return the field's input: {input, show}, with {own} for values without words. */
function createInput(field, id) {
  const set = (next) => setField(field.name, next);
  if (field.kind === "flag" || field.kind === "boolean") {
    const input = h("input", { type: "checkbox", id, onchange: () => set(input.checked) });
    return { input, show: () => (input.checked = Boolean(value(field.name))) };
  }
  if (namedValues(field.name).length > 0) return createChoice(field, id, set);
  const isNumber = field.kind === "number" || field.kind === "integer";
  const numbers = { type: "number", min: field.least, max: field.most, step: field.kind === "integer" ? 1 : "any" };
  const input = h("input", {
    ...(isNumber ? numbers : { type: "text", spellcheck: false, autocomplete: "off" }),
    id,
    placeholder: LISTS.has(field.kind) ? t("more.list") : field.optional ? t("more.none") : "",
    onchange: () => {
      if (!isNumber) set(readText(field, input.value));
      else if (input.value !== "") set(Number(input.value));
      else if (field.optional) set(null);
      else resetField(field.name);
    },
  });
  return { input, show: () => document.activeElement === input || (input.value = valueText(value(field.name))) };
}

function createField(field, errorOf) {
  const id = `field-${field.name}`;
  const { label, help } = fieldWords(field);
  const { input, own, show } = createInput(field, id);
  input.setAttribute("aria-describedby", `${id}-help`);
  const reset = iconButton("undo", t("more.reset", { name: label }), () => {
    resetField(field.name);
    input.focus();
  });
  const element = h(
    "div",
    { class: "field" },
    h("div", { class: "field-head" }, h("label", { htmlFor: id, title: field.name }, label), reset),
    input,
    own,
    h("p", { id: `${id}-help`, class: "quiet small" }, help),
    errorOf(field.name),
  );
  const values = namedValues(field.name).map((text) => `${text} ${valueWords(field.name, text)}`);
  element.words = [field.name, label, help, field.help, ...values].join(" ").toLowerCase();
  element.dataset.of = KINDS[field.name] ?? "";
  element.dataset.name = field.name;
  draft.watch(() => {
    show();
    const isChanged = field.name in draft.value.changes;
    element.classList.toggle("changed", isChanged);
    reset.hidden = !isChanged;
  });
  return element;
}

/** All presets; those of first sight are among them. */
function createPreset() {
  const select = h(
    "select",
    { id: "field-preset", onchange: () => change({ preset: select.value }) },
    studio.presets.map(({ name }) => h("option", { value: name, title: name }, tryText(`preset.${name}`) ?? name)),
  );
  draft.watch(({ preset }) => (select.value = preset));
  return h("div", { class: "field" }, h("label", { htmlFor: "field-preset" }, t("more.preset")), select);
}

/** A texture of the painting alone, without the photograph. */
function createKind() {
  const input = h("input", { type: "checkbox", onchange: () => setKind(input.checked ? "texture" : "stylize") });
  draft.watch(({ kind }) => (input.checked = kind === "texture"));
  return h("label", { class: "check" }, input, t("inputs.texture"));
}

export function createMore(errorOf) {
  const groups = new Map();
  for (const field of studio.fields) {
    if (ELSEWHERE.has(field.name)) continue;
    groups.set(field.group, [...(groups.get(field.group) ?? []), createField(field, errorOf)]);
  }
  const section = (group, ...more) =>
    h("section", { class: "field-group" }, h("h3", {}, tryText(`group.${group}`) ?? group), groups.get(group) ?? [], more);
  const preset = createPreset();
  const others = [createKind(), createNetworks()].filter(Boolean);
  const body = h("div", { class: "more-body" });
  const search = h("input", {
    type: "search",
    placeholder: t("more.search"),
    "aria-label": t("more.search"),
    oninput: () => {
      find();
      method.open = search.value.trim() !== "";
    },
  });
  const method = h(
    "details",
    { class: "method" },
    h("summary", {}, t("more.method")),
    h("p", { class: "quiet small" }, t("more.method_help")),
    preset,
    [...groups.keys()].filter((group) => !GROUPS.includes(group)).map((group) => section(group)),
  );
  function find() {
    const wanted = search.value.trim().toLowerCase();
    const other = draft.value.kind === "film" ? "picture" : "film";
    for (const fields of groups.values()) {
      for (const field of fields) field.hidden = field.dataset.of === other || !field.words.includes(wanted);
    }
    for (const one of [preset, ...others]) one.hidden = wanted !== "";
    for (const part of body.querySelectorAll(".field-group")) part.hidden = !part.querySelector(".field:not([hidden])");
    method.hidden = !method.querySelector(".field-group:not([hidden])");
    const isFound = body.querySelector(".field-group:not([hidden])");
    nothing.textContent = isFound ? "" : t("gallery.nothing", { text: search.value.trim() });
  }
  const nothing = h("p", { class: "quiet", role: "status" });
  fill(body, search, nothing, section("first", ...others), section("masks"), section("file"), method);
  const count = h("span", { class: "count" });
  const element = h("details", { class: "more" }, h("summary", {}, t("more.name"), " ", count), body);
  let kind = null;
  draft.watch((now) => {
    const { changes } = now;
    element.hidden = !isOptimized(now);
    if (kind !== now.kind) find();
    kind = now.kind;
    const changed = Object.keys(changes).filter((name) => !ELSEWHERE.has(name) && name !== "color").length; // color is at first sight, too
    count.textContent = changed ? t("more.changed", { n: changed }) : "";
  });
  return element;
}
