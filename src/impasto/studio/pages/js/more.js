/** All else of the recipe, built from its own fields with their help texts. */

import { createNetworks } from "./controls.js";
import { change, draft, isOptimized, resetField, setField, setKind, value } from "./draft.js";
import { fill, h, iconButton } from "./dom.js";
import { studio } from "./studio.js";
import { fieldWords, t, tryText } from "./words.js";

const ELSEWHERE = new Set(["strength", "size", "style_scale", "style_blend"]);
/** Fields that films alone have, and pictures alone. */
const KINDS = { frame_steps: "film", depth: "picture", dpi: "picture", strip: "picture" };
const LISTS = new Set(["numbers", "layers", "statistics", "list"]);

const shownText = (one) => (Array.isArray(one) ? one.join(", ") : one ?? "");

function readText(field, text) {
  const trimmed = text.trim();
  if (trimmed === "" && field.optional) return null;
  if (!LISTS.has(field.kind)) return trimmed;
  const parts = trimmed.split(/[,，\s]+/).filter(Boolean);
  return field.kind === "numbers" ? parts.map(Number).filter((one) => !Number.isNaN(one)) : parts;
}

/** Return the field's input: {input, show}. */
function createInput(field, id) {
  const set = (next) => setField(field.name, next);
  if (field.kind === "flag" || field.kind === "boolean") {
    const input = h("input", { type: "checkbox", id, onchange: () => set(input.checked) });
    return { input, show: () => (input.checked = Boolean(value(field.name))) };
  }
  if (field.choices?.length && !LISTS.has(field.kind)) {
    const none = field.optional ? [h("option", { value: "" }, t("more.none"))] : [];
    const plain = (text) => field.choices.find((choice) => String(choice) === text) ?? null;
    const input = h(
      "select",
      { id, onchange: () => set(plain(input.value)) },
      none,
      field.choices.map((choice) => h("option", { value: String(choice) }, tryText(`${field.name}.${choice}`) ?? String(choice))),
    );
    const show = () => {
      const now = String(value(field.name) ?? "");
      if (now && ![...input.options].some((one) => one.value === now)) input.append(h("option", { value: now }, now));
      input.value = now;
    };
    return { input, show };
  }
  if (field.kind === "number" || field.kind === "integer") {
    const input = h("input", {
      type: "number",
      id,
      min: field.least,
      max: field.most,
      step: field.kind === "integer" ? 1 : "any",
      placeholder: field.optional ? t("more.none") : "",
      onchange: () => {
        if (input.value !== "") set(Number(input.value));
        else if (field.optional) set(null);
        else resetField(field.name);
      },
    });
    return { input, show: () => (input.value = value(field.name) ?? "") };
  }
  const input = h("input", {
    type: "text",
    id,
    spellcheck: false,
    autocomplete: "off",
    placeholder: LISTS.has(field.kind) ? t("more.list") : field.optional ? t("more.none") : "",
    onchange: () => set(readText(field, input.value)),
  });
  return { input, show: () => (input.value = shownText(value(field.name))) };
}

function createField(field, errorOf) {
  const id = `field-${field.name}`;
  const { label, help } = fieldWords(field);
  const { input, show } = createInput(field, id);
  input.setAttribute("aria-describedby", `${id}-help`);
  const reset = iconButton("undo", t("more.reset", { name: label }), () => {
    resetField(field.name);
    input.focus();
  });
  const element = h(
    "div",
    { class: "field" },
    h("div", { class: "field-head" }, h("label", { htmlFor: id }, label), h("code", { class: "quiet" }, field.name), reset),
    input,
    h("p", { id: `${id}-help`, class: "quiet small" }, help),
    errorOf(field.name),
  );
  element.words = `${field.name} ${label} ${help}`.toLowerCase();
  element.dataset.of = KINDS[field.name] ?? "";
  draft.watch(() => {
    if (document.activeElement !== input || input.type === "checkbox") show();
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
    studio.presets.map(({ name }) => h("option", { value: name }, tryText(`preset.${name}`) ?? name)),
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
    const group = field.group ?? "more";
    groups.set(group, [...(groups.get(group) ?? []), createField(field, errorOf)]);
  }
  const body = h("div", { class: "more-body" });
  const search = h("input", {
    type: "search",
    placeholder: t("more.search"),
    "aria-label": t("more.search"),
    oninput: find,
  });
  function find() {
    const wanted = search.value.trim().toLowerCase();
    const other = draft.value.kind === "film" ? "picture" : "film";
    for (const [, fields] of groups) for (const field of fields) field.hidden = field.dataset.of === other || !field.words.includes(wanted);
    for (const part of body.querySelectorAll(".field-group")) part.hidden = !part.querySelector(".field:not([hidden])");
    const isFound = body.querySelector(".field-group:not([hidden])");
    nothing.textContent = isFound ? "" : t("gallery.nothing", { text: search.value.trim() });
  }
  const nothing = h("p", { class: "quiet", role: "status" });
  fill(
    body,
    search,
    nothing,
    createPreset(),
    createKind(),
    createNetworks(),
    [...groups].map(([group, fields]) =>
      h("section", { class: "field-group" }, h("h3", {}, tryText(`group.${group}`) ?? group), fields),
    ),
  );
  const count = h("span", { class: "count" });
  const element = h("details", { class: "more" }, h("summary", {}, t("more.name"), " ", count), body);
  let kind = null;
  draft.watch((now) => {
    const { changes } = now;
    element.hidden = !isOptimized(now);
    if (kind !== now.kind) find();
    kind = now.kind;
    const changed = Object.keys(changes).filter((name) => !ELSEWHERE.has(name)).length;
    count.textContent = changed ? t("more.changed", { n: changed }) : "";
  });
  return element;
}
