// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/super_image.h"

#include <algorithm>

#include "checksum/checksum.h"

namespace raid56::test {

Bytes encode_chunk(const ChunkSpec& chunk) {
    Encoder out;
    out.u64(chunk.length).u64(2).u64(chunk.stripe_len).u64(chunk.type);
    out.u32(65536).u32(65536).u32(chunk.sectorsize);
    // sub_stripes 0: old mkfs wrote that, so nobody may rely on it.
    out.u16(chunk.stripes.size()).u16(0);
    for (const auto& stripe : chunk.stripes) out.u64(stripe.devid).u64(stripe.offset).raw(stripe.uuid);
    return out.take();
}

Bytes encode_dev_item(const DevItemSpec& item) {
    Encoder out;
    out.u64(item.devid).u64(item.total_bytes).u64(item.bytes_used);
    out.u32(4096).u32(4096).u32(4096);
    out.u64(0).u64(item.generation).u64(0);
    out.u32(0).u8(0).u8(0);
    out.raw(item.uuid).raw(item.fsid);
    return out.take();
}

Bytes encode_super(const SuperSpec& super) {
    Encoder array;
    for (const auto& sys : super.sys_chunks)
        array.u64(sys.objectid).u8(sys.type).u64(sys.logical).raw(encode_chunk(sys.chunk));
    Bytes sys_array = array.take();

    Encoder out;
    out.zeros(32).raw(super.fsid).u64(super.bytenr).u64(super.flags).text(super.magic);
    out.u64(super.generation).u64(super.root).u64(super.chunk_root).u64(super.log_root).u64(0);
    out.u64(super.total_bytes).u64(super.bytes_used).u64(6).u64(super.num_devices);
    out.u32(super.sectorsize).u32(super.nodesize).u32(super.leafsize).u32(super.stripesize).u32(sys_array.size());
    out.u64(super.chunk_root_generation).u64(super.compat).u64(super.compat_ro).u64(super.incompat);
    out.u16(super.csum_type).u8(super.root_level).u8(super.chunk_root_level).u8(super.log_root_level);
    out.raw(encode_dev_item(super.dev_item));
    std::string label = super.label;
    label.resize(256);
    out.text(label).u64(super.cache_generation).u64(0).raw(super.metadata_uuid).zeros(224);
    sys_array.resize(2048);
    out.raw(sys_array);
    out.zeros(4096 - out.size());
    Bytes block = out.take();
    sign(block, static_cast<CsumKind>(super.csum_type <= 3 ? super.csum_type : 0));
    return block;
}

void sign(Bytes& block, CsumKind kind) {
    const Digest digest = checksum::digest(kind, ByteView(block).subspan(32));
    std::copy_n(digest.begin(), csum_size(kind), block.begin());
}

}  // namespace raid56::test
