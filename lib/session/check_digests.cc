// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Noise in the engine's own memory; every job begins at another place of it.
// 2. One batch of every kind, block size and count; its digests lie in junk, a piece of it between any two.
// 3. Every job must be done right or refused; no byte may change but its digests.
#include "session/check_digests.h"

#include <algorithm>
#include <string>

#include "checksum/checksum.h"

namespace raid56::session {
namespace {

constexpr CsumKind kKinds[] = {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b};
constexpr size_t kBlocks[] = {4096, 16384, 65536};  // sectors of btrfs
constexpr size_t kCounts[] = {1, 3, 16};
constexpr size_t kMost = 1 << 20;  // bytes of a job
constexpr size_t kSector = 4096;   // jobs begin at multiples of it
constexpr size_t kGuard = 64;      // bytes of junk behind a job's digests
constexpr uint8_t kJunk = 0xa5;

struct Case {
    CsumKind kind;
    size_t block, count;
    size_t digests;  // where they lie
    size_t size() const { return count * csum_size(kind); }
};

class Trial {
  public:
    explicit Trial(parity::Engine& engine) : engine_(engine) {
        for (const CsumKind kind : kKinds)
            for (const size_t block : kBlocks)
                for (const size_t count : kCounts) {
                    cases_.push_back({kind, block, count, digests_.size()});
                    digests_.resize(digests_.size() + cases_.back().size() + kGuard, kJunk);
                }
    }

    Result<void> perform() {
        lay_out();
        engine_.submit(jobs_);
        engine_.wait(jobs_);
        for (size_t i = 0; i < cases_.size(); i++)
            if (auto fine = judge(i); !fine) return fine;
        if (!std::ranges::equal(memory_, original_)) return wrong("a batch of digests", "wrote to what it read");
        return {};
    }

  private:
    void lay_out() {
        buffer_ = engine_.allocate(cases_.size() * kSector + kMost);
        memory_ = buffer_->bytes();
        uint64_t state = 56;
        for (auto& byte : memory_) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            byte = static_cast<uint8_t>(state >> 56);
        }
        original_.assign(memory_.begin(), memory_.end());
        for (size_t i = 0; i < cases_.size(); i++) columns_.push_back(memory_.data() + i * kSector);
        for (size_t i = 0; i < cases_.size(); i++) {
            const Case& it = cases_[i];
            parity::Job job;
            job.op = parity::Op::digest;
            job.columns = {&columns_[i], 1};
            job.length = it.block * it.count;
            job.csum = it.kind;
            job.blocks = it.count;
            job.digests = digests_.data() + it.digests;
            jobs_.push_back(job);
        }
    }

    Result<void> judge(size_t i) {
        const Case& it = cases_[i];
        const auto made = ByteView(digests_).subspan(it.digests, it.size() + kGuard);
        std::vector<uint8_t> expected(made.size(), kJunk);
        switch (jobs_[i].outcome) {
            case parity::Outcome::pending: return wrong(describe(it), "is still pending");
            case parity::Outcome::failed: return wrong(describe(it), "failed");
            case parity::Outcome::refused:
                if (!std::ranges::equal(made, expected)) return wrong(describe(it), "was refused and yet wrote");
                return {};
            case parity::Outcome::done: break;
        }
        for (size_t k = 0; k < it.count; k++) {
            const Digest digest =
                checksum::digest(it.kind, ByteView(original_).subspan(i * kSector + k * it.block, it.block));
            std::copy_n(digest.begin(), csum_size(it.kind),
                        expected.begin() + static_cast<ptrdiff_t>(k * csum_size(it.kind)));
        }
        if (!std::ranges::equal(made, expected)) return wrong(describe(it), "is wrong");
        return {};
    }

    static std::string describe(const Case& it) {
        return std::string(csum_name(it.kind)) + " of " + std::to_string(it.count) + " blocks of " +
               std::to_string(it.block) + " bytes";
    }
    Error wrong(const std::string& which, const std::string& what) const {
        return {"parity engine " + std::string(engine_.name()) + ": " + which + " " + what};
    }

    parity::Engine& engine_;
    std::vector<Case> cases_;
    std::vector<uint8_t> digests_;
    std::unique_ptr<parity::Buffer> buffer_;
    std::span<uint8_t> memory_;
    std::vector<uint8_t> original_;  // memory_ before the batch
    std::vector<uint8_t*> columns_;
    std::vector<parity::Job> jobs_;
};

}  // namespace

Result<void> check_digests(parity::Engine& engine) { return Trial(engine).perform(); }

}  // namespace raid56::session
