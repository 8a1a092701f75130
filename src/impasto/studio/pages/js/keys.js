/** Shortcuts, those that people know from Lightroom, Photopea and Automatic1111; `?` lists them. */

import { openDialog } from "./dialog.js";
import { redo, undo } from "./draft.js";
import { h } from "./dom.js";
import { go } from "./routes.js";
import { t } from "./words.js";

const LIST = [
  ["Ctrl Enter", "keys.paint"],
  ["Ctrl Z", "keys.undo"],
  ["Ctrl Shift Z", "keys.redo"],
  ["C", "keys.compare"],
  ["\\", "keys.peek"],
  ["F", "keys.fit"],
  ["1", "keys.pixels"],
  ["+ −", "keys.zoom"],
  ["D", "keys.draft"],
  ["G", "keys.gallery"],
  ["?", "keys.help"],
];

export function showKeys() {
  return openDialog(t("keys.title"), () =>
    h(
      "div",
      { class: "dialog-body" },
      h("dl", { class: "keys" }, LIST.flatMap(([keys, text]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, t(text))])),
    ),
  );
}

const isText = (element) => element.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select");

export function startKeys({ viewer, paint }) {
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && key === "enter") paint();
    else if (isText(event.target)) return;
    else if (command && key === "z") (event.shiftKey ? redo : undo)();
    else if (command && key === "y") redo();
    else if (command || event.altKey) return;
    else if (key === "c") viewer.toggleCompare();
    else if (key === "\\") viewer.peek(true);
    else if (key === "f") viewer.fit();
    else if (key === "1") viewer.zoomTo(1);
    else if (key === "d") go("draft");
    else if (key === "g") go("gallery");
    else if (key === "?") showKeys();
    else return;
    event.preventDefault();
  });
  addEventListener("keyup", (event) => event.key === "\\" && viewer.peek(false));
}
