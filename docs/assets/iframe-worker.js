// Search without a server: a browser starts no worker from file://, so a script in a hidden frame stands in for it.
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      document.documentElement.appendChild(frame);
      const inner = frame.contentWindow;
      inner.document.open();
      inner.document.write("<html><body></body></html>");
      inner.document.close();
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data })); // from the script to the page
      const load = (source) => new Promise((done, failed) => {
        const script = inner.document.createElement("script");
        Object.assign(script, { src: source, async: false, onload: done, onerror: failed });
        inner.document.body.appendChild(script);
      });
      inner.importScripts = (...sources) => Promise.all(sources.map(load));
      load(new URL(address, document.baseURI).href).then(() => {
        this.frame = inner;
        this.waiting.forEach((data) => this.postMessage(data));
      });
    }
    postMessage(data) { // from the page to the script
      if (this.frame) this.frame.dispatchEvent(new this.frame.MessageEvent("message", { data }));
      else this.waiting.push(data);
    }
  };
}
