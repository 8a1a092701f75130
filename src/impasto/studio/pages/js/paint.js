/** The foot of the panel: what the picture will cost, and the button that paints it. */

import { post } from "./api.js";
import { draft, isOptimized, isReady, jobBody, regionsFit } from "./draft.js";
import { h, icon } from "./dom.js";
import { jobs, keep } from "./jobs.js";
import { messageText } from "./messages.js";
import { notify } from "./notices.js";
import { debounce, oneAtATime, whileBusy } from "./pace.js";
import { go } from "./routes.js";
import { createStore } from "./store.js";
import { bytes, duration, t } from "./words.js";
import { openVariations } from "./variations.js";

/** Errors by recipe field, from the last estimate or start; "" for those of no field. */
export const errors = createStore({});

/** Return a place for the error of a field, to stand beside it. */
export function errorOf(field) {
  const place = h("p", { class: "field-error", role: "alert" });
  errors.watch((now) => (place.textContent = now[field] ?? ""));
  return place;
}

function showError(error) {
  const field = error.field && document.querySelector(`#field-${CSS.escape(error.field)}, #first-${CSS.escape(error.field)}, #${CSS.escape(error.field)}`);
  errors.set({ [field ? error.field : ""]: error.message });
}

export function createPaint() {
  const cost = h("p", { class: "cost", "aria-live": "polite" });
  const button = h("button", { type: "button", class: "button primary paint", onclick: paint }, t("paint.start"));
  const variations = h(
    "button",
    { type: "button", class: "button", title: t("paint.variations_help"), onclick: () => openVariations() },
    icon("grid"),
    t("paint.variations"),
  );
  let asked = "";
  let found = null; // the estimate of the draft
  let pace = 1; // how much longer than estimated the last job takes, as where the machine has other work
  let begun = null; // the job that was begun last, and what was asked for
  const planned = new Map(); // estimated seconds of the jobs that were begun here
  const question = () => JSON.stringify(isReady() && regionsFit() ? jobBody() : null);
  const estimate = debounce(
    350,
    oneAtATime(async () => {
      const text = question();
      if (text === asked) return;
      asked = text;
      if (text === "null") {
        cost.textContent = "";
        return;
      }
      const isStale = () => question() !== text;
      cost.classList.add("busy");
      if (!cost.textContent) cost.textContent = t("paint.estimating");
      try {
        found = { of: text, ...(await whileBusy(() => post("/api/estimate", JSON.parse(text)), isStale)) };
        errors.set({});
        notePlan();
        showCost();
      } catch (error) {
        asked = "";
        found = null;
        cost.textContent = "";
        if (!isStale() && error.status !== 0 && error.status !== 401) showError(error);
      } finally {
        cost.classList.toggle("busy", isStale());
      }
    }),
  );
  function notePlan() {
    if (found?.seconds && found.of === begun?.text && isOptimized(JSON.parse(begun.text))) planned.set(begun.id, found.seconds);
  }
  function showCost() {
    cost.classList.toggle("warning", found.fits === false);
    const seconds = found.seconds === null ? null : found.seconds * (isOptimized() ? pace : 1);
    cost.textContent =
      found.fits === false
        ? messageText(found.message) || t("paint.too_large")
        : t("paint.cost", { time: seconds === null ? "?" : duration(seconds), memory: bytes(found.peak_bytes) });
  }
  jobs.watch((all) => {
    for (const [id, seconds] of planned) {
      const { state, share, seconds_left: left } = all.get(id) ?? {};
      if (state !== "painting" || !left || share < 0.03 || share > 0.97) continue;
      pace = left / (1 - share) / seconds;
      if (found && !cost.classList.contains("busy")) showCost();
    }
  });
  draft.watch((now) => {
    button.disabled = variations.disabled = !isReady(now) || !regionsFit(now);
    variations.hidden = now.kind === "film";
    estimate();
  });
  async function paint() {
    if (button.disabled) return;
    button.disabled = true;
    try {
      const text = question();
      const job = await post("/api/jobs", JSON.parse(text));
      begun = { id: job.id, text };
      notePlan();
      keep(job);
      errors.set({});
      go("job", job.id);
    } catch (error) {
      if (error.status === 0) notify(error.message, { isError: true });
      else showError(error);
    } finally {
      button.disabled = !isReady();
    }
  }
  return {
    element: h("section", { class: "paint-foot" }, errorOf(""), cost, h("div", { class: "buttons" }, button, variations)),
    paint,
  };
}

/** Start a job again from a past one. */
export async function paintAgain(job) {
  const next = await post(`/api/jobs/${job.id}/again`);
  keep(next);
  go("job", next.id);
}

