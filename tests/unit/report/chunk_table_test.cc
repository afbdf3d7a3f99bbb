// SPDX-License-Identifier: GPL-2.0-or-later
// The table of what chunks bear: what is in a row, and how rows are laid out.
#include "report/chunk_table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "device/memory_device.h"

namespace raid56::report {
namespace {

ChunkRow some_row() {
    ChunkRow row;
    row.logical = 22020096;
    row.length = 8 << 20;
    row.kind = "system";
    row.profile = "raid6";
    row.devices = 4;
    row.missing = {3};
    row.further_losses = 1;
    return row;
}

ChunkRow lost_row() {
    ChunkRow row;
    row.logical = 1099511627776;
    row.length = 224 << 20;
    row.kind = "data+metadata";
    row.profile = "raid1c3";
    row.devices = 12;
    row.missing = {3, 10, 11};
    row.whole = false;
    return row;
}

std::string table(const std::vector<ChunkRow>& rows) {
    std::ostringstream out;
    write_chunk_table(out, rows);
    return out.str();
}

std::string sum(const std::vector<ChunkRow>& rows, std::optional<unsigned> further) {
    std::ostringstream out;
    write_chunk_sum(out, rows, further);
    return out.str();
}

TEST(ChunkTable, ColumnsAreAsWideAsTheirWidestCell) {
    EXPECT_EQ(table({some_row(), lost_row()}),
              "        logical      length  kind           profile  devices  missing  whole  more losses\n"
              "       22020096    8.00 MiB  system         raid6          4  3        yes              1\n"
              "  1099511627776  224.00 MiB  data+metadata  raid1c3       12  3 10 11  LOST             0\n");
}

TEST(ChunkTable, NoMissingDeviceIsADash) {
    auto row = some_row();
    row.missing.clear();
    EXPECT_NE(table({row}).find("        4  -        yes              1\n"), std::string::npos) << table({row});
}

TEST(ChunkTable, TheSumIsASentence) {
    EXPECT_EQ(sum({some_row()}, 2), "The file system as a whole bears 2 more lost devices.\n");
    EXPECT_EQ(sum({some_row()}, 1), "The file system as a whole bears 1 more lost device.\n");
    EXPECT_EQ(sum({some_row()}, 0), "The file system as a whole bears no more lost device.\n");
    EXPECT_EQ(sum({some_row(), lost_row()}, 0),
              "The file system as a whole bears no more lost device: 1 chunk is LOST.\n");
    EXPECT_EQ(sum({lost_row(), lost_row()}, 0),
              "The file system as a whole bears no more lost device: 2 chunks are LOST.\n");
    EXPECT_EQ(sum({some_row()}, std::nullopt),
              "How many more lost devices the file system as a whole bears is not known: not all of its chunks are.\n");
}

/// A volume with present devices of devid 1 and 2; every other is missing.
class Rows : public ::testing::Test {
  protected:
    Rows() {
        for (const uint64_t devid : {1, 2}) {
            volume::Member member;
            member.devid = DevId(devid);
            member.state = volume::DeviceState::present;
            member.device = &nothing_;
            volume_.add_member(member);
        }
    }

    ChunkRow row_of(format::Profile profile, const std::vector<uint64_t>& devids) {
        format::Chunk chunk;
        chunk.start = Logical(0x100000);
        chunk.length = 0x600000;
        chunk.kind = format::chunk_kind::kMetadata;
        chunk.profile = profile;
        for (const uint64_t devid : devids)
            chunk.stripes.push_back({DevId(devid), Physical(0x4000000 * (chunk.stripes.size() + 1)), {}});
        volume_.drop_chunks();
        EXPECT_TRUE(volume_.add_chunk(chunk));
        return chunk_row(volume_, volume_.chunks().front());
    }

    device::MemoryDevice nothing_{{}};
    volume::Volume volume_{{}, {}};
};

TEST_F(Rows, SayWhatTheChunkIs) {
    const auto row = row_of(format::Profile::raid6, {1, 2, 7});
    EXPECT_EQ(row.logical, 0x100000u);
    EXPECT_EQ(row.length, 0x600000u);
    EXPECT_EQ(row.kind, "metadata");
    EXPECT_EQ(row.profile, "raid6");
    EXPECT_EQ(row.devices, 3u);
    EXPECT_EQ(row.missing, (std::vector<uint64_t>{7}));
    EXPECT_TRUE(row.whole);
    EXPECT_EQ(row.further_losses, 1u);
}

TEST_F(Rows, MissingDevicesAreInOrderAndEachOnce) {
    const auto row = row_of(format::Profile::raid6, {9, 2, 7, 9, 1});
    EXPECT_EQ(row.devices, 4u);
    EXPECT_EQ(row.missing, (std::vector<uint64_t>{7, 9}));
    EXPECT_FALSE(row.whole);
    EXPECT_EQ(row.further_losses, 0u);
}

TEST_F(Rows, BothCopiesOnOneDeviceAreOneDevice) {
    const auto row = row_of(format::Profile::dup, {1, 1});
    EXPECT_EQ(row.devices, 1u);
    EXPECT_TRUE(row.missing.empty());
    EXPECT_TRUE(row.whole);
    EXPECT_EQ(row.further_losses, 0u);
}

}  // namespace
}  // namespace raid56::report
