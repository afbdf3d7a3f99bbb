// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rows: P' and Q' by Horner's rule (FACTS 9), and every kind of job as two sums of constants times Sp and Sq, 16 bytes
// of each column a work-item.
// crc32c: work-item t takes numbers t, t + 64, t + 128 ... of a block; between two of them its sum moves on by 64
// numbers, which is a multiplication by a constant, by tables. At the end each moves its own to the end of the block.
// xxhash64: a lane a work-item; one of the four merges them.
#include "offload/kernels.h"

namespace raid56::offload {

const char* kernel_source() {
    return R"cl(
#define GROUP __attribute__((reqd_work_group_size(64, 1, 1)))

GROUP kernel void begin(global uint4* in, global uint* out, global const uint* table, uint ranges, uint range_count,
                        uint poison, uint numbers, uint tail) {
    const uint i = get_global_id(0);
    const uint4 mark = (uint4)(table[0], table[1], ~table[0], ~table[1]);
    if (i < numbers) out[i] = 0;
    if (i < 4) out[tail + i] = 0;
    if (poison && i < range_count) {
        const uint place = table[ranges + 2 * i], units = table[ranges + 2 * i + 1];
        in[place] = mark;
        in[place + units - 1] = mark;
    }
}

GROUP kernel void finish(global const uint4* in, global uint* out, global const uint* table, uint ranges,
                         uint range_count, uint samples, uint tail) {
    const uint i = get_global_id(0);
    if (i < range_count) {
        const uint place = table[ranges + 2 * i], units = table[ranges + 2 * i + 1];
        vstore4(in[place], 2 * i, out + samples);
        vstore4(in[place + units - 1], 2 * i + 1, out + samples);
    }
    if (i == 0) {
        const uint4 mark = (uint4)(table[0], table[1], ~table[0], ~table[1]);
        vstore4(mark, 0, out);
        vstore4(mark, 0, out + tail);
    }
}

// A work-group is done: told to its job.
void count_group(global uint* out, uint number, uint differs) {
    global uint* own = out + 4 + 2 * number;
    if (differs) atomic_or(own + 1, differs);
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (get_local_id(0) == 0) atomic_inc(own);
}

uint4 times_g(uint4 x) {
    const uint4 high = x & 0x80808080u;
    return ((x ^ high) << 1) ^ ((high >> 7) * 0x1du);
}

// Bytes of 0 or 1 times a constant of 8 bits: nothing is carried from one byte to the next.
uint4 times(uint factor, uint4 x) {
    uint4 sum = 0;
    for (uint bit = 0; bit < 8; bit++) {
        sum ^= ((x >> bit) & 0x01010101u) * factor;
        factor = (factor << 1) ^ ((factor & 0x80) ? 0x11du : 0);
    }
    return sum;
}

uint4 scaled(uint factors, uint4 sp, uint4 sq) {
    const uint p = factors & 0xff, q = (factors >> 8) & 0xff;
    uint4 sum = p == 1 ? sp : times(p, sp);
    if (q) sum ^= q == 1 ? sq : times(q, sq);
    return sum;
}

bool any_bit(uint4 x) { return (x.x | x.y | x.z | x.w) != 0; }

GROUP kernel void rows(global const uint4* in, global uint* out, global const uint* table, uint pieces) {
    global const uint* piece = table + pieces + 4 * get_group_id(0);
    global const uint* job = table + piece[0];
    global const uint* columns = table + job[0];
    const uint data = job[1], uses = job[2], outputs = job[3], factors = job[4];
    uint differs = 0;
    for (uint u = piece[2] + get_local_id(0); u < piece[2] + piece[3]; u += 64) {
        uint4 p = 0, q = 0;
        for (uint c = data; c-- > 0;) {
            if (uses & 1) q = times_g(q);
            const uint place = columns[c];
            if (place == 0xffffffffu) continue;
            const uint4 bytes = in[place + u];
            p ^= bytes;
            if (uses & 1) q ^= bytes;
        }
        if (uses & 2) p ^= in[columns[data] + u];
        if (uses & 4) q ^= in[columns[data + 1] + u];
        if (uses & 8) differs |= (any_bit(p) ? 1 : 0) | (any_bit(q) ? 2 : 0);
        if (outputs > 0) vstore4(scaled(factors, p, q), job[5] + u, out);
        if (outputs > 1) vstore4(scaled(factors >> 16, p, q), job[6] + u, out);
    }
    count_group(out, piece[1], differs);
}

// In the order of the bits that crc32c has: the highest is x^0.
uint multiply(uint a, uint b) {
    uint sum = 0;
    for (uint bit = 0x80000000u; bit != 0; bit >>= 1) {
        if (a & bit) sum ^= b;
        b = (b >> 1) ^ ((b & 1) ? 0x82f63b78u : 0);
    }
    return sum;
}

GROUP kernel void crc32c(global const uint4* in, global uint* out, global const uint* table, uint pieces,
                         global const uint* folds) {
    local uint sums[64];
    global const uint* piece = table + pieces + 5 * get_group_id(0);
    const uint t = get_local_id(0);
    global const uint* words = (global const uint*)(in + piece[1]);
    const uint count = piece[2] * 4;
    uint sum = t == 0 ? 0xffffffffu ^ words[0] : words[t];
    for (uint i = t + 64; i < count; i += 64) {
        sum = folds[sum & 0xff] ^ folds[256 + ((sum >> 8) & 0xff)] ^ folds[512 + ((sum >> 16) & 0xff)] ^
              folds[768 + (sum >> 24)] ^ words[i];
    }
    sums[t] = multiply(sum, folds[1024 + t]);
    for (uint apart = 32; apart > 0; apart >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (t < apart) sums[t] ^= sums[t + apart];
    }
    if (t == 0) out[piece[4]] = ~sums[0];
    count_group(out, piece[0], 0);
}

#define PRIME1 0x9e3779b185ebca87UL
#define PRIME2 0xc2b2ae3d27d4eb4fUL
#define PRIME3 0x165667b19e3779f9UL
#define PRIME4 0x85ebca77c2b2ae63UL

ulong mixed(ulong sum, ulong word) { return rotate(sum + word * PRIME2, 31UL) * PRIME1; }

GROUP kernel void xxh64(global const uint4* in, global uint* out, global const uint* table, uint pieces) {
    local ulong lanes[64];
    global const uint* piece = table + pieces + 5 * get_group_id(0);
    const uint t = get_local_id(0), block = t / 4, lane = t % 4;
    const uint units = piece[2];
    if (block < piece[3]) {
        global const ulong* words = (global const ulong*)(in + piece[1] + block * units) + lane;
        ulong sum = lane == 0 ? PRIME1 + PRIME2 : lane == 1 ? PRIME2 : lane == 2 ? 0 : -PRIME1;
        for (uint i = 0; i < units * 2; i += 4) sum = mixed(sum, words[i]);
        lanes[t] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (block < piece[3] && lane == 0) {
        ulong sum = rotate(lanes[t], 1UL) + rotate(lanes[t + 1], 7UL) + rotate(lanes[t + 2], 12UL) +
                    rotate(lanes[t + 3], 18UL);
        for (uint i = 0; i < 4; i++) sum = (sum ^ mixed(0, lanes[t + i])) * PRIME1 + PRIME4;
        sum += (ulong)units * 16;
        sum = (sum ^ (sum >> 33)) * PRIME2;
        sum = (sum ^ (sum >> 29)) * PRIME3;
        sum ^= sum >> 32;
        out[piece[4] + 2 * block] = (uint)sum;
        out[piece[4] + 2 * block + 1] = (uint)(sum >> 32);
    }
    count_group(out, piece[0], 0);
}
)cl";
}

}  // namespace raid56::offload
