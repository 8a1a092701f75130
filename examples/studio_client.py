"""Paint by a running studio: python examples/studio_client.py photo.jpg painting.jpg -o picture.png --size 512

A client of its HTTP API in the standard library alone. `impasto studio` prints the address; see docs/studio.md.
"""

import argparse
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


class Studio:
    """A studio at an address. token: for one that is not on this machine."""

    def __init__(self, address: str, token: str = "") -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def upload(self, path: Path) -> str:
        """Send a picture and return its id."""
        edge = secrets.token_hex(16)
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        body = head.encode() + path.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        answer = self.ask("POST", "/api/pictures", body, f"multipart/form-data; boundary={edge}")
        return str(json.loads(answer)["id"])

    def paint(self, content: str, styles: list[str], **recipe: Any) -> dict[str, Any]:
        """Put a job into the queue and return it. content, styles: ids of pictures."""
        job = {"content": content, "styles": styles, "recipe": recipe}
        return dict(json.loads(self.ask("POST", "/api/jobs", json.dumps(job).encode())))

    def wait(self, job: str) -> dict[str, Any]:
        """Print the steps of a job until it ends; return it."""
        while True:
            shown: dict[str, Any] = json.loads(self.ask("GET", f"/api/jobs/{job}"))
            print(f"\r{shown['state']}: step {shown['step'] or 0} of {shown['steps']} ", end="", file=sys.stderr)
            if shown["state"] not in ("waiting", "painting"):
                print(file=sys.stderr)
                return shown
            time.sleep(0.5)

    def fetch(self, job: str) -> bytes:
        """Return the finished picture, a PNG."""
        return self.ask("GET", f"/api/jobs/{job}/result")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """Return the answer of a request. Raises RuntimeError with the studio's own message."""
        headers = {**self._headers, **({"Content-Type": kind} if body is not None else {})}
        request = urllib.request.Request(self._address + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            message = json.loads(error.read())
            raise RuntimeError(f"{message['error']} {message['hint']}") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("paintings", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--strength", type=float, default=0.5)
    parser.add_argument("--studio", default="http://127.0.0.1:8421", help="address of the studio")
    parser.add_argument("--token", default="")
    options = parser.parse_args()
    studio = Studio(options.studio, options.token)
    content, *styles = map(studio.upload, [options.photo, *options.paintings])
    job = studio.paint(content, styles, size=options.size, strength=options.strength)
    if (ended := studio.wait(job["id"]))["state"] != "done":
        sys.exit(f"{ended['state']}: {(ended['message'] or {}).get('text', '')}")
    options.output.write_bytes(studio.fetch(job["id"]))
    print(f"{options.output}: {ended['width']}x{ended['height']} in {ended['seconds']:.0f} s")


if __name__ == "__main__":
    main()
