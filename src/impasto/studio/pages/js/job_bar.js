/** A job under its picture: how far it is, what can be done with it. */

import { get, post, put, remove } from "./api.js";
import { createCurve } from "./curve.js";
import { confirm } from "./dialog.js";
import { openJob } from "./draft.js";
import { fill, h, icon } from "./dom.js";
import { forget, keep, queue, secondsLeft } from "./jobs.js";
import { messageText } from "./messages.js";
import { attempt, notify } from "./notices.js";
import { paintAgain } from "./paint.js";
import { go } from "./routes.js";
import { duration, moment, settingWords, t } from "./words.js";

/** Ask for a change of a job, and show at once that it is asked for. */
function act(job, verb) {
  keep({ ...job, asked: verb });
  return attempt(async () => {
    try {
      keep(await post(`/api/jobs/${job.id}/${verb}`));
    } catch (error) {
      keep({ ...job, asked: null });
      throw error;
    }
  });
}

/** Delete jobs with everything they made, after a question. Resolves with whether it was done. */
export async function deleteJobs(list) {
  const one = list.length === 1;
  const sure = await confirm(
    t("delete.title"),
    one ? t("delete.one", { name: [list[0].name, ...settingsOf(list[0]), moment(list[0].finished ?? list[0].created)].join(" · ") }) : t("delete.many", { n: list.length }),
    t("delete.do"),
  );
  if (!sure) return false;
  const ids = list.map((job) => job.id);
  const done = await attempt(async () => {
    if (one) await remove(`/api/jobs/${ids[0]}`);
    else await remove("/api/jobs", { ids });
    return true;
  });
  if (done) forget(...ids);
  return Boolean(done);
}

function button(name, label, onclick, kind = "") {
  return h("button", { type: "button", class: `button ${kind}`, onclick }, icon(name), h("span", {}, label));
}

function download(job, what, label) {
  const name = { result: ".png", film: ".mp4", recipe: ".toml", evolution: "-evolution.webp" }[what];
  return h(
    "a",
    { class: what === "result" || what === "film" ? "button primary" : "button", href: `/api/jobs/${job.id}/${what}`, download: `${job.name || job.id}${name}`, onclick: () => notify(t("job.saved", { name: `${job.name}${name}` })) },
    icon("download"),
    h("span", {}, label),
  );
}

const stepOf = (job) => t(job.kind === "film" ? "film.frame" : "job.step", { step: job.step, steps: job.steps ?? "?" });

/** Return what a job does, in a few words. */
export function describe(job) {
  if (job.asked === "pause" || job.asked === "stop") return t(`job.asked_${job.asked}`);
  if (job.state === "painting") {
    const left = secondsLeft(job);
    if (!job.step) return t("job.preparing");
    return left === null ? stepOf(job) : t("job.left", { time: duration(left) });
  }
  if (job.state === "waiting") {
    const before = queue().findIndex((one) => one.id === job.id);
    return before > 0 ? t("job.waiting_behind", { n: before }) : t("job.preparing");
  }
  if (job.state === "stopped" && job.kind === "film" && !job.has?.film) return t("film.nothing");
  return t(`job.${job.state}`);
}

/** Return the settings in which a job differs from its preset, in words, the first of them. */
export function settingsOf(job) {
  const names = Object.keys(job.changed ?? {}).filter((name) => !["size", "style_blend", "only_feather"].includes(name));
  const all = job.kind === "film" && job.film?.method !== "optimize" ? names.filter((name) => ["strength", "color"].includes(name)) : names;
  return all.slice(0, 4).map((name) => settingWords(name, job.changed[name]));
}

/** Return how much of a job is done, 0 to 1. */
export function progressOf(job) {
  if (job.state === "done") return 1;
  return job.share ?? (job.steps ? (job.step ?? 0) / job.steps : 0);
}

/** The name of a job, which becomes a field when it is clicked. */
function createName() {
  let job = null;
  const label = h("span", {});
  const button = h("button", { type: "button", class: "job-name", title: t("job.rename"), onclick: open }, label, icon("edit"));
  const input = h("input", { type: "text", maxLength: 200, hidden: true, "aria-label": t("job.rename"), onblur: finish });
  function open() {
    button.hidden = !(input.hidden = false);
    input.value = job.name;
    input.focus();
    input.select();
  }
  async function finish() {
    if (input.hidden) return;
    button.hidden = !(input.hidden = true);
    const name = input.value.trim();
    if (name && name !== job.name) await attempt(async () => keep(await put(`/api/jobs/${job.id}`, { name })));
  }
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.value = job.name;
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault(); // or Enter would press the button that gets the focus
    finish();
    button.focus();
  });
  function show(next) {
    if (job?.id !== next.id && !input.hidden) button.hidden = !(input.hidden = true);
    job = next;
    label.textContent = job.name;
    button.setAttribute("aria-label", `${job.name}: ${t("job.rename")}`);
  }
  return { elements: [button, input], show };
}

export function createJobBar() {
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("job.progress") });
  const state = h("h2", { class: "job-state", "aria-live": "polite" });
  const details = h("p", { class: "quiet small" });
  const message = h("p", { class: "field-error", role: "alert" });
  const curve = createCurve();
  const actions = h("div", { class: "buttons" });
  const name = createName();
  const element = h(
    "section",
    { class: "job-bar", "aria-label": t("job.name") },
    bar,
    h("div", { class: "job-words" }, name.elements, state, details, message),
    curve.element,
    actions,
  );
  let shown = { id: null, kind: "" };

  function buttonsOf(job) {
    const change = button("brush", t("job.change"), () => {
      openJob(job);
      go("draft");
    });
    const trash = button("trash", t("delete.do"), () => deleteJobs([job]), "quiet-button");
    const stop = button("stop", t("job.stop"), () => act(job, "stop"));
    if (job.asked === "stop" || job.asked === "pause") {
      const both = [button("pause", t("job.pause"), null), button("stop", t("job.stop"), null)];
      for (const one of both) one.disabled = true;
      return [...both, trash];
    }
    if (job.state === "painting") return [button("pause", t("job.pause"), () => act(job, "pause"), "primary"), stop, trash];
    if (job.state === "paused") return [button("play", t("job.resume"), () => act(job, "resume"), "primary"), stop, trash];
    if (job.state === "waiting") return [button("pause", t("job.pause"), () => act(job, "pause")), trash];
    if (job.state === "failed") return [button("play", t("job.again"), () => attempt(() => paintAgain(job)), "primary"), change, trash];
    return [
      job.has?.result && download(job, "result", t("job.download")),
      job.has?.film && download(job, "film", t("job.download")),
      change,
      job.group && button("grid", t("job.sheet"), () => go("sheet", job.group)),
      download(job, "recipe", t("job.recipe")),
      job.has?.evolution && download(job, "evolution", t("job.evolution")),
      trash,
    ];
  }

  function show(job) {
    element.hidden = !job;
    if (!job) return;
    const isNew = shown.id !== job.id;
    const { preview, ...files } = job.has ?? {}; // a button that is replaced under the pointer is not pressed
    const kind = `${job.id} ${job.state} ${job.asked ?? ""} ${JSON.stringify(files)}`;
    if (isNew) {
      curve.load(null);
      get(`/api/jobs/${job.id}/curve`).then((found) => shown.id === job.id && curve.load(found), () => {});
    }
    if (shown.kind !== kind) {
      const focused = actions.contains(document.activeElement);
      fill(actions, buttonsOf(job));
      if (focused) actions.querySelector("button, a")?.focus();
    }
    shown = { id: job.id, kind };
    element.dataset.state = job.state;
    name.show(job);
    state.textContent = describe(job);
    const size = job.width ? `${job.width} × ${job.height} px` : "";
    const isEnlarged = job.state === "stopped" && job.scale && job.scale < Math.max(job.width ?? 0, job.height ?? 0);
    const scaleKey = job.state === "painting" && job.scale ? "job.scale" : isEnlarged ? "job.enlarged" : null;
    const scale = scaleKey ? t(scaleKey, { scale: job.scale, size }) : size;
    const open = job.state === "painting" || job.state === "paused";
    const step = open && job.step ? `${Math.round(100 * progressOf(job))} % · ${stepOf(job)}` : "";
    const took = job.state === "done" && job.seconds ? t("job.took", { time: duration(job.seconds) }) : "";
    const begin = job.state === "painting" && !job.step ? t("job.preparing_help") : "";
    const settings = open ? [] : settingsOf(job);
    details.textContent = begin || [scale, step, ...settings, took].filter(Boolean).join(" · ");
    message.textContent = messageText(job.message);
    if (job.state === "painting" && !job.step) bar.removeAttribute("value"); // it moves, and says no share
    else bar.value = progressOf(job);
    bar.hidden = job.state === "done";
    curve.add(job.step, job.losses);
  }
  return { element, show };
}
