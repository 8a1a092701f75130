/** The page's texts in the reader's language. */

import en from "../words/en.js";
import zh from "../words/zh.js";

export const LANGUAGES = { en: "English", zh: "中文" };
const WORDS = { en, zh };

export const language = localStorage.getItem("impasto.language") ?? (/^zh/i.test(navigator.language) ? "zh" : "en");
const words = WORDS[language] ?? en;

/** Change the language: the page is loaded anew, and what was chosen is still there. */
export function setLanguage(name) {
  localStorage.setItem("impasto.language", name);
  location.reload();
}

/** Return the text of a key such as "job.pause", with {name} replaced by values. */
export function t(key, values = {}) {
  return fillIn(lookUp(words, key) ?? lookUp(en, key) ?? key, values);
}

/** Return the text of a key, or null where this language has none. */
export function tryText(key, values = {}) {
  const text = lookUp(words, key);
  return text === undefined ? null : fillIn(text, values);
}

function lookUp(texts, key) {
  return key.split(".").reduce((part, name) => part?.[name], texts);
}

function fillIn(text, values) {
  return String(text).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Return a setting in words: "Color: The photograph's". */
export const settingWords = (name, value) => t("job.setting", { name: fieldLabel(name), value: valueWords(name, value) });

/** Return the label of a recipe field, those of first sight included. */
export function fieldLabel(name) {
  const first = { strength: "controls.strength", style_scale: "controls.style_scale", color: "color.name", size: "size.name" };
  return first[name] ? t(first[name]) : fieldWords({ name }).label;
}

/** Return label and help of a recipe field. */
export function fieldWords(field) {
  const [label, help] = words.fields[field.name] ?? [];
  return { label: label ?? field.name.replaceAll("_", " "), help: help || (field.help ?? "") };
}

/** Return the values of a recipe field that have words, as texts. */
export const namedValues = (name) => Object.keys(words.choices[name] ?? {});

/** Return the text of a recipe field's value: "conv1_1, conv2_1". */
export const valueText = (value) => (Array.isArray(value) ? value.join(", ") : String(value ?? ""));

/** Return a recipe field's value in words; a value without words as its text. */
export function valueWords(name, value) {
  if (value === true || value === false) return t(value ? "more.yes" : "more.no");
  if (value === null || value === undefined) return t("more.none");
  const text = valueText(value);
  return words.choices[name]?.[text] ?? text;
}

/** Return seconds in words: "40 s", "3 min", "2 h 5 min". */
export function duration(seconds) {
  const rounded = Math.round(seconds);
  if (rounded < 90) return t("time.seconds", { n: Math.max(1, rounded) });
  if (rounded < 5400) return t("time.minutes", { n: Math.round(rounded / 60) });
  return t("time.hours", { h: Math.floor(rounded / 3600), n: Math.round((rounded % 3600) / 60) });
}

/** Return a number of bytes in words: "1.4 GB". */
export function bytes(count) {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(count / 1e6))} MB`;
}

/** Return a moment as this language writes it, without the year where it is this one. */
export function moment(value) {
  const date = new Date(typeof value === "number" ? value * 1000 : value);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const shown = { ...year, month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleString(language === "zh" ? "zh-CN" : "en", shown);
}
