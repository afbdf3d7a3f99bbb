// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/tree_image.h"

#include <algorithm>

#include "parity/engine.h"

namespace raid56::test {
namespace {

Encoder head(const HeaderSpec& header, size_t count, uint8_t level) {
    Encoder out;
    out.zeros(32).raw(header.fsid).u64(header.bytenr).u64(uint64_t{1} << 56).raw(uuid_of(0xc7));
    out.u64(header.generation).u64(header.owner).u32(count).u8(level);
    return out;
}

void put_key(Encoder& out, const Key& key) { out.u64(key.objectid).u8(key.type).u64(key.offset); }

}  // namespace

Bytes encode_leaf(const HeaderSpec& header, const std::vector<ItemSpec>& items, size_t nodesize) {
    Encoder out = head(header, items.size(), 0);
    const size_t base = out.size();
    size_t end = nodesize - base;
    for (const auto& item : items) {
        end -= item.data.size();
        put_key(out, item.key);
        out.u32(end).u32(item.data.size());
    }
    Bytes block = out.take();
    block.resize(nodesize);
    end = nodesize;
    for (const auto& item : items) {
        end -= item.data.size();
        std::copy(item.data.begin(), item.data.end(), block.begin() + static_cast<ptrdiff_t>(end));
    }
    sign(block);
    return block;
}

Bytes encode_node(const HeaderSpec& header, uint8_t level, const std::vector<PointerSpec>& pointers, size_t nodesize) {
    Encoder out = head(header, pointers.size(), level);
    for (const auto& pointer : pointers) {
        put_key(out, pointer.key);
        out.u64(pointer.block).u64(pointer.generation);
    }
    Bytes block = out.take();
    block.resize(nodesize);
    sign(block);
    return block;
}

TreeImage::TreeImage() {
    auto memory = std::make_unique<device::MemoryDevice>(Bytes(kStart + kLength));
    memory_ = memory.get();
    device_ = std::make_unique<device::FaultDevice>(std::move(memory));

    format::Superblock super;
    super.fsid = super.metadata_uuid = uuid_of(0xf5);
    super.generation = super.chunk_root_generation = Generation(7);
    super.sectorsize = 4096;
    super.nodesize = kNode;
    volume_ = std::make_unique<volume::Volume>(super, Bytes());
    volume::Member member;
    member.devid = DevId(1);
    member.uuid = uuid_of(0xd1);
    member.fsid = super.fsid;
    member.total_bytes = kStart + kLength;
    member.generation = super.generation;
    member.state = volume::DeviceState::present;
    member.device = device_.get();
    volume_->add_member(member);
    format::Chunk chunk;
    chunk.start = Logical(kStart);
    chunk.length = kLength;
    chunk.kind = format::chunk_kind::kMetadata;
    chunk.stripes = {{DevId(1), Physical(kStart), uuid_of(0xd1)}};
    if (!volume_->add_chunk(chunk)) std::abort();
    reader_ = std::make_unique<tree::BlockReader>(*volume_, parity::scalar_engine(), stop_);
}

void TreeImage::write(uint64_t logical, ByteView bytes) {
    std::copy(bytes.begin(), bytes.end(), memory_->bytes().begin() + static_cast<ptrdiff_t>(logical));
    reader_->forget();
}

uint64_t TreeImage::allocate() {
    const uint64_t at = next_;
    next_ += kNode;
    return at;
}

PointerSpec TreeImage::leaf(uint64_t owner, const std::vector<ItemSpec>& items, uint64_t generation) {
    const uint64_t at = allocate();
    write(at, encode_leaf({uuid_of(0xf5), at, generation, owner}, items, kNode));
    return {items.empty() ? Key{} : items.front().key, at, generation};
}

PointerSpec TreeImage::node(uint64_t owner, uint8_t level, const std::vector<PointerSpec>& children,
                            uint64_t generation) {
    const uint64_t at = allocate();
    write(at, encode_node({uuid_of(0xf5), at, generation, owner}, level, children, kNode));
    return {children.front().key, at, generation};
}

void TreeImage::ruin(uint64_t logical) {
    memory_->bytes()[logical + 200] ^= 1;
    reader_->forget();
}

tree::TreeRoot TreeImage::tree(uint64_t owner, const std::vector<std::vector<ItemSpec>>& leaves, size_t fanout) {
    std::vector<PointerSpec> level;
    leaves_.clear();
    for (const auto& items : leaves) {
        level.push_back(leaf(owner, items));
        leaves_.push_back(level.back().block);
    }
    uint8_t height = 0;
    while (level.size() > 1) {
        height++;
        std::vector<PointerSpec> above;
        for (size_t i = 0; i < level.size(); i += fanout) {
            const auto begin = level.begin() + static_cast<ptrdiff_t>(i);
            const auto end = level.begin() + static_cast<ptrdiff_t>(std::min(i + fanout, level.size()));
            above.push_back(node(owner, height, {begin, end}));
        }
        level = std::move(above);
    }
    return {Logical(level.front().block), height, Generation(level.front().generation), owner};
}

}  // namespace raid56::test
