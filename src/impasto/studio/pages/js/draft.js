/** The draft: what is to be painted next. Every change can be undone, and survives a reload. */

import { createStore } from "./store.js";
import { presetValue, studio } from "./studio.js";

const KEY = "impasto.draft";
const EMPTY = {
  kind: "stylize",
  content: null,
  styles: [],
  blend: [],
  regions: [],
  parts: [],
  only: null,
  protect: null,
  preset: "standard",
  changes: {},
  network: null,
  film: { method: "instant", start_s: 0, duration_s: null, morph: false },
};

export const draft = createStore(EMPTY);
export const undoable = createStore({ undo: 0, redo: 0 });
const past = [];
const future = [];
let last = { label: "", time: 0 };

/** Change parts of the draft. label: changes of the same label in a row are undone together, as a slider's are. */
export function change(patch, label = "") {
  const together = label && label === last.label && Date.now() - last.time < 1500;
  if (!together) past.push(draft.value);
  if (past.length > 200) past.shift();
  future.length = 0;
  last = { label, time: Date.now() };
  put({ ...draft.value, ...patch });
}

/** Go one change back, or forth again. */
export function undo() {
  if (past.length === 0) return;
  future.push(draft.value);
  last.label = "";
  put(past.pop());
}

export function redo() {
  if (future.length === 0) return;
  past.push(draft.value);
  last.label = "";
  put(future.pop());
}

function put(next) {
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // a full or forbidden storage: the draft then ends with the page
  }
  undoable.set({ undo: past.length, redo: future.length });
  draft.set(next);
}

/** Take up the draft of the last visit, without pictures that are gone. */
export async function restoreDraft() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    put(await dropMissing({ ...EMPTY, ...stored, film: { ...EMPTY.film, ...stored.film } }));
  } catch {
    // nothing stored, or nothing that can be read
  }
}

/** Leave out of the draft what was deleted with a job. */
export async function cleanDraft() {
  const before = draft.value;
  const next = await dropMissing(before);
  if (draft.value === before && JSON.stringify(next) !== JSON.stringify(before)) put(next);
}

async function dropMissing(stored) {
  const there = async (picture) => {
    if (!picture?.thumbnail) return Boolean(picture);
    return fetch(picture.thumbnail).then((answer) => answer.status !== 404, () => true);
  };
  const pictures = [stored.content, stored.only, stored.protect, ...stored.styles, ...stored.regions, ...stored.parts];
  const kept = await Promise.all(pictures.map(there));
  const alive = new Map(pictures.map((picture, index) => [picture, kept[index]]));
  const styles = stored.styles.map((style, index) => ({ style, index })).filter(({ style }) => alive.get(style));
  if (!alive.get(stored.content)) Object.assign(stored, { content: null, only: null, protect: null, regions: [] });
  return {
    ...stored,
    styles: styles.map(({ style }) => style),
    blend: styles.map(({ index }) => stored.blend[index] ?? 1),
    regions: styles.map(({ index }) => (alive.get(stored.regions[index]) ? stored.regions[index] : null)),
    parts: styles.map(({ index }) => (alive.get(stored.parts[index]) ? stored.parts[index] : null)),
    only: alive.get(stored.only) ? stored.only : null,
    protect: alive.get(stored.protect) ? stored.protect : null,
  };
}

export function isReady({ kind, content, styles } = draft.value) {
  return styles.length > 0 && (kind === "texture" || content !== null);
}

/** Choose the photograph, or the first picture of a film; masks belong to the old one. */
export function setContent(content) {
  const kind = content.film ? "film" : "stylize";
  const film = content.film?.of === draft.value.content?.film?.of ? draft.value.film : EMPTY.film;
  change({ kind, film, content, only: null, protect: null, regions: draft.value.styles.map(() => null) });
}

/** Whether the recipe is painted step by step: not a film by a network, which heeds strength, color and size alone. */
export function isOptimized({ kind, film } = draft.value) {
  return kind !== "film" || film.method === "optimize";
}

/** Choose between a photograph in a style and a texture of the style alone, each with its own preset. */
export function setKind(kind) {
  change({ kind, preset: kind === "texture" ? "texture" : "standard" });
}

export function addStyle(style) {
  const { styles, blend, regions, parts } = draft.value;
  change({ styles: [...styles, style], blend: [...blend, 1], regions: [...regions, null], parts: [...parts, null], network: null });
}

export function replaceStyle(index, style) {
  const { styles, parts } = draft.value;
  change({ styles: styles.with(index, style), parts: parts.with(index, null), network: null });
}

export function removeStyle(index) {
  const without = (list) => list.filter((_, place) => place !== index);
  const { styles, blend, regions, parts } = draft.value;
  change({ styles: without(styles), blend: without(blend), regions: without(regions), parts: without(parts), network: null });
}

/** Return the value of a recipe field: the draft's, or the preset's. */
export function value(name) {
  const { changes, preset } = draft.value;
  return name in changes ? changes[name] : presetValue(preset, name);
}

/** Set a recipe field; the preset's own value is no change. Strength and weights exclude each other, as in the recipe. */
export function setField(name, next) {
  const changes = { ...draft.value.changes };
  if (JSON.stringify(next) === JSON.stringify(presetValue(draft.value.preset, name))) delete changes[name];
  else changes[name] = next;
  if (name === "strength" && next !== null) {
    delete changes.content_weight;
    delete changes.style_weight;
  } else if (/^(content|style)_weight$/.test(name) && next !== null) delete changes.strength;
  change({ changes }, name);
}

export function resetField(name) {
  const changes = { ...draft.value.changes };
  delete changes[name];
  change({ changes });
}

/** Return the share of each painting, summing to 1. */
export function shares({ blend } = draft.value) {
  const sum = blend.reduce((total, part) => total + part, 0);
  return blend.map((part) => (sum > 0 ? part / sum : 1 / blend.length));
}

/** Whether a mask of a role is heeded: films know no part of a painting, and by a network "only" alone. */
export function heeds(role, { kind, film } = draft.value) {
  if (kind === "film") return role === "only" || (role !== "part" && film.method === "optimize");
  return kind === "stylize";
}

export const hasRegions = (now = draft.value) => heeds("region", now) && now.regions.some(Boolean);

/** Whether a film can go from its first painting to its last, and whether it does. */
export function canMorph(now = draft.value) {
  return now.kind === "film" && ["instant", "optimize"].includes(now.film.method) && now.styles.length > 1 && !hasRegions(now);
}

export const isMorph = (now = draft.value) => canMorph(now) && Boolean(now.film.morph);

/** Return the share of each painting at the moment of the film that is seen. */
export function sharesNow(now = draft.value) {
  if (!isMorph(now)) return shares(now);
  const { time_s: time, duration_s: all } = now.content.film;
  const { start_s: start, duration_s: length } = now.film;
  const place = Math.min(1, Math.max(0, (time - start) / (length ?? all - start))) * (now.styles.length - 1);
  return now.styles.map((_, index) => Math.max(0, 1 - Math.abs(place - index)));
}

/** Whether the regions can be painted: all paintings have one, or all but one, which takes the rest. */
export function regionsFit(now = draft.value) {
  const { styles, regions } = now;
  const count = hasRegions(now) ? regions.filter(Boolean).length : 0;
  return count === 0 || (styles.length > 1 && count >= styles.length - 1);
}

/** Whether a painting may be used in part: not the one that takes what the regions of the others leave. */
export function hasPart(now, index) {
  return heeds("part", now) && (Boolean(now.regions[index]) || !hasRegions(now));
}

/** Whether the instant preview leaves something out that "Paint it" heeds. */
export function isSimplified(now) {
  return Boolean((now.protect && heeds("protect", now)) || hasRegions(now) || (heeds("part", now) && now.parts.some(Boolean)));
}

/** Return the body of a job, as /api/jobs and /api/estimate take it. */
export function jobBody(now = draft.value) {
  const isTexture = now.kind === "texture";
  const order = now.styles.map((_, index) => index);
  if (hasRegions(now)) order.sort((one, other) => Number(!now.regions[one]) - Number(!now.regions[other]));
  const masked = order.filter((index) => hasPart(now, index));
  const recipe = { ...now.changes };
  if (now.only && heeds("only", now)) recipe.only_feather ??= 0; // the brush has its own soft rim
  if (now.styles.length > 1 && !hasRegions(now) && !isMorph(now)) recipe.style_blend = shares(now).map((share) => Number(share.toFixed(4)));
  return {
    kind: now.kind,
    content: isTexture ? null : now.content.id,
    styles: order.map((index) => now.styles[index].id),
    preset: now.preset,
    recipe,
    film: now.kind === "film" ? { ...now.film, morph: isMorph(now) } : null,
    only: heeds("only", now) ? now.only?.id ?? null : null,
    protect: heeds("protect", now) ? now.protect?.id ?? now.protect : null,
    content_masks: hasRegions(now) ? order.map((index) => now.regions[index]?.id).filter(Boolean) : [],
    style_masks: masked.some((index) => now.parts[index]) ? masked.map((index) => now.parts[index]?.id ?? null) : [],
  };
}

/** Take over pictures, masks and recipe of a job. */
export function openJob(job) {
  const { style_blend: blend, ...changes } = job.changed ?? {};
  change({
    ...EMPTY,
    kind: job.kind ?? "stylize",
    film: { ...EMPTY.film, ...job.film },
    content: job.content,
    styles: job.styles.filter(Boolean),
    blend: job.styles.map((_, index) => blend?.[index] ?? 1),
    regions: job.styles.map((_, index) => job.content_masks?.[index] ?? null),
    parts: job.styles.map((_, index) => job.style_masks?.[index] ?? null),
    only: job.only ?? null,
    protect: job.protect ?? null,
    preset: job.preset ?? "standard",
    changes,
  });
}

/** Take over the recipe of a finished picture: the preset that is most like it, and what differs from that. */
export function openRecipe(recipe) {
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const names = Object.keys(recipe).filter((name) => studio.byName.has(name) && name !== "style_blend");
  const found = studio.presets.map(({ name: preset }) => {
    const others = names.filter((name) => !same(recipe[name], presetValue(preset, name)));
    return { preset, changes: Object.fromEntries(others.map((name) => [name, recipe[name]])) };
  });
  const count = ({ changes }) => Object.keys(changes).length;
  change(found.reduce((best, one) => (count(one) < count(best) ? one : best)));
}
