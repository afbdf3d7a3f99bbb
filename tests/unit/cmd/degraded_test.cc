// SPDX-License-Identifier: GPL-2.0-or-later
// Golden images without one and without two of their devices: what is found at full speed is what the judges find
// when they see every full stripe. And an interrupt leaves nothing behind the place where it cut.
#include <gtest/gtest.h>

#include <set>

#include "repair_world.h"
#include "scrub/mirror_judge.h"
#include "scrub/parity_judge.h"
#include "scrub/scrub.h"
#include "scrub/stripe_check.h"
#include "session/choose_engine.h"
#include "session/decide_states.h"

namespace raid56::cmd {
namespace {

std::string text(const scrub::Damage& d) {
    std::ostringstream out;
    out << role_name(d.role) << ' ' << cause_name(d.cause) << " devid " << d.devid.v << " at " << d.physical.v << '+'
        << d.length << " logical " << (d.logical ? d.logical->v : 0) << " stripe " << d.full_stripe.value_or(0)
        << " row " << d.row.value_or(0) << " repairable " << static_cast<int>(d.repairable) << " by "
        << proof_name(d.proof) << " suspect " << (d.suspect ? d.suspect->v : 0) << ' ' << d.differing_bytes;
    return out.str();
}

/// Counters that say what was found.
std::string text(const scrub::Counters& c) {
    std::ostringstream out;
    for (const uint64_t n :
         {c.data_bytes_verified, c.no_checksum_bytes, c.tree_bytes_verified, c.rows_checked, c.p_mismatches,
          c.q_mismatches, c.corrupt_data_sectors, c.corrupt_tree_blocks, c.unreadable_sectors, c.repairable_sectors,
          c.unrepairable_sectors, c.ambiguous_rows, c.unproven_sectors, c.undecided_sectors})
        out << n << ' ';
    return out.str();
}

/// A file system with some of its devices, and what a scrub of it needs.
class Opened {
  public:
    Opened(const RepairWorld& files, const std::vector<std::string>& devices, const std::atomic<bool>& stop)
        : world_{out_,
                 err_,
                 false,
                 [&files](const std::string& path, device::Reading) { return files.reader(path); },
                 [] { return 0.0; },
                 stop} {
        options_.devices = devices;
        auto opened = session::open_volume(options_, world_, engine());
        if (!opened) return;
        open_ = std::move(*opened);
        survey_ = session::survey_and_decide(*open_, world_);
        silent_ = tree::explain_silence(*open_->reader, open_->roots, open_->log, survey_.without_checksum);
        extra_ = session::extra_extents(*open_);
    }
    static parity::Engine& engine() { return parity::scalar_engine(); }
    bool is_open() const { return open_.has_value(); }
    const volume::Volume& volume() const { return *open_->volume; }

    /// Calls use(context, windows).
    template <class Use>
    void scrub(const std::atomic<bool>& stop, const std::vector<bool>& made_anew, Use&& use) {
        auto extents = session::extents_of(*open_, extra_);
        tree::CsumStream csums(*open_->reader, open_->roots.find(format::objectid::kCsumTree), open_->log);
        scrub::WindowBuilder windows(*open_->volume, extents, csums, silent_);
        const scrub::Context context{
            *open_->volume,        engine(), *open_->reader, stop, false, scrub::NoChecksum::report,
            open_->log.incomplete, made_anew};
        use(context, windows);
    }

  private:
    std::ostringstream out_, err_;
    session::World world_;
    session::Options options_;
    std::optional<session::OpenVolume> open_;
    scrub::Survey survey_;
    std::vector<tree::SilentRange> silent_;
    decltype(session::extra_extents(*open_)) extra_;
};

struct Found {
    scrub::Counters counters;
    std::vector<std::string> damage;
    void take(const scrub::Batch& batch) {
        counters.add(batch.counters);
        for (const auto& damage : batch.damage) this->damage.push_back(text(damage));
    }
};

unsigned some(const volume::Layout& layout) { return std::max(1u, 48 / layout.stripes); }

class Degraded : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!files_.unpack(GetParam())) GTEST_SKIP() << GetParam() << " cannot be unpacked here";
    }
    std::vector<std::string> without(unsigned a, unsigned b) const {
        std::vector<std::string> left;
        for (unsigned i = 0; i < files_.paths().size(); i++)
            if (i != a && i != b) left.push_back(files_.paths()[i]);
        return left;
    }

    RepairWorld files_;
    std::atomic<bool> stop_{false};
};

TEST_P(Degraded, IsFoundAsTheJudgesFindIt) {
    unsigned compared = 0, with_damage = 0;
    const auto devices = static_cast<unsigned>(files_.paths().size());
    for (unsigned a = 0; a < devices; a++)
        for (unsigned b = a; b < devices; b++) {  // both the same: one is missing
            SCOPED_TRACE("without " + files_.paths()[a] + " and " + files_.paths()[b]);
            const auto left = without(a, b);
            if (left.empty()) continue;
            Opened opened(files_, left, stop_);
            if (!opened.is_open()) continue;
            Found fast, judged;
            opened.scrub(stop_, {}, [&](const scrub::Context& context, scrub::WindowBuilder& windows) {
                scrub::StripeChecker checker(context);
                scrub::Batch one(Opened::engine()), other(Opened::engine());
                while (windows.next(one.window, some)) {
                    other.window = one.window;
                    one.start_reads(opened.volume());
                    one.finish_reads(stop_);
                    checker.check(one);
                    fast.take(one);
                    other.start_reads(opened.volume());
                    other.finish_reads(stop_);
                    for (unsigned n = 0; n < other.window.count; n++) {
                        if (n % other.group() == 0)
                            other.load(opened.volume(), stop_, n, std::min(other.window.count, n + other.group()));
                        if (!other.window.needed[n]) continue;
                        if (other.window.chunk->layout.np > 0)
                            judge_parity_stripe(context, other, n);
                        else
                            judge_mirrored_stripe(context, other, n);
                    }
                    judged.take(other);
                }
            });
            EXPECT_EQ(fast.damage, judged.damage);
            EXPECT_EQ(text(fast.counters), text(judged.counters));
            compared++;
            with_damage += fast.damage.empty() ? 0 : 1;
            if (HasFailure()) return;
        }
    EXPECT_GT(compared, 0u);
    RecordProperty("compared", static_cast<int>(compared));
    RecordProperty("with_damage", static_cast<int>(with_damage));
}

INSTANTIATE_TEST_SUITE_P(Golden, Degraded,
                         ::testing::Values("001-demo-clean", "003-raid5x3-bgt-clean", "005-raid6x3-blake2b-clean",
                                           "006-raid6x4-sector16k-clean", "007-raid5x3-mixed-clean",
                                           "008-raid6x4-log-clean", "100-demo-damaged", "104-raid6x3-two-of-three",
                                           "106-raid6x4-silent", "107-raid5x3-silent", "110-raid6x4-stale",
                                           "112-raid6x4-lost-extent-leaf", "116-raid6x4-log-lost",
                                           "117-raid5x3-mixed-damaged", "119-raid6x4-csum-missing",
                                           "120-raid1c3-silent-mirror"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

// ---- interrupts

/// Everything that is told, one line each; sets `stop` at a chosen one.
class Recorder final : public scrub::Sink {
  public:
    Recorder(std::atomic<bool>& stop, size_t stop_at) : stop_(stop), stop_at_(stop_at) {}
    void damage(const scrub::Damage& damage) override { tell(text(damage)); }
    void unknown(const scrub::Unknown& unknown) override { tell("unknown " + std::to_string(unknown.logical.v)); }
    void made(unsigned member, Physical physical, ByteView bytes) override {
        const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        tell("made " + std::to_string(member) + " at " + std::to_string(physical.v) + '+' +
             std::to_string(bytes.size()) + ' ' + std::to_string(std::hash<std::string_view>{}(all)));
    }
    void reached(const scrub::Position& position, const scrub::Counters& so_far) override {
        tell("reached " + std::to_string(position.chunk.v) + ' ' + std::to_string(position.next.v) + ' ' +
             text(so_far));
        last = text(so_far);
    }
    void progress(uint64_t, uint64_t) override {}

    std::vector<std::string> told;
    std::string last;

  private:
    void tell(std::string line) {
        told.push_back(std::move(line));
        if (told.size() > stop_at_) stop_ = true;
    }
    std::atomic<bool>& stop_;
    size_t stop_at_;
};

class Interrupted : public Degraded {
  protected:
    /// A scrub without the first device, which is made anew, of all its chunks.
    std::vector<std::string> scrub(Opened& opened, size_t stop_at, std::string* counters = nullptr) {
        stop_ = false;
        std::vector<bool> made_anew;
        for (const auto& member : opened.volume().members()) made_anew.push_back(member.device == nullptr);
        Recorder recorder(stop_, stop_at);
        opened.scrub(stop_, made_anew, [&](const scrub::Context& context, scrub::WindowBuilder& windows) {
            windows.take_whole(std::vector<bool>(opened.volume().chunks().size(), true));
            scrub::Options options;
            options.threads = 4;
            const auto total = scrub::scrub_chunks(context, windows, recorder, options, 1);
            if (counters != nullptr) *counters = text(total);
        });
        EXPECT_TRUE(counters == nullptr || recorder.last.empty() || recorder.last == *counters);
        return recorder.told;
    }
};

TEST_P(Interrupted, NothingFromBehindTheCutIsTold) {
    Opened opened(files_, without(0, 0), stop_);
    ASSERT_TRUE(opened.is_open());
    const auto whole = scrub(opened, SIZE_MAX);
    ASSERT_GT(whole.size(), 40u);
    unsigned cut = 0;
    for (size_t k = 0; k < whole.size(); k += 1 + whole.size() / 40) {
        SCOPED_TRACE("stopped at line " + std::to_string(k) + " of " + std::to_string(whole.size()));
        std::string counters;
        const auto told = scrub(opened, k, &counters);
        ASSERT_LE(told.size(), whole.size());
        EXPECT_EQ(told, std::vector<std::string>(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(told.size())));
        ASSERT_FALSE(told.empty());
        cut += told.size() < whole.size() ? 1 : 0;
        if (HasFailure()) return;
    }
    EXPECT_GT(cut, 10u) << "the interrupt came in time";
}

INSTANTIATE_TEST_SUITE_P(Golden, Interrupted, ::testing::Values("100-demo-damaged", "117-raid5x3-mixed-damaged"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace raid56::cmd
