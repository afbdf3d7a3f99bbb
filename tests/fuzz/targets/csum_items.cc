// SPDX-License-Identifier: GPL-2.0-or-later
// Checksum items through the stream of checksums: what is handed out lies within what was asked for.
//
// Input: flags (bit 0: xxhash64; bit 1: no csum tree), shape, number of log runs (1), these (start, a number; count,
// 1), number of calls (1), these (gap and length in sectors, 1 each), items.
#include <algorithm>

#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/csum_stream.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint8_t kTypes[] = {128, 108, 48};

tree::LogTrees read_log(Input& input, size_t csum) {
    tree::LogTrees log;
    for (unsigned count = input.u8() % 4; count > 0; count--) {
        const Logical start(input.number() / 4096 * 4096);
        const size_t sectors = input.u8() % 8 + 1u;
        if (start.v > UINT64_MAX - sectors * 4096) continue;
        log.csums.push_back({start, sectors, log.csum_bytes.size()});
        log.csum_bytes.resize(log.csum_bytes.size() + sectors * csum, 0x11);
    }
    std::stable_sort(log.csums.begin(), log.csums.end(),
                     [](const auto& a, const auto& b) { return a.start < b.start; });
    return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    const uint8_t shape = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    const size_t csum = csum_size(world.volume().super().csum);
    const auto log = read_log(input, csum);
    struct Call {
        uint64_t from, to;
    };
    std::vector<Call> calls;
    uint64_t at = (flags & 4) != 0 ? kWorldStart : 0;
    for (unsigned count = input.u8() % 8; count > 0; count--) {
        const uint64_t gap = input.u8(), length = input.u8();
        at += gap * (gap > 0xe0 ? 1 << 20 : 1) * uint64_t{4096};
        calls.push_back({at, at + length * uint64_t{4096}});
        at = calls.back().to;
    }
    auto items = read_items(input, kTypes);
    const auto root = world.tree(format::objectid::kCsumTree, items, shape);
    tree::CsumStream stream(world.reader(), (flags & 2) != 0 ? std::nullopt : std::optional(root), log);
    uint64_t sum = 0;  // every byte is looked at
    for (const auto& call : calls)
        stream.read(Logical(call.from), Logical(call.to), [&](Logical start, size_t count, const uint8_t* digests) {
            FUZZ_EXPECT(count > 0 && count <= 255 && start.v >= call.from && start.v % 4096 == 0);
            FUZZ_EXPECT(start.v + count * uint64_t{4096} <= call.to);
            for (size_t i = 0; i < count * csum; i++) sum += digests[i];
        });
    FUZZ_EXPECT(sum != UINT64_MAX);
    return 0;
}
