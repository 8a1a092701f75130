/** The losses of a job as curves, on a logarithmic axis. */

import { fill, h, svg } from "./dom.js";
import { t, tryText } from "./words.js";

const WIDTH = 240;
const HEIGHT = 56;

/** Return a curve: {element, add, load}. add takes the step and the losses of a job as events bring them. */
export function createCurve() {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", preserveAspectRatio: "none" });
  const legend = h("ul", { class: "legend" });
  const element = h("div", { class: "curve-box" }, drawing, legend);
  let series = new Map();
  let steps = [];

  function draw() {
    const names = [...series.keys()].sort((one, other) => Number(other === "total") - Number(one === "total"));
    const all = names.flatMap((name) => series.get(name)).filter((loss) => loss > 0);
    drawing.setAttribute("aria-label", t("job.curve", { n: steps.length }));
    if (steps.length < 2 || all.length < 2) {
      drawing.replaceChildren();
      legend.replaceChildren();
      return;
    }
    const low = Math.log(Math.min(...all));
    const high = Math.max(Math.log(Math.max(...all)), low + 1e-6);
    const x = (step) => ((step - steps[0]) / Math.max(1, steps.at(-1) - steps[0])) * WIDTH;
    const y = (loss) => HEIGHT - 3 - ((Math.log(loss) - low) / (high - low)) * (HEIGHT - 6);
    drawing.replaceChildren(
      ...names.map((name, index) => {
        const points = series.get(name).map((loss, place) => (loss > 0 ? `${x(steps[place]).toFixed(1)},${y(loss).toFixed(1)}` : ""));
        return svg("polyline", { points: points.filter(Boolean).join(" "), class: `line line-${Math.min(index, 5)}` });
      }),
    );
    fill(
      legend,
      h("li", {}, t("job.curve_name")),
      names.slice(0, 6).map((name, index) =>
        h("li", { class: `key key-${index}`, title: series.get(name).at(-1)?.toPrecision(4) ?? "" }, tryText(`loss.${name}`) ?? name),
      ),
    );
  }

  function add(step, losses) {
    if (!losses || step === null || step === undefined || (steps.length && step <= steps.at(-1))) return;
    const numbers = Object.entries(losses).filter(([, loss]) => typeof loss === "number");
    if (numbers.length === 0) return;
    for (const [name, loss] of numbers) {
      if (!series.has(name)) series.set(name, steps.map(() => NaN));
      series.get(name)[steps.length] = loss;
    }
    steps.push(step);
    draw();
  }

  function load(curve) {
    steps = [...(curve?.steps ?? [])];
    series = new Map(Object.entries({ total: curve?.total ?? [], ...curve?.by_name }).map(([name, list]) => [name, [...list]]));
    draw();
  }

  return { element, add, load };
}
