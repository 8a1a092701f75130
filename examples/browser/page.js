// The page: a photograph or the camera's frames go through the network into a canvas.
import { loadNetwork, loadRuntime, paint } from "./network.js";

const find = (id) => document.getElementById(id);
const [status, edge, camera, save, video] = ["status", "edge", "camera", "save", "video"].map(find);
const source = find("source").getContext("2d", { willReadFrequently: true });
const picture = find("picture").getContext("2d");

let runtime = null; // {ort, provider, words}
let network = null; // {session, name}
let photograph = null; // the chosen picture, an ImageBitmap
let stream = null; // of the camera while it runs

const say = (text) => { status.textContent = text; };

/** Show the error of a step of work, or do nothing where it has none. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error.message);
  }
}

/** Paint what is shown at this moment; return the seconds it took. */
async function paintOnce(image, width, height) {
  const longest = Number(edge.value);
  const scale = longest ? Math.min(1, longest / Math.max(width, height)) : 1;
  const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  for (const { canvas } of [source, picture]) {
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  }
  source.drawImage(image, 0, 0, ...size);
  const start = performance.now();
  picture.putImageData(await paint(runtime, network.session, source.getImageData(0, 0, ...size)), 0, 0);
  save.disabled = false;
  return (performance.now() - start) / 1000;
}

async function paintPhotograph() {
  if (photograph === null || stream !== null) return;
  if (network === null) return say("Choose a network: an .onnx file from impasto export.");
  say("Painting.");
  await new Promise((done) => setTimeout(done)); // so that the line is seen
  const seconds = await paintOnce(photograph, photograph.width, photograph.height);
  say(`Painted by ${network.name} in ${seconds.toFixed(2)} s, ${runtime.words}.`);
}

async function startCamera() {
  if (network === null) return say("Choose a network first: an .onnx file from impasto export.");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch (error) {
    throw new Error(`The camera cannot be used (${error.message}). Choose a photograph instead.`);
  }
  video.srcObject = stream;
  await video.play();
  camera.setAttribute("aria-pressed", "true");
  const seconds = []; // of the last frames
  let frames = 0;
  try {
    while (stream !== null) {
      const start = performance.now();
      await paintOnce(video, video.videoWidth, video.videoHeight);
      await new Promise((done) => requestAnimationFrame(done));
      seconds.push((performance.now() - start) / 1000);
      if (seconds.length > 20) seconds.shift();
      const rate = seconds.length / seconds.reduce((sum, each) => sum + each, 0);
      Object.assign(status.dataset, { rate, frames: ++frames });
      if (stream !== null) say(`${rate.toFixed(1)} frames a second, ${runtime.words}.`);
    }
  } finally {
    stopCamera();
  }
}

function stopCamera() {
  if (stream !== null) for (const track of stream.getTracks()) track.stop();
  stream = null;
  camera.setAttribute("aria-pressed", "false");
}

async function useNetwork(bytes, name) {
  network = { session: await loadNetwork(runtime, bytes, name), name };
  say(`${name} is ready, ${runtime.words}. Choose a photograph, or the camera.`);
  await paintPhotograph();
}

find("network").addEventListener("change", ({ target }) => attempt(async () => {
  const [file] = target.files;
  if (file && runtime) await useNetwork(await file.arrayBuffer(), file.name);
}));

find("photograph").addEventListener("change", ({ target }) => attempt(async () => {
  const [file] = target.files;
  if (!file) return;
  stopCamera();
  try {
    photograph = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read. Choose a JPEG, PNG or WebP file.`);
  }
  await paintPhotograph();
}));

edge.addEventListener("change", () => attempt(paintPhotograph));
camera.addEventListener("click", () => attempt(async () => (stream === null ? startCamera() : stopCamera())));
save.addEventListener("click", () => {
  picture.canvas.toBlob((blob) => {
    const link = document.createElement("a");
    [link.href, link.download] = [URL.createObjectURL(blob), "picture.png"];
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  });
});

await attempt(async () => {
  runtime = await loadRuntime();
  const served = await fetch("network.onnx");
  if (served.ok) await useNetwork(await served.arrayBuffer(), served.headers.get("X-Name") ?? "network.onnx");
  else say(`Ready, ${runtime.words}. Choose a network: an .onnx file from impasto export.`);
});
