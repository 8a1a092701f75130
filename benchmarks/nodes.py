"""Does a batch on Ray finish when the cluster loses a machine? A cluster of two nodes on this one, of one core each.

    python benchmarks/nodes.py [--photos 4] [--steps 40]

When the first picture is done, the second node is taken away without a word. Every picture must be there in the end,
none painted twice in the manifest, and a local batch must go on with a new photograph. Exits with 1 where not.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import torch
from report import write_report

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Newer versions of Ray expect a token where there is one, and send it to an address only with this variable.
os.environ.setdefault("RAY_AUTH_MODE", "token")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    from ray.cluster_utils import Cluster

    from impasto.cli.app import main as impasto

    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for number in range(arguments.photos):
            write_noise(Path("photos", f"{number}.png"), number)
        write_noise(Path("paintings", "painting.png"), -1)
        words = ["batch", "photos", "paintings", "-o", "out", "--size", "64", "--steps", str(arguments.steps)]
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        node = cluster.add_node(num_cpus=1)

        def lose() -> None:
            while not done():
                time.sleep(0.1)
            cluster.remove_node(node, allow_graceful=False)

        threading.Thread(target=lose, daemon=True).start()
        code = impasto([*words, "--quiet", "--ray", str(cluster.address), "--cores-per-worker", "1"])
        painted = done()
        cluster.shutdown()
        write_noise(Path("photos", "new.png"), arguments.photos)
        again = impasto([*words, "--quiet"])
        summary = {
            "exit_codes": [code, again],
            "painted": len(painted),
            "most_often": max(painted.values()),
            "then_by_a_local_batch": len(done()) - len(painted),
        }
        write_report("nodes", summary, seed=0)
        good = (code, again, len(painted), len(done())) == (0, 0, arguments.photos, arguments.photos + 1)
        sys.exit(0 if good and set(done().values()) == {1} else 1)


def done() -> Counter[str]:
    """Return how often each picture is finished, by the manifest."""
    try:
        lines = Path("out", "manifest.jsonl").read_text("utf-8").splitlines()
    except OSError:
        return Counter()
    return Counter(event["output"] for event in map(json.loads, lines) if event.get("event") == "done")


def write_noise(path: Path, seed: int) -> None:
    from impasto.images.io import write_image

    path.parent.mkdir(exist_ok=True)
    noise = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed + 1))
    write_image(torch.nn.functional.interpolate(noise, size=(96, 128), mode="bicubic").clamp(0, 1), path)


if __name__ == "__main__":
    main()
