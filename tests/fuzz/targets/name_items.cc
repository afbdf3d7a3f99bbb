// SPDX-License-Identifier: GPL-2.0-or-later
// Names of inodes, extended names, directory entries and references of subvolumes: paths up, and the way down.
//
// Input: flags (bit 0: xxhash64; 1: the same tree is a log, too; 2: items of logs), shape, inode to name (a number), path to find (length, bytes), items; items of
// ROOT_BACKREF belong to the tree of roots, all others to the subvolumes 5 and 256.
#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/names.h"
#include "tree/path.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint8_t kTypes[] = {12, 13, 84, 144, 1, 156};
constexpr uint8_t kLogTypes[] = {12, 13, 72, 96, 144};

// Raw crc32c of the name, as directory items are found: the input need not guess it.
void hash_names(Items& items) {
    for (auto& item : items) {
        if (item.key.type != 84 || item.data.size() < 31) continue;
        const auto length = read_at<Le16>(item.data, 27);
        const auto name = view_at(item.data, 30, *length);
        if (name) item.key.offset = checksum::raw_crc32c(~uint32_t{1}, *name);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    const uint8_t shape = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    const uint64_t inode = input.number();
    const ByteView path = input.take(input.u8());
    const bool log_items = (flags & 4) != 0;
    auto items = read_items(input, log_items ? std::span<const uint8_t>(kLogTypes) : kTypes, 40);
    hash_names(items);
    Items roots, files;
    for (const auto& item : items) (item.key.type == 144 ? roots : files).push_back(item);
    const auto tree = world.tree(5, files, shape);
    for (const uint64_t id : {uint64_t{5}, uint64_t{256}, uint64_t{257}})
        roots.push_back({{id, 132, 0}, root_data(0, tree.block.v, tree.level, 1)});
    world.tree(1, roots, 0, TreeWorld::kRootSlot);
    tree::BlockReader& reader = world.rooted(false);
    const auto found_roots = tree::Roots::read(reader);
    tree::LogTrees log;
    if ((flags & 2) != 0) {
        log.trees.push_back(tree);
        log.subvolumes.push_back(257);
    }
    tree::Names names(reader, found_roots, log);
    for (const uint64_t id : {uint64_t{5}, uint64_t{256}, uint64_t{257}, uint64_t{258}})
        for (const auto& name : names.of(id, inode).paths) FUZZ_EXPECT(!name.empty() && name.front() == '/');
    const std::string text(path.begin(), path.end());
    const auto found = tree::find_path(reader, found_roots, text);
    if (!found) FUZZ_EXPECT(!found.error().message.empty());
    return 0;
}
