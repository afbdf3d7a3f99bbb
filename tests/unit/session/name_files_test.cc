// SPDX-License-Identifier: GPL-2.0-or-later
// Findings held back for their files, on a volume that claims more than there is memory for.
#include "session/name_files.h"

#include <gtest/gtest.h>

#include "parity/engine.h"
#include "support/encode.h"

namespace raid56::session {
namespace {

class Kept final : public report::Writer {
  public:
    void volume(const report::VolumeEvent&) override {}
    void device(const report::DeviceEvent&) override {}
    using Writer::damage;
    void damage(const scrub::Damage& event, const report::HurtFiles*) override { damages.push_back(event); }
    void unknown(const scrub::Unknown&) override {}
    void action(const report::ActionEvent&) override {}
    void summary(const report::Summary&) override {}
    std::vector<scrub::Damage> damages;
};

// Its strips listed one by one would be 2^31 ranges.
TEST(NameFiles, AHugeLostChunkIsOneRange) {
    format::Superblock super;
    super.sectorsize = super.nodesize = 4096;
    OpenVolume open;
    open.volume = std::make_unique<volume::Volume>(super, std::vector<uint8_t>());
    format::Chunk chunk;
    chunk.start = Logical(uint64_t{1} << 32);
    chunk.length = uint64_t{1} << 47;
    chunk.kind = format::chunk_kind::kData;
    chunk.profile = format::Profile::raid0;
    chunk.stripes = {{DevId(1), Physical(1 << 20), test::uuid_of(1)}, {DevId(2), Physical(1 << 20), test::uuid_of(2)}};
    ASSERT_TRUE(open.volume->add_chunk(chunk));
    const std::atomic<bool> stop{false};
    open.reader = std::make_unique<tree::BlockReader>(*open.volume, parity::scalar_engine(), stop);

    scrub::Damage damage;
    damage.devid = DevId(2);
    damage.physical = Physical(1 << 20);
    damage.length = open.volume->chunks()[0].extent_length();
    damage.cause = scrub::Cause::missing;
    damage.logical = damage.chunk = chunk.start;
    HeldFindings held;
    held.add(damage);
    Kept kept;
    EXPECT_TRUE(held.tell(open, kept, stop)) << "nothing is known of any tree";
    ASSERT_EQ(kept.damages.size(), 1u);
    EXPECT_EQ(kept.damages[0].devid, DevId(2));
}

}  // namespace
}  // namespace raid56::session
