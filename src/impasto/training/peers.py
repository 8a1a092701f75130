"""Several processes that train one network together, as `torchrun` starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from impasto.errors import DeviceError, RecipeError


@dataclass(frozen=True, slots=True)
class Peers:
    """This process among all: its rank, how many there are, and its device. Rank 0 writes the files."""

    rank: int
    ranks: int
    device: torch.device

    def share(self, network: nn.Module) -> nn.Module:
        """Return the network with its gradients averaged over all processes."""
        if self.ranks == 1:
            return network
        places = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=places)

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of the values over all processes, on the CPU."""
        if self.ranks > 1:
            values = values.to(self.device)
            distributed.all_reduce(values)
        return values.cpu()

    def check_batch(self, batch_size: int) -> None:
        """Accept the number of items a step if the processes can share them equally. Raises RecipeError."""
        if batch_size % self.ranks:
            raise RecipeError(
                f"batch_size is {batch_size} for {self.ranks} processes; expected a multiple of their number.",
                f"Give --batch-size {-(-batch_size // self.ranks) * self.ranks}.",
            )

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.ranks > 1:
            distributed.barrier()


def is_first_process() -> bool:
    """Return whether this process, of those that `torchrun` started, writes the files; true without it."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def join_peers(device: torch.device) -> Iterator[Peers]:
    """Yield the peers of this process, by the environment that `torchrun` sets; alone without. Raises DeviceError."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks == 1:
        yield Peers(0, 1, device)
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise DeviceError(
                f"process {local} of this machine has no GPU; it has {torch.cuda.device_count()}.",
                "Start as many processes a machine as it has GPUs: torchrun --nproc-per-node.",
            )
        device = torch.device(f"cuda:{local}")
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Peers(rank, ranks, device)
    finally:
        distributed.destroy_process_group()
