// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock copies of two devices, with checksums that hold, through the scan and the choice of the one that speaks.
//
// Input: for each device a byte of flags (bit 0: the rest of its part is taken as it is, not as patches; bit 1: the
// checksum is left alone; bit 2: distrusted), the number of its patches, and patches: offset (2), length (1), bytes.
#include <cstring>

#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "fuzz/support/tree_world.h"
#include "support/super_image.h"
#include "volume/assemble.h"
#include "volume/losses.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr size_t kDeviceSize = 0x10000 + 4096;

test::Bytes good_super(uint64_t devid) {
    test::SuperSpec spec;
    spec.num_devices = 2;
    spec.dev_item.devid = devid;
    spec.dev_item.uuid = test::uuid_of(static_cast<uint8_t>(0xd0 + devid));
    spec.label = "label";
    test::SysChunkSpec sys;
    sys.chunk.type = test::chunk_type::kSystem | test::chunk_type::kRaid1;
    sys.chunk.stripes = {{1, 0x100000, test::uuid_of(0xd1)}, {2, 0x100000, test::uuid_of(0xd2)}};
    spec.sys_chunks = {sys};
    return test::encode_super(spec);
}

// The n-th superblock as the input wants it; returns its flags.
uint8_t describe(Input& input, const test::Bytes& good, ByteSpan out) {
    std::memcpy(out.data(), good.data(), good.size());
    const uint8_t flags = input.u8();
    if ((flags & 1) != 0) {
        const ByteView raw = input.take(4096);
        if (!raw.empty()) std::memcpy(out.data(), raw.data(), raw.size());
    } else {
        for (unsigned count = input.u8(); count > 0 && !input.empty(); count--) {
            const size_t at = input.u16() % 4096;
            const ByteView bytes = input.take(std::min<size_t>(input.u8(), 4096 - at));
            if (!bytes.empty()) std::memcpy(out.data() + at, bytes.data(), bytes.size());
        }
    }
    if ((flags & 2) == 0) {
        const auto kind = format::peek_csum_kind(out);
        const Digest digest = checksum::digest(kind ? *kind : CsumKind::crc32c, ByteView(out).subspan(32));
        std::copy_n(digest.begin(), csum_size(kind ? *kind : CsumKind::crc32c), out.begin());
    }
    return flags;
}

void check_decoded(const format::Superblock& super) {
    FUZZ_EXPECT(super.nodesize >= super.sectorsize && super.nodesize <= 65536);
    FUZZ_EXPECT(!super.sys_chunks.empty());
    FUZZ_EXPECT(super.label.size() <= 256);
    (void)format::feature_names(super);
    (void)format::refusal(super);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool ready = checksum::self_test().ok();
    FUZZ_EXPECT(ready);
    static CountingDevice devices[] = {CountingDevice(kDeviceSize), CountingDevice(kDeviceSize)};
    static const test::Bytes good[] = {good_super(1), good_super(2)};

    Input input(data, size);
    std::vector<volume::Candidate> candidates;
    std::set<DevId> distrusted;
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t flags = describe(input, good[i], devices[i].bytes().subspan(0x10000, 4096));
        if ((flags & 4) != 0) distrusted.insert(DevId(i + 1));
        volume::Candidate candidate{"device", &devices[i], volume::scan_supers(devices[i])};
        for (const auto& copy : candidate.copies) {
            FUZZ_EXPECT((copy.state == volume::CopyState::rejected) == copy.reject.has_value() ||
                        copy.state == volume::CopyState::magic_missing);
            FUZZ_EXPECT(!volume::describe(copy).empty());
            if (copy.super) check_decoded(*copy.super);
        }
        if (volume::has_identity(candidate))
            candidates.push_back(std::move(candidate));
        else
            FUZZ_EXPECT(!volume::no_superblock(candidate).message.empty());
    }
    if (candidates.empty()) return 0;
    const auto volume = volume::assemble(candidates, distrusted);
    if (!volume) {
        FUZZ_EXPECT(!volume.error().message.empty());
        return 0;
    }
    FUZZ_EXPECT(volume->members().size() >= candidates.size());
    FUZZ_EXPECT(!format::refusal(volume->super()));
    for (const auto& chunk : volume->chunks()) {
        FUZZ_EXPECT(volume->find_chunk(chunk.chunk.start) == &chunk);
        FUZZ_EXPECT(volume::further_losses(*volume, chunk) < chunk.layout.stripes + 1u);
    }
    return 0;
}
