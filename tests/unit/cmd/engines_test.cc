// SPDX-License-Identifier: GPL-2.0-or-later
// Engines that err are neither used nor measured, and standard error says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "checksum/checksum.h"
#include "golden.h"

namespace raid56::cmd {
namespace {

using parity::Job;
using parity::Op;

/// The scalar engine by another name.
class OtherEngine : public parity::Engine {
  public:
    std::string_view name() const override { return "other"; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return parity::scalar_engine().allocate(size); }
    void submit(parity::Batch batch) override { parity::scalar_engine().submit(batch); }
    void wait(parity::Batch) override {}
};

/// Finds every P right.
class BlindEngine : public OtherEngine {
    void wait(parity::Batch batch) override {
        for (Job& job : batch) job.p_differs = false;
    }
};

std::set<std::string> engines_of(const Outcome& run, const char* type) {
    std::set<std::string> names;
    for (const auto& line : run.lines_of(type)) names.insert(line["engine"]);
    return names;
}

TEST(Engines, ThatErrHaveNoFiguresInABench) {
    BlindEngine blind;
    Worlds worlds;
    worlds.engines = {&parity::isal_engine(), &blind};
    const Outcome run = worlds.run({"bench", "--format", "json", "--threads", "1"});
    EXPECT_EQ(run.status, 0);
    EXPECT_TRUE(holds(run.err, "parity engine other: verify")) << run.err;
    EXPECT_TRUE(holds(run.err, "; it is not used\n")) << run.err;
    EXPECT_EQ(engines_of(run, "parity"), std::set<std::string>{"isal"});
    EXPECT_EQ(engines_of(run, "entrance"), std::set<std::string>{"isal"});
}

TEST(Engines, ThatErrAreRefusedByName) {
    BlindEngine blind;
    for (const char* command : {"scrub", "inspect", "bench"}) {
        Worlds worlds;
        worlds.engines = {&parity::scalar_engine(), &blind};
        worlds.add("a", std::vector<uint8_t>(1 << 20));
        const Outcome run = worlds.run({command, "--engine", "other", "a"});
        EXPECT_EQ(run.status, 8) << command;
        EXPECT_TRUE(holds(run.err, "btrfs-raid56: parity engine other: verify")) << run.err;
        EXPECT_TRUE(worlds.opened().empty()) << command;
    }
}

/// Does digests too, unless lie() spoils one.
class DigestEngine : public OtherEngine {
  public:
    using Lie = std::function<void(Job&)>;
    explicit DigestEngine(Lie lie = [](Job&) {}) : lie_(std::move(lie)) {}

    void wait(parity::Batch batch) override {
        for (Job& job : batch)
            if (job.op == Op::digest) work(job);
    }

    size_t digests = 0;  // jobs done

  private:
    void work(Job& job) {
        const size_t block = job.length / job.blocks;
        for (size_t i = 0; i < job.blocks; i++) {
            const Digest digest = checksum::digest(job.csum, ByteView(job.columns[0] + i * block, block));
            std::copy_n(digest.begin(), csum_size(job.csum), job.digests + i * csum_size(job.csum));
        }
        job.outcome = parity::Outcome::done;
        digests++;
        lie_(job);
    }

    Lie lie_;
};

void expect_refused(const DigestEngine::Lie& lie, const std::string& why) {
    SCOPED_TRACE(why);
    const std::string sentence = "parity engine other: " + why;
    DigestEngine liar(lie);
    Worlds worlds;
    worlds.engines = {&parity::scalar_engine(), &liar};
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    const Outcome named = worlds.run({"scrub", "--engine", "other", "a"});
    EXPECT_EQ(named.status, 8);
    EXPECT_EQ(named.err, "btrfs-raid56: " + sentence + "\n");
    EXPECT_TRUE(worlds.opened().empty());
    const Outcome chosen = worlds.run({"scrub", "--format", "json", "a"});
    EXPECT_TRUE(holds(chosen.err, sentence + "; it is not used\n")) << chosen.err;
    EXPECT_EQ(chosen.summary()["engine"], "scalar");
}

TEST(DigestEngines, ThatAreRightAreTaken) {
    DigestEngine right;
    Worlds worlds;
    worlds.engines = {&parity::scalar_engine(), &right};
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    const Outcome run = worlds.run({"scrub", "--format", "json", "--engine", "other", "a"});
    EXPECT_EQ(run.summary()["engine"], "other");
    EXPECT_FALSE(holds(run.err, "parity engine")) << run.err;
    EXPECT_EQ(right.digests, 4u * 3 * 3) << "kinds, sizes of a sector, counts";
}

TEST(DigestEngines, ThatLieAreNotUsed) {
    expect_refused([](Job& job) { job.digests[0] ^= 1; }, "crc32c of 1 blocks of 4096 bytes is wrong");
    for (const CsumKind kind : {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b}) {
        const std::string name = csum_name(kind);
        const size_t size = csum_size(kind);
        expect_refused([&](Job& job) { job.digests[0] ^= job.csum == kind ? 1 : 0; },
                       name + " of 1 blocks of 4096 bytes is wrong");
        expect_refused(
            [&](Job& job) {
                if (job.csum == kind && job.blocks == 16) job.digests[15 * size + size - 1] ^= 0x80;
            },
            name + " of 16 blocks of 4096 bytes is wrong");
        expect_refused(
            [&](Job& job) {  // the first one's everywhere
                if (job.csum == kind && job.blocks == 3) std::copy_n(job.digests, size, job.digests + 2 * size);
            },
            name + " of 3 blocks of 4096 bytes is wrong");
        expect_refused(
            [&](Job& job) {  // one too many
                if (job.csum == kind && job.length == 65536 && job.blocks == 1) job.digests[size] = 0;
            },
            name + " of 1 blocks of 65536 bytes is wrong");
    }
}

TEST(DigestEngines, ThatDoNothingAndSayDoneAreNotUsed) {
    expect_refused([](Job& job) { std::fill_n(job.digests, job.blocks * csum_size(job.csum), uint8_t{0xa5}); },
                   "crc32c of 1 blocks of 4096 bytes is wrong");
}

TEST(DigestEngines, ThatBreakAreNotUsed) {
    expect_refused([](Job& job) { job.outcome = parity::Outcome::failed; }, "crc32c of 1 blocks of 4096 bytes failed");
    expect_refused([](Job& job) { job.outcome = parity::Outcome::pending; },
                   "crc32c of 1 blocks of 4096 bytes is still pending");
    expect_refused([](Job& job) { job.outcome = parity::Outcome::refused; },
                   "crc32c of 1 blocks of 4096 bytes was refused and yet wrote");
    expect_refused(
        [](Job& job) {  // the last one, so that no other job reads what it spoils
            if (job.csum == CsumKind::blake2b && job.length == 1 << 20) job.columns[0][job.length - 1] ^= 1;
        },
        "a batch of digests wrote to what it read");
}

// ---- accelerators

/// One that gives up in the midst of the work: nothing is wrong, all is refused, and why is said.
class TiredEngine : public OtherEngine {
  public:
    explicit TiredEngine(size_t batches) : left_(batches) {}
    std::string_view name() const override { return "opencl"; }
    unsigned batches_in_flight() const override { return 2; }
    std::string trouble() const override { return left_ == 0 ? "rows: CL_DEVICE\x1b[31mGONE" : ""; }
    void submit(parity::Batch batch) override {
        if (left_ > 0) {
            left_--;
            return parity::scalar_engine().submit(batch);
        }
        for (Job& job : batch) job.outcome = parity::Outcome::refused;
    }

  private:
    size_t left_;
};

class Accelerated : public ::testing::Test {
  protected:
    void SetUp() override {
        worlds_.add("a", std::vector<uint8_t>(1 << 20));
        worlds_.accelerators.find = [this] {
            looked_for_++;
            return Result<std::vector<offload::Accelerator>>(Error{"none"});
        };
        worlds_.accelerators.open = [this](std::optional<size_t> place, bool) -> Result<offload::OffloadEngine> {
            asked_for_ = place;
            opened_++;
            if (place == 7) return Error{"there is no OpenCL device 7"};
            return offload::OffloadEngine{std::make_unique<TiredEngine>(batches_), {}};
        };
    }
    Worlds worlds_;
    size_t batches_ = 1000;
    std::optional<size_t> asked_for_;
    size_t looked_for_ = 0, opened_ = 0;
};

TEST_F(Accelerated, AreNamedWithOrWithoutANumber) {
    for (const auto& [name, place] :
         {std::pair<const char*, std::optional<size_t>>{"opencl", {}}, {"opencl:0", 0}, {"opencl:12", 12}}) {
        const Outcome run = worlds_.run({"scrub", "--format", "json", "--engine", name, "a"});
        EXPECT_EQ(run.summary()["engine"], "opencl") << name;
        EXPECT_EQ(asked_for_, place) << name;
    }
    EXPECT_EQ(opened_, 3u);
    for (const char* name :
         {"opencl:", "opencl:x", "opencl:1x", "opencl:-1", "opencl1", "OpenCL", "opencl:99999999999999999999"})
        EXPECT_EQ(worlds_.run({"scrub", "--engine", name, "a"}).status, 16) << name;
    EXPECT_EQ(opened_, 3u);
}

TEST_F(Accelerated, ThatIsNotToBeHadIsAnError) {
    const Outcome run = worlds_.run({"scrub", "--engine", "opencl:7", "a"});
    EXPECT_EQ(run.status, 8);
    EXPECT_TRUE(holds(run.err, "btrfs-raid56: there is no OpenCL device 7\n")) << run.err;
    EXPECT_TRUE(worlds_.opened().empty());
}

TEST_F(Accelerated, ThatIsTiredBeforeTheWorkIsNotTaken) {
    batches_ = 0;
    const Outcome run = worlds_.run({"scrub", "--engine", "opencl", "a"});
    EXPECT_EQ(run.status, 8);
    EXPECT_TRUE(worlds_.opened().empty());
}

TEST_F(Accelerated, IsNotLookedForWhereThereIsLittleToDo) {
    worlds_.run({"scrub", "a"});
    EXPECT_EQ(looked_for_ + opened_, 0u);
}

class AcceleratedGolden : public GoldenTest {
  protected:
    /// The image's scrub by an accelerator that takes so many batches, the checks of it included.
    Outcome run_tired(size_t batches) {
        worlds_.accelerators.open = [batches](auto, bool) {
            return Result<offload::OffloadEngine>(offload::OffloadEngine{std::make_unique<TiredEngine>(batches), {}});
        };
        auto words = words_;
        words.insert(words.begin() + 1, {"--format", "json", "--engine", "opencl", "--progress", "never"});
        return worlds_.run(words);
    }
};

TEST_F(AcceleratedGolden, ThatGivesUpDuringTheWorkChangesNothingAndSaysSoOnce) {
    const Outcome whole = run();
    size_t gave_up = 0;
    for (size_t batches = 1; batches < 40; batches++) {
        SCOPED_TRACE(batches);
        const Outcome tired = run_tired(batches);
        if (tired.status == 8) continue;  // it gave up while it was checked
        EXPECT_EQ(comparable(tired), comparable(whole));
        if (tired.err.empty()) continue;
        gave_up++;
        EXPECT_EQ(tired.err, "btrfs-raid56: parity engine opencl: rows: CL_DEVICE\\x1b[31mGONE\n");
    }
    EXPECT_GT(gave_up, 3u);
}

TEST(Engines, AreKnownByTheirNames) {
    Worlds worlds;
    worlds.engines = {&parity::scalar_engine()};
    EXPECT_EQ(worlds.run({"bench", "--engine", "isal"}).status, 16);
}

}  // namespace
}  // namespace raid56::cmd
