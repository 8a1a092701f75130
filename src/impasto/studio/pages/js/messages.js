/** The server's messages in the reader's language, by their keys. */

import { studio } from "./studio.js";
import { bytes, fieldLabel, language, t, tryText } from "./words.js";

/** Return a message, {error or text, hint, key, values, field}, as one text. */
export function messageText(message) {
  if (!message) return "";
  if (typeof message === "string") return message;
  const own = [message.error ?? message.text ?? message.message, message.hint].filter(Boolean).join(" ");
  if (language === "en" || !message.key) return own;
  const field = studio.byName.get(message.field);
  const values = { ...message.values, field: field ? fieldLabel(field.name) : message.field ?? "", range: rangeOf(field) };
  for (const name of ["limit", "free"]) if (values[name] > 1e6) values[name] = bytes(values[name]);
  if (message.key === "recipe" && values.range) return t("messages.recipe_range", values);
  return tryText(`messages.${message.key}`, { ...values, own }) ?? own;
}

function rangeOf(field) {
  if (!field || (field.kind !== "number" && field.kind !== "integer")) return "";
  const least = field.least ?? null;
  const most = field.most ?? null;
  if (least !== null && most !== null) return t("range.both", { least, most });
  if (least !== null) return t("range.least", { least });
  return most !== null ? t("range.most", { most }) : "";
}
