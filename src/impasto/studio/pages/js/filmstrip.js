/** The strip under the stage: the draft, the queue in its order, and the latest pictures. */

import { put } from "./api.js";
import { draft } from "./draft.js";
import { h, iconButton, keyed } from "./dom.js";
import { instant } from "./instant.js";
import { describe, progressOf } from "./job_bar.js";
import { finished, isOpen, jobs, loadJobs, queue } from "./jobs.js";
import { attempt } from "./notices.js";
import { go, route } from "./routes.js";
import { t } from "./words.js";

const LATEST = 24;

/** Return the address of a job's small picture; a new one for each new preview. */
export function thumbnail(job) {
  const version = job.preview_version ?? 0;
  if (!job.has?.preview && !job.has?.result) return job.content?.thumbnail ?? job.styles?.[0]?.thumbnail ?? "";
  return `/api/jobs/${job.id}/thumbnail?v=${version}-${job.state}`;
}

async function reorder(ids) {
  await attempt(() => put("/api/queue", { order: ids }));
  await attempt(loadJobs);
}

const waiting = () => queue().filter((job) => job.state === "waiting").map((job) => job.id);

/** Move a waiting job to a place among those that wait. */
function moveTo(id, place) {
  const ids = waiting().filter((one) => one !== id);
  ids.splice(Math.max(0, place), 0, id);
  return reorder(ids);
}

function frame() {
  const image = h("img", { alt: "", loading: "lazy", draggable: false });
  const words = h("span", { class: "frame-words" });
  const bar = h("progress", { max: 1, value: 0, "aria-hidden": "true" });
  const button = h("button", { type: "button", class: "frame", onclick: () => go("job", item.dataset.key) }, image, words, bar);
  const sooner = iconButton("left", t("queue.sooner"), () => step(-1));
  const later = iconButton("right", t("queue.later"), () => step(1));
  const item = h("li", { class: "frame-box" }, button, h("span", { class: "frame-order" }, sooner, later));
  async function step(by) {
    const focused = by < 0 ? sooner : later;
    await moveTo(item.dataset.key, waiting().indexOf(item.dataset.key) + by);
    (focused.disabled ? button : focused).focus();
  }
  item.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData("text/x-job", item.dataset.key);
    event.dataTransfer.effectAllowed = "move";
  });
  item.addEventListener("dragover", (event) => {
    if (item.draggable && event.dataTransfer.types.includes("text/x-job")) {
      event.preventDefault();
      item.classList.add("drop-here");
    }
  });
  item.addEventListener("dragleave", () => item.classList.remove("drop-here"));
  item.addEventListener("drop", (event) => {
    item.classList.remove("drop-here");
    const id = event.dataTransfer.getData("text/x-job");
    if (!id) return;
    event.preventDefault();
    event.stopPropagation();
    moveTo(id, waiting().indexOf(item.dataset.key));
  });
  return Object.assign(item, { parts: { image, words, bar, button, sooner, later } });
}

function update(item, job) {
  const { image, words, bar, button, sooner, later } = item.parts;
  const address = thumbnail(job);
  if (image.getAttribute("src") !== address) image.src = address;
  const text = isOpen(job) || job.state === "failed" ? describe(job) : "";
  words.textContent = text;
  bar.hidden = !(job.state === "painting" || job.state === "paused");
  bar.value = progressOf(job);
  button.setAttribute("aria-label", `${job.name}: ${describe(job)}`);
  button.title = job.name;
  const order = waiting();
  const place = order.indexOf(job.id);
  item.draggable = place >= 0 && order.length > 1;
  sooner.parentElement.hidden = !item.draggable;
  sooner.disabled = place <= 0;
  later.disabled = place === order.length - 1;
  item.dataset.state = job.state;
}

export function createFilmstrip() {
  const picture = h("img", { alt: "" });
  const draftButton = h(
    "button",
    { type: "button", class: "frame draft-frame", onclick: () => go("draft"), "aria-label": t("strip.draft") },
    picture,
    h("span", { class: "frame-words" }, t("strip.draft")),
  );
  const list = h("ol", { class: "frames" });
  const element = h("nav", { class: "filmstrip", "aria-label": t("strip.name") }, draftButton, list);
  const mark = () => {
    draftButton.toggleAttribute("aria-current", route.value.name === "draft");
    for (const item of list.children) {
      item.parts.button.toggleAttribute("aria-current", route.value.name === "job" && route.value.id === item.dataset.key);
    }
  };
  jobs.watch((all) => {
    keyed(list, [...queue(all), ...finished(all).slice(0, LATEST)], (job) => job.id, frame, update);
    element.hidden = all.size === 0;
    mark();
  });
  route.watch(mark);
  const showDraft = () => {
    picture.src = instant.value.url ?? draft.value.content?.thumbnail ?? draft.value.styles[0]?.thumbnail ?? "/static/icon.svg";
    const { only, content } = draft.value;
    draftButton.style.backgroundImage = only && content ? `url("${content.thumbnail}")` : "";
    Object.assign(picture.style, { maskImage: only ? `url("${only.picture}")` : "", maskMode: "luminance", maskSize: "cover", maskPosition: "center" });
  };
  instant.watch(showDraft);
  draft.watch(showDraft);
  return element;
}
