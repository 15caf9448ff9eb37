"""The image of a sandbox's first process, made here so that no registry is needed.

The process holds the pod's namespaces and reaps orphans: it ignores SIGCHLD (so the kernel reaps) and waits for ever. That is
a hundred bytes of machine code, written out below; it starts faster and holds less memory than any binary from a package.
"""

import struct

from corral.node.oci import image_archive, layer

_ORIGIN = 0x400000
_ELF_HEADER_BYTES = 64
_PROGRAM_HEADER_BYTES = 56
_SIGACTION_IGNORE = struct.pack("<QQQQ", 1, 0, 0, 0)

#: rt_sigaction(SIGCHLD, &act, NULL, 8); for (;;) pause();   `act` follows the code.
_X86_64 = bytes.fromhex(
    "b80d000000"  # mov eax, 13        rt_sigaction
    "bf11000000"  # mov edi, 17        SIGCHLD
    "488d351f000000"  # lea rsi, [rip+31]  act
    "31d2"  # xor edx, edx
    "41ba08000000"  # mov r10d, 8
    "0f05"  # syscall
    "b822000000"  # mov eax, 34        pause
    "0f05"  # syscall
    "ebf7"  # jmp to pause
    "909090909090909090909090"  # align act to eight bytes
)


def _aarch64() -> bytes:
    """The same for arm64, which has ppoll in place of pause."""

    def mov(register: int, value: int) -> int:
        return 0xD2800000 | value << 5 | register

    svc = 0xD4000001
    words = [mov(8, 134), mov(0, 17), 0, mov(2, 0), mov(3, 8), svc]
    loop = len(words)
    words += [mov(0, 0), mov(1, 0), mov(2, 0), mov(3, 0), mov(4, 0), mov(8, 73), svc]
    words.append(0x14000000 | ((loop - len(words)) & 0x3FFFFFF))
    distance = 4 * (len(words) - 2)
    words[2] = 0x10000001 | (distance & 3) << 29 | (distance >> 2) << 5  # adr x1, act
    return struct.pack(f"<{len(words)}I", *words)


_MACHINES = {"x86_64": ("amd64", 62, _X86_64), "aarch64": ("arm64", 183, _aarch64())}


def pause_binary(machine: str) -> bytes:
    """A static ELF executable for `machine` (as `os.uname().machine` says). Raises KeyError for others than the two known."""
    _, elf_machine, code = _MACHINES[machine]
    text = code + _SIGACTION_IGNORE
    start = _ELF_HEADER_BYTES + _PROGRAM_HEADER_BYTES
    size = start + len(text)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, elf_machine, 1, _ORIGIN + start, _ELF_HEADER_BYTES, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ORIGIN, _ORIGIN, size, size, 0x1000)
    return header + segment + text


def pause_image(reference: str, machine: str) -> bytes:
    """An OCI image archive that holds only the pause binary, called `reference`."""
    config = {"Entrypoint": ["/pause"], "User": "65535:65535"}
    return image_archive(reference, _MACHINES[machine][0], layer({"pause": (pause_binary(machine), 0o755)}), config)
