/** Short messages at the page's edge, read out by screen readers, with an action where there is one. */

import { h, iconButton } from "./dom.js";
import { t } from "./words.js";

const area = h("div", { class: "notices", role: "status", "aria-live": "polite" });

export const noticeArea = () => area;

/** Show a message. action: {label, run}. Errors stay until they are closed. */
export function notify(text, { action = null, isError = false } = {}) {
  const close = () => notice.remove();
  const notice = h(
    "div",
    { class: isError ? "notice error" : "notice" },
    h("span", {}, text),
    action && h("button", { type: "button", class: "link", onclick: () => (close(), action.run()) }, action.label),
    iconButton("close", t("close"), close),
  );
  for (const other of [...area.children].slice(0, -2)) other.remove();
  area.append(notice);
  if (!isError) setTimeout(close, 7000);
}

/** Run a request; an error becomes a message. Returns its answer, or undefined. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status !== 401) notify(error.message, { isError: true });
    return undefined;
  }
}
