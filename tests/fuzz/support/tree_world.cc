// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/support/tree_world.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "support/encode.h"

namespace raid56::fuzz {
namespace {

constexpr size_t kHead = 101, kItemHead = 25, kPointerHead = 33;

void put(uint8_t* at, uint64_t number, size_t size) {
    for (size_t i = 0; i < size; i++) at[i] = static_cast<uint8_t>(number >> (8 * i));
}

void put_key(uint8_t* at, const format::Key& key) {
    put(at, key.objectid, 8);
    at[8] = key.type;
    put(at + 9, key.offset, 8);
}

}  // namespace

void CountingDevice::finish(device::ReadOp& op) {
    reads_++;
    const auto from = view_at(bytes_, op.offset, op.out.size());
    if (from)
        std::memcpy(op.out.data(), from->data(), from->size());
    else
        op.error = EIO;
}

TreeWorld::View TreeWorld::view(const format::Superblock& super) {
    View made;
    made.volume = std::make_unique<volume::Volume>(super, std::vector<uint8_t>());
    volume::Member member;
    member.devid = DevId(1);
    member.uuid = test::uuid_of(0xd1);
    member.fsid = super.fsid;
    member.total_bytes = device_.size();
    member.generation = super.generation;
    member.state = volume::DeviceState::present;
    member.device = &device_;
    made.volume->add_member(member);
    format::Chunk chunk;
    chunk.start = Logical(kWorldStart);
    chunk.length = uint64_t{kBlocks} * kNode;
    chunk.kind = format::chunk_kind::kMetadata;
    chunk.stripes = {{DevId(1), Physical(kWorldStart), test::uuid_of(0xd1)}};
    FUZZ_EXPECT(made.volume->add_chunk(chunk));
    made.reader = std::make_unique<tree::BlockReader>(*made.volume, parity::scalar_engine(), stop_);
    return made;
}

TreeWorld::TreeWorld(CsumKind csum) : csum_(csum) {
    FUZZ_EXPECT(checksum::self_test());
    format::Superblock super;
    super.fsid = super.metadata_uuid = test::uuid_of(0xf5);
    super.generation = super.chunk_root_generation = Generation(kGeneration);
    super.sectorsize = 4096;
    super.nodesize = kNode;
    super.csum = csum;
    auto plain = view(super);
    volume_ = std::move(plain.volume);
    reader_ = std::move(plain.reader);
    super.root = Logical(address(kRootSlot));
    super.root_level = 1;
    rooted_ = view(super);
    super.log_root = Logical(address(kLogSlot));
    super.log_root_level = 1;
    logged_ = view(super);
}

void TreeWorld::clear() {
    std::memset(device_.bytes().data() + kWorldStart, 0, size_t{used_} * kNode);
    used_ = kFirstFree;
    device_.forget_reads();
    reader_->forget();
    rooted_.reader->forget();
    logged_.reader->forget();
}

std::optional<uint32_t> TreeWorld::take_slot() {
    if (used_ == kBlocks) return std::nullopt;
    return used_++;
}

void TreeWorld::seal(uint32_t slot) {
    uint8_t* block = device_.bytes().data() + address(slot);
    const Digest digest = checksum::digest(csum_, ByteView(block, kNode).subspan(32));
    std::copy_n(digest.begin(), csum_size(csum_), block);
}

void TreeWorld::put(uint32_t slot, ByteView block) {
    std::memcpy(device_.bytes().data() + address(slot), block.data(), kNode);
    seal(slot);
}

uint8_t* TreeWorld::begin(uint32_t slot, uint64_t owner, uint8_t level) {
    uint8_t* block = device_.bytes().data() + address(slot);
    std::memset(block, 0, kNode);
    std::memset(block + 32, 0xf5, 16);
    fuzz::put(block + 48, address(slot), 8);
    fuzz::put(block + 80, owner == format::objectid::kTreeLog ? kGeneration + 1 : kGeneration, 8);
    fuzz::put(block + 88, owner, 8);
    block[100] = level;
    return block;
}

void TreeWorld::put_leaf(uint32_t slot, uint64_t owner, std::span<const format::Item> items) {
    uint8_t* block = begin(slot, owner, 0);
    size_t head = kHead, end = kNode;
    uint32_t count = 0;
    for (const auto& item : items) {
        if (end - head < kItemHead + item.data.size()) continue;
        end -= item.data.size();
        put_key(block + head, item.key);
        fuzz::put(block + head + 17, end - kHead, 4);
        fuzz::put(block + head + 21, item.data.size(), 4);
        if (!item.data.empty()) std::memcpy(block + end, item.data.data(), item.data.size());
        head += kItemHead;
        count++;
    }
    fuzz::put(block + 96, count, 4);
    seal(slot);
}

void TreeWorld::put_node(uint32_t slot, uint64_t owner, uint8_t level, const Pointers& pointers) {
    uint8_t* block = begin(slot, owner, level);
    const size_t count = std::min(pointers.size(), (kNode - kHead) / kPointerHead);
    for (size_t i = 0; i < count; i++) {
        uint8_t* at = block + kHead + i * kPointerHead;
        put_key(at, pointers[i].key);
        fuzz::put(at + 17, pointers[i].block.v, 8);
        fuzz::put(at + 25, pointers[i].generation.v, 8);
    }
    fuzz::put(block + 96, count, 4);
    seal(slot);
}

tree::TreeRoot TreeWorld::tree(uint64_t owner, Items& items, uint8_t shape, std::optional<uint32_t> root_slot) {
    const Generation generation(owner == format::objectid::kTreeLog ? kGeneration + 1 : kGeneration);
    if ((shape & 4) == 0) {
        std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        const auto twice =
            std::unique(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.key == b.key; });
        items.erase(twice, items.end());
    }
    const size_t leaves = std::clamp<size_t>((shape & 3u) + 1, 1, std::max<size_t>(items.size(), 1));
    Pointers pointers;
    for (size_t i = 0; i < leaves; i++) {
        const auto slot = take_slot();
        if (!slot) break;
        const size_t from = items.size() * i / leaves, to = items.size() * (i + 1) / leaves;
        put_leaf(*slot, owner, std::span(items).subspan(from, to - from));
        pointers.push_back({from < to ? items[from].key : format::Key{}, Logical(address(*slot)), generation});
        if (i == 1 && (shape & 8) != 0) ruin(*slot);
    }
    if (pointers.size() == 1 && !root_slot) return {pointers.front().block, 0, generation, owner};
    const auto slot = root_slot ? root_slot : take_slot();
    if (pointers.empty() || !slot) return {Logical(address(kRootSlot)), 0, generation, owner};
    put_node(*slot, owner, 1, pointers);
    return {Logical(address(*slot)), 1, generation, owner};
}

Items read_items(Input& input, std::span<const uint8_t> types, size_t most) {
    Items items;
    items.reserve(most);
    while (!input.empty() && items.size() < most) {
        const uint8_t type = input.u8();
        format::Item item;
        item.key.type = type < types.size() ? types[type] : type;
        item.key.objectid = input.number();
        item.key.offset = input.number();
        const uint8_t length = input.u8();
        item.data = input.take(length < 0xf0 ? length : 256u * (length - 0xefu));
        items.push_back(item);
    }
    return items;
}

TreeWorld& tree_world(bool wide) {
    static TreeWorld narrow_world(CsumKind::crc32c), wide_world(CsumKind::xxhash64);
    TreeWorld& world = wide ? wide_world : narrow_world;
    world.clear();
    return world;
}

ByteView root_data(unsigned n, uint64_t block, uint8_t level, uint32_t refs) {
    static uint8_t memory[32][239];
    uint8_t* item = memory[n];
    put(item + 160, TreeWorld::kGeneration, 8);
    put(item + 168, 256, 8);
    put(item + 176, block, 8);
    put(item + 216, refs, 4);
    item[238] = level;
    return ByteView(item, sizeof memory[n]);
}

}  // namespace raid56::fuzz
