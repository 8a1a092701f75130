/** The stage: the draft's instant version, or the job that was chosen. */

import { get } from "./api.js";
import { draft, isReady, isSimplified } from "./draft.js";
import { h } from "./dom.js";
import { instant } from "./instant.js";
import { createJobBar } from "./job_bar.js";
import { jobs, keep } from "./jobs.js";
import { attempt } from "./notices.js";
import { go, route } from "./routes.js";
import { machine } from "./studio.js";
import { createViewer } from "./viewer.js";
import { createWelcome } from "./welcome.js";
import { t } from "./words.js";

export function createStage() {
  const viewer = createViewer();
  const bar = createJobBar();
  const welcome = createWelcome();
  const element = h("div", { class: "stage" }, welcome, viewer.element, bar.element);

  function showDraft() {
    const ready = isReady();
    viewer.element.hidden = !ready;
    viewer.showFilm(null);
    bar.show(null);
    welcome.hidden = ready;
    if (!ready) return;
    const { content, styles, kind } = draft.value;
    const { width, height, busy, error, of } = instant.value;
    const url = of === content?.id ? instant.value.url : null; // not that of the photograph before
    viewer.element.classList.toggle("busy", busy);
    if (kind === "texture") {
      viewer.show({ after: styles[0].picture ?? styles[0].thumbnail, width: styles[0].width, height: styles[0].height, name: styles[0].name });
      viewer.say(t("instant.texture"));
      return;
    }
    viewer.show({
      before: content.picture,
      after: url,
      width: url ? width : content.width,
      height: url ? height : content.height,
      name: t("instant.name"),
      mask: draft.value.only?.picture,
      save: `${content.name.replace(/\.\w+$/, "")}-preview.jpg`,
    });
    const isMissing = machine.value.instant === false && machine.value.ready !== false;
    const note = kind === "film" ? "film.note" : isSimplified(draft.value) ? "instant.simplified" : "instant.note";
    viewer.say(error || t(isMissing ? "instant.missing" : url ? note : "instant.wait"));
  }

  function showJob(job) {
    welcome.hidden = true;
    viewer.element.hidden = false;
    viewer.element.classList.remove("busy");
    bar.show(job);
    const isPlayed = job.has?.film && ["done", "stopped", "paused"].includes(job.state);
    viewer.showFilm(isPlayed ? `/api/jobs/${job.id}/film?v=${job.step ?? 0}` : null);
    const isDone = job.has?.result && (job.state === "done" || job.state === "stopped");
    const version = job.preview_version ?? 0;
    const after = isDone ? `/api/jobs/${job.id}/result?v=${version}` : job.has?.preview ? `/api/jobs/${job.id}/preview?v=${version}` : null;
    const before = job.content?.picture ?? null;
    const isSame = job.content && job.content.id === draft.value.content?.id && job.styles[0]?.id === draft.value.styles[0]?.id;
    const sketch = !after && isSame ? instant.value.url : null;
    const { width, height } = job.width ? job : job.content ?? job.styles?.[0] ?? { width: 1, height: 1 };
    const mask = isDone ? null : job.only?.picture; // which the finished picture heeds itself
    viewer.show({ before, after: after ?? sketch ?? (before ? null : job.styles?.[0]?.picture), width, height, name: job.name, mask });
    viewer.say(sketch ? t("instant.name") : "");
  }

  let shown = null; // id of the job on the stage

  async function show() {
    const { name, id } = route.value;
    element.hidden = name !== "draft" && name !== "job";
    if (name === "draft") showDraft();
    if (name !== "job") return;
    const job = jobs.value.get(id);
    if (job) {
      showJob(job);
      shown = id;
      return;
    }
    const ask = () => get(`/api/jobs/${id}`);
    const found = shown === id ? await ask().catch(() => null) : await attempt(ask); // null: just deleted
    if (found) keep(found);
    else if (route.value.id === id) go("draft");
  }

  let before = draft.value;
  draft.watch((now) => {
    // A control that was moved brings the draft back into sight.
    if (now !== before && route.value.name === "job") go("draft");
    before = now;
    show();
  });
  for (const store of [route, jobs, instant, machine]) store.watch(show);
  return { element, viewer };
}
