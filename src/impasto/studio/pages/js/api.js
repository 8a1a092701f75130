/** Requests to the server of the studio. */

import { messageText } from "./messages.js";
import { createStore } from "./store.js";
import { t } from "./words.js";

/** "up", "lost", or "locked" where the server wants its token. */
export const connection = createStore("up");

/** An answer of 400 or more, or none. field: the recipe field at fault, or null. */
export class ApiError extends Error {
  constructor(status, body) {
    super(messageText(body) || t("error.status", { status }));
    this.status = status;
    this.field = body?.field ?? null;
    this.key = body?.key ?? null;
  }
}

/** Send a request; returns the JSON of the answer, or a Blob of anything else. Raises ApiError. */
export async function request(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    connection.set("lost");
    throw new ApiError(0, { error: t("error.lost") });
  }
  if (connection.value === "lost") connection.set("up");
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  if (!response.ok) {
    if (response.status === 401) connection.set("locked");
    throw new ApiError(response.status, isJson ? readError(await response.json().catch(() => null)) : null);
  }
  if (response.status === 204) return null;
  return isJson ? response.json() : response.blob();
}

function readError(body) {
  if (body && typeof body.detail === "object" && !Array.isArray(body.detail)) return body.detail;
  if (typeof body?.detail === "string") return { error: body.detail };
  return body;
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body ?? {});
export const put = (path, body) => request("PUT", path, body);
export const remove = (path, body) => request("DELETE", path, body);

/** Send a file; returns the picture, of a film its first one. */
export function upload(file, name = file.name, path = "/api/pictures") {
  const form = new FormData();
  form.append("file", file, name || "pasted.png");
  return request("POST", path, form);
}

/** Show the token to the server, which answers with a cookie. */
export async function openSession(token) {
  const response = await fetch("/api/login", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => null));
  connection.set("up");
}
