/** What the server told about itself when the page was opened: its status, the recipe's fields and presets, samples. */

import { get } from "./api.js";

export const studio = { status: {}, fields: [], byName: new Map(), presets: [], samples: { contents: [], styles: [] } };

/** Ask for all of it. */
export async function loadStudio() {
  const [status, recipe, samples] = await Promise.all([get("/api/status"), get("/api/recipe"), get("/api/samples")]);
  Object.assign(studio, { status, samples, fields: recipe.fields, presets: recipe.presets });
  studio.byName = new Map(recipe.fields.map((field) => [field.name, field]));
}

/** Return the value of a field in a preset. */
export function presetValue(preset, name) {
  const values = studio.presets.find((one) => one.name === preset)?.values ?? {};
  return name in values ? values[name] : studio.byName.get(name)?.default ?? null;
}
