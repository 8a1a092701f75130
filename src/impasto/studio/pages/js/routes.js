/** What the page shows, as the part of its address after #: the draft, a job, the gallery, a sheet of variations. */

import { createStore } from "./store.js";

export const route = createStore({ name: "draft", id: null });

const NAMES = new Set(["draft", "job", "gallery", "sheet"]);

function read() {
  const [, name = "draft", id = null] = location.hash.replace(/^#/, "").split("/");
  route.set(NAMES.has(name) ? { name, id: id && decodeURIComponent(id) } : { name: "draft", id: null });
}

/** Show something else; the browser's back button returns. */
export function go(name, id = null) {
  const hash = `#/${name}${id ? `/${encodeURIComponent(id)}` : ""}`;
  if (location.hash !== hash) location.hash = hash;
  read();
}

export function startRoutes() {
  addEventListener("hashchange", read);
  read();
}
