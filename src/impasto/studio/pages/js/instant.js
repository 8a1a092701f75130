/** The instant version: asked for whenever the draft changes, one at a time. */

import { connection, post } from "./api.js";
import { draft, isOptimized, isReady, sharesNow, value } from "./draft.js";
import { debounce, oneAtATime, whileBusy } from "./pace.js";
import { createStore } from "./store.js";
import { machine } from "./studio.js";

const SIZE = 640;

/** {url, of, width, height, busy, error}: the picture as a blob address; of: the id of its photograph. */
export const instant = createStore({ url: null, of: null, width: 0, height: 0, busy: false, error: "" });

let asked = "";

/** Return the trained network that paints: the chosen one, or that of the painting itself; null: the one for any. */
function networkOf({ network, styles }) {
  if (network === "any") return null;
  if (network || styles.length !== 1) return network;
  return machine.value.styles?.find((style) => style.thumbnail === styles[0].thumbnail)?.name ?? null;
}

/** Return the network that paints a film's still: the film's own, where it is not optimized. */
function filmNetworkOf(now) {
  if (now.film.method === "optimize") return networkOf(now);
  return now.film.method === "instant" ? null : now.film.method;
}

/** Return the long edge of the preview: the chosen one, where that is smaller, so that it promises no more detail. */
function edge({ content }) {
  const chosen = value("size");
  return Math.min(SIZE, Math.max(content.width, content.height), typeof chosen === "number" ? chosen : SIZE);
}

function question(now) {
  if (now.kind === "texture" || !isReady(now) || !machine.value.instant) return null;
  return {
    content: now.content.id,
    styles: now.styles.map((style) => style.id),
    style_blend: now.styles.length > 1 ? sharesNow(now).map((share) => Number(share.toFixed(4))) : [],
    strength: value("strength") ?? 0.5,
    ...(value("style_scale") === 1 || !isOptimized(now) ? {} : { style_scale: value("style_scale") }),
    color: value("color"),
    recolor: value("recolor"),
    placement: value("placement"),
    size: edge(now),
    network: now.kind === "film" ? filmNetworkOf(now) : networkOf(now),
  };
}

const ask = debounce(
  60,
  oneAtATime(async () => {
    const body = question(draft.value);
    const text = JSON.stringify(body);
    if (text === asked) return;
    asked = text;
    if (!body) {
      show({ url: null, busy: false, error: "" });
      return;
    }
    const isStale = () => JSON.stringify(question(draft.value)) !== text;
    instant.set({ ...instant.value, busy: true });
    try {
      const url = URL.createObjectURL(await whileBusy(() => post("/api/instant", body), isStale));
      const { content } = draft.value;
      if (content?.id !== body.content) return;
      show({ url, of: content.id, width: content.width, height: content.height, busy: isStale(), error: "" });
    } catch (error) {
      asked = "";
      if (isStale()) return;
      if (error.status === 0) instant.set({ ...instant.value, busy: false });
      else show({ url: null, busy: false, error: error.message });
    }
  }),
);

function show(next) {
  const old = instant.value.url;
  instant.set({ ...instant.value, ...next });
  if (old && old !== instant.value.url) setTimeout(() => URL.revokeObjectURL(old), 5000);
}

export function startInstant() {
  draft.watch(ask);
  machine.watch(ask);
  connection.watch((state) => state === "up" && ask());
}
