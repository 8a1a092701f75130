/** A film in the panel: the still that is seen, how the film is painted, and which part of it. */

import { post } from "./api.js";
import { canMorph, change, draft } from "./draft.js";
import { h } from "./dom.js";
import { attempt } from "./notices.js";
import { debounce, oneAtATime } from "./pace.js";
import { machine } from "./studio.js";
import { t, tryText } from "./words.js";

const seconds = (time) => t("film.seconds", { n: time.toFixed(1) });

export function createFilm(errorOf) {
  const shown = h("output", { class: "number", htmlFor: "film-time" });
  const time = h("input", { type: "range", id: "film-time", min: 0, step: 0.04, oninput: scrub });
  const facts = h("p", { class: "quiet small" });
  const styles = machine.value.styles ?? [];
  const method = h(
    "select",
    { id: "film", onchange: () => set({ method: method.value }) },
    h("option", { value: "instant" }, t("film.instant")),
    styles.map((style) => h("option", { value: style.name }, t("film.network", { name: tryText(`networks.${style.name}`) ?? style.title }))),
    h("option", { value: "optimize" }, t("film.optimize")),
  );
  const help = h("p", { class: "quiet small" });
  const morph = h("input", { type: "checkbox", onchange: () => set({ morph: morph.checked }) });
  const morphing = h("label", { class: "check" }, morph, t("film.morph"));
  const number = (id, name) => h("input", { type: "number", id, min: 0, step: "any", "aria-label": t(name) });
  const start = number("film-start", "film.start");
  const length = number("film-length", "film.length");
  start.addEventListener("input", () => start.checkValidity() && set({ start_s: Number(start.value) }));
  length.addEventListener("input", () => length.checkValidity() && set({ duration_s: Number(length.value) || null }));
  length.placeholder = t("film.all");

  function set(patch) {
    change({ film: { ...draft.value.film, ...patch } }, `film ${Object.keys(patch)}`);
  }

  let wanted = null; // the time that was scrubbed to and has not been shown yet
  const take = debounce(
    150,
    oneAtATime(async () => {
      const { content, kind } = draft.value;
      if (wanted === null || kind !== "film") return;
      const asked = wanted;
      const still = await attempt(() => post(`/api/films/${content.id}/still`, { time_s: asked }));
      if (wanted === asked) wanted = null;
      if (still && draft.value.content?.film?.of === still.film.of) change({ content: still }, "film time");
    }),
  );
  function scrub() {
    wanted = Number(time.value);
    shown.value = seconds(wanted);
    take();
  }

  const element = h(
    "section",
    { class: "film-part", "aria-label": t("film.name") },
    h(
      "div",
      { class: "control" },
      h("div", { class: "control-head" }, h("label", { htmlFor: "film-time" }, t("film.time")), shown),
      time,
      facts,
    ),
    h("div", { class: "control" }, h("div", { class: "control-head" }, h("label", { htmlFor: "film" }, t("film.method"))), method, help, morphing, errorOf("film")),
    h(
      "div",
      { class: "control" },
      h("div", { class: "control-head" }, h("strong", {}, t("film.part"))),
      h("div", { class: "size-row" }, h("span", { class: "size-other" }, t("film.from"), " ", start, t("film.unit")), h("span", { class: "size-other" }, t("film.for"), " ", length, t("film.unit"))),
    ),
  );
  draft.watch((now) => {
    const { kind, content, film } = now;
    element.hidden = kind !== "film" || !content?.film;
    if (element.hidden) return;
    const { duration_s: all, fps, frames, sound, time_s: at } = content.film;
    time.max = start.max = length.max = all.toFixed(2);
    if (wanted === null) {
      time.value = at;
      shown.value = seconds(at);
    }
    facts.textContent = t(sound ? "film.facts_sound" : "film.facts", { s: all.toFixed(1), fps: Math.round(fps * 100) / 100, frames: frames ?? "?" });
    method.value = film.method;
    morphing.hidden = !canMorph(now);
    morph.checked = film.morph;
    help.textContent = t(film.method === "optimize" ? "film.optimize_help" : "film.network_help");
    if (document.activeElement !== start) start.value = film.start_s;
    if (document.activeElement !== length) length.value = film.duration_s ?? "";
  });
  return element;
}
