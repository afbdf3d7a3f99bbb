# SPDX-License-Identifier: GPL-2.0-or-later
"""Checksums and the P/Q algebra over GF(2^8), polynomial 0x11d, generator 2.

Written apart from the tool under test: tables and big integers, no intrinsics.  The two checksums that Python lacks
use a shared library when there is one, because pure Python needs a second for a megabyte; both ways pass the same
known answers (test_truth.py).
"""

import ctypes
import functools
import hashlib

CSUM_SIZE = {"crc32c": 4, "xxhash64": 8, "sha256": 32, "blake2": 32}
_MASK64 = (1 << 64) - 1


def _crc32c_table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def crc32c_plain(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def xxh64_plain(data):
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

    def rotate(value, bits):
        return ((value << bits) | (value >> (64 - bits))) & _MASK64

    def mix(lane, word):
        return rotate((lane + word * p2) & _MASK64, 31) * p1 & _MASK64

    at, size = 0, len(data)
    if size >= 32:
        lanes = [(p1 + p2) & _MASK64, p2, 0, -p1 & _MASK64]
        while at + 32 <= size:
            for i in range(4):
                lanes[i] = mix(lanes[i], int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little"))
            at += 32
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & _MASK64
        for lane in lanes:
            value = ((value ^ mix(0, lane)) * p1 + p4) & _MASK64
    else:
        value = p5
    value = (value + size) & _MASK64
    while at + 8 <= size:
        value = (rotate(value ^ mix(0, int.from_bytes(data[at:at + 8], "little")), 27) * p1 + p4) & _MASK64
        at += 8
    if at + 4 <= size:
        value = (rotate(value ^ int.from_bytes(data[at:at + 4], "little") * p1 & _MASK64, 23) * p2 + p3) & _MASK64
        at += 4
    while at < size:
        value = rotate(value ^ data[at] * p5 & _MASK64, 11) * p1 & _MASK64
        at += 1
    value = (value ^ value >> 33) * p2 & _MASK64
    value = (value ^ value >> 29) * p3 & _MASK64
    return value ^ value >> 32


@functools.lru_cache(maxsize=None)
def _fast_crc32c():
    try:
        function = ctypes.CDLL("libisal.so.2").crc32_iscsi
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_uint
    function.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
    return function


@functools.lru_cache(maxsize=None)
def _fast_xxh64():
    try:
        function = ctypes.CDLL("libxxhash.so.0").XXH64
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return function


def csum(kind, data):
    """The checksum as the disk holds it, csum-size bytes."""
    data = bytes(data)
    if kind == "crc32c":
        fast = _fast_crc32c()
        value = fast(data, len(data), 0xFFFFFFFF) ^ 0xFFFFFFFF if fast else crc32c_plain(data)
        return value.to_bytes(4, "little")
    if kind == "xxhash64":
        fast = _fast_xxh64()
        return (fast(data, len(data), 0) if fast else xxh64_plain(data)).to_bytes(8, "little")
    if kind == "sha256":
        return hashlib.sha256(data).digest()
    if kind == "blake2":
        return hashlib.blake2b(data, digest_size=32).digest()
    raise ValueError(f"unknown checksum kind {kind}")


def seal(kind, block):
    """A superblock or tree block with its checksum made right."""
    return csum(kind, block[32:]).ljust(32, b"\0")[:CSUM_SIZE[kind]] + block[CSUM_SIZE[kind]:]


def _gf_tables():
    exp, log, value = [0] * 510, [0] * 256, 1
    for i in range(255):
        exp[i] = exp[i + 255] = value
        log[value] = i
        value <<= 1
        if value & 0x100:
            value ^= 0x11D
    return exp, log


EXP, LOG = _gf_tables()


def gf_mul(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def gf_inverse(a):
    return EXP[255 - LOG[a]]


@functools.lru_cache(maxsize=None)
def _table(factor):
    return bytes(gf_mul(factor, byte) for byte in range(256))


def times(factor, data):
    """Every byte of data times a constant."""
    return data if factor == 1 else data.translate(_table(factor))


def xor(*blocks):
    value = 0
    for block in blocks:
        value ^= int.from_bytes(block, "little")
    return value.to_bytes(len(blocks[0]), "little")


def p_of(data):
    """P of the data columns."""
    return xor(*data)


def q_of(data):
    """Q of the data columns, by Horner's rule: column i has the factor 2^i."""
    value = bytes(len(data[0]))
    for block in reversed(data):
        value = xor(times(2, value), block)
    return value


def solve_p(data, column, p):
    """Data column `column` from P and the others; what stands in it is ignored."""
    return xor(p, *(block for i, block in enumerate(data) if i != column))


def solve_q(data, column, q):
    """Data column `column` from Q and the others."""
    others = [bytes(len(q)) if i == column else block for i, block in enumerate(data)]
    return times(gf_inverse(EXP[column]), xor(q, q_of(others)))


def solve_pq(data, first, second, p, q):
    """Both data columns (first, second) from P and Q and the others."""
    low, high = min(first, second), max(first, second)
    others = [bytes(len(p)) if i in (low, high) else block for i, block in enumerate(data)]
    p_rest, q_rest = xor(p, p_of(others)), xor(q, q_of(others))
    high_block = xor(times(gf_inverse(EXP[high - low] ^ 1), p_rest),
                     times(gf_inverse(EXP[low] ^ EXP[high]), q_rest))
    low_block = xor(high_block, p_rest)
    return (low_block, high_block) if first == low else (high_block, low_block)


def located(p_syndrome, q_syndrome, columns):
    """The one data column that explains both syndromes, or None; both must be nonzero somewhere."""
    found = None
    for p, q in zip(p_syndrome, q_syndrome):
        if not p and not q:
            continue
        if not p or not q:
            return None
        column = (LOG[q] - LOG[p]) % 255
        if found not in (None, column):
            return None
        found = column
    return found if found is not None and found < columns else None


def weight(block):
    """How many bytes of a syndrome are not zero."""
    return len(block) - block.count(0)
