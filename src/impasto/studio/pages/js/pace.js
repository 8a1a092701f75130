/** How often the server is asked: once after a pause, one question at a time, again while it is busy. */

const BUSY_MS = 800;
const MOST_TRIES = 40;

/** Return the function, called once `wait` milliseconds after its last call. */
export function debounce(wait, call) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), wait);
  };
}

/** Return the function, of which one call runs at a time; those made meanwhile become one more after it. */
export function oneAtATime(call) {
  let isRunning = false;
  let again = false;
  return async () => {
    again = isRunning;
    if (isRunning) return;
    isRunning = true;
    try {
      do {
        again = false;
        await call();
      } while (again);
    } finally {
      isRunning = false;
    }
  };
}

/** Send a request, again while the server answers that it is busy; giveUp() ends that. */
export async function whileBusy(send, giveUp = () => false) {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      if (error.status !== 429 || tries >= MOST_TRIES || giveUp()) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
  }
}
