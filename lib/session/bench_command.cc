// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Yardsticks: copies within a cache and beyond it, the page cache, the devices named.
// 2. Checksums.
// 3. The jobs of each engine that does them right, by shape, length and batch.
// 4. The entrances, on one thread and on all.
#include "session/bench_command.h"

#include <algorithm>
#include <exception>
#include <system_error>

#include "base/printable.h"
#include "bench/yardsticks.h"
#include "report/json.h"
#include "report/text.h"
#include "scrub/threads.h"
#include "session/bench_report.h"
#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/open_volume.h"

namespace raid56::session {
namespace {

struct Shape {
    unsigned nd, np;
};
constexpr Shape kShapes[] = {{2, 1}, {4, 1}, {8, 1}, {16, 1}, {30, 1}, {2, 2}, {4, 2}, {8, 2}, {16, 2}, {30, 2}};
constexpr size_t kLengths[] = {4096, kStripLen};  // a sector's, a strip's
constexpr CsumKind kKinds[] = {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b};
constexpr uint64_t kMostRead = 1 << 30;  // of each device

class BenchRun {
  public:
    BenchRun(const Options& options, const World& world)
        : options_(options),
          world_(world),
          report_(options.format == Format::json ? json_bench_report(world.out) : text_bench_report(world.out)),
          start_(world.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory, no threads: nothing else throws
            return fail(Error{error.what()});
        }
    }

  private:
    int run_stages() {
        const auto engines = usable_engines(options_, world_);
        if (!engines) return fail(engines.error());
        engine_ = fastest_engine(*engines, world_);
        const auto devices = open_devices(options_, world_);
        if (!devices) return fail(devices.error());
        yardsticks(*devices);
        checksums();
        for (const EnginePtr& engine : *engines) jobs(*engine);
        if (auto fine = entrances(); !fine) return fail(fine.error());
        if (failed_) return end(report::Verdict::failed);
        return end(world_.stop ? report::Verdict::interrupted : report::Verdict::done);
    }

    void yardsticks(const std::vector<device::Opened>& named) {
        for (const size_t bytes : {size_t{256} << 10, size_t{64} << 20})
            report_->yardstick("memory-copy", bytes, 1, bench::measure_copy(bytes, world_.clock));
        if (named.empty() || world_.stop) return;
        std::vector<device::ReadDevice*> devices;
        for (const auto& opened : named) devices.push_back(opened.device.get());
        const auto figure = bench::measure_reading(devices, kMostRead, world_.stop, world_.clock);
        for (size_t i = 0; i < devices.size(); i++) tell_errors(*devices[i], figure.errors[i]);
        failed_ = figure.failed();
        // The rate of a device that fails is a rate of its retries.
        if (!failed_)
            report_->yardstick("plain-reading", 0, static_cast<unsigned>(devices.size()), figure.bytes_per_second);
    }

    void tell_errors(const device::ReadDevice& device, const bench::ReadErrors& errors) {
        if (errors.count == 0) return;
        world_.err << printable(device.path()) << ": cannot read " << errors.length << " bytes at " << errors.offset
                   << ": " << std::generic_category().message(errors.error);
        if (errors.count > 1) world_.err << ", and " << errors.count - 1 << " more such reads failed";
        world_.err << '\n';
    }

    void checksums() {
        for (const CsumKind kind : kKinds)
            for (const size_t block : {4096, 16384})
                if (!world_.stop) report_->checksum(bench::measure_checksum(kind, block, world_.clock));
    }

    void jobs(parity::Engine& engine) {
        for (const size_t length : kLengths)
            for (const auto& [nd, np] : kShapes)
                for (const bench::Work work : bench::works(np))
                    if (!world_.stop)
                        report_->parity(std::string(engine.name()),
                                        bench::measure_parity(engine, work, nd, np, length, world_.clock));
    }

    Result<void> entrances() {
        const unsigned all = scrub::thread_count(options_.threads);
        for (const unsigned threads : {1u, all}) {
            for (const auto& [nd, np] : kShapes)
                for (unsigned lost = 0; lost <= np; lost++)
                    if (auto fine = entrance(nd, np, lost, CsumKind::crc32c, threads); !fine) return fine;
            for (const CsumKind kind : kKinds)
                if (kind != CsumKind::crc32c)
                    if (auto fine = entrance(4, 2, 0, kind, threads); !fine) return fine;
            if (all == 1) break;
        }
        return {};
    }

    Result<void> entrance(unsigned nd, unsigned np, unsigned lost, CsumKind kind, unsigned threads) {
        if (world_.stop) return {};
        const auto figure = bench::measure_entrance(*engine_, nd, np, lost, kind, threads, world_.clock);
        if (!figure.correct)
            return Error{"full stripes that are right were found to be wrong: do not trust this machine"};
        report_->entrance(std::string(engine_->name()), figure);
        return {};
    }

    int fail(const Error& error) {
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed);
    }

    int end(report::Verdict verdict) {
        report::Summary summary;
        summary.command = "bench";
        summary.verdict = verdict;
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        report::JsonWriter json(world_.out);
        report::TextWriter text(world_.out);
        return conclude(world_, options_.format == Format::json ? static_cast<report::Writer&>(json) : text,
                        std::move(summary));
    }

    const Options& options_;
    const World& world_;
    std::unique_ptr<BenchReport> report_;
    double start_;
    EnginePtr engine_;
    bool failed_ = false;  // something could not be measured: stderr says what, the rest goes on
};

}  // namespace

int bench_command(const Options& options, const World& world) { return BenchRun(options, world).run(); }

}  // namespace raid56::session
