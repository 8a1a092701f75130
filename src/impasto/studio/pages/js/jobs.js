/** All jobs that the page knows, kept true by the server's events; a lost connection comes back by itself. */

import { connection, get } from "./api.js";
import { cleanDraft } from "./draft.js";
import { createStore } from "./store.js";

export const jobs = createStore(new Map());
export const disk = createStore(null);

const ORDER = { painting: 0, paused: 1, waiting: 2 };

export const isOpen = (job) => job.state in ORDER;

/** Return the unfinished jobs in the order of the queue. */
export function queue(all = jobs.value) {
  return [...all.values()]
    .filter(isOpen)
    .sort((one, other) => ORDER[one.state] - ORDER[other.state] || (one.position ?? 1e9) - (other.position ?? 1e9));
}

/** Return the ended jobs, newest first. */
export function finished(all = jobs.value) {
  return [...all.values()].filter((job) => !isOpen(job)).sort((one, other) => (one.created < other.created ? 1 : -1));
}

/** Remember jobs that an answer of the server had. */
export function keep(...list) {
  const all = new Map(jobs.value);
  for (const job of list) all.set(job.id, settle(timed(all.get(job.id), { ...all.get(job.id), ...job })));
  jobs.set(all);
}

/** Remember when a job's last step was heard of: its time left counts from then. */
function timed(before, job) {
  return before?.heard && before.step === job.step && before.seconds_left === job.seconds_left ? job : { ...job, heard: Date.now() };
}

/** Return the seconds that a job still takes, null where that is unknown, or where its step takes longer than expected. */
export function secondsLeft({ seconds_left: left = null, heard = Date.now() }) {
  const now = left === null ? 0 : left - (Date.now() - heard) / 1000;
  return now >= 1 || (left !== null && left < 1) ? now : null;
}

/** A wish is fulfilled once the state says so. */
function settle(job) {
  const isDone = !isOpen(job) || (job.asked === "pause" && job.state === "paused") || (job.asked === "resume" && job.state !== "paused");
  return isDone && job.asked ? { ...job, asked: null } : job;
}

export function forget(...ids) {
  cleanDraft();
  const all = new Map(jobs.value);
  for (const id of ids) all.delete(id);
  jobs.set(all);
}

/** Ask for the newest jobs: all unfinished ones are among them. */
export async function loadJobs() {
  const { jobs: list } = await get("/api/jobs?limit=60");
  jobs.set(new Map(list.map((job) => [job.id, timed(null, job)])));
}

/** Count the time left down between the steps of large pictures, which take minutes each. */
export function countDown() {
  setInterval(() => [...jobs.value.values()].some((job) => job.state === "painting") && jobs.set(new Map(jobs.value)), 5000);
}

/** Follow the server's events for as long as the page is open. */
export function followEvents() {
  const source = new EventSource("/api/events");
  const on = (name, take) => source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  on("job", (job) => keep(job));
  on("removed", ({ id }) => forget(id));
  on("disk", (state) => disk.set(state.message ? state : null));
  on("queue", ({ order }) => {
    const places = new Map(order.map((id, index) => [id, index + 1]));
    keep(...queue().filter((job) => places.has(job.id)).map((job) => ({ ...job, position: places.get(job.id) })));
  });
  let wasLost = false;
  source.addEventListener("open", () => {
    connection.set("up");
    if (wasLost) loadJobs().catch(() => {});
    wasLost = false;
  });
  source.addEventListener("error", () => {
    wasLost = true;
    if (connection.value !== "locked") connection.set("lost");
    source.close();
    setTimeout(async () => {
      const answers = await get("/api/status").then(() => true, () => false);
      if (answers) await loadJobs().catch(() => {});
      if (connection.value !== "locked") followEvents();
    }, 1500);
  });
}
