/** A value that others watch. */
export function createStore(value) {
  const watchers = new Set();
  return {
    get value() {
      return value;
    },
    set(next) {
      if (next === value) return;
      value = next;
      for (const watch of [...watchers]) watch(value);
    },
    /** Call `watch` now and after each change. */
    watch(watch) {
      watchers.add(watch);
      watch(value);
      return () => watchers.delete(watch);
    },
  };
}
