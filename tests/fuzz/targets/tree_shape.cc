// SPDX-License-Identifier: GPL-2.0-or-later
// Trees of any shape: nodes that point anywhere, at each other, at themselves; every block with a checksum that holds.
// A walk ends, keys only grow, each block is read a bounded number of times, and a look-up finds what the walk passes.
//
// Input: for each block level (1), entries (1), and for each entry the objectid (1) and type (1) of its key; in nodes
// the block that it points to (1; above 0xef: an address of its own), in leaves the length of its item (1).
#include <optional>
#include <set>

#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/walk.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

uint64_t block_of(uint8_t n) { return TreeWorld::address(TreeWorld::kFirstFree + n % 32); }

void put_block(TreeWorld& world, Input& input) {
    static constexpr uint8_t kZeros[64] = {};
    const uint32_t slot = *world.take_slot();
    const uint8_t level = input.u8() % 9;
    const unsigned count = input.u8() % 24;
    Items items;
    Pointers pointers;
    for (unsigned i = 0; i < count; i++) {
        const format::Key key{input.u8(), input.u8(), 0};
        const uint8_t more = input.u8();
        if (level == 0)
            items.push_back({key, ByteView(kZeros, more % 64)});
        else
            pointers.push_back({key, Logical(more < 0xf0 ? block_of(more) : input.number()), Generation(7)});
    }
    if (level == 0)
        world.put_leaf(slot, 5, items);
    else
        world.put_node(slot, 5, level, pointers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    TreeWorld& world = tree_world(false);
    const uint8_t root_level = input.u8() % 8;
    const format::Key wanted{input.u8(), input.u8(), 0};
    const uint8_t ruined = input.u8();
    while (!input.empty() && world.blocks_used() < 32) put_block(world, input);
    if (ruined >= TreeWorld::kFirstFree && ruined < world.blocks_used()) world.ruin(ruined);
    const tree::TreeRoot root{Logical(TreeWorld::address(TreeWorld::kFirstFree)), root_level, Generation(7), 5};

    tree::Cursor cursor(world.reader(), root);
    std::optional<format::Key> last, before_wanted, first;
    bool any_lost = false;
    while (const tree::Step step = cursor.next()) {
        const format::Key key = step.item ? step.item->key : step.lost->first;
        FUZZ_EXPECT(!last || *last < key || (step.lost && *last <= key));
        if (step.item) {
            if (!first) first = key;
            if (key <= wanted) before_wanted = key;
            last = key;
        } else {
            any_lost = true;
            FUZZ_EXPECT(step.lost->first <= step.lost->end);
            if (!last || *last < step.lost->first) last = step.lost->first;
        }
    }
    // A block is tried as it stands, ahead of time, and once more sector by sector; each at two places of a tree at
    // most.
    FUZZ_EXPECT(world.device().reads() <= 64 * (world.blocks_used() + 1));
    if (!any_lost && first) {
        cursor.seek(wanted);
        const tree::Step step = cursor.next();
        FUZZ_EXPECT(step.item && step.item->key == before_wanted.value_or(*first));
    }

    uint64_t entered = 0;
    std::set<Logical> seen;
    tree::WalkCallbacks callbacks;
    callbacks.enter = [&](Logical start, uint8_t) {
        entered++;
        return seen.insert(start).second;
    };
    callbacks.lost = [](const tree::BlockExpect&) {};
    callbacks.visit = [](const tree::Visit& visit) { FUZZ_EXPECT(visit.header.level <= format::kMaxTreeLevel); };
    tree::walk(world.reader(), root, callbacks);
    FUZZ_EXPECT(entered <= 32 * 24 + 1);
    return 0;
}
