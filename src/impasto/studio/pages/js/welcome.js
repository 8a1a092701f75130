/** The first sight: two places for pictures, and samples at hand. */

import { draft, isReady, setKind } from "./draft.js";
import { fill, h, icon } from "./dom.js";
import { acceptDrops, arrivals, filePicker, takePicture } from "./pictures.js";
import { studio } from "./studio.js";
import { t } from "./words.js";

function place(role) {
  const { input, pick } = filePicker(role);
  const face = h("span", { class: "place-face" });
  const button = h("button", { type: "button", class: "place", onclick: pick }, face);
  const error = h("p", { class: "field-error", role: "alert" });
  const samples = studio.samples[role === "content" ? "contents" : "styles"];
  const shelf = h(
    "div",
    { class: "shelf", role: "group", "aria-label": t(`welcome.samples_${role}`) },
    samples.map((sample) =>
      h(
        "button",
        { type: "button", class: "sample", title: sample.name, onclick: () => takePicture(sample, role) },
        h("img", { src: sample.thumbnail, alt: sample.name, loading: "lazy" }),
      ),
    ),
  );
  const element = h(
    "section",
    { class: `place-part place-${role}` },
    h("h2", {}, t(`welcome.${role}`)),
    button,
    input,
    error,
    samples.length > 0 && h("p", { class: "quiet small" }, t("welcome.or_sample")),
    shelf,
  );
  acceptDrops(button, role);
  const update = () => {
    const picture = role === "content" ? draft.value.content : draft.value.styles[0];
    const busy = arrivals.value.busy[role] > 0;
    button.classList.toggle("busy", busy);
    button.classList.toggle("filled", Boolean(picture));
    button.setAttribute("aria-label", picture ? t("picture.replace", { name: picture.name }) : t(`welcome.choose_${role}`));
    if (picture) fill(face, h("img", { src: picture.picture ?? picture.thumbnail, alt: picture.name }));
    else {
      fill(
        face,
        icon(busy ? "sun" : "image"),
        h("strong", {}, busy ? t("picture.reading") : t(`welcome.drop_${role}`)),
        h("span", {}, t("welcome.or_pick")),
      );
    }
    error.textContent = arrivals.value.errors[role];
  };
  draft.watch(update);
  arrivals.watch(update);
  return element;
}

export function createWelcome() {
  const texture = h("input", {
    type: "checkbox",
    onchange: () => setKind(texture.checked ? "texture" : "stylize"),
  });
  const content = place("content");
  const element = h(
    "div",
    { class: "welcome" },
    h("h1", {}, t("welcome.title")),
    h("p", { class: "lead" }, t("welcome.lead")),
    h("div", { class: "places" }, content, place("style")),
    h("label", { class: "check welcome-texture" }, texture, h("span", {}, t("welcome.texture"))),
  );
  draft.watch((now) => {
    element.hidden = isReady(now);
    content.hidden = now.kind === "texture";
    texture.checked = now.kind === "texture";
  });
  return element;
}
