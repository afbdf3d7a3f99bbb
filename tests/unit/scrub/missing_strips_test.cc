// SPDX-License-Identifier: GPL-2.0-or-later
// Strips of missing devices are what lay there, wherever enough is left; else zeros. What is there stays as found.
#include "scrub/missing_strips.h"

#include <gtest/gtest.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "scrub/batch.h"
#include "support/chunk_image.h"

namespace raid56::scrub {
namespace {

using format::Profile;
using test::Bytes;
using test::ChunkImage;
using volume::DeviceState;

constexpr uint32_t kSector = ChunkImage::kSector;
constexpr unsigned kRows = kStripLen / kSector;
constexpr unsigned kFullStripes = 5;  // each column is on each device at least once, up to five of them

class Scene {
  public:
    Scene(Profile profile, unsigned width) : image_(ChunkImage::of(profile, width, kFullStripes)) {
        for (unsigned n = 0; n < kFullStripes; n++)
            for (unsigned i = 0; i < width; i++) {
                const auto strip = image_.strip(n, i);
                right_.push_back({strip.begin(), strip.end()});
            }
    }

    ChunkImage& image() { return image_; }
    const Bytes& right(unsigned n, unsigned index) const { return right_[size_t{n} * image_.stripes() + index]; }
    void lose(unsigned index) {
        auto& member = image_.volume().member(index);
        member.device = nullptr;
        member.state = DeviceState::missing;
    }
    void lose_all(unsigned mask) {
        for (unsigned i = 0; i < image_.stripes(); i++)
            if ((mask >> i & 1) != 0) lose(i);
    }
    /// Its strips hold something else from now on.
    void make_stale(unsigned index) {
        image_.volume().member(index).state = DeviceState::stale;
        for (unsigned n = 0; n < kFullStripes; n++)
            std::ranges::copy(garbage(n, index), image_.strip(n, index).begin());
    }
    static Bytes garbage(unsigned n, unsigned index) { return test::noise(kStripLen, 1000 + n * 100 + index); }
    void make_bad(unsigned n, unsigned index, unsigned row) {
        image_.faults(index).fail_range(image_.offset(n, index) + row * uint64_t{kSector}, kSector, EIO);
    }
    void take_parity_from(unsigned n) {
        const_cast<volume::MappedChunk&>(image_.chunk()).without_parity.push_back(StripeNo(n));
    }

    /// Reads all full stripes and makes what is missing; what lay in memory before is no zeros.
    void make() {
        batch_.window.chunk = &image_.chunk();
        batch_.window.count = kFullStripes;
        batch_.window.start = image_.chunk().chunk.start;
        batch_.window.sectorsize = kSector;
        batch_.window.sectors.assign(size_t{kFullStripes} * image_.layout().nd * kRows, Expect::free);
        batch_.window.needed.assign(kFullStripes, true);
        batch_.start_reads(image_.volume());
        batch_.finish_reads(stop_);
        for (unsigned n = 0; n < kFullStripes; n++)
            for (unsigned i = 0; i < image_.stripes(); i++)
                if (is_lost(i)) std::memset(batch_.strip(n, i), 0xaa, kStripLen);
        tree::BlockReader reader(image_.volume(), parity::scalar_engine(), stop_);
        const Context context{image_.volume(), parity::scalar_engine(), reader, stop_};
        MissingStrips missing(context);
        // In groups of two, as a worker does it, with one object for all.
        for (unsigned n = 0; n < kFullStripes; n += 2) {
            const unsigned both[] = {n, n + 1};
            EXPECT_EQ(missing.make(batch_, std::span(both).first(std::min(2u, kFullStripes - n))), 0u);
        }
    }
    bool is_lost(unsigned index) { return image_.volume().members()[index].device == nullptr; }

    ByteView row(unsigned n, unsigned index, unsigned row) const {
        return ByteView(batch_.strip(n, index) + size_t{row} * kSector, kSector);
    }
    bool is_right(unsigned n, unsigned index, unsigned r) const {
        return std::ranges::equal(row(n, index, r), ByteView(right(n, index)).subspan(size_t{r} * kSector, kSector));
    }
    bool is_zero(unsigned n, unsigned index, unsigned r) const {
        return std::ranges::all_of(row(n, index, r), [](uint8_t byte) { return byte == 0; });
    }
    /// Whether all rows of all strips of missing devices are right; the others', where they can be read, as found.
    void expect_all_right() {
        for (unsigned n = 0; n < kFullStripes; n++)
            for (unsigned i = 0; i < image_.stripes(); i++)
                for (unsigned r = 0; r < kRows; r++) {
                    if (batch_.is_bad(n, i, r)) continue;
                    const bool stale = image_.volume().members()[i].state == DeviceState::stale;
                    const bool fine =
                        stale ? std::ranges::equal(row(n, i, r),
                                                   ByteView(garbage(n, i)).subspan(size_t{r} * kSector, kSector))
                              : is_right(n, i, r);
                    ASSERT_TRUE(fine) << "full stripe " << n << ", device " << i << ", row " << r;
                }
    }
    void expect_zeros(unsigned n) {
        for (unsigned i = 0; i < image_.stripes(); i++)
            for (unsigned r = 0; r < kRows && is_lost(i); r++)
                ASSERT_TRUE(is_zero(n, i, r)) << "full stripe " << n << ", device " << i << ", row " << r;
    }

  private:
    ChunkImage image_;
    std::vector<Bytes> right_;
    std::atomic<bool> stop_{false};
    Batch batch_{parity::scalar_engine()};
};

std::vector<std::pair<Profile, unsigned>> parity_shapes() {
    std::vector<std::pair<Profile, unsigned>> all;
    for (unsigned width = 2; width <= 6; width++) {
        all.push_back({Profile::raid5, width});
        if (width >= 3) all.push_back({Profile::raid6, width});
    }
    return all;
}

// ---- raid5 and raid6

TEST(MissingStrips, OfEverySetOfMissingDevicesAreMade) {
    for (const auto& [profile, width] : parity_shapes())
        for (unsigned mask = 0; mask < 1u << width; mask++) {
            SCOPED_TRACE(std::to_string(width) + " devices, missing " + std::to_string(mask));
            Scene scene(profile, width);
            scene.lose_all(mask);
            scene.make();
            if (static_cast<unsigned>(std::popcount(mask)) <= scene.image().layout().np)
                scene.expect_all_right();
            else
                for (unsigned n = 0; n < kFullStripes; n++) scene.expect_zeros(n);
            if (testing::Test::HasFailure()) return;
        }
}

TEST(MissingStrips, WithoutParityAreZeros) {
    for (const auto& [profile, width] : parity_shapes())
        for (unsigned lost = 0; lost < width; lost++) {
            Scene scene(profile, width);
            scene.take_parity_from(1);
            scene.take_parity_from(2);
            scene.lose(lost);
            scene.make();
            for (unsigned n = 0; n < kFullStripes; n++)
                if (n == 1 || n == 2)
                    scene.expect_zeros(n);
                else
                    for (unsigned r = 0; r < kRows; r++) EXPECT_TRUE(scene.is_right(n, lost, r)) << n;
        }
}

TEST(MissingStrips, BesideABadSectorAreMadeFromTheOtherParity) {
    for (unsigned width = 3; width <= 6; width++)
        for (unsigned lost = 0; lost < width; lost++)
            for (unsigned bad = 0; bad < width; bad++) {
                if (bad == lost) continue;
                Scene scene(Profile::raid6, width);
                scene.lose(lost);
                for (unsigned n = 0; n < kFullStripes; n++)
                    for (const unsigned r : {0u, 1u, 7u + n, kRows - 1}) scene.make_bad(n, bad, r);
                scene.make();
                scene.expect_all_right();
                if (testing::Test::HasFailure()) return;
            }
}

TEST(MissingStrips, BesideTooManyBadSectorsAreZerosInThoseRowsAlone) {
    for (const auto& [profile, width] : parity_shapes()) {
        Scene scene(profile, width);
        const unsigned np = scene.image().layout().np;
        scene.lose(0);
        for (unsigned i = 1; i <= np; i++) {
            scene.make_bad(1, i, 3);
            scene.make_bad(1, i, 4);
            scene.make_bad(4, i, 15);
        }
        scene.make();
        for (unsigned n = 0; n < kFullStripes; n++)
            for (unsigned r = 0; r < kRows; r++) {
                const bool gone = (n == 1 && (r == 3 || r == 4)) || (n == 4 && r == 15);
                EXPECT_TRUE(gone ? scene.is_zero(n, 0, r) : scene.is_right(n, 0, r)) << n << ", row " << r;
            }
    }
}

TEST(MissingStrips, LeaveOutADeviceThatIsNotBelievedWhereEnoughIsLeft) {
    for (unsigned width = 3; width <= 6; width++)
        for (unsigned lost = 0; lost < width; lost++)
            for (unsigned stale = 0; stale < width; stale++) {
                if (stale == lost) continue;
                Scene scene(Profile::raid6, width);
                scene.lose(lost);
                scene.make_stale(stale);
                scene.make();
                scene.expect_all_right();
                if (testing::Test::HasFailure()) return;
            }
}

// Where it is needed it is taken as it stands, in the rows where it is needed: here it is right in half of them.
TEST(MissingStrips, TakeADeviceThatIsNotBelievedWhereItIsNeeded) {
    Scene scene(Profile::raid6, 5);
    scene.lose(0);
    scene.make_stale(1);
    for (unsigned n = 0; n < kFullStripes; n++) {
        std::copy_n(scene.right(n, 1).begin(), kStripLen / 2, scene.image().strip(n, 1).begin());
        for (unsigned r = 0; r < kRows; r += 2) scene.make_bad(n, 2, r);
    }
    scene.make();
    for (unsigned n = 0; n < kFullStripes; n++)
        for (unsigned r = 0; r < kRows; r++) {
            const bool garbage_needed = r % 2 == 0 && r >= kRows / 2;
            EXPECT_EQ(scene.is_right(n, 0, r), !garbage_needed) << n << ", row " << r;
            EXPECT_FALSE(scene.is_zero(n, 0, r)) << "something is known";
        }
}

// ---- mirrors

TEST(MissingStrips, OfMirrorsAreCopied) {
    for (const auto& [profile, width] : {std::pair{Profile::raid1, 2u},
                                         {Profile::raid1c3, 3u},
                                         {Profile::raid1c4, 4u},
                                         {Profile::raid10, 4u},
                                         {Profile::raid10, 6u},
                                         {Profile::raid0, 3u},
                                         {Profile::single, 1u}})
        for (unsigned mask = 0; mask < 1u << width; mask++) {
            SCOPED_TRACE(std::to_string(width) + " devices, missing " + std::to_string(mask));
            Scene scene(profile, width);
            scene.lose_all(mask);
            scene.make();
            const auto& layout = scene.image().layout();
            for (unsigned n = 0; n < kFullStripes; n++)
                for (unsigned c = 0; c < layout.nd; c++) {
                    bool any = false;
                    for (unsigned m = 0; m < layout.copies; m++)
                        any = any || (mask >> scene.image().index_of(n, c, m) & 1) == 0;
                    for (unsigned m = 0; m < layout.copies; m++)
                        for (unsigned r = 0; r < kRows; r++) {
                            const unsigned index = scene.image().index_of(n, c, m);
                            ASSERT_TRUE(any ? scene.is_right(n, index, r) : scene.is_zero(n, index, r));
                        }
                }
        }
}

TEST(MissingStrips, OfMirrorsComeFromACopyThatIsBelieved) {
    for (unsigned lost = 0; lost < 3; lost++)
        for (unsigned stale = 0; stale < 3; stale++) {
            if (stale == lost) continue;
            const unsigned good = 3 - lost - stale;
            Scene scene(Profile::raid1c3, 3);
            scene.lose(lost);
            scene.make_stale(stale);
            scene.make_bad(2, good, 9);
            scene.make_bad(3, good, 10);
            scene.make_bad(3, stale, 10);
            scene.make();
            for (unsigned n = 0; n < kFullStripes; n++)
                for (unsigned r = 0; r < kRows; r++) {
                    SCOPED_TRACE(std::to_string(n) + ", row " + std::to_string(r));
                    const auto garbage = Scene::garbage(n, stale);
                    if (n == 2 && r == 9)
                        EXPECT_TRUE(std::ranges::equal(scene.row(n, lost, r),
                                                       ByteView(garbage).subspan(size_t{r} * kSector, kSector)));
                    else if (n == 3 && r == 10)
                        EXPECT_TRUE(scene.is_zero(n, lost, r));
                    else
                        EXPECT_TRUE(scene.is_right(n, lost, r));
                }
        }
}

}  // namespace
}  // namespace raid56::scrub
