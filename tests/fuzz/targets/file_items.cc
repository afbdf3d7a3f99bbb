// SPDX-License-Identifier: GPL-2.0-or-later
// Inodes and file extents: why data has no checksum, which files refer to a range, where a file lies.
//
// Input: flags (bit 0: xxhash64), shape of the subvolume's tree, inode to read (a number), wanted ranges (count, then
// gap and length in sectors), items. The log's tree holds every third of them, the snapshot's is the subvolume's.
#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/file_refs.h"
#include "tree/path.h"
#include "tree/references.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint8_t kTypes[] = {1, 108, 12, 84, 128, 13};

RangeSet read_wanted(Input& input) {
    RangeSet wanted;
    uint64_t at = kWorldStart;
    for (unsigned count = input.u8() % 6; count > 0; count--) {
        at += input.u8() * uint64_t{4096};
        const uint64_t end = at + (input.u8() % 32 + 1) * uint64_t{4096};
        wanted.append({at, end});
        at = end;
    }
    return wanted;
}

uint64_t length_of(const RangeSet& set) {
    uint64_t length = 0;
    for (const auto& range : set.ranges()) length += range.length();
    return length;
}

// The answer covers what was asked for, once, ascending.
void check_silence(const std::vector<tree::SilentRange>& answer, const RangeSet& wanted) {
    uint64_t length = 0, at = 0;
    for (const auto& part : answer) {
        FUZZ_EXPECT(part.logical.start >= at && part.logical.start < part.logical.end);
        at = part.logical.end;
        length += part.logical.length();
    }
    FUZZ_EXPECT(length == length_of(wanted));
}

void check_refs(const tree::FileRefs& found, const RangeSet& wanted) {
    for (const auto& ref : found.refs) {
        uint64_t inside = 0;
        wanted.overlaps(ref.logical, [&](Range part) { inside += part.length(); });
        FUZZ_EXPECT(inside == ref.logical.length() && inside > 0);
        FUZZ_EXPECT(ref.compressed || ref.length == inside);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    const uint8_t shape = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    const uint64_t inode = input.number();
    const auto wanted = read_wanted(input);
    auto items = read_items(input, kTypes);
    Items logged;
    for (size_t i = 0; i < items.size(); i += 3) logged.push_back(items[i]);
    const auto files = world.tree(5, items, shape);
    tree::LogTrees log;
    if ((flags & 2) != 0) {
        log.trees.push_back(world.tree(format::objectid::kTreeLog, logged, shape & 4));
        log.trees.back().owner.reset();
        log.subvolumes.push_back(5);
    }
    // The tree of roots: the subvolume and a snapshot that shares all of its blocks.
    Items roots;
    for (const uint64_t id : {uint64_t{5}, uint64_t{256}})
        roots.push_back({{id, 132, 0}, root_data(0, files.block.v, files.level, 1)});
    world.tree(1, roots, 0, TreeWorld::kRootSlot);
    tree::BlockReader& reader = world.rooted(false);
    const auto found_roots = tree::Roots::read(reader);
    FUZZ_EXPECT(!found_roots.incomplete());

    check_silence(tree::explain_silence(reader, found_roots, log, wanted), wanted);
    check_refs(tree::find_file_refs(reader, found_roots, log, wanted), wanted);
    (void)tree::read_file_extents(reader, {5, files, inode});
    return 0;
}
