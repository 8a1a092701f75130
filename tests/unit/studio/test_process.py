"""A child process: messages both ways, its end, and the end of its parent."""

import os
import signal
import sys
import time

import pytest
from echo_process import echo

from impasto.studio.process import Child, Lost


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_child_answers_outlives_signals_and_is_lost_with_a_reason() -> None:
    child = Child(echo, "hello")
    child.send(1)
    word, number, process = child.receive()
    assert (word, number) == ("hello", 1) and child.has_answered
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process, each)
    time.sleep(0.05)
    child.send(2)
    assert child.receive()[1] == 2
    with pytest.raises(TimeoutError):
        child.receive(0.01)
    child.send("end")
    with pytest.raises(Lost, match="ended with exit code 3"):
        child.receive()
    child.send("nothing")
    child.kill()
