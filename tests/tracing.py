"""Stands at every system call of a forked process that changes something, and kills it there or lets the call fail.

The kernel stops a traced child on its way into each system call and out of it (``ptrace``), whoever makes the call:
Python, SQLite, libpq. Linux on x86-64 or ARM64.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import platform
import signal
import struct
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TRACE_ME, _POKE_USER, _SYSCALL, _SET_OPTIONS, _GET_SYSCALL_INFO = 0, 6, 24, 0x4200, 0x420E
_GET_REGISTERS, _SET_REGISTERS = 0x4204, 0x4205
_SYSGOOD, _EXIT_KILL = 1, 1 << 20
_ENTRY = 1
_INFO = struct.Struct("=BxxxIQQQ6Q")  # what, architecture, instruction, stack, number, arguments
_X86_64 = {
    "write": 1, "pwrite64": 18, "writev": 20, "sendto": 44, "sendmsg": 46, "fsync": 74, "fdatasync": 75, "truncate": 76,
    "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90,
    "fchmod": 91, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
    "fchmodat": 268, "fallocate": 285, "pwritev": 296, "renameat2": 316, "copy_file_range": 326, "pwritev2": 328,
}  # fmt: skip
_ARM64 = {
    "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "truncate": 45, "ftruncate": 46,
    "fallocate": 47, "fchmod": 52, "fchmodat": 53, "openat": 56, "write": 64, "writev": 66, "pwrite64": 68,
    "pwritev": 70, "fsync": 82, "fdatasync": 83, "sendto": 206, "sendmsg": 211, "renameat2": 276,
    "copy_file_range": 285, "pwritev2": 287,
}  # fmt: skip
CALLS = {number: name for name, number in {"x86_64": _X86_64, "aarch64": _ARM64}[platform.machine()].items()}
SENDS = frozenset({"sendto", "sendmsg"})
_OPENS_TO_CHANGE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ROOM = 1 << 20
_PATIENCE_S = 120
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass(frozen=True)
class Fault:
    """What happens at a system call.

    Attributes:
        errno: the error that the call fails with, without having done anything; 0 kills the process before the call.
        calls: names of the calls that it happens at; empty: all.
        lasting: it happens at every later call, too.
    """

    errno: int = 0
    calls: frozenset[str] = frozenset()
    lasting: bool = False

    def meets(self, call: str) -> bool:
        return bool(call) and (not self.calls or call in self.calls)


@dataclass(frozen=True)
class Traced:
    """What became of a process.

    Attributes:
        calls: the names of the calls that the fault could meet, in their order, until the end.
        met: whether the fault happened.
        killed: the signal that ended it; 0 if it came to its end.
        said: what the action returned; empty if it was killed or failed.
    """

    calls: tuple[str, ...]
    met: bool
    killed: int
    said: bytes


class _Registers(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _ptrace(request: int, pid: int, address: int = 0, data: object = None) -> int:
    result = int(_libc.ptrace(request, pid, address, data))
    if result < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def killed_before(step: int, action: Callable[[], object]) -> str:
    """Run something in a forked child and kill it on its way into the ``step``-th call, counted from 1.

    Returns:
        The call's name; empty if the child came to its end before.

    Raises:
        RuntimeError: the child failed by itself.
    """
    found = traced(lambda: action() and b"", Fault(), step)
    return found.calls[-1] if found.met else ""


def traced(action: Callable[[], object], fault: Fault, step: int = 0) -> Traced:
    """Run something in a forked child, with a fault at the ``step``-th call that it can meet, counted from 1.

    Args:
        action: what it says, if it is bytes, comes back through memory that both share: saying it takes no system call.
        fault: what happens.
        step: where; 0 counts only.

    Raises:
        RuntimeError: the child raised, or ended by a signal of its own.
    """
    with mmap.mmap(-1, _ROOM) as heard:
        pid = os.fork()
        if pid == 0:
            _be_traced(action, heard)
        os.waitpid(pid, 0)
        _ptrace(_SET_OPTIONS, pid, 0, _SYSGOOD | _EXIT_KILL)
        calls, met, status = _follow(pid, fault, step)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if (killed and not (met and not fault.errno)) or (not killed and os.WEXITSTATUS(status)):
            raise RuntimeError(
                f"the traced process failed by itself: {signal.strsignal(killed) if killed else 'raised'}"
            )
        length = int.from_bytes(heard[:4], "big")
        return Traced(tuple(calls), met, killed, heard[4 : 4 + length])


def forked(action: Callable[[], object]) -> Any:
    """What something returns in a forked child, through JSON; whatever libraries start there ends with it.

    Raises:
        RuntimeError: the child raised, or ended by a signal.
    """
    with mmap.mmap(-1, _ROOM) as heard:
        pid = os.fork()
        if pid == 0:
            _be_child(lambda: json.dumps(action()).encode(), heard)
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError("the forked process failed by itself")
        return json.loads(heard[4 : 4 + int.from_bytes(heard[:4], "big")])


def beside(
    action: Callable[[], bytes], meanwhile: Callable[[Callable[[], object], Callable[[], bool]], object]
) -> bytes:
    """What something says in a forked child, which begins when this process has made ready for it.

    Args:
        action: what the child does.
        meanwhile: is given what lets the child begin, and what tells whether it has ended.

    Raises:
        RuntimeError: the child raised, or ended by a signal.
    """
    read, write = os.pipe()
    with mmap.mmap(-1, _ROOM) as heard:
        pid = os.fork()
        if pid == 0:
            _be_child(lambda: os.read(read, 1) and action(), heard)
        child = _Child(pid)
        try:
            meanwhile(lambda: os.write(write, b"!"), child.ended)
        finally:
            os.close(write)
            os.close(read)
            status = child.wait()
        if status:
            raise RuntimeError("the forked process failed by itself")
        return heard[4 : 4 + int.from_bytes(heard[:4], "big")]


class _Child:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._status: int | None = None

    def ended(self) -> bool:
        if self._status is None:
            found, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = status if found else None
        return self._status is not None

    def wait(self) -> int:
        if self._status is None:
            self._status = os.waitpid(self._pid, 0)[1]
        return self._status


def _follow(pid: int, fault: Fault, step: int) -> tuple[list[str], bool, int]:
    """From call to call until the child has ended; the calls, whether the fault happened, and the status."""
    calls: list[str] = []
    met, signalled = False, 0
    while True:
        _ptrace(_SYSCALL, pid, 0, signalled)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return calls, met, status
        stopped = os.WSTOPSIG(status)
        signalled = 0 if stopped == signal.SIGTRAP | 0x80 else stopped
        name = "" if signalled else _entered(pid)
        if not fault.meets(name):
            continue
        calls.append(name)
        if step and (len(calls) == step or (fault.lasting and len(calls) > step)):
            met = True
            if not fault.errno:
                os.kill(pid, signal.SIGKILL)
                return calls, met, os.waitpid(pid, 0)[1]
            _fail(pid, fault.errno)


def _fail(pid: int, errno: int) -> None:
    """The call that the child is entering becomes none, and returns an error."""
    _set_call(pid, -1)
    _ptrace(_SYSCALL, pid)
    os.waitpid(pid, 0)
    _set_result(pid, -errno)


if platform.machine() == "x86_64":

    def _set_call(pid: int, number: int) -> None:
        _ptrace(_POKE_USER, pid, 15 * 8, ctypes.c_void_p(number))

    def _set_result(pid: int, value: int) -> None:
        _ptrace(_POKE_USER, pid, 10 * 8, ctypes.c_void_p(value))

else:

    def _set_call(pid: int, number: int) -> None:
        value = ctypes.c_int(number)
        vector = _Registers(ctypes.cast(ctypes.byref(value), ctypes.c_void_p).value, ctypes.sizeof(value))
        _ptrace(_SET_REGISTERS, pid, 0x404, ctypes.byref(vector))

    def _set_result(pid: int, value: int) -> None:
        registers = (ctypes.c_int64 * 34)()
        vector = _Registers(ctypes.cast(registers, ctypes.c_void_p).value, ctypes.sizeof(registers))
        _ptrace(_GET_REGISTERS, pid, 1, ctypes.byref(vector))
        registers[0] = value
        _ptrace(_SET_REGISTERS, pid, 1, ctypes.byref(vector))


def _be_traced(action: Callable[[], object], heard: mmap.mmap) -> None:
    def stopped() -> object:
        _ptrace(_TRACE_ME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        return action()

    _be_child(stopped, heard)


def _be_child(action: Callable[[], object], heard: mmap.mmap) -> None:
    code = 1
    try:
        signal.alarm(_PATIENCE_S)  # nobody waits for a child that hangs
        said = action()
        if isinstance(said, bytes):
            heard[: 4 + len(said)] = len(said).to_bytes(4, "big") + said
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _entered(pid: int) -> str:
    """The name of the call that the child is entering, if it may change something; empty on the way out of one."""
    room = ctypes.create_string_buffer(128)
    _ptrace(_GET_SYSCALL_INFO, pid, len(room), ctypes.cast(room, ctypes.c_void_p))
    what, _, _, _, number, *arguments = _INFO.unpack_from(room.raw)
    name = CALLS.get(number, "") if what == _ENTRY else ""
    return "" if name == "openat" and not arguments[2] & _OPENS_TO_CHANGE else name
