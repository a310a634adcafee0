"""The sizes of the sections of a 32-bit ELF file (System V ABI, chapter 4): what a linker made, in bytes."""

from __future__ import annotations

import struct

from smidgen.errors import VerificationError

HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
SECTION = struct.Struct("<10I")
MAGIC = b"\x7fELF\x01\x01"  # 32 bits, least byte first


def sections(content: bytes) -> dict[str, int]:
    """Bytes by name of each section that is in memory; raises VerificationError for another kind of file."""
    if len(content) < HEADER.size or not content.startswith(MAGIC):
        raise VerificationError("The linker made no 32-bit ELF file", "Set CC to another compiler")
    *_, table, _, _, _, _, size, count, names = HEADER.unpack_from(content)
    headers = [SECTION.unpack_from(content, table + index * size) for index in range(count)]
    texts = headers[names][4]

    def name(offset: int) -> str:
        start = texts + offset
        return content[start : content.index(b"\0", start)].decode("ascii", "replace")

    in_memory = 0x2  # SHF_ALLOC
    return {name(header[0]): header[5] for header in headers if header[2] & in_memory}
