/** Dialogs: the browser's own, so that Escape closes them and focus returns to where it was. */

import { h, iconButton } from "./dom.js";
import { t } from "./words.js";

/** Open a dialog. build(close) returns its content. Resolves with what close was given. */
export function openDialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    let answer;
    const close = (value) => {
      answer = value;
      dialog.close();
    };
    const heading = h("h2", { id: "dialog-title" }, title);
    const dialog = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": "dialog-title" });
    dialog.append(h("header", {}, heading, iconButton("close", t("close"), () => close())), build(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Ask before something that cannot be undone. Resolves with true or undefined. */
export function confirm(title, text, label) {
  return openDialog(title, (close) =>
    h(
      "div",
      { class: "dialog-body" },
      h("p", {}, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => close() }, t("cancel")),
        h("button", { type: "button", class: "button danger", onclick: () => close(true) }, label),
      ),
    ),
  );
}
