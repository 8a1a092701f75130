/** What the server reported when the page was opened: its status, the recipe's fields and presets, samples. */

import { get } from "./api.js";
import { createStore } from "./store.js";

const POLL_MS = 700;

/** What the machine can do; `ready` once the server has looked. */
export const machine = createStore({});

export const studio = { limits: {}, fields: [], byName: new Map(), presets: [], samples: { contents: [], styles: [] } };

/** Ask for all of it. */
export async function loadStudio() {
  const [status, recipe, samples] = await Promise.all([get("/api/status"), get("/api/recipe"), get("/api/samples")]);
  Object.assign(studio, { limits: status.limits ?? {}, samples, fields: recipe.fields, presets: recipe.presets });
  studio.byName = new Map(recipe.fields.map((field) => [field.name, field]));
  machine.set(status);
  if (status.ready === false) setTimeout(look, POLL_MS);
  return status;
}

async function look() {
  const status = await get("/api/status").catch(() => null);
  if (status?.ready) machine.set(status);
  else setTimeout(look, POLL_MS);
}

/** Return the value of a field in a preset. */
export function presetValue(preset, name) {
  const values = studio.presets.find((one) => one.name === preset)?.values ?? {};
  return name in values ? values[name] : studio.byName.get(name)?.default ?? null;
}
