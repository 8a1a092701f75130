/** The chosen pictures in the panel: photograph with its masks, paintings with their shares and regions. */

import { cropPicture } from "./crop.js";
import { change, draft, hasPart, hasRegions, heeds, isMorph, regionsFit, removeStyle, setContent, setField, shares, undo } from "./draft.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { openDialog } from "./dialog.js";
import { jobs } from "./jobs.js";
import { editMask } from "./masks.js";
import { notify } from "./notices.js";
import { acceptDrops, arrivals, clearPictures, filePicker, takePicture } from "./pictures.js";
import { machine, studio } from "./studio.js";
import { t } from "./words.js";

const MOST_USED = 8;
/** In place of a mask: the faces that the painter finds. */
const FACES = "faces";

/** Return the pictures of the latest jobs, the newest first. */
function usedBefore(role) {
  const list = [...jobs.value.values()].sort((one, other) => (one.created < other.created ? 1 : -1));
  const pictures = list.flatMap((job) => (role === "content" ? [job.content] : job.styles)).filter(Boolean);
  return [...new Map(pictures.map((picture) => [picture.id, picture])).values()].slice(0, MOST_USED);
}

/** Choose from the computer, from what was used before, or from the samples. */
function choose(role, index = null) {
  const { input, pick } = filePicker(role, index);
  const samples = studio.samples[role === "content" ? "contents" : "styles"];
  const used = usedBefore(role).filter((picture) => !samples.some((sample) => sample.id === picture.id));
  openDialog(t(`welcome.choose_${role}`), (close) => {
    const shelf = (pictures) =>
      h(
        "div",
        { class: "shelf large" },
        pictures.map((picture) =>
          h(
            "button",
            { type: "button", class: "sample", title: picture.name, onclick: () => (close(), takePicture(picture, role, index)) },
            h("img", { src: picture.thumbnail, alt: picture.name }),
          ),
        ),
      );
    return h(
      "div",
      { class: "dialog-body" },
      h("button", { type: "button", class: "button primary", onclick: pick }, t("picture.from_computer")),
      input,
      used.length > 0 && [h("p", { class: "quiet" }, t("picture.used_before")), shelf(used)],
      h("p", { class: "quiet" }, t(samples.length > 0 ? "picture.or_paste" : "picture.or_drop")),
      shelf(samples),
    );
  });
  input.addEventListener("change", () => input.closest("dialog").close());
}

function tile(picture, role, index, extra = []) {
  const button = h(
    "button",
    {
      type: "button",
      class: "tile",
      title: t("picture.replace", { name: picture.name }),
      "aria-label": t("picture.replace", { name: picture.name }),
      onclick: () => choose(role, index),
    },
    h("img", { src: picture.thumbnail, alt: "" }),
  );
  const element = h("div", { class: "tile-box" }, button, extra);
  acceptDrops(element, role, index);
  return element;
}

/** Return the words beside a picture: what it is, its name, what can be done with it. */
function words(title, picture, ...chips) {
  return h(
    "div",
    { class: "photo-more" },
    h("h2", {}, title),
    h("p", { class: "quiet small name", title: picture.name }, picture.name),
    h("div", { class: "chips" }, ...chips),
  );
}

const addChip = () =>
  h("button", { type: "button", class: "chip", onclick: () => choose("style") }, icon("plus"), t("inputs.add"));

/** Choose the part of the photograph that is painted, and say where masks were lost with the old one. */
export async function cropContent(shape) {
  const { content, only, protect, regions } = draft.value;
  const found = await cropPicture(content, shape);
  if (!found) return;
  if (found.size) setField("size", found.size);
  if (found.picture.id === content.id) return;
  setContent(found.picture);
  if (only || protect || regions.some(Boolean)) notify(t("crop.masks_gone"), { action: { label: t("undo"), run: undo } });
}

function cropButton({ crop }) {
  const kind = crop ? "chip on" : "chip";
  const label = crop ? t("crop.set") : null;
  return h(
    "button",
    { type: "button", class: kind, title: t("crop.title"), "aria-label": label, onclick: () => cropContent() },
    icon(crop ? "check" : "crop"),
    t("crop.name"),
  );
}

function maskButton(role, mask, apply, picture = draft.value.content) {
  return h(
    "button",
    {
      type: "button",
      class: mask ? "chip on" : "chip",
      title: t(`mask.${role}_help`),
      "aria-label": mask ? t(`mask.${role}_set`) : null,
      onclick: async () => {
        const edited = await editMask({ picture, role, mask });
        if (edited !== undefined) apply(edited);
      },
    },
    icon(mask ? "check" : "brush"),
    t(`mask.${role}`),
  );
}

/** Protect the faces that the painter finds, in a film those of each frame, or no longer. */
function facesButton({ protect }) {
  const isOn = protect === FACES;
  return h(
    "button",
    {
      type: "button",
      class: isOn ? "chip on" : "chip",
      title: t("mask.faces_help"),
      "aria-label": t("mask.all_faces"),
      "aria-pressed": String(isOn),
      onclick: () => change({ protect: isOn ? null : FACES }),
    },
    icon(isOn ? "check" : "face"),
    t("mask.all_faces"),
  );
}

function styleRow(picture, index, now) {
  const several = now.styles.length > 1;
  const part =
    hasPart(now, index) &&
    maskButton("part", now.parts[index], (mask) => change({ parts: draft.value.parts.with(index, mask) }), picture);
  const slider = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    value: now.blend[index],
    "aria-label": t("blend.share", { name: picture.name }),
    oninput: (event) => {
      change({ blend: draft.value.blend.with(index, Number(event.target.value)) }, `blend ${index}`);
    },
  });
  const percent = h("output", { class: "number" }, `${Math.round(shares(now)[index] * 100)} %`);
  const element = h(
    "li",
    { class: "style-row" },
    tile(picture, "style", index),
    !several && words(t("inputs.painting"), picture, addChip(), part),
    several &&
      h(
        "div",
        { class: "style-more" },
        hasRegions(now) || isMorph(now) ? null : h("div", { class: "blend" }, slider, percent),
        h(
          "div",
          { class: "chips" },
          heeds("region", now) &&
            maskButton("region", now.regions[index], (mask) =>
              change({ regions: draft.value.regions.with(index, mask) }),
            ),
          part,
        ),
      ),
    iconButton("close", t("picture.remove", { name: picture.name }), () => removeStyle(index)),
  );
  return Object.assign(element, { showShare: (share) => (percent.value = `${Math.round(share * 100)} %`) });
}

export function createInputs() {
  const element = h("section", { class: "inputs", "aria-label": t("inputs.name") });
  const list = h("ul", { class: "styles" });
  const error = h("p", { class: "field-error", role: "alert" });
  let shown = "";
  draft.watch((now) => {
    const { blend, changes, preset, network, film, ...structure } = now;
    const key = JSON.stringify({ ...structure, method: film.method, morph: film.morph });
    const rows = [...list.children];
    if (key === shown && rows.length === now.styles.length) {
      for (const [index, share] of shares(now).entries()) rows[index].showShare(share);
      return;
    }
    shown = key;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    fill(list, now.styles.map((picture, index) => styleRow(picture, index, now)));
    fill(
      element,
      now.kind !== "texture" &&
        now.content &&
        h(
          "div",
          { class: "photo-row" },
          tile(now.content, "content", null),
          words(
            t(now.kind === "film" ? "film.name" : "inputs.photograph"),
            now.content,
            now.kind === "stylize" && cropButton(now.content),
            heeds("only", now) && maskButton("only", now.only, (only) => change({ only })),
            heeds("protect", now) && maskButton("protect", now.protect === FACES ? null : now.protect, (protect) => change({ protect })),
            heeds("protect", now) && ((now.kind === "film" && machine.value.faces) || now.protect === FACES) && facesButton(now),
          ),
        ),
      now.styles.length > 1 &&
        h(
          "div",
          { class: "styles-head" },
          h("h2", {}, t("inputs.paintings")),
          addChip(),
          iconButton("trash", t("inputs.clear"), clearPictures),
        ),
      list,
      !regionsFit(now) && h("p", { class: "field-error", role: "alert" }, t("blend.regions_wrong")),
      error,
    );
    if (focused) element.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  });
  arrivals.watch(({ errors, busy }) => {
    error.textContent = errors.content || errors.style;
    element.classList.toggle("busy", busy.content + busy.style > 0);
  });
  acceptDrops(element, "style");
  return element;
}

