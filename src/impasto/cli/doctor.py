"""`impasto doctor`: a report on this machine and the installation."""

import importlib.metadata
import platform
import re
from typing import Any

from impasto.cli.installer import name_installer
from impasto.cli.options import Debug, Json
from impasto.cli.report import print_json, print_line
from impasto.cli.weights import describe_presence, describe_record

PACKAGES = ("impasto", "torch", "numpy", "pillow")


def doctor(json: Json = False, debug: Debug = False) -> None:
    """Check this machine and installation: devices, speed, memory, extras."""
    facts = {
        "versions": {"python": platform.python_version(), **{name: find_version(name) for name in PACKAGES}},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        **find_devices(),
        "evaluation": find_evaluation(),
        "memory": find_memory(),
        "weights": [describe_record(name) for name in ("oxford", "torchvision")],
        "extras": find_extras(),
    }
    if json:
        print_json(facts)
        return
    for label, text in _to_rows(facts):
        print_line(f"{label:<20}{text}")


def find_version(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def find_devices() -> dict[str, Any]:
    """Return the devices torch can use, CPU threads, vector instructions, and the devices with fast bfloat16."""
    import torch

    from impasto.optimize.precision import has_fast_bfloat16
    from impasto.system.device import available_devices

    names = {name: torch.cuda.get_device_name(name) for name in available_devices() if name.startswith("cuda")}
    return {
        "devices": list(available_devices()),
        "device_names": names,
        "cpu_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": {name: has_fast_bfloat16(torch.device(name)) for name in available_devices()},
    }


def find_evaluation() -> dict[str, Any]:
    """Return the seconds of one evaluation of the preset `standard` at 512 x 384 on the fastest device, by precision.

    Measured now, unless the cache folder has a measurement. auto: the precision that --precision auto chooses.
    error: why nothing can be measured, such as missing weights; None else.
    """
    import torch

    from impasto.cost.calibration import find_speed
    from impasto.cost.workload import Workload
    from impasto.errors import DeviceError, ImpastoError
    from impasto.features.encoder import build_encoder
    from impasto.optimize.precision import check_precision, resolve_precision
    from impasto.recipe.recipe import Recipe
    from impasto.system.device import resolve_device
    from impasto.system.torch_settings import running

    device, threads, recipe = resolve_device("auto"), torch.get_num_threads(), Recipe()
    found = {"device": str(device), "auto": resolve_precision("auto", device), "error": None}
    seconds: dict[str, float | None] = {}
    try:
        encoder = build_encoder(recipe)[0]
    except ImpastoError as error:
        return {**found, "seconds": seconds, "error": str(error)}
    with running(device, None, "Close other programs."):
        for precision, chosen in (("float32", encoder), ("bfloat16", encoder.to_bfloat16())):
            try:
                check_precision(precision, device)
            except DeviceError:
                seconds[precision] = None
                continue
            workload = Workload(chosen, recipe, (384, 512), ((384, 512),))
            speed = find_speed(workload, device, threads)
            seconds[precision] = float(f"{speed.seconds(512 * 384):.3g}")
    return {**found, "seconds": seconds}


def find_memory() -> dict[str, int | None]:
    """Return the bytes of memory in total and free for programs, each None where the system does not report it."""
    import torch

    from impasto.system.memory import free_bytes, total_bytes

    return {"total": total_bytes(), "free": free_bytes(torch.device("cpu"))}


def find_extras() -> list[dict[str, Any]]:
    """Return the extras of the package: name, missing packages, and the install command."""
    needed: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("impasto") or []:
        package, _, condition = requirement.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", condition)
        name = re.match(r"[A-Za-z0-9._-]+", package.strip())
        if extra is not None and name is not None:
            needed.setdefault(extra[1], []).append(name[0])
    return [
        {
            "name": extra,
            "missing": [package for package in packages if find_version(package) is None],
            "install": name_installer(f'pip install "impasto[{extra}]"'),
        }
        for extra, packages in needed.items()
    ]


def _to_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(name, version or "not installed") for name, version in facts["versions"].items()]
    rows.append(("system", facts["system"]))
    rows += [("device", " ".join([name, facts["device_names"].get(name, "")]).strip()) for name in facts["devices"]]
    rows.append(("CPU", f"{facts['cpu_threads']} threads, {facts['cpu_capability']}"))
    words = {True: "yes", False: "no", None: "unknown"}
    rows.append(("fast bfloat16", ", ".join(f"{name} {words[fast]}" for name, fast in facts["bfloat16"].items())))
    evaluation = facts["evaluation"]
    speeds = ", ".join(f"{name} {f'{s:g} s' if s else 'not available'}" for name, s in evaluation["seconds"].items())
    measured = f"512x384 on {evaluation['device']}: {speeds}; auto is {evaluation['auto']}"
    rows.append(("one evaluation", evaluation["error"] or measured))
    rows.append(("memory", ", ".join(f"{_gib(size)} {kind}" for kind, size in facts["memory"].items())))
    rows += [(f"weights {row['name']}", describe_presence(row)) for row in facts["weights"]]
    for extra in facts["extras"]:
        missing = f"missing {', '.join(extra['missing'])}: {extra['install']}"
        rows.append((f"extra {extra['name']}", missing if extra["missing"] else "installed"))
    return rows


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"
