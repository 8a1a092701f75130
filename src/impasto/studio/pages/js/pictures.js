/** Pictures coming in: picked, dropped, pasted or from the samples; a finished picture of ours brings its recipe. */

import { upload } from "./api.js";
import { addStyle, change, draft, openRecipe, replaceStyle, setContent, undo } from "./draft.js";
import { h } from "./dom.js";
import { notify } from "./notices.js";
import { go } from "./routes.js";
import { createStore } from "./store.js";
import { studio } from "./studio.js";
import { bytes, t } from "./words.js";

/** What is being sent, and what went wrong, for the fields "content" and "style". */
export const arrivals = createStore({ busy: { content: 0, style: 0 }, errors: { content: "", style: "" } });

function note(role, { busy = 0, error = null }) {
  const { busy: counts, errors } = arrivals.value;
  arrivals.set({
    busy: { ...counts, [role]: counts[role] + busy },
    errors: { ...errors, [role]: error ?? errors[role] },
  });
}

const isFilm = (file) => /^video\//.test(file.type) || /\.(mp4|mov|m4v|mkv|webm|avi)$/i.test(file.name);

/** Send files as the photograph ("content") or as paintings ("style"). */
export async function takeFiles(files, role, index = null) {
  const list = role === "content" ? [...files].slice(0, 1) : [...files];
  for (const file of list) {
    if (role === "style" && isFilm(file)) {
      await takeFiles([file], "content");
      continue;
    }
    note(role, { busy: 1, error: "" });
    try {
      const most = studio.limits[isFilm(file) ? "film_bytes" : "upload_bytes"];
      if (file.size > most) throw new Error(t("picture.too_large", { size: bytes(file.size), most: bytes(most) }));
      const picture = await upload(file, file.name, isFilm(file) ? "/api/films" : undefined);
      if (picture.recipe) offerRecipe(picture, role, index);
      else takePicture(picture, role, index);
      for (const warning of picture.warnings ?? []) notify(warning);
    } catch (error) {
      note(role, { error: `${file.name || t("picture.pasted")}: ${error.message}` });
    } finally {
      note(role, { busy: -1 });
    }
  }
}

/** Use a picture that the server has. */
export function takePicture(picture, role, index = null) {
  note(role, { error: "" });
  if (role === "content") setContent(picture);
  else if (index !== null) replaceStyle(index, picture);
  else addStyle(picture);
  go("draft");
}

function offerRecipe(picture, role, index) {
  openRecipe(picture.recipe);
  go("draft");
  notify(t("picture.recipe_restored", { name: picture.name }), { action: { label: t("undo"), run: undo } });
  const empty = role === "content" ? !draft.value.content : draft.value.styles.length === 0;
  if (empty || index !== null) {
    notify(t("picture.use_it_too"), { action: { label: t("picture.use_it"), run: () => takePicture(picture, role, index) } });
  }
}

/** Return a hidden file field; `pick()` opens the system's dialog. */
export function filePicker(role, index = null) {
  const input = h("input", {
    type: "file",
    accept: `image/*,.heic,.heif,.avif,.tif,.tiff${role === "content" ? ",video/*,.mkv" : ""}`,
    multiple: role === "style" && index === null,
    hidden: true,
    onchange: () => {
      takeFiles(input.files, role, index);
      input.value = "";
    },
  });
  return { input, pick: () => input.click() };
}

/** Make an element accept dropped files. */
export function acceptDrops(element, role, index = null) {
  let inside = 0;
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    element.classList.toggle("drop-here", inside > 0);
  };
  element.addEventListener("dragenter", (event) => hasFiles(event) && mark(1));
  element.addEventListener("dragleave", (event) => hasFiles(event) && mark(-1));
  element.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(-inside);
    takeFiles(event.dataTransfer.files, role, index);
  });
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

const nextRole = () => (draft.value.kind === "stylize" && !draft.value.content ? "content" : "style");

/** Pasted pictures, and files dropped beside the fields, go where a picture is missing: the photograph first. */
export function acceptAnywhere() {
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    if (nextRole() === "content") takeFiles(files.splice(0, 1), "content");
    if (files.length) takeFiles(files, "style");
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/") || isFilm(file));
    if (files.length === 0) return;
    event.preventDefault();
    takeFiles(files, nextRole());
  });
}

/** Start over: no pictures, the recipe stays. */
export function clearPictures() {
  change({ kind: draft.value.kind === "film" ? "stylize" : draft.value.kind, content: null, styles: [], blend: [], regions: [], parts: [], only: null, protect: null });
}
