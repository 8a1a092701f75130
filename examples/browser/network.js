// A network in onnxruntime-web: pixels in, pixels out.

const FOLDER = "./onnxruntime/";

/** Load onnxruntime-web, with WebGPU where there is one. Returns {ort, provider, words}. */
export async function loadRuntime() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const provider = adapter ? "webgpu" : "wasm";
  let ort;
  try {
    ort = await import(`${FOLDER}ort.${provider}.min.mjs`);
  } catch {
    throw new Error("onnxruntime-web is missing. Run make web in impasto's folder, and load this page again.");
  }
  const threads = globalThis.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = threads;
  return { ort, provider, words: adapter ? "WebGPU" : `WebAssembly, ${threads} thread${threads === 1 ? "" : "s"}` };
}

/** Load a network from the bytes of an .onnx file. */
export async function loadNetwork({ ort, provider }, bytes, name) {
  let session;
  try {
    // Severity 3: errors alone. That shapes are computed beside the graphics card is no news to anybody.
    session = await ort.InferenceSession.create(bytes, { executionProviders: [provider, "wasm"], logSeverityLevel: 3 });
  } catch (error) {
    throw new Error(`${name} cannot be read as a network (${String(error.message ?? error).slice(0, 100)}). `
      + "Choose an .onnx file from impasto export.");
  }
  if (!session.inputNames.includes("photograph") || !session.outputNames.includes("picture")) {
    throw new Error(`${name} is another kind of network. Choose an .onnx file from impasto export.`);
  }
  return session;
}

/** Paint an ImageData; return another of the same size. */
export async function paint({ ort }, session, { data, width, height }) {
  if (Math.min(width, height) < 5) throw new Error(`${width}x${height} pixels are too few; at least 5 a side are needed.`);
  const area = width * height;
  const values = new Float32Array(3 * area); // channels first, 0 to 1
  for (let place = 0; place < area; place++) {
    for (let channel = 0; channel < 3; channel++) values[channel * area + place] = data[4 * place + channel] / 255;
  }
  const photograph = new ort.Tensor("float32", values, [1, 3, height, width]);
  const { picture } = await session.run({ photograph });
  const painted = await picture.getData();
  const pixels = new Uint8ClampedArray(4 * area); // assignment rounds and limits
  for (let place = 0; place < area; place++) {
    for (let channel = 0; channel < 3; channel++) pixels[4 * place + channel] = 255 * painted[channel * area + place];
    pixels[4 * place + 3] = 255;
  }
  return new ImageData(pixels, width, height);
}
