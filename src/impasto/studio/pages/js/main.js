/** The page: everything put in its place, and kept there. */

import { connection, openSession } from "./api.js";
import { createControls } from "./controls.js";
import { openDialog } from "./dialog.js";
import { draft, isReady, redo, restoreDraft, undo, undoable } from "./draft.js";
import { h, iconButton } from "./dom.js";
import { createFilm } from "./film.js";
import { createFilmstrip } from "./filmstrip.js";
import { createGallery, createSheet } from "./gallery.js";
import { createInputs } from "./inputs.js";
import { startInstant } from "./instant.js";
import { countDown, disk, followEvents, jobs, loadJobs, queue } from "./jobs.js";
import { progressOf } from "./job_bar.js";
import { showKeys, startKeys } from "./keys.js";
import { messageText } from "./messages.js";
import { createMore } from "./more.js";
import { noticeArea, notify } from "./notices.js";
import { createPaint, errorOf } from "./paint.js";
import { acceptAnywhere } from "./pictures.js";
import { go, route, startRoutes } from "./routes.js";
import { createStage } from "./stage.js";
import { loadStudio } from "./studio.js";
import { startTheme, switchTheme } from "./theme.js";
import { LANGUAGES, language, setLanguage, t } from "./words.js";

const TOKEN = /^#?(?:token=)?([\w-]{40,})$/;

/** Undo and redo of the draft. */
function createHistory() {
  const back = iconButton("undo", `${t("undo")} (Ctrl Z)`, undo);
  const forth = iconButton("redo", `${t("redo")} (Ctrl Shift Z)`, redo);
  undoable.watch((now) => {
    back.disabled = now.undo === 0;
    forth.disabled = now.redo === 0;
  });
  return [back, forth];
}

function createHeader() {
  const tab = (name, label) => {
    const button = h("button", { type: "button", class: "tab", onclick: () => go(name) }, label);
    route.watch((now) => button.toggleAttribute("aria-current", now.name === name || (name === "draft" && now.name === "job")));
    return button;
  };
  const other = Object.keys(LANGUAGES).find((name) => name !== language);
  return h(
    "header",
    { class: "top" },
    h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), document.querySelector("main").focus()) }, t("skip")),
    h("span", { class: "brand" }, h("img", { src: "/static/icon.svg", alt: "" }), "impasto"),
    h("nav", { "aria-label": t("nav") }, tab("draft", t("studio")), tab("gallery", t("gallery.name"))),
    h("span", { class: "space" }),
    createHistory(),
    h("button", { type: "button", class: "text-button", lang: other, onclick: () => setLanguage(other) }, LANGUAGES[other]),
    iconButton("sun", t("theme"), switchTheme),
    iconButton("help", t("keys.title"), showKeys, { class: "icon-button help" }),
  );
}

/** Say that the connection is lost, or that the disk is full, for as long as it is so. */
function createBanner() {
  const banner = h("div", { class: "banner", role: "alert", hidden: true });
  const show = () => {
    const text = connection.value === "lost" ? t("lost") : messageText(disk.value?.message);
    banner.hidden = !text;
    banner.textContent = text;
  };
  connection.watch(show);
  disk.watch(show);
  return banner;
}

/** Ask for the token that the server printed when it started. */
function askToken(problem = "") {
  openDialog(t("token.title"), (close) => {
    const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const error = h("p", { class: "field-error", role: "alert" }, problem);
    const send = async (event) => {
      event.preventDefault();
      const found = /([\w-]{20,})\s*$/.exec(input.value);
      try {
        await openSession(found ? found[1] : input.value.trim());
        close();
        location.reload();
      } catch (failed) {
        error.textContent = failed.message;
      }
    };
    return h(
      "form",
      { class: "dialog-body", onsubmit: send },
      h("p", {}, t("token.help")),
      h("div", { class: "field" }, h("label", { htmlFor: "token" }, t("token.name")), input, error),
      h("div", { class: "buttons" }, h("button", { type: "submit", class: "button primary" }, t("token.send"))),
    );
  });
}

async function start() {
  startTheme();
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const token = TOKEN.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", location.pathname);
    await openSession(token).catch((error) => askToken(error.message));
  }
  try {
    const status = await loadStudio();
    disk.set(status.disk?.message ? status.disk : null);
  } catch (error) {
    if (error.status === 401) askToken();
    else {
      document.body.replaceChildren(h("main", { class: "gone" }, h("h1", {}, "impasto"), h("p", { role: "alert" }, error.message)));
      setTimeout(() => location.reload(), 3000);
    }
    return;
  }
  await Promise.all([restoreDraft(), loadJobs().catch(() => {})]);
  startRoutes();
  build();
  startInstant();
  followEvents();
  countDown();
  acceptAnywhere();
}

function build() {
  const stage = createStage();
  const foot = createPaint();
  const next = h("p", { class: "quiet next" }, t("strip.draft"));
  const panel = h(
    "aside",
    { class: "panel", "aria-label": t("panel") },
    h("div", { class: "panel-body" }, next, createInputs(), createFilm(errorOf), createControls(errorOf), createMore(errorOf)),
    foot.element,
  );
  const main = h("main", { id: "main", tabIndex: -1 }, stage.element, panel, createGallery(), createSheet());
  const strip = createFilmstrip();
  document.body.replaceChildren(createHeader(), createBanner(), main, strip, noticeArea());
  const arrange = () => {
    const atWork = route.value.name === "draft" || route.value.name === "job";
    panel.hidden = !atWork || !isReady();
    main.classList.toggle("with-panel", !panel.hidden);
    main.classList.toggle("on-job", route.value.name === "job");
    strip.classList.toggle("away", !atWork);
    next.hidden = route.value.name !== "job";
    const open = queue().find((job) => job.state === "painting");
    document.title = open ? `${Math.round(100 * progressOf(open))} % · impasto` : "impasto";
  };
  for (const store of [route, draft, jobs]) store.watch(arrange);
  route.watch(({ name }) => name === "job" && scrollTo(0, 0));
  connection.watch((state) => state === "locked" && !document.querySelector("dialog[open]") && askToken());
  startKeys({ viewer: stage.viewer, paint: foot.paint });
}

start().catch((error) => notify(error.message, { isError: true }));

