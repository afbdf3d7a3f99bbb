// SPDX-License-Identifier: GPL-2.0-or-later
// Full stripes checked through engines that take everything, nothing, or break now and then: what is
// found must not depend on them.
#include "scrub/stripe_check.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <sstream>

#include "checksum/checksum.h"
#include "support/chunk_image.h"

namespace raid56::scrub {
namespace {

using format::Profile;
using parity::Job;
using parity::Op;
using parity::Outcome;
using test::ChunkImage;

constexpr uint32_t kSector = ChunkImage::kSector;
constexpr unsigned kRows = kStripLen / kSector;

/// What a test engine does with a job.
enum class Way {
    right,   // does it
    refuse,  // at once
    late,    // refuses it when it is waited for
    fail,    // lies in the results, and says so
    leave,   // lies in the results, and leaves the job pending
};

/// Takes digests too. Works in wait(), so that nothing is there before.
class TestEngine : public parity::Engine {
  public:
    using Choice = std::function<Way(size_t number, const Job& job)>;  // number: of the job since the beginning

    explicit TestEngine(
        Choice way = [](size_t, const Job&) { return Way::right; }, size_t batch_bytes = size_t{768} << 10)
        : way_(std::move(way)), batch_bytes_(batch_bytes) {}

    std::string_view name() const override { return "test"; }
    size_t batch_bytes() const override { return batch_bytes_; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return parity::scalar_engine().allocate(size); }
    void submit(parity::Batch batch) override {
        sizes.push_back(batch.size());
        ways_.clear();
        for (auto& job : batch) {
            ways_.push_back(way_(number_++, job));
            if (ways_.back() == Way::refuse) job.outcome = Outcome::refused;
        }
    }
    void wait(parity::Batch batch) override {
        EXPECT_EQ(batch.size(), sizes.back());
        for (size_t i = 0; i < batch.size(); i++) {
            switch (ways_[i]) {
                case Way::right: work(batch[i]); break;
                case Way::refuse: break;
                case Way::late: batch[i].outcome = Outcome::refused; break;
                case Way::fail:
                    lie(batch[i]);
                    batch[i].outcome = Outcome::failed;
                    break;
                case Way::leave: lie(batch[i]); break;
            }
        }
    }

    std::vector<size_t> sizes;  // of the batches so far
    /// Lies say that all is well: these digests one after the other, and parity that does not differ. Without
    /// it they say the opposite.
    std::optional<std::vector<uint8_t>> good_news;
    std::vector<uint8_t> made;  // digests so far

  private:
    void work(Job& job) {
        if (job.op != Op::digest) {
            parity::scalar_engine().submit({&job, 1});
            parity::scalar_engine().wait({&job, 1});
            return;
        }
        const size_t size = csum_size(job.csum), block = job.length / job.blocks;
        for (size_t i = 0; i < job.blocks; i++) {
            const Digest digest = checksum::digest(job.csum, ByteView(job.columns[0] + i * block, block));
            std::copy_n(digest.begin(), size, job.digests + i * size);
        }
        made.insert(made.end(), job.digests, job.digests + job.blocks * size);
        job.outcome = Outcome::done;
    }
    void lie(Job& job) {
        job.p_differs = job.q_differs = !good_news;
        if (job.op != Op::digest) return;
        const size_t bytes = job.blocks * csum_size(job.csum);
        if (!good_news) {
            std::memset(job.digests, 0xee, bytes);
        } else {
            ASSERT_LE(told_ + bytes, good_news->size());
            std::copy_n(good_news->begin() + static_cast<ptrdiff_t>(told_), bytes, job.digests);
        }
        told_ += bytes;
    }

    Choice way_;
    size_t batch_bytes_;
    std::vector<Way> ways_;  // of the batch under way
    size_t number_ = 0, told_ = 0;
};

TestEngine::Choice always(Way way) {
    return [way](size_t, const Job&) { return way; };
}
TestEngine::Choice only(size_t k, Way way) {
    return [=](size_t number, const Job&) { return number == k ? way : Way::right; };
}

std::string text(const Damage& damage) {
    std::ostringstream out;
    out << role_name(damage.role) << " " << cause_name(damage.cause) << " device " << damage.devid.v << " at "
        << damage.physical.v << "+" << damage.length << " stripe " << damage.full_stripe.value_or(999) << " row "
        << damage.row.value_or(999) << " repairable " << static_cast<int>(damage.repairable) << " by "
        << proof_name(damage.proof);
    return out.str();
}

struct Found {
    Counters counters;
    std::vector<std::string> damage;
    size_t jobs = 0, batches = 0;

    /// All but what the engine was like.
    std::string all() const {
        std::ostringstream out;
        const auto& c = counters;
        for (const uint64_t n : {c.data_bytes_verified, c.no_checksum_bytes, c.tree_bytes_verified, c.rows_checked,
                                 c.p_mismatches, c.q_mismatches, c.corrupt_data_sectors, c.corrupt_tree_blocks,
                                 c.unreadable_sectors, c.super_errors, c.repairable_sectors, c.unrepairable_sectors,
                                 c.ambiguous_rows, c.unproven_sectors, c.undecided_sectors, c.bytes_read})
            out << n << ' ';
        for (const auto& d : damage) out << '\n' << d;
        return out.str();
    }
};

/// A chunk all of whose sectors hold data with a checksum, unless a test says otherwise.
class Scene {
  public:
    explicit Scene(Profile profile = Profile::raid5, unsigned stripes = 3, unsigned full_stripes = 6,
                   CsumKind csum = CsumKind::crc32c)
        : image_(ChunkImage::of(profile, stripes, full_stripes, csum)) {
        window_.chunk = &image_.chunk();
        window_.count = full_stripes;
        window_.start = image_.chunk().chunk.start;
        window_.sectorsize = kSector;
        window_.digest_size = csum_size(csum);
        window_.sectors.assign(sectors(), Expect::csum);
        window_.digests.resize(sectors() * window_.digest_size);
        window_.needed.assign(full_stripes, true);
        sign();
    }

    ChunkImage& image() { return image_; }
    Window& window() { return window_; }
    size_t sectors() const { return size_t{window_.count} * image_.layout().nd * kRows; }
    uint64_t data_bytes() const { return sectors() * kSector * image_.layout().copies; }

    void sign() {
        for (unsigned n = 0; n < window_.count; n++)
            for (unsigned c = 0; c < image_.layout().nd; c++)
                for (unsigned r = 0; r < kRows; r++) {
                    const auto digest = checksum::digest(image_.volume().super().csum,
                                                         image_.column(n, c).subspan(size_t{r} * kSector, kSector));
                    std::copy_n(
                        digest.begin(), window_.digest_size,
                        window_.digests.begin() + static_cast<ptrdiff_t>(window_.at(n, c, r) * window_.digest_size));
                }
    }

    /// One wrong byte; a column from nd on is parity.
    void flip(unsigned n, unsigned column, unsigned row, unsigned copy = 0) {
        image_.column(n, column, copy)[row * size_t{kSector} + 1234] ^= 0x40;
    }
    std::string flipped(unsigned n, unsigned column, unsigned row, unsigned copy = 0) {
        Damage damage;
        const unsigned index = image_.index_of(n, column, copy), nd = image_.layout().nd;
        damage.devid = DevId(index + 1);
        damage.physical = Physical(image_.offset(n, index) + row * uint64_t{kSector});
        damage.length = kSector;
        damage.role = column < nd ? Role::data : column == nd ? Role::p : Role::q;
        damage.cause = column < nd ? Cause::checksum : Cause::parity;
        if (image_.layout().np > 0) damage.full_stripe = n, damage.row = row;
        damage.repairable = Repairable::yes;
        damage.proof = Proof::checksum;
        return text(damage);
    }

    Found check(parity::Engine& engine) {
        tree::BlockReader reader(image_.volume(), engine, stop_);
        const Context context{image_.volume(), engine, reader, stop_, true};
        StripeChecker checker(context);
        Batch batch(engine);
        batch.window = window_;
        batch.start_reads(image_.volume());
        batch.finish_reads(stop_);
        checker.check(batch);
        Found found;
        found.counters = batch.counters;
        for (const auto& damage : batch.damage) found.damage.push_back(text(damage));
        return found;
    }
    Found check(TestEngine& engine) {
        auto found = check(static_cast<parity::Engine&>(engine));
        for (const size_t size : engine.sizes) found.jobs += size;
        found.batches = engine.sizes.size();
        return found;
    }
    Found check() { return check(parity::scalar_engine()); }
    void stop() { stop_ = true; }

  private:
    ChunkImage image_;
    Window window_;
    std::atomic<bool> stop_{false};
};

using Lines = std::vector<std::string>;

/// Whatever may lie in a full stripe that has nothing to hide, in short runs.
void mix(Scene& scene) {
    constexpr Expect kKinds[] = {Expect::csum, Expect::free,    Expect::csum, Expect::csum,         Expect::written,
                                 Expect::csum, Expect::written, Expect::free, Expect::never_written};
    uint64_t state = 1;
    for (auto& sector : scene.window().sectors) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (state >> 62 != 0) sector = kKinds[(state >> 33) % std::size(kKinds)];
    }
    // A digest says nothing where none is expected.
    for (size_t i = 0; i < scene.window().sectors.size(); i++)
        if (scene.window().sectors[i] != Expect::csum)
            std::memset(scene.window().digests.data() + i * scene.window().digest_size, 0x77,
                        scene.window().digest_size);
}

// ---- clean

TEST(CleanStripes, AreCountedWhateverTheChecksumKind) {
    ASSERT_TRUE(checksum::self_test());
    for (const auto csum : {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b})
        for (const auto profile : {Profile::raid5, Profile::raid6}) {
            Scene scene(profile, 4, 4, csum);
            const auto found = scene.check();
            EXPECT_EQ(found.damage, Lines{}) << csum_name(csum);
            EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes());
            EXPECT_EQ(found.counters.rows_checked, 4 * kRows);
            EXPECT_EQ(found.counters.bytes_read, 4 * 4 * kStripLen);
            TestEngine engine;
            EXPECT_EQ(scene.check(engine).all(), found.all()) << csum_name(csum);
        }
}

TEST(CleanStripes, OfEachProfileWithoutParityAreCountedOnceACopy) {
    for (const auto& [profile, stripes] : {std::pair{Profile::single, 1u},
                                           {Profile::dup, 2u},
                                           {Profile::raid0, 3u},
                                           {Profile::raid1c3, 3u},
                                           {Profile::raid10, 4u}}) {
        Scene scene(profile, stripes);
        TestEngine engine;
        const auto found = scene.check(engine);
        EXPECT_EQ(found.damage, Lines{});
        EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes());
        EXPECT_EQ(found.counters.rows_checked, 0u);
        EXPECT_EQ(found.all(), scene.check().all());
    }
}

TEST(CleanStripes, OfEveryMixtureOfSectorsAreCountedByWhatTheyHold) {
    for (const auto& [profile, stripes] :
         {std::pair{Profile::raid5, 3u}, {Profile::raid6, 5u}, {Profile::raid10, 4u}}) {
        Scene scene(profile, stripes);
        mix(scene);
        uint64_t csums = 0, silent = 0;
        for (const auto sector : scene.window().sectors) {
            csums += sector == Expect::csum ? kSector : 0;
            silent += sector == Expect::written || sector == Expect::never_written ? kSector : 0;
        }
        TestEngine engine;
        const auto found = scene.check(engine);
        const uint64_t copies = scene.image().layout().copies;
        EXPECT_EQ(found.damage, Lines{});
        EXPECT_EQ(found.counters.data_bytes_verified, csums * copies);
        EXPECT_EQ(found.counters.no_checksum_bytes, silent * copies);
        EXPECT_EQ(found.all(), scene.check().all());
    }
}

TEST(CleanStripes, ThatAreNotNeededGoUnchecked) {
    Scene scene;
    scene.window().needed[2] = scene.window().needed[5] = false;
    scene.flip(2, 0, 3);
    scene.flip(5, 1, 3);
    const auto found = scene.check();
    EXPECT_EQ(found.damage, Lines{});
    EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes() / 6 * 4);
}

// ---- interrupts

// Some sectors of a full stripe are decided by then, others are not: these were written down as what a repair would
// write, without the bytes.
TEST(AnInterrupt, WithinAFullStripeLeavesItUntold) {
    for (const auto profile : {Profile::raid5, Profile::raid6}) {
        Scene scene(profile, 4);
        for (const unsigned row : {2u, 3u, 9u}) scene.flip(1, 0, row);
        size_t recoveries = 0;
        TestEngine engine([&](size_t, const Job& job) {
            if (job.op == Op::recover && recoveries++ == 0) scene.stop();
            return Way::right;
        });
        const auto found = scene.check(engine);
        EXPECT_GT(recoveries, 0u);
        EXPECT_EQ(found.damage, Lines{});
        EXPECT_EQ(found.counters.repairable_sectors, 0u);
    }
}

// ---- one wrong byte

TEST(OneWrongByte, OfDataIsFoundInWhicheverStripeColumnAndRowItLies) {
    for (const auto profile : {Profile::raid5, Profile::raid6})
        for (const bool digests : {false, true}) {
            Scene scene(profile, 4);
            for (unsigned n = 0; n < 6; n++)
                for (unsigned c = 0; c < scene.image().layout().nd; c++)
                    for (const unsigned r : {0u, 7u, kRows - 1}) {
                        TestEngine engine([&](size_t, const Job& job) {
                            return job.op != Op::digest || digests ? Way::right : Way::refuse;
                        });
                        scene.flip(n, c, r);
                        const auto found = scene.check(engine);
                        EXPECT_EQ(found.damage, Lines{scene.flipped(n, c, r)});
                        EXPECT_EQ(found.counters.corrupt_data_sectors, 1u);
                        EXPECT_EQ(found.counters.repairable_sectors, 1u);
                        EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes() - kSector);
                        EXPECT_EQ(found.counters.rows_checked, 6 * kRows);
                        scene.flip(n, c, r);
                    }
        }
}

TEST(OneWrongByte, OfParityIsFoundInWhicheverStripeItLies) {
    Scene scene(Profile::raid6, 4);
    for (unsigned n = 0; n < 6; n++)
        for (const unsigned c : {2, 3})
            for (const unsigned r : {0u, 7u, kRows - 1}) {
                TestEngine engine;
                scene.flip(n, c, r);
                const auto found = scene.check(engine);
                EXPECT_EQ(found.damage, Lines{scene.flipped(n, c, r)});
                EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes());
                EXPECT_EQ(found.counters.p_mismatches, c == 2 ? 1u : 0u);
                EXPECT_EQ(found.counters.q_mismatches, c == 3 ? 1u : 0u);
                scene.flip(n, c, r);
            }
}

TEST(OneWrongByte, ThatParityAgreesWithIsFoundByItsChecksumAlone) {
    Scene scene;
    for (unsigned n = 0; n < 6; n++)
        for (unsigned c = 0; c < 2; c++)
            for (const bool digests : {false, true}) {
                scene.flip(n, c, 7);
                scene.image().make_parity();
                TestEngine engine(
                    [&](size_t, const Job& job) { return job.op != Op::digest || digests ? Way::right : Way::refuse; });
                const auto found = scene.check(engine);
                EXPECT_EQ(found.counters.corrupt_data_sectors, 1u);
                EXPECT_EQ(found.counters.unrepairable_sectors, 1u);
                EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes() - kSector);
                scene.flip(n, c, 7);
            }
}

TEST(OneWrongByte, OfOneCopyIsFound) {
    for (const auto& [profile, stripes] : {std::pair{Profile::raid1, 2u}, {Profile::raid10, 4u}}) {
        Scene scene(profile, stripes);
        for (unsigned n = 0; n < 6; n++)
            for (unsigned m = 0; m < 2; m++) {
                const unsigned c = scene.image().layout().nd - 1;
                TestEngine engine;
                scene.flip(n, c, 5, m);
                const auto found = scene.check(engine);
                EXPECT_EQ(found.damage, Lines{scene.flipped(n, c, 5, m)});
                EXPECT_EQ(found.counters.data_bytes_verified, scene.data_bytes() - kSector);
                scene.flip(n, c, 5, m);
            }
    }
}

TEST(OneWrongByte, InEachOfSeveralStripesIsFoundInOrder) {
    Scene scene;
    scene.flip(0, 1, 15);
    scene.flip(3, 0, 0);
    scene.flip(3, 2, 4);
    scene.flip(5, 1, 8);
    TestEngine engine;
    EXPECT_EQ(scene.check(engine).damage,
              (Lines{scene.flipped(0, 1, 15), scene.flipped(3, 0, 0), scene.flipped(3, 2, 4), scene.flipped(5, 1, 8)}));
}

TEST(OneWrongByte, BesideOtherKindsOfSectorsIsFound) {
    Scene scene(Profile::raid5, 3, 3);
    mix(scene);
    unsigned tried = 0;
    for (unsigned n = 0; n < 3; n++)
        for (unsigned c = 0; c < 2; c++)
            for (unsigned r = 0; r < kRows; r++) {
                if (scene.window().sectors[scene.window().at(n, c, r)] != Expect::csum) continue;
                TestEngine engine;
                scene.flip(n, c, r);
                EXPECT_EQ(scene.check(engine).damage, Lines{scene.flipped(n, c, r)});
                scene.flip(n, c, r);
                tried++;
            }
    EXPECT_GT(tried, 30u);
}

TEST(OneWrongByte, InARowThatWasNeverWrittenIsNone) {
    Scene scene;
    for (unsigned c = 0; c < 2; c++) scene.window().sectors[scene.window().at(4, c, 9)] = Expect::free;
    scene.flip(4, 0, 9);
    scene.flip(4, 2, 9);
    TestEngine engine;
    const auto found = scene.check(engine);
    EXPECT_EQ(found.damage, Lines{});
    EXPECT_EQ(found.counters.rows_checked, 6 * kRows - 1);
}

// ---- groups

TEST(Groups, GoToTheEngineAsOneBatchEach) {
    Scene scene(Profile::raid5, 3, 7);
    for (const unsigned group : {1, 2, 3, 7}) {
        TestEngine engine(always(Way::right), group * 3 * kStripLen);
        const auto found = scene.check(engine);
        EXPECT_EQ(found.batches, (7 + group - 1) / group);
        EXPECT_EQ(found.jobs, 7u * 3) << "two digest runs and one parity run a full stripe";
        EXPECT_EQ(engine.sizes.front(), group * 3);
    }
}

TEST(Groups, OfWhateverSizeFindTheSame) {
    for (const auto profile : {Profile::raid5, Profile::raid6}) {
        Scene scene(profile, 4, 9);
        mix(scene);
        for (const unsigned n : {0, 2, 3, 8}) {
            scene.flip(n, n % 2, n);
            scene.flip(n, 2, 15 - n);
        }
        const auto expected = scene.check().all();
        for (const size_t bytes : {size_t{0}, 2 * 4 * kStripLen, 4 * 4 * kStripLen, SIZE_MAX})
            for (const unsigned late : {0b0000, 0b1111, 0b0110}) {
                scene.image().make_late(late);
                TestEngine taking(always(Way::right), bytes), refusing(always(Way::refuse), bytes);
                EXPECT_EQ(scene.check(taking).all(), expected) << bytes << " " << late;
                EXPECT_EQ(scene.check(refusing).all(), expected) << bytes << " " << late;
            }
    }
}

TEST(Groups, FindUnreadableSectorsWhereverTheyLie) {
    Scene scene;
    scene.image().faults(1).fail_range(scene.image().offset(4, 1) + 3 * kSector, 1, EIO);
    const auto expected = scene.check();
    ASSERT_EQ(expected.damage.size(), 1u);
    EXPECT_EQ(expected.counters.unreadable_sectors, 1u);
    for (const size_t bytes : {size_t{0}, SIZE_MAX})
        for (const unsigned late : {0b000, 0b010, 0b111}) {
            scene.image().make_late(late);
            TestEngine engine(always(Way::right), bytes);
            EXPECT_EQ(scene.check(engine).all(), expected.all());
        }
}

// ---- engines

TEST(Engines, ThatTakeDigestsLeaveNothingToSoftware) {
    Scene scene;
    TestEngine engine;
    EXPECT_EQ(scene.check(engine).counters.engine_fallbacks, 0u);
}

TEST(Engines, ThatNeverTakeDigestsAreNotBlamedForThem) {
    Scene scene(Profile::raid6, 6);
    for (auto* engine : parity::engines()) EXPECT_EQ(scene.check(*engine).counters.engine_fallbacks, 0u);
}

TEST(Engines, ThatDoNotDoOneJobFindTheSameAndItIsCounted) {
    Scene scene(Profile::raid6, 4, 3);
    const auto expected = scene.check().all();
    TestEngine probe;
    const size_t jobs = scene.check(probe).jobs, digests = 3 * 2;
    ASSERT_EQ(jobs, 9u);
    for (const Way way : {Way::refuse, Way::late, Way::fail, Way::leave})
        for (size_t k = 0; k < jobs; k++) {
            TestEngine engine(only(k, way));
            const auto found = scene.check(engine);
            EXPECT_EQ(found.all(), expected) << k;
            const bool at_once = k < digests && way == Way::refuse;
            EXPECT_EQ(found.counters.engine_fallbacks, at_once ? 0u : 1u) << k << " " << static_cast<int>(way);
        }
}

TEST(Engines, ThatDoNotDoEveryKthJobFindTheSame) {
    Scene scene(Profile::raid6, 5);
    mix(scene);
    scene.flip(1, 0, 3);
    scene.flip(1, 3, 9);
    scene.flip(4, 2, 15);
    const auto expected = scene.check();
    ASSERT_FALSE(expected.damage.empty());
    for (const Way way : {Way::refuse, Way::late, Way::fail, Way::leave})
        for (size_t k = 1; k < 20; k++)
            for (size_t first = 0; first < k; first += 1 + k / 4) {
                TestEngine engine([=](size_t number, const Job&) { return number % k == first ? way : Way::right; });
                EXPECT_EQ(scene.check(engine).all(), expected.all()) << k << " " << first;
            }
}

TEST(Engines, ThatDoNothingFindTheSame) {
    Scene scene(Profile::raid5, 3);
    scene.flip(5, 1, 3);
    const auto expected = scene.check();
    for (const Way way : {Way::refuse, Way::late, Way::fail, Way::leave}) {
        TestEngine engine(always(way));
        EXPECT_EQ(scene.check(engine).all(), expected.all()) << static_cast<int>(way);
    }
}

// An engine that broke may have left the digests of an earlier time.
TEST(Engines, ThatSayAllIsWellAreNotBelievedWhereTheyDidNotDoTheJob) {
    Scene scene(Profile::raid6, 4);
    TestEngine clean;
    scene.check(clean);
    ASSERT_EQ(clean.made.size(), scene.sectors() * 4);
    scene.flip(0, 0, 3);
    scene.flip(2, 2, 9);
    scene.flip(3, 3, 9);
    scene.flip(5, 1, 15);
    const Lines expected = {scene.flipped(0, 0, 3), scene.flipped(2, 2, 9), scene.flipped(3, 3, 9),
                            scene.flipped(5, 1, 15)};
    for (const Way way : {Way::late, Way::fail, Way::leave}) {
        TestEngine engine(always(way));
        engine.good_news = clean.made;
        EXPECT_EQ(scene.check(engine).damage, expected) << static_cast<int>(way);
    }
}

}  // namespace
}  // namespace raid56::scrub
