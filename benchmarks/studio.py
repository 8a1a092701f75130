"""The studio under load: nothing is lost or doubled, and it answers while it paints.

    python benchmarks/studio.py [--seconds 60] [--jobs 500] [--uploads 50] [--requests 200]

Starts `impasto studio` on a free port and a new folder, and asks it as other programs do: many requests at once;
uploads in parallel, some of them slow, broken off or no pictures; then, while the preset `standard` paints at 512 px,
page, job list and thumbnails at 20 requests a second, and instant pictures at 512 px, one a second; last a queue of
many jobs, created in parallel, listed, painted for a while and deleted. Seconds are of the client, on the same cores as
the server and the painter; what else runs on the machine counts in them.
"""

import argparse
import asyncio
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from report import write_report

RATE = 20


def draw_picture(seed: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """A smooth picture as the bytes of a JPEG."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    encoded = io.BytesIO()
    coarse.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


async def timed(request: Awaitable[httpx.Response]) -> tuple[float, httpx.Response]:
    start = time.perf_counter()
    answer = await request
    return time.perf_counter() - start, answer


def describe(taken: Sequence[float]) -> str:
    """Median, 95th percentile and most, in seconds."""
    ordered = sorted(taken)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"median {statistics.median(ordered):.3f}, 95 % {p95:.3f}, most {ordered[-1]:.3f} s"


async def many_requests(client: httpx.AsyncClient, count: int) -> str:
    paths = ("/", "/api/status", "/api/jobs", "/api/recipe", "/static/js/main.js", "/api/samples")
    answers = await asyncio.gather(*(timed(client.get(paths[number % len(paths)])) for number in range(count)))
    wrong = [answer.status_code for _, answer in answers if answer.status_code != 200]
    return f"{count} requests at once: {len(wrong)} wrong {sorted(set(wrong))}; {describe([s for s, _ in answers])}"


async def many_uploads(client: httpx.AsyncClient, address: str, count: int) -> tuple[str, list[str]]:
    """Upload pictures in parallel, and beside them slow, broken and wrong ones; return the ids of the good ones."""

    async def upload(number: int) -> tuple[float, httpx.Response]:
        files = {"file": (f"photo {number}.jpg", draw_picture(number))}
        return await timed(client.post("/api/pictures", files=files))

    async def slowly(broken: bool) -> str:
        """A body that comes in pieces, or ends in its middle."""
        host, port = address.split("//")[1].strip("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        data = draw_picture(9)
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="slow.jpg"\r\n\r\n'
        body = head + data + b"\r\n--edge--\r\n"
        writer.write(
            f"POST /api/pictures HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=edge\r\nConnection: close\r\n\r\n".encode()
        )
        for start in range(0, len(body) // 2 if broken else len(body), 4096):
            writer.write(body[start : start + 4096])
            await writer.drain()
            await asyncio.sleep(0.1)
        if broken:
            writer.close()
            return "broken off"
        status = (await reader.readline()).split()[1].decode()
        writer.close()
        return status

    wrong = [("page.html", b"<script>1</script>"), ("x.svg", b"<svg/>"), ("cut.jpg", draw_picture(3)[:2000])]
    wrongs = [timed(client.post("/api/pictures", files={"file": each})) for each in wrong]
    good, slow, refused = await asyncio.gather(
        asyncio.gather(*map(upload, range(count))),
        asyncio.gather(*(slowly(broken) for broken in (False, True) * 3)),
        asyncio.gather(*wrongs),
    )
    names = [answer.json()["id"] for _, answer in good if answer.status_code == 201]
    text = (
        f"{count} uploads at once: {len(set(names))} stored; {describe([s for s, _ in good])}; slow ones {slow}; "
        f"no pictures: {[answer.status_code for _, answer in refused]}"
    )
    return text, names


async def many_jobs(client: httpx.AsyncClient, names: list[str], count: int) -> str:
    """Create jobs in parallel and list them all; each is there once, in one place of the queue."""

    async def create(number: int) -> tuple[float, httpx.Response]:
        recipe = {"size": 64, "steps": 1, "seed": number, "weights": "tiny", "first_scale": 0}
        body = {"content": names[0], "styles": [names[1]], "recipe": recipe, "name": f"job {number}"}
        return await timed(client.post("/api/jobs", json=body))

    answers = await asyncio.gather(*map(create, range(count)))
    created = [answer.json()["id"] for _, answer in answers if answer.status_code == 201]
    start = time.perf_counter()
    listed = await list_all(client)
    took = time.perf_counter() - start
    missing, doubled = set(created) - {job["id"] for job in listed}, len(listed) - len({job["id"] for job in listed})
    places = [job["position"] for job in listed if job["state"] == "waiting"]
    return (
        f"{count} jobs at once: {len(created)} created, {len(missing)} lost, {doubled} doubled, "
        f"{len(places) - len(set(places))} in one place; {describe([s for s, _ in answers])}; "
        f"all listed in {took:.2f} s"
    )


async def list_all(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    while True:
        before = {"before": listed[-1]["id"]} if listed else {}
        page = (await client.get("/api/jobs", params={"limit": 200, **before})).json()
        listed += page["jobs"]
        if not page["jobs"]:
            return listed


async def paint_some(client: httpx.AsyncClient, count: int, most_s: float) -> str:
    """Let the queue be painted for a while, count all jobs, and delete them."""
    start = time.perf_counter()
    while time.perf_counter() - start < most_s:
        first = (await client.get("/api/jobs", params={"search": "waiting", "limit": 1})).json()
        if first["total"] == 0:
            break
        await asyncio.sleep(1)
    listed = await list_all(client)
    states = {state: sum(job["state"] == state for job in listed) for state in {job["state"] for job in listed}}
    deleted = (await client.request("DELETE", "/api/jobs", json={"all": True})).json()["deleted"]
    return f"after {time.perf_counter() - start:.0f} s the {count} jobs are {states}; {deleted} deleted"


async def while_painting(client: httpx.AsyncClient, pictures: list[str], seconds: float) -> list[str]:
    """Ask 20 times a second, and for instant pictures, while a picture is painted by `standard`."""
    body = {"content": pictures[0], "styles": [pictures[1]], "preset": "standard", "recipe": {"steps": 400}}
    job = (await client.post("/api/jobs", json=body)).json()["id"]
    instant = {"content": pictures[0], "styles": [pictures[1]], "size": 512}
    await client.post("/api/instant", json=instant)  # loads the network
    while not (await client.get(f"/api/jobs/{job}")).json()["step"]:
        await asyncio.sleep(0.5)
    paths = ["/", "/api/jobs", f"/api/pictures/{pictures[0]}/thumbnail", "/static/css/layout.css"]
    end = time.perf_counter() + seconds

    async def ask() -> list[tuple[float, httpx.Response]]:
        asked = []
        for number in range(int(seconds * RATE)):
            asked.append(asyncio.create_task(timed(client.get(paths[number % len(paths)]))))
            await asyncio.sleep(1 / RATE)
        return await asyncio.gather(*asked)

    async def paint() -> list[float]:
        taken = []
        while time.perf_counter() < end:
            took, answer = await timed(client.post("/api/instant", json={**instant, "strength": 0.8}))
            answer.raise_for_status()
            taken.append(took)
            await asyncio.sleep(1)
        return taken

    answers, instants = await asyncio.gather(ask(), paint())
    shown = (await client.get(f"/api/jobs/{job}")).json()
    await client.delete(f"/api/jobs/{job}")
    wrong = sum(answer.status_code != 200 for _, answer in answers)
    return [
        f"{RATE} requests a second for {seconds:.0f} s while standard paints 512 px: {len(answers)} answers, "
        f"{wrong} wrong; {describe([s for s, _ in answers])}; {shown['state']}, step {shown['step']}",
        f"{len(instants)} instant pictures at 512 px meanwhile: {describe(instants)}",
    ]


async def measure(address: str, options: argparse.Namespace) -> list[str]:
    limits = httpx.Limits(max_connections=options.requests)
    async with httpx.AsyncClient(base_url=address, timeout=300, limits=limits) as client:
        while not (await client.get("/api/status")).json()["ready"]:
            await asyncio.sleep(0.5)
        lines = [await many_requests(client, options.requests)]
        print(lines[-1], flush=True)
        text, names = await many_uploads(client, address, options.uploads)
        lines.append(text)
        print(text, flush=True)
        for text in await while_painting(client, names[:2], options.seconds):
            lines.append(text)
            print(text, flush=True)
        lines.append(await many_jobs(client, names[2:], options.jobs))
        print(lines[-1], flush=True)
        lines.append(await paint_some(client, options.jobs, options.seconds))
        print(lines[-1], flush=True)
        return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--uploads", type=int, default=50)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = ["studio", "--port", "0", "--no-open", "--json", "--folder", str(Path(folder, "studio"))]
        server = subprocess.Popen([sys.executable, "-m", "impasto", *words], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            lines = asyncio.run(measure(json.loads(server.stdout.readline())["address"], options))
            lines.append(f"the server runs: {server.poll() is None}; load of the machine {os.getloadavg()[0]:.1f}")
        finally:
            server.terminate()
            server.wait()
    settings = {name: getattr(options, name) for name in ("seconds", "jobs", "uploads", "requests")}
    write_report("studio", {**settings, "lines": lines}, seed=0)


if __name__ == "__main__":
    main()
