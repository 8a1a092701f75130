/** Variations: the draft painted several times with one setting changed, shown side by side. */

import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { isReady, jobBody } from "./draft.js";
import { fill, h } from "./dom.js";
import { keep } from "./jobs.js";
import { go } from "./routes.js";
import { studio } from "./studio.js";
import { fieldLabel, namedValues, t, valueWords } from "./words.js";

const MOST = 12;
/** Numbers, or values that have words. */
const PROPOSALS = {
  strength: "0.3, 0.5, 0.7, 0.9",
  style_scale: "0.5, 1, 1.5, 2",
  recolor: "0, 0.3, 0.6, 1",
  placement: "0, 0.4, 0.8, 1.2",
  proportions: "0.4, 0.7, 1",
  color: ["style", "content-luma", "match", "oklab"],
  statistic: ["covariance:0.7, nearest:0.3", "covariance", "nearest", "gram"],
  seed: "0, 1, 2, 3",
  steps: "30, 60, 120, 240",
  first_scale: "64, 128, 256",
  tv_weight: "0, 0.01, 0.1, 1",
};

const split = (text) => text.split(/[,，]/).map((part) => part.trim()).filter(Boolean);
const few = (values) => (values.length >= 2 && values.length <= MOST ? values : null);

function readNumbers(text) {
  const parts = split(text).map(Number);
  return parts.some(Number.isNaN) ? null : few(parts);
}

/** Return check boxes for the values that have words, the proposed ones checked; `read` returns those that are. */
function createChecks(field) {
  const boxes = namedValues(field.name).map((text) => h("input", { type: "checkbox", value: text, checked: PROPOSALS[field.name].includes(text) }));
  const toValue = (text) => (field.kind === "statistics" ? split(text) : text);
  return {
    elements: boxes.map((box) => h("label", { class: "check", title: box.value }, box, valueWords(field.name, box.value))),
    read: () => few(boxes.filter((box) => box.checked).map((box) => toValue(box.value))),
  };
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
    const numbers = h("input", { type: "text", id: "vary-values", spellcheck: false, autocomplete: "off" });
    const values = h("div", { class: "field" });
    let read = null;
    const size = h(
      "select",
      { id: "vary-size" },
      [256, 384, 512].map((edge) => h("option", { value: edge, selected: edge === 384 }, t("variations.small", { n: edge }))),
      h("option", { value: "" }, t("variations.as_draft")),
    );
    function propose() {
      error.textContent = "";
      if (namedValues(field.value).length > 0) {
        const checks = createChecks(studio.byName.get(field.value));
        fill(values, h("fieldset", { class: "field" }, h("legend", {}, t("variations.choices")), checks.elements), error);
        read = checks.read;
        return;
      }
      numbers.value = PROPOSALS[field.value];
      fill(values, h("label", { htmlFor: "vary-values" }, t("variations.values")), numbers, error);
      read = () => readNumbers(numbers.value);
    }
    const error = h("p", { class: "field-error", role: "alert" });
    propose();
    async function start(event) {
      event.preventDefault();
      const list = read();
      if (!list) {
        error.textContent = t(values.contains(numbers) ? "variations.wrong" : "variations.few", { most: MOST });
        values.querySelector("input").focus();
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
      values,
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
