/** The gallery: all pictures painted so far, searched, opened, deleted; and the sheet of a sweep's variations. */

import { get, remove } from "./api.js";
import { confirm } from "./dialog.js";
import { fill, h, icon, keyed } from "./dom.js";
import { thumbnail } from "./filmstrip.js";
import { deleteJobs, describe, settingsOf } from "./job_bar.js";
import { forget, isOpen, jobs, keep } from "./jobs.js";
import { attempt } from "./notices.js";
import { debounce } from "./pace.js";
import { go, route } from "./routes.js";
import { moment, settingWords, t, tryText } from "./words.js";

const PAGE = 60;
const MOST_COMPARED = 12;
const MOST_VARIED = 3;

/** onChoose: after a tick; onKeep: of a sheet, where one picture is kept and the others are deleted. */
function card(chosen, onChoose, onKeep = null) {
  return (job) => {
    const image = h("img", { alt: "", loading: "lazy" });
    const words = h("span", { class: "card-name" });
    const state = h("span", { class: "quiet small" });
    const open = h("button", { type: "button", class: "card-open", onclick: () => go("job", job.id) }, image, words, state);
    const box = h("input", {
      type: "checkbox",
      class: "card-choose",
      "aria-label": t("gallery.choose", { name: job.name }),
      onchange: () => {
        if (box.checked) chosen.add(job.id);
        else chosen.delete(job.id);
        onChoose();
      },
    });
    const keepOne = onKeep && h("button", { type: "button", class: "button", onclick: () => onKeep(job) });
    return Object.assign(h("li", { class: "card" }, open, onChoose && box, keepOne), { parts: { image, words, state, box, open, keepOne } });
  };
}

function updateCard(chosen, nameOf) {
  return (item, job) => {
    const { image, words, state, box } = item.parts;
    const address = thumbnail(job);
    if (image.getAttribute("src") !== address) image.src = address;
    words.textContent = nameOf(job);
    state.textContent = isOpen(job) || job.state === "failed" ? describe(job) : summary(job);
    box.checked = chosen.has(job.id);
    item.dataset.state = job.state;
  };
}

/** Return size, preset and time of a picture. */
function summary(job) {
  const size = job.width ? `${job.width} × ${job.height}` : "";
  const kind = job.kind === "film" ? `▶ ${t("film.name")}` : tryText(`preset.${job.preset}`) ?? job.preset;
  const parts = [size, kind, ...settingsOf(job), moment(job.finished ?? job.created)].filter(Boolean);
  return parts.map((part) => part.replaceAll(" ", "\u00a0")).join(t("gallery.comma")); // lines break between them
}

export function createGallery() {
  const chosen = new Set();
  let found = [];
  let total = 0;
  const search = h("input", { type: "search", placeholder: t("gallery.search"), "aria-label": t("gallery.search") });
  const list = h("ul", { class: "cards" });
  const count = h("p", { class: "quiet", role: "status" });
  const more = h("button", { type: "button", class: "button", onclick: () => load(true) }, t("gallery.more"));
  const deleteChosen = h(
    "button",
    { type: "button", class: "button danger", onclick: askDelete },
    icon("trash"),
    h("span", {}, t("gallery.delete_chosen", { n: 0 })),
  );
  const compare = h(
    "button",
    { type: "button", class: "button", onclick: showSheet },
    icon("grid"),
    t("gallery.compare"),
  );
  const all = h("button", { type: "button", class: "button", onclick: chooseAll }, t("gallery.choose_all"));
  const deleteAll = h("button", { type: "button", class: "button quiet-button", onclick: askDeleteAll }, icon("trash"), t("gallery.delete_all"));
  const empty = h(
    "div",
    { class: "empty" },
    h("p", {}, t("gallery.empty")),
    h("button", { type: "button", class: "button primary", onclick: () => go("draft") }, t("gallery.begin")),
  );
  const nothingText = h("p", { role: "status" });
  const showAll = () => {
    search.value = "";
    search.focus();
    load();
  };
  const nothing = h(
    "div",
    { class: "empty", hidden: true },
    nothingText,
    h("button", { type: "button", class: "button", onclick: showAll }, t("gallery.show_all")),
  );
  const element = h(
    "section",
    { class: "gallery", "aria-label": t("gallery.name") },
    h("header", { class: "gallery-head" }, h("h1", {}, t("gallery.name")), search, count, h("div", { class: "buttons" }, compare, deleteChosen, all, deleteAll)),
    list,
    more,
    empty,
    nothing,
  );
  const build = card(chosen, showChosen);
  const update = updateCard(chosen, (job) => job.name);

  /** Show the chosen ones side by side; the gallery has no ticks left then, nor a button that deletes them. */
  function showSheet() {
    const ids = [...chosen].join();
    chosen.clear();
    for (const box of list.querySelectorAll(".card-choose")) box.checked = false;
    showChosen();
    go("sheet", ids);
  }

  function showChosen() {
    compare.hidden = chosen.size < 2 || chosen.size > MOST_COMPARED;
    deleteChosen.hidden = chosen.size === 0;
    deleteChosen.lastChild.textContent = t("gallery.delete_chosen", { n: chosen.size });
  }

  function show() {
    const list_ = found.map((job) => jobs.value.get(job.id) ?? job);
    keyed(list, list_, (job) => job.id, build, update);
    count.textContent = total ? t(total === 1 ? "gallery.count_one" : "gallery.count", { n: total }) : "";
    more.hidden = found.length >= total;
    empty.hidden = total > 0 || search.value !== "";
    all.hidden = total === 0;
    deleteAll.hidden = total === 0 || search.value !== ""; // what is not found would go too
    nothing.hidden = total > 0 || search.value === "";
    nothingText.textContent = nothing.hidden ? "" : t("gallery.nothing", { text: search.value });
    showChosen();
  }

  async function load(next = false) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (search.value.trim()) query.set("search", search.value.trim());
    if (next && found.length) query.set("before", found.at(-1).id);
    const answer = await attempt(() => get(`/api/jobs?${query}`));
    if (!answer) return;
    found = next ? [...found, ...answer.jobs] : answer.jobs;
    total = next ? Math.max(found.length, total) : answer.total;
    if (next && answer.jobs.length === 0) total = found.length;
    show();
  }

  function chooseAll() {
    for (const job of found) chosen.add(job.id);
    show();
  }

  function drop(ids) {
    for (const id of ids) chosen.delete(id);
    found = found.filter((job) => !ids.includes(job.id));
    total = Math.max(found.length, total - ids.length);
    show();
  }

  async function askDelete() {
    const list_ = found.filter((job) => chosen.has(job.id));
    if (list_.length && (await deleteJobs(list_))) drop(list_.map((job) => job.id));
  }

  async function askDeleteAll() {
    if (total === 1) {
      if (await deleteJobs(found)) drop(found.map((job) => job.id));
      return;
    }
    if (!(await confirm(t("delete.title"), t("delete.all", { n: total }), t("gallery.delete_all")))) return;
    const done = await attempt(async () => (await remove("/api/jobs", { all: true }), true));
    if (!done) return;
    forget(...jobs.value.keys());
    await load();
  }

  search.addEventListener("input", debounce(250, () => load()));
  let known = "";
  jobs.watch((now) => {
    if (route.value.name !== "gallery") return;
    const ids = [...now.keys()].sort().join();
    if (ids === known) show();
    else load();
    known = ids;
  });
  route.watch(({ name }) => {
    element.hidden = name !== "gallery";
    if (name === "gallery") load();
  });
  return element;
}

/** Return the fields of the recipe in which jobs differ. */
function differences(all) {
  const text = (one, name) => JSON.stringify(one.recipe?.[name] ?? null);
  return Object.keys(all[0]?.recipe ?? {}).filter((name) => all.some((other) => text(other, name) !== text(all[0], name)));
}

/** Return the sheet of a sweep, or of chosen jobs: pictures side by side, each under what differs; one click opens it. */
export function createSheet() {
  const title = h("h1", {}, t("sheet.name"));
  const list = h("ul", { class: "cards sheet-cards" });
  const element = h("section", { class: "gallery variations", "aria-label": t("sheet.name") }, h("header", { class: "gallery-head" }, title, h("p", { class: "quiet" }, t("sheet.help"))), list);
  const chosen = new Set();
  const build = card(chosen, null, keepOne);
  let varied = [];
  let members = [];
  async function keepOne(job) {
    if (await deleteJobs(members.filter(({ id }) => id !== job.id))) go("job", job.id);
  }
  const nameOf = (job) =>
    (varied.length > MOST_VARIED ? [] : varied).map((name) => settingWords(name, job.recipe[name])).join(" · ") || job.name;
  const update = updateCard(chosen, nameOf);
  const isMember = (id) => (job) => (id.includes(",") ? id.split(",").includes(job.id) : job.group === id);
  const show = () => {
    if (route.value.name !== "sheet") return;
    members = [...jobs.value.values()].filter(isMember(route.value.id));
    varied = differences(members);
    const order = (one, other) => String(one).localeCompare(String(other), undefined, { numeric: true });
    members.sort((one, other) => order(one.recipe?.[varied[0]], other.recipe?.[varied[0]]));
    keyed(list, members, (job) => job.id, build, update);
    for (const { parts } of list.children) {
      parts.keepOne.textContent = t(members.length === 2 ? "sheet.keep" : "sheet.keep_one");
      parts.keepOne.hidden = members.length < 2 || members.some(isOpen);
    }
  };
  jobs.watch(show);
  route.watch(async ({ name, id }) => {
    element.hidden = name !== "sheet";
    if (name !== "sheet") return;
    fill(list);
    const addresses = id.includes(",") ? id.split(",").map((one) => `/api/jobs/${one}`) : [`/api/jobs?group=${encodeURIComponent(id)}&limit=100`];
    const answers = await attempt(() => Promise.all(addresses.map(get)));
    if (answers) keep(...answers.flatMap((answer) => answer.jobs ?? [answer]).filter(isMember(id)));
    show();
  });
  return element;
}
