/** The pixels of a mask: brush, eraser, similar colors, and undo. A pixel's alpha is the mask's value there. */

const LONGEST = 1024;
const MOST_UNDO = 40;

/** Values of the rings of pixels by which similar colors grow, over the mixed colors at their edge, inner first. */
const RIM = [255, 255, 128];

/** Give all pixels beside the area a value. */
function grow(area, across, value) {
  const old = area.slice();
  for (let place = 0; place < area.length; place++) {
    if (old[place]) continue;
    const x = place % across;
    const isBeside =
      (x > 0 && old[place - 1]) || (x < across - 1 && old[place + 1]) || old[place - across] || old[place + across];
    if (isBeside) area[place] = value;
  }
}

/** Return a mask over a photograph of width and height pixels, as a canvas that shows it in a color. */
export function createMaskCanvas(width, height, color) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  const past = [];
  const future = [];
  let photo = null;

  const pixels = () => paint.getImageData(0, 0, canvas.width, canvas.height);

  function alphas() {
    const { data } = pixels();
    const values = new Uint8ClampedArray(data.length / 4);
    for (let place = 0; place < values.length; place++) values[place] = data[place * 4 + 3];
    return values;
  }

  function setAlphas(values) {
    const image = paint.createImageData(canvas.width, canvas.height);
    for (let place = 0; place < values.length; place++) {
      image.data.set([...color, values[place]], place * 4);
    }
    paint.putImageData(image, 0, 0);
  }

  /** Remember the mask before a change. */
  function remember() {
    past.push(alphas());
    if (past.length > MOST_UNDO) past.shift();
    future.length = 0;
  }

  function travel(from, to) {
    if (from.length === 0) return;
    to.push(alphas());
    setAlphas(from.pop());
  }

  /** Draw from one point to another. radius: in pixels of the mask; hardness: 0 soft to 1 hard. */
  function stroke(from, to, { radius, hardness, erase }) {
    const distance = Math.hypot(to.x - from.x, to.y - from.y);
    const count = Math.max(1, Math.ceil(distance / Math.max(1, radius / 4)));
    paint.globalCompositeOperation = erase ? "destination-out" : "source-over";
    for (let step = 0; step <= count; step++) {
      const x = from.x + ((to.x - from.x) * step) / count;
      const y = from.y + ((to.y - from.y) * step) / count;
      const shade = paint.createRadialGradient(x, y, radius * Math.min(0.98, hardness), x, y, radius);
      shade.addColorStop(0, `rgb(${color} / 1)`.replaceAll(",", " "));
      shade.addColorStop(1, `rgb(${color} / 0)`.replaceAll(",", " "));
      paint.fillStyle = shade;
      paint.fillRect(x - radius, y - radius, radius * 2, radius * 2);
    }
    paint.globalCompositeOperation = "source-over";
  }

  /** Select what has a similar color as a point, and is joined to it or anywhere. tolerance: of colors, 0 to 255. */
  function similar(point, { tolerance, everywhere, erase }) {
    if (!photo) return;
    const { width: across, height: down } = canvas;
    const { data } = photo;
    const start = Math.floor(point.y) * across + Math.floor(point.x);
    const wanted = data.subarray(start * 4, start * 4 + 3);
    const most = tolerance * tolerance * 3;
    const values = alphas();
    const found = new Uint8Array(across * down);
    const seen = new Uint8Array(across * down);
    const open = everywhere ? [...seen.keys()] : [start];
    for (const place of open) seen[place] = 1;
    while (open.length) {
      const place = open.pop();
      const red = data[place * 4] - wanted[0];
      const green = data[place * 4 + 1] - wanted[1];
      const blue = data[place * 4 + 2] - wanted[2];
      if (red * red + green * green + blue * blue > most) continue;
      found[place] = 255;
      const x = place % across;
      for (const next of [x > 0 ? place - 1 : -1, x < across - 1 ? place + 1 : -1, place - across, place + across]) {
        if (next < 0 || next >= seen.length || seen[next]) continue;
        seen[next] = 1;
        open.push(next);
      }
    }
    if (!erase) for (const rim of RIM) grow(found, across, rim);
    setAlphas(values.map((one, place) => (erase ? Math.min(one, 255 - found[place]) : Math.max(one, found[place]))));
  }

  /** Show the mask in another color. */
  function tint(next) {
    color = next;
    setAlphas(alphas());
  }

  function invert() {
    setAlphas(alphas().map((one) => 255 - one));
  }

  function clear() {
    paint.clearRect(0, 0, canvas.width, canvas.height);
  }

  /** Add a mask picture: white is inside. */
  function add(image) {
    const grey = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    grey.drawImage(image, 0, 0, canvas.width, canvas.height);
    const { data } = grey.getImageData(0, 0, canvas.width, canvas.height);
    setAlphas(alphas().map((one, place) => Math.max(one, data[place * 4])));
  }

  /** Give the photograph, whose colors `similar` compares. */
  function setPhoto(image) {
    const colors = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    colors.drawImage(image, 0, 0, canvas.width, canvas.height);
    photo = colors.getImageData(0, 0, canvas.width, canvas.height);
  }

  /** Return the mask as a grey PNG, or null where nothing is selected. */
  async function toFile() {
    const values = alphas();
    if (!values.some((one) => one > 8)) return null;
    const grey = new OffscreenCanvas(canvas.width, canvas.height);
    const drawing = grey.getContext("2d");
    const image = drawing.createImageData(canvas.width, canvas.height);
    for (let place = 0; place < values.length; place++) {
      const one = values[place];
      image.data.set([one, one, one, 255], place * 4);
    }
    drawing.putImageData(image, 0, 0);
    return grey.convertToBlob({ type: "image/png" });
  }

  return {
    canvas,
    stroke,
    similar,
    tint,
    invert,
    clear,
    add,
    setPhoto,
    toFile,
    remember,
    undo: () => travel(past, future),
    redo: () => travel(future, past),
    state: () => ({ undo: past.length > 0, redo: future.length > 0 }),
  };
}
