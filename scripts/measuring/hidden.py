"""Valgrind on kernels from 6.4 on: it hides the kernel's page of fast calls (the vdso) from /proc/self/auxv, but
not from prctl(PR_GET_AUXV), which rustix asks first, and then reads a page that is not there. A filter of system
calls, set before valgrind starts, answers that one call as older kernels do: no such thing. So the release
program is counted as it is.
"""

import ctypes
import errno
import platform
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
PR_GET_AUXV = 0x41555856
PRCTL = {"x86_64": 157, "aarch64": 167}
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
# In struct seccomp_data: the call's number, and the lower half of its first argument (little endian).
NUMBER, FIRST_ARGUMENT = 0, 16


def hide_auxv():
    """For this process and all that it becomes; to be called between fork and exec."""
    call = PRCTL.get(platform.machine())
    if call is None:
        return
    # (code, jump if true, jump if false, value)
    steps = [
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_EQUAL, 0, 3, call),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, PR_GET_AUXV),
        (RETURN, 0, 0, FAIL | errno.EINVAL),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
