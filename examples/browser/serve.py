"""Serve this folder to a browser on this computer, with the headers that WebAssembly needs for threads.

    python examples/browser/serve.py [NETWORK.onnx] [--port 8000]
"""

import argparse
import contextlib
import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
}


TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
"""Python does not know all of them on every system."""


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, network: Path | None, **options: object) -> None:
        self.network = network
        super().__init__(*arguments, directory=str(FOLDER), **options)  # type: ignore[arg-type]

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return TYPES.get(Path(path).suffix) or super().guess_type(path)

    def translate_path(self, path: str) -> str:
        is_network = path.split("?")[0] == "/network.onnx"
        return str(self.network or FOLDER / "network.onnx") if is_network else super().translate_path(path)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.network is not None and self.path == "/network.onnx":
            self.send_header("X-Name", self.network.name.encode("ascii", "replace").decode())
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Paint in a browser.")
    parser.add_argument("network", type=Path, nargs="?", help="an .onnx file from `impasto export`")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    if options.network is not None and not options.network.is_file():
        sys.exit(f"{options.network} does not exist; expected an .onnx file from `impasto export`.")
    if not (FOLDER / "onnxruntime").is_dir():
        sys.exit("onnxruntime-web is missing. Run: make web")
    handler = partial(Handler, network=options.network)
    with ThreadingHTTPServer(("127.0.0.1", options.port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
