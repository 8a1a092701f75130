/** Dark or light: as the system says, or as chosen here. */

const KEY = "impasto.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => localStorage.getItem(KEY);

function apply() {
  document.documentElement.dataset.theme = chosen() ?? (dark.matches ? "dark" : "light");
}

export function startTheme() {
  apply();
  dark.addEventListener("change", apply);
}

export function switchTheme() {
  localStorage.setItem(KEY, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  apply();
}
