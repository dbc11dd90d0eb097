"""An MCP server behind us: its standard input and output pass untouched, and copies of them go to a process that looks at them.

    client ──▶ stdin ──▶ pump ──▶ server      this process: passes bytes on, forwards signals, and nothing else
    client ◀── stdout ◀─ pump ◀── server
                          │ copies, bounded, never waited for
                          ▼
                       listener ──▶ stderr, sinks, audit trail   (`sanitizer.proxy.listener`), a process of its own

So whatever befalls the redaction, the audit or a sink, the server and its client do not notice.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from sanitizer.process.dumps import forbid_core_dumps
from sanitizer.proxy.copies import CLIENT, DONE, SEEN, SERVER, STDERR, Copies, Ends
from sanitizer.proxy.pump import Pump

_FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM)
_ENDING = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
_FROM_KERNEL = 0x80  # si_code SI_KERNEL: not sent by a process
_LISTENER_SECS = 15.0
_LOOK_SECS = 0.005
_GROUP_SECS = 0.001
"""How long the kernel may take to get from one process of a group to the next."""
_PIPE_BYTES = 1 << 20
_OURS = frozenset(("SANITIZER_HASH_KEY", "SANITIZER_AUDIT_KEY"))
"""Keys that are none of the server's business: with them it could write its own trail."""
_NICER = 5

Listen = Callable[[Ends], None]
"""Runs the listener, in its own process."""


def run(command: Sequence[str], listen: Listen) -> NoReturn:
    """Run *command* and end as it ends: with its exit code, or killed by the same signal. 127: not found; 126: not runnable."""
    _open_missing()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*_FORWARDED, signal.SIGCHLD])
    listener, channel, life, taps = _start_listener(listen)
    for number in _ENDING & signal.sigpending():
        _end_as(number)  # before there was a server
    try:
        server, pipes = _spawn(command, before)
    except OSError as trouble:
        os.close(channel)
        _tell(life, DONE)
        reason = "command not found" if trouble.errno == errno.ENOENT else f"cannot be run: {trouble.strerror}"
        _say(f"{command[0]}: {reason}")
        os._exit(127 if trouble.errno == errno.ENOENT else 126)
    _tell(life, b"%d\n" % server)
    copies = Copies(channel)
    wake_reader, wake = os.pipe()
    calls = (lambda data: copies.put(CLIENT, data), lambda data: copies.put(SERVER, data)) if taps else (None, None)
    pumps = [
        Pump(0, pipes[0], wake_reader, calls[0]),
        Pump(pipes[1], 1, wake_reader, calls[1]),
        Pump(pipes[2], None, wake_reader, lambda data: copies.put(STDERR, data)),
    ]
    for pump in pumps:
        pump.start()
    status = _wait(server, listener, life)
    os.close(wake)
    _finish(lambda: any(pump.is_alive() for pump in pumps[1:]), None)
    copies.close()
    _tell(life, DONE)
    _finish(lambda: not _ended(listener), _LISTENER_SECS)
    _end_as(status)


def _start_listener(listen: Listen) -> tuple[int, int, int, bool]:
    """Fork the listener, and wait until it is ready: its pid, the two descriptors to write to, and whether it wants calls.

    Ends the program with the listener's exit code where that could not begin.
    """
    channel, life, ready = os.pipe(), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            kept = {channel[0], life[0], ready[1]}
            for fd in range(3, 256):
                if fd not in kept:
                    with suppress(OSError):
                        os.close(fd)
            _step_back()
            forbid_core_dumps()
            listen(Ends(channel[0], ready[1], life[0]))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except Exception as failure:
            _say(f"stopped by {type(failure).__name__}")  # its text may hold what was read
        finally:
            os._exit(code)
    for fd in (channel[0], life[0], ready[1]):
        os.close(fd)
    word = os.read(ready[0], 1)
    os.close(ready[0])
    if not word:
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
    _widen(channel[1])
    return pid, channel[1], life[1], word == b"+"


def _tell(life: int, word: bytes) -> None:
    """Tell the listener, if it still lives."""
    with suppress(OSError):
        os.write(life, word)


def _step_back() -> None:
    """Let whoever passes bytes on have the processor first."""
    with suppress(OSError, AttributeError):
        os.nice(_NICER)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _spawn(command: Sequence[str], mask: set[int | signal.Signals]) -> tuple[int, tuple[int, int, int]]:
    """Start *command* with the signal mask that we were given; its pid and our ends of its three streams. Raises `OSError`."""
    into, out, err = os.pipe(), os.pipe(), os.pipe()
    for reader in (into[0], out[0], err[0]):
        _widen(reader)
    moves = [(os.POSIX_SPAWN_DUP2, theirs, n) for n, theirs in enumerate((into[0], out[1], err[1]))]
    argv = list(command)
    try:
        for attempt in (argv, ["/bin/sh", *argv]):  # a script without `#!` is the shell's, as for execvp
            try:
                pid = os.posix_spawnp(
                    attempt[0],
                    attempt,
                    {name: text for name, text in os.environ.items() if name not in _OURS},
                    file_actions=moves,
                    setsigmask=mask,
                    setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them
                )
            except OSError as trouble:
                if trouble.errno != errno.ENOEXEC or attempt is not argv:
                    raise
            else:
                return pid, (into[1], out[0], err[0])
    finally:
        for theirs in (into[0], out[1], err[1]):
            os.close(theirs)
    raise AssertionError


def _wait(server: int, listener: int, life: int) -> int:
    """Forward signals until the server has ended; its wait status."""
    watched = [*_FORWARDED, signal.SIGCHLD]
    listening = True
    while True:
        number, from_terminal = _next_signal(watched)
        if number != signal.SIGCHLD:
            if from_terminal or _is_pending(listener, number):  # then it was for the group, and the server has it too
                _tell(life, SEEN)
            else:
                with suppress(ProcessLookupError):
                    os.kill(server, number)
            continue
        pid, status = os.waitpid(server, os.WNOHANG)
        if pid:
            return status
        if listening and _ended(listener):
            listening = False
            _say("the process that redacts has ended: the server goes on, its log and its audit trail are withheld from here on")


def _is_pending(listener: int, number: int) -> bool:
    """Whether the listener, which lets signals wait, was sent signal *number* too."""
    time.sleep(_GROUP_SECS)
    try:
        with open(f"/proc/{listener}/status", "rb") as file:
            pending = next(line for line in file if line.startswith(b"ShdPnd:"))
    except (OSError, StopIteration):
        return False
    return bool(int(pending.split()[1], 16) >> (number - 1) & 1)


def _next_signal(watched: Sequence[int]) -> tuple[int, bool]:
    if sys.platform == "linux":
        told = signal.sigwaitinfo(watched)
        return told.si_signo, told.si_code == _FROM_KERNEL
    number = signal.sigwait(watched)
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return number, False
    try:
        return number, number in (signal.SIGINT, signal.SIGQUIT) and os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _finish(goes_on: Callable[[], bool], secs: float | None) -> None:
    """Wait while *goes_on*, at most *secs*, and no longer once somebody is impatient: the server has ended already."""
    deadline = None if secs is None else time.monotonic() + secs
    while goes_on() and not _ENDING & signal.sigpending():
        if deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(_LOOK_SECS)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _end_as(status: int) -> NoReturn:
    """End the way the server did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        forbid_core_dumps()  # the dump is the server's
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def _open_missing() -> None:
    """Open what we were started without, or the next pipe would be taken for it."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _widen(fd: int) -> None:
    """A larger pipe saves wake-ups; not every system has it."""
    import fcntl  # noqa: PLC0415

    with suppress(OSError, AttributeError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _say(text: str) -> None:
    """Say it on standard error, unless that would block."""
    import select  # noqa: PLC0415

    with suppress(OSError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, f"sanitizer: {text}\n".encode())
