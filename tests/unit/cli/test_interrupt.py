"""What a signal does before the first step, while painting, and while saving."""

import os
import signal
from typing import Any

import pytest

from impasto.cli.interrupt import STOPPING, Interrupt, _leave_terminal

EVENT: Any = object()


def send(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_the_first_step_it_raises(number: int) -> None:
    with Interrupt() as interrupt:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert interrupt.stop_requested
        assert interrupt.is_before_first_step()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_the_first_step_the_next_one_is_the_last(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupt() as interrupt:
        received: list[object] = []
        on_step = interrupt.on_step(received.append)
        assert on_step(EVENT) is None
        send(number)
        assert capfd.readouterr().err == f"{STOPPING}\n"
        assert on_step(EVENT) == "stop"
        assert len(received) == 2
        send(number)  # on the way to the disk: only recorded
    assert interrupt.stop_requested
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no hangup")
@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_closed_terminal_stops_the_run_unless_nohup_ignores_it(is_ignored: bool) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if is_ignored else signal.SIG_DFL)
    try:
        with Interrupt() as interrupt:
            on_step = interrupt.on_step()
            on_step(EVENT)
            assert (signal.getsignal(signal.SIGHUP) == signal.SIG_IGN) == is_ignored
            if not is_ignored:
                send(signal.SIGHUP)
            assert on_step(EVENT) == (None if is_ignored else "stop")
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals")
def test_after_a_hangup_output_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, terminal = os.openpty()
    with open(terminal, "w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        os.close(leader)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(terminal, b"x")
        _leave_terminal()
        print("x", file=stream, flush=True)


def test_a_second_signal_within_a_step_raises_and_a_third_does_not() -> None:
    with Interrupt() as interrupt:
        interrupt.on_step()(EVENT)
        send()
        with pytest.raises(KeyboardInterrupt):
            send()
        send()
    assert not interrupt.is_before_first_step()


def test_while_saving_signals_are_recorded() -> None:
    with Interrupt() as interrupt:
        interrupt.start_saving()
        send()
        send()
    assert interrupt.stop_requested


def test_the_old_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
