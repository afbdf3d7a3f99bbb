// SPDX-License-Identifier: GPL-2.0-or-later
// Extent items through the stream of what is allocated: ascending, disjoint, sane whatever the tree says.
//
// Input: flags (bit 0: xxhash64; bit 1: no extent tree; bit 2: a second pass begins elsewhere), shape of the tree,
// number of extents known from elsewhere (1), these (start, length as numbers, kind), the place to seek to, items.
#include <algorithm>

#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/extent_stream.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint8_t kTypes[] = {168, 169, 172, 176, 178, 182, 184, 192};

std::vector<format::Extent> read_extra(Input& input) {
    std::vector<format::Extent> extra;
    for (unsigned count = input.u8() % 8; count > 0; count--) {
        format::Extent extent;
        extent.tree = (input.u8() & 1) != 0;
        extent.start = Logical(input.number() / 4096 * 4096);
        extent.length = extent.tree ? TreeWorld::kNode : (input.number() % 16 + 1) * 4096;
        if (extent.start.v <= UINT64_MAX - extent.length) extra.push_back(extent);
    }
    std::stable_sort(extra.begin(), extra.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    return extra;
}

void read_all(tree::ExtentStream& stream, Logical seek) {
    stream.seek(seek);
    Logical last_end;
    for (unsigned steps = 0; const auto found = stream.next(); steps++) {
        FUZZ_EXPECT(steps < 4096);
        const auto& extent = found->extent;
        FUZZ_EXPECT(extent.length > 0 && extent.start.v <= UINT64_MAX - extent.length);
        if (found->unknown) continue;
        FUZZ_EXPECT(!found->undecided);
        FUZZ_EXPECT(extent.start >= last_end);
        FUZZ_EXPECT(extent.length <= format::kMaxExtentLength && extent.start.v % 4096 == 0);
        last_end = extent.start + extent.length;
    }
    FUZZ_EXPECT(!stream.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    const uint8_t shape = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    const auto extra = read_extra(input);
    const Logical seek(input.number());
    auto items = read_items(input, kTypes);
    const auto root = world.tree(format::objectid::kExtentTree, items, shape);
    const Logical end = world.volume().chunks().back().chunk.end();
    const auto tree = (flags & 2) != 0 ? std::nullopt : std::optional(root);
    tree::ExtentStream stream(world.reader(), tree, extra, end);
    read_all(stream, (flags & 4) != 0 ? seek : Logical(0));
    return 0;
}
