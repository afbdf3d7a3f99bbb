// SPDX-License-Identifier: GPL-2.0-or-later
// A whole image in which one allocated sector, or one of a row's parities, cannot be read: each of a
// sample in turn is reported, there and nowhere else.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>

#include "golden.h"
#include "session/open_volume.h"
#include "tree/extent_stream.h"

namespace raid56::cmd {
namespace {

constexpr size_t kMost = 120;

struct Place {
    uint64_t devid = 0, physical = 0;
    auto operator<=>(const Place&) const = default;
};

class UnreadableSector : public GoldenTest {
  protected:
    /// Every sector that something allocated takes, and the parities of its rows.
    std::set<Place> allocated() {
        std::ostringstream out, err;
        const session::World world{out,
                                   err,
                                   false,
                                   [&](const std::string& path, device::Reading reading) {
                                       return device::open_for_reading((folder_ / path).string(), reading);
                                   },
                                   [] { return 0.0; },
                                   worlds_.stop};
        session::Options options;
        options.devices = paths_;
        auto open = session::open_volume(options, world, parity::scalar_engine());
        std::set<Place> places;
        if (!open) {
            ADD_FAILURE() << open.error().message;
            return places;
        }
        const auto& volume = *open->volume;
        for (const auto& member : volume.members())
            path_of_[member.devid.v] = std::filesystem::path(member.path).filename().string();
        sectorsize_ = volume.sectorsize();
        const auto extra = session::extra_extents(*open);
        auto extents = session::extents_of(*open, extra);
        while (const auto found = extents.next())
            for (uint64_t at = 0; at < found->extent.length; at += sectorsize_)
                add(volume, found->extent.start + at, places);
        return places;
    }

    static void add(const volume::Volume& volume, Logical logical, std::set<Place>& places) {
        const auto* chunk = volume.find_chunk(logical);
        if (chunk == nullptr) return;
        const auto place = volume::place_of(chunk->layout, logical - chunk->chunk.start);
        const auto put = [&](unsigned column, unsigned copy) {
            const unsigned index = volume::stripe_index(chunk->layout, place.n, column, copy);
            places.insert({volume.member_of(*chunk, index).devid.v, chunk->physical(place.n, index).v + place.offset});
        };
        for (unsigned copy = 0; copy < chunk->layout.copies; copy++) put(place.column, copy);
        if (!chunk->has_parity(place.n)) return;
        for (unsigned parity = 0; parity < chunk->layout.np; parity++) put(chunk->layout.nd + parity, 0);
    }

    static std::vector<Place> sample(const std::set<Place>& all) {
        const std::vector<Place> places(all.begin(), all.end());
        if (places.size() <= kMost) return places;
        std::vector<Place> chosen;
        for (size_t i = 0; i < kMost; i++) chosen.push_back(places[i * places.size() / kMost]);
        return chosen;
    }

    Outcome run_without(const Place& place, uint64_t length) {
        auto& device = worlds_.device(path_of_.at(place.devid));
        device.heal();
        device.fail_range(place.physical, length, EIO);
        Outcome hurt = run();
        device.heal();
        return hurt;
    }

    std::map<uint64_t, std::string> path_of_;
    uint32_t sectorsize_ = 0;
};

TEST_F(UnreadableSector, IsReportedExactlyWhereItIs) {
    const Outcome whole = run();
    ASSERT_EQ(whole.status, 0) << name_ << " is not clean: " << whole.err;
    const auto places = sample(allocated());
    ASSERT_GT(places.size(), 20u);
    for (const auto& place : places) {
        SCOPED_TRACE(name_ + ": devid " + std::to_string(place.devid) + " at " + std::to_string(place.physical));
        const Outcome hurt = run_without(place, sectorsize_);
        EXPECT_EQ(hurt.status, 1) << hurt.err;
        const auto damage = hurt.lines_of("damage");
        ASSERT_EQ(damage.size(), 1u) << hurt.out;
        EXPECT_EQ(damage[0]["devid"], place.devid);
        EXPECT_EQ(damage[0]["physical"], place.physical);
        EXPECT_EQ(damage[0]["length"], sectorsize_);
        EXPECT_EQ(damage[0]["cause"], "unreadable");
        EXPECT_EQ(damage[0]["repairable"], true);
        const Json summary = hurt.summary();
        EXPECT_EQ(summary["unreadable_sectors"], 1);
        EXPECT_EQ(summary["repairable_sectors"], 1);
        EXPECT_EQ(summary["unrepairable_sectors"], 0);
        EXPECT_EQ(summary["ambiguous_rows"], 0);
        if (HasFailure()) break;
    }
}

// One byte that cannot be read costs its sector, no more.
TEST_F(UnreadableSector, AByteCostsItsSectorAlone) {
    const auto places = sample(allocated());
    ASSERT_GT(places.size(), 20u);
    for (size_t i = 0; i < places.size(); i += 11) {
        const Place byte{places[i].devid, places[i].physical + sectorsize_ - 1};
        const auto damage = run_without(byte, 1).lines_of("damage");
        ASSERT_EQ(damage.size(), 1u);
        EXPECT_EQ(damage[0]["physical"], places[i].physical);
        EXPECT_EQ(damage[0]["length"], sectorsize_);
    }
}

TEST_F(UnreadableSector, OfASuperblockCopyIsThatCopys) {
    (void)allocated();
    for (const auto& [devid, path] : path_of_)
        for (const uint64_t offset : {uint64_t{0x10000}, uint64_t{0x4000000}}) {
            SCOPED_TRACE(path + " at " + std::to_string(offset));
            const Outcome hurt = run_without({devid, offset}, 4096);
            EXPECT_EQ(hurt.status, 1) << hurt.err;
            const auto damage = hurt.lines_of("damage");
            ASSERT_EQ(damage.size(), 1u) << hurt.out;
            EXPECT_EQ(damage[0]["role"], "super");
            EXPECT_EQ(damage[0]["cause"], "unreadable");
            EXPECT_EQ(damage[0]["devid"], devid);
            EXPECT_EQ(damage[0]["physical"], offset);
            EXPECT_EQ(hurt.summary()["super_errors"], 1);
        }
}

}  // namespace
}  // namespace raid56::cmd
