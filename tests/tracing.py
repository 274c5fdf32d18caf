"""Kills a forked process on its way into the n-th system call that changes files, whoever makes it: Python or a library.

The kernel stops a traced child at each system call (``ptrace``); Linux on x86-64 or ARM64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TRACE_ME, _SYSCALL, _SET_OPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _EXIT_KILL = 1, 1 << 20
_ENTRY = 1
_INFO = struct.Struct("=BxxxIQQQ")  # what, architecture, instruction, stack, number
_X86_64 = {
    "write": 1, "pwrite64": 18, "writev": 20, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "rename": 82, "mkdir": 83,
    "link": 86, "unlink": 87, "openat": 257, "unlinkat": 263, "renameat": 264, "linkat": 265, "renameat2": 316,
}  # fmt: skip
_ARM64 = {
    "mkdirat": 34, "unlinkat": 35, "linkat": 37, "renameat": 38, "ftruncate": 46, "openat": 56, "write": 64, "writev": 66,
    "pwrite64": 68, "fsync": 82, "fdatasync": 83, "renameat2": 276,
}  # fmt: skip
CALLS = {number: name for name, number in {"x86_64": _X86_64, "aarch64": _ARM64}[platform.machine()].items()}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


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
    pid = os.fork()
    if pid == 0:
        _be_traced(action)
    os.waitpid(pid, 0)
    _ptrace(_SET_OPTIONS, pid, 0, _SYSGOOD | _EXIT_KILL)
    signalled = 0
    while True:
        _ptrace(_SYSCALL, pid, 0, signalled)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise RuntimeError("the traced process failed by itself")
            return ""
        stopped = os.WSTOPSIG(status)
        signalled = 0 if stopped == signal.SIGTRAP | 0x80 else stopped
        name = "" if signalled else _entered(pid)
        step -= bool(name)
        if name and step == 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return name


def _be_traced(action: Callable[[], object]) -> None:
    code = 1
    try:
        _ptrace(_TRACE_ME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        action()
        code = 0
    finally:
        os._exit(code)


def _entered(pid: int) -> str:
    """The name of the call that the child is entering; empty for others, and on the way out of one."""
    room = ctypes.create_string_buffer(128)
    _ptrace(_GET_SYSCALL_INFO, pid, len(room), ctypes.cast(room, ctypes.c_void_p))
    what, _, _, _, number = _INFO.unpack_from(room.raw)
    return CALLS.get(number, "") if what == _ENTRY else ""
