/** Variations: the draft painted several times with one setting changed, shown side by side. */

import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { isReady, jobBody } from "./draft.js";
import { h } from "./dom.js";
import { keep } from "./jobs.js";
import { go } from "./routes.js";
import { studio } from "./studio.js";
import { fieldLabel, t } from "./words.js";

const MOST = 12;
const PROPOSALS = {
  strength: "0.3, 0.5, 0.7, 0.9",
  style_scale: "0.5, 1, 1.5, 2",
  recolor: "0, 0.3, 0.6, 1",
  color: "style, content-luma, match, oklab",
  statistic: "gram, covariance, nearest, sliced",
  seed: "0, 1, 2, 3",
  steps: "30, 60, 120, 240",
  first_scale: "64, 128, 256",
  tv_weight: "0, 0.01, 0.1, 1",
};

function readValues(field, text) {
  const parts = text.split(/[,，]/).map((part) => part.trim()).filter(Boolean);
  const isNumber = field.kind === "number" || field.kind === "integer";
  if (isNumber && parts.some((part) => Number.isNaN(Number(part)))) return null;
  const values = parts.map((part) => (isNumber ? Number(part) : field.kind === "statistics" ? [part] : part));
  return values.length >= 2 && values.length <= MOST ? values : null;
}

export function openVariations() {
  if (!isReady()) return undefined;
  const names = Object.keys(PROPOSALS).filter((name) => studio.byName.has(name));
  return openDialog(t("variations.title"), (close) => {
    const field = h(
      "select",
      { id: "vary-field", onchange: propose },
      names.map((name) => h("option", { value: name }, fieldLabel(name))),
    );
    const values = h("input", { type: "text", id: "vary-values", spellcheck: false, autocomplete: "off" });
    const size = h(
      "select",
      { id: "vary-size" },
      [256, 384, 512].map((edge) => h("option", { value: edge, selected: edge === 384 }, t("variations.small", { n: edge }))),
      h("option", { value: "" }, t("variations.as_draft")),
    );
    const error = h("p", { class: "field-error", role: "alert" });
    function propose() {
      values.value = PROPOSALS[field.value];
    }
    propose();
    async function start(event) {
      event.preventDefault();
      const list = readValues(studio.byName.get(field.value), values.value);
      if (!list) {
        error.textContent = t("variations.wrong", { most: MOST });
        values.focus();
        return;
      }
      const body = jobBody();
      if (size.value) body.recipe.size = Number(size.value);
      delete body.recipe[field.value];
      try {
        const answer = await post("/api/jobs/sweep", { ...body, field: field.value, values: list });
        keep(...answer.jobs);
        close();
        const group = answer.group ?? answer.jobs[0]?.group;
        if (group) go("sheet", group);
        else go("gallery");
      } catch (problem) {
        error.textContent = problem.message;
      }
    }
    return h(
      "form",
      { class: "dialog-body", onsubmit: start },
      h("p", { class: "quiet" }, t("variations.help")),
      h("div", { class: "field" }, h("label", { htmlFor: "vary-field" }, t("variations.field")), field),
      h("div", { class: "field" }, h("label", { htmlFor: "vary-values" }, t("variations.values")), values, error),
      h("div", { class: "field" }, h("label", { htmlFor: "vary-size" }, t("size.name")), size),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => close() }, t("cancel")),
        h("button", { type: "submit", class: "button primary" }, t("variations.start")),
      ),
    );
  });
}
