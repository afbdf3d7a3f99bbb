// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/support/small_volume.h"

#include <algorithm>

#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "parity/engine.h"
#include "support/tree_image.h"

namespace raid56::fuzz {
namespace {

using test::Bytes;
using test::ItemSpec;

constexpr uint64_t kFirstPhysical = 0x20000;
constexpr uint64_t kGeneration = 9;

uint64_t type_bits(format::Profile profile) {
    using format::Profile;
    namespace bits = test::chunk_type;
    switch (profile) {
        case Profile::single: return 0;
        case Profile::dup: return bits::kDup;
        case Profile::raid0: return bits::kRaid0;
        case Profile::raid1: return bits::kRaid1;
        case Profile::raid1c3: return bits::kRaid1c3;
        case Profile::raid1c4: return bits::kRaid1c4;
        case Profile::raid10: return bits::kRaid10;
        case Profile::raid5: return bits::kRaid5;
        case Profile::raid6: return bits::kRaid6;
    }
    return 0;
}

Uuid device_uuid(uint64_t devid) { return test::uuid_of(static_cast<uint8_t>(0xd0 + devid)); }

Bytes noise_of(size_t size, uint64_t seed) {
    Bytes bytes(size);
    uint64_t state = seed;
    for (auto& byte : bytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<uint8_t>(state >> 56);
    }
    return bytes;
}

void sign_block(std::vector<uint8_t>& block, CsumKind kind) {
    const Digest digest = checksum::digest(kind, ByteView(block).subspan(32));
    std::copy_n(digest.begin(), csum_size(kind), block.begin());
}

}  // namespace

SmallVolume::SmallVolume(const VolumeShape& shape) : shape_(shape) {
    FUZZ_EXPECT(checksum::self_test());
    make_chunks();
    make_trees();
    make_supers();
    // What was written so far is what never changes from now on.
    for (auto& device : devices_) {
        std::vector<uint8_t> bytes(device->size());
        device->peek(0, bytes);
        device = std::make_unique<OverlayDevice>(std::move(bytes), device->path());
    }
}

void SmallVolume::reset() {
    for (auto& device : devices_) device->reset();
}

void SmallVolume::make_chunks() {
    constexpr uint64_t kKinds[] = {format::chunk_kind::kSystem, format::chunk_kind::kMetadata,
                                   format::chunk_kind::kData};
    uint64_t physical = kFirstPhysical;
    for (unsigned i = 0; i < 3; i++) {
        SmallChunk chunk;
        chunk.kind = kKinds[i];
        chunk.layout = volume::layout_of(shape_.profile, shape_.devices);
        chunk.logical = kWorldStart * (i + 1);
        chunk.length = chunk.layout.data_length() * (i == 2 ? 2 : 1);
        chunk.physical = physical;
        chunk.sectors.assign(chunk.length / kSector, Holds::nothing);
        physical += chunk.extent_length();
        next_.push_back(chunk.logical);
        chunks_.push_back(std::move(chunk));
    }
    for (unsigned i = 0; i < shape_.devices; i++)
        devices_.push_back(std::make_unique<OverlayDevice>(Bytes(physical), "d" + std::to_string(i + 1)));
}

uint64_t SmallVolume::take(unsigned chunk, uint32_t length, Holds what) {
    const uint64_t at = next_[chunk];
    next_[chunk] += length;
    auto& map = chunks_[chunk];
    FUZZ_EXPECT(next_[chunk] <= map.logical + map.length);
    const auto first = map.sectors.begin() + static_cast<ptrdiff_t>((at - map.logical) / kSector);
    std::fill(first, first + length / kSector, what);
    if (what == Holds::tree) blocks_.push_back(at);
    return at;
}

const SmallChunk& SmallVolume::chunk_of(uint64_t logical) const {
    const auto found = std::find_if(chunks_.begin(), chunks_.end(), [&](const SmallChunk& c) {
        return c.logical <= logical && logical < c.logical + c.length;
    });
    FUZZ_EXPECT(found != chunks_.end());
    return *found;
}

void SmallVolume::write_logical(uint64_t logical, ByteView bytes) {
    const auto& chunk = chunk_of(logical);
    while (!bytes.empty()) {
        const auto place = volume::place_of(chunk.layout, logical - chunk.logical);
        const size_t length = std::min<size_t>(bytes.size(), kStripLen - place.offset);
        for (unsigned m = 0; m < chunk.layout.copies; m++) {
            const unsigned index = volume::stripe_index(chunk.layout, place.n, place.column, m);
            devices_[index]->write(chunk.physical + place.n.v * kStripLen + place.offset, bytes.first(length));
        }
        bytes = bytes.subspan(length);
        logical += length;
    }
}

// P and Q of the rows that this part of one strip lies in.
void SmallVolume::make_parity(const SmallChunk& chunk, uint64_t logical, uint64_t length) {
    if (chunk.layout.np == 0) return;
    const auto place = volume::place_of(chunk.layout, logical - chunk.logical);
    const uint64_t at = chunk.physical + place.n.v * kStripLen + place.offset;
    std::vector<std::vector<uint8_t>> bytes(chunk.layout.columns(), std::vector<uint8_t>(length));
    std::vector<uint8_t*> columns;
    for (unsigned c = 0; c < chunk.layout.columns(); c++) {
        devices_[volume::stripe_index(chunk.layout, place.n, c, 0)]->peek(at, bytes[c]);
        columns.push_back(bytes[c].data());
    }
    parity::Job job;
    job.op = parity::Op::generate;
    job.has_q = chunk.layout.np > 1;
    job.columns = columns;
    job.length = length;
    parity::run(parity::isal_engine(), {&job, 1});
    for (unsigned c = chunk.layout.nd; c < chunk.layout.columns(); c++)
        devices_[volume::stripe_index(chunk.layout, place.n, c, 0)]->write(at, bytes[c]);
}

std::vector<uint8_t> SmallVolume::read_block(uint64_t logical) {
    const auto& chunk = chunk_of(logical);
    const auto place = volume::place_of(chunk.layout, logical - chunk.logical);
    std::vector<uint8_t> block(shape_.nodesize);
    const unsigned index = volume::stripe_index(chunk.layout, place.n, place.column, 0);
    devices_[index]->peek(chunk.physical + place.n.v * kStripLen + place.offset, block);
    return block;
}

void SmallVolume::write_block(uint64_t logical, std::vector<uint8_t> block, bool sign, bool parity) {
    if (sign) sign_block(block, shape_.csum);
    write_logical(logical, block);
    if (parity) make_parity(chunk_of(logical), logical, block.size());
}

void SmallVolume::write_super(unsigned device, std::vector<uint8_t> block, bool sign) {
    if (sign) sign_block(block, shape_.csum);
    devices_[device]->write(0x10000, block);
}

void SmallVolume::make_trees() {
    const uint32_t node = shape_.nodesize;
    const auto chunk_spec = [&](const SmallChunk& chunk) {
        test::ChunkSpec spec;
        spec.length = chunk.length;
        spec.type = chunk.kind | type_bits(shape_.profile);
        spec.stripes.clear();
        for (unsigned i = 0; i < shape_.devices; i++)
            spec.stripes.push_back({i + 1, chunk.physical, device_uuid(i + 1)});
        return spec;
    };
    const auto put_leaf = [&](uint64_t at, uint64_t owner, const std::vector<ItemSpec>& items, uint64_t generation) {
        write_block(at, test::encode_leaf({test::uuid_of(0xf5), at, generation, owner}, items, node), true, true);
    };
    chunk_root_ = take(0, node, Holds::tree);
    root_ = take(1, node, Holds::tree);
    const uint64_t extent_root = take(1, node, Holds::tree), csum_root = take(1, node, Holds::tree),
                   dev_root = take(1, node, Holds::tree);
    const uint64_t files_root = take(1, node, Holds::tree);
    const uint64_t files_leaf = shape_.deep ? take(1, node, Holds::tree) : 0;
    const uint64_t more_leaf = shape_.deep ? take(1, node, Holds::tree) : 0;
    const uint64_t log_root = shape_.log ? take(1, node, Holds::tree) : 0;
    const uint64_t log_leaf = shape_.log ? take(1, node, Holds::tree) : 0;

    // Data: four sectors with checksums, two without, two preallocated, two of the log.
    const uint64_t data = take(2, 4 * kSector, Holds::csummed);
    const uint64_t silent = take(2, 2 * kSector, Holds::silent);
    const uint64_t prealloc = take(2, 2 * kSector, Holds::preallocated);
    const uint64_t logged = shape_.log ? take(2, 2 * kSector, Holds::csummed) : 0;
    const auto digests_of = [&](uint64_t at, unsigned sectors) {
        const Bytes bytes = noise_of(sectors * kSector, at);
        write_logical(at, bytes);
        Bytes digests;
        for (unsigned i = 0; i < sectors; i++) {
            const Digest digest = checksum::digest(shape_.csum, ByteView(bytes).subspan(i * kSector, kSector));
            digests.insert(digests.end(), digest.begin(),
                           digest.begin() + static_cast<ptrdiff_t>(csum_size(shape_.csum)));
        }
        return digests;
    };
    const Bytes data_digests = digests_of(data, 4);
    write_logical(silent, noise_of(2 * kSector, 77));
    const Bytes log_digests = shape_.log ? digests_of(logged, 2) : Bytes();
    const auto& data_chunk = chunks_[2];
    for (uint64_t at = data_chunk.logical; at < next_[2]; at += kStripLen)
        make_parity(data_chunk, at, std::min(kStripLen, data_chunk.logical + data_chunk.length - at));

    std::vector<ItemSpec> chunk_items;
    for (unsigned i = 0; i < shape_.devices; i++) {
        test::DevItemSpec item;
        item.devid = i + 1;
        item.total_bytes = devices_[i]->size();
        item.uuid = device_uuid(i + 1);
        chunk_items.push_back({{1, 216, i + 1}, test::encode_dev_item(item)});
    }
    for (const auto& chunk : chunks_)
        chunk_items.push_back({{256, 228, chunk.logical}, test::encode_chunk(chunk_spec(chunk))});
    put_leaf(chunk_root_, 3, chunk_items, kGeneration);

    const uint8_t files_level = shape_.deep ? 1 : 0;
    std::vector<ItemSpec> roots;
    const auto add_root = [&](uint64_t id, uint64_t block, uint8_t level) {
        roots.push_back({{id, 132, 0}, test::encode_root(block, level, kGeneration, 1, true)});
    };
    add_root(2, extent_root, 0);
    add_root(4, dev_root, 0);
    add_root(5, files_root, files_level);
    add_root(7, csum_root, 0);
    add_root(256, files_root, files_level);
    roots.push_back({{256, 144, 5}, test::Encoder().u64(256).u64(2).u16(4).text("snap").take()});
    put_leaf(root_, 1, roots, kGeneration);
    put_leaf(dev_root, 4, {{{0, 250, 0}, Bytes(72)}}, kGeneration);

    std::vector<ItemSpec> extents;
    for (const auto& [block, owner, level] :
         std::initializer_list<std::tuple<uint64_t, uint64_t, uint8_t>>{{chunk_root_, 3, 0},
                                                                        {root_, 1, 0},
                                                                        {extent_root, 2, 0},
                                                                        {csum_root, 7, 0},
                                                                        {dev_root, 4, 0},
                                                                        {files_root, 5, files_level},
                                                                        {files_leaf, 5, 0},
                                                                        {more_leaf, 5, 0}})
        if (block != 0) extents.push_back(test::tree_extent(block, level, owner, kGeneration));
    extents.push_back(test::data_extent(data, 4 * kSector, kGeneration));
    extents.push_back(test::data_extent(silent, 2 * kSector, kGeneration));
    extents.push_back(test::data_extent(prealloc, 2 * kSector, kGeneration));
    std::sort(extents.begin(), extents.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    put_leaf(extent_root, 2, extents, kGeneration);
    put_leaf(csum_root, 7, {{{format::objectid::kExtentCsum, 128, data}, data_digests}}, kGeneration);

    const auto name_ref = [](uint64_t index, const std::string& name) {
        return test::Encoder().u64(index).u16(name.size()).text(name).take();
    };
    const auto extent_of = [&](uint64_t at, unsigned sectors, uint8_t type) {
        test::FileExtentSpec spec;
        spec.type = type;
        spec.disk_bytenr = at;
        spec.disk_num_bytes = spec.num_bytes = spec.ram_bytes = sectors * uint64_t{kSector};
        return test::encode_file_extent(spec);
    };
    std::vector<ItemSpec> files = {
        {{256, 1, 0}, test::encode_inode(0, 040755, 0)},
        {{256, 12, 256}, name_ref(0, "..")},
        {{257, 1, 0}, test::encode_inode(4 * kSector, 0100644, 0)},
        {{257, 12, 256}, name_ref(2, "file")},
        {{257, 108, 0}, extent_of(data, 4, 1)},
    };
    std::vector<ItemSpec> more = {
        {{258, 1, 0}, test::encode_inode(2 * kSector, 0100644, 1)},
        {{258, 12, 256}, name_ref(3, "nodatasum")},
        {{258, 108, 0}, extent_of(silent, 2, 1)},
        {{259, 1, 0}, test::encode_inode(2 * kSector, 0100644, 0)},
        {{259, 12, 256}, name_ref(4, "prealloc")},
        {{259, 108, 0}, extent_of(prealloc, 2, 2)},
    };
    if (shape_.deep) {
        put_leaf(files_leaf, 5, files, kGeneration);
        put_leaf(more_leaf, 5, more, kGeneration);
        const std::vector<test::PointerSpec> pointers = {{files.front().key, files_leaf, kGeneration},
                                                         {more.front().key, more_leaf, kGeneration}};
        write_block(files_root, test::encode_node({test::uuid_of(0xf5), files_root, kGeneration, 5}, 1, pointers, node),
                    true, true);
    } else {
        files.insert(files.end(), more.begin(), more.end());
        put_leaf(files_root, 5, files, kGeneration);
    }
    if (!shape_.log) return;
    log_root_ = log_root;
    put_leaf(log_root, format::objectid::kTreeLog,
             {{{format::objectid::kTreeLog, 132, 5}, test::encode_root(log_leaf, 0, kGeneration + 1, 1, true)}},
             kGeneration + 1);
    put_leaf(log_leaf, format::objectid::kTreeLog,
             {{{260, 1, 0}, test::encode_inode(2 * kSector, 0100644, 0)},
              {{260, 12, 256}, name_ref(5, "logged")},
              {{260, 108, 0}, extent_of(logged, 2, 1)},
              {{format::objectid::kExtentCsum, 128, logged}, log_digests}},
             kGeneration + 1);
}

void SmallVolume::make_supers() {
    for (unsigned i = 0; i < shape_.devices; i++) {
        test::SuperSpec spec;
        spec.generation = spec.chunk_root_generation = kGeneration;
        spec.root = root_;
        spec.chunk_root = chunk_root_;
        spec.log_root = log_root_;
        spec.total_bytes = devices_[i]->size() * shape_.devices;
        spec.num_devices = shape_.devices;
        spec.nodesize = spec.leafsize = shape_.nodesize;
        spec.csum_type = static_cast<uint16_t>(shape_.csum);
        spec.incompat = 0x3c1;
        spec.dev_item.devid = i + 1;
        spec.dev_item.total_bytes = devices_[i]->size();
        spec.dev_item.uuid = device_uuid(i + 1);
        test::SysChunkSpec sys;
        sys.logical = chunks_[0].logical;
        sys.chunk.length = chunks_[0].length;
        sys.chunk.type = chunks_[0].kind | type_bits(shape_.profile);
        sys.chunk.stripes.clear();
        for (unsigned d = 0; d < shape_.devices; d++)
            sys.chunk.stripes.push_back({d + 1, chunks_[0].physical, device_uuid(d + 1)});
        spec.sys_chunks = {sys};
        write_super(i, test::encode_super(spec), true);
    }
}

}  // namespace raid56::fuzz
