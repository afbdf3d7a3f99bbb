// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Look through every report: of one file system in one state, each shard of it once, each run to its end.
// 2. Tell the volume and its devices, and then what each shard told, in their order: shards are ranges of the
//    logical space, as the report goes. What several of them have to tell, all of them told in the same words.
// 3. Sum up.
#include "session/merge_command.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <set>

#include "base/printable.h"
#include "session/conclude.h"
#include "session/file_lines.h"
#include "session/next_steps.h"
#include "session/read_report.h"
#include "session/reporting.h"
#include "session/tally.h"

namespace raid56::session {
namespace {

constexpr size_t kLongestLine = size_t{64} << 20;  // --files: thousands of paths of one damage

// What a scrub with --shard that came to its end says; nothing of any other verdict.
std::optional<int> weight_of(report::Verdict verdict) {
    switch (verdict) {
        case report::Verdict::clean: return 0;
        case report::Verdict::repairable: return 1;
        case report::Verdict::undecided: return 2;
        case report::Verdict::unrepairable: return 3;  // lost outweighs undecided
        case report::Verdict::repaired:
        case report::Verdict::done:
        case report::Verdict::failed:
        case report::Verdict::interrupted: break;
    }
    return std::nullopt;
}

// One report, as far as it is kept in memory.
struct Part {
    std::string path;
    std::vector<std::string> volume, devices;  // lines
    report::Summary summary;
    std::string name() const { return printable(path); }
};

class MergeRun {
  public:
    MergeRun(const Options& options, const World& world, Reporting& reporting)
        : options_(options),
          world_(world),
          writer_(reporting.writer()),
          tally_(reporting.writer(), reporting.progress()) {}

    int run() {
        try {
            auto merged = merge();
            if (world_.stop) return end(report::Verdict::interrupted);
            if (!merged) return fail(merged.error());
            return conclude(world_, writer_, sum());
        } catch (const std::exception& error) {  // out of memory
            return fail(Error{error.what()});
        }
    }

  private:
    Result<void> merge() {
        for (const auto& path : options_.devices) {
            auto part = look_at(path);
            if (!part) return part.error();
            parts_.push_back(std::move(*part));
        }
        std::sort(parts_.begin(), parts_.end(),
                  [](const Part& a, const Part& b) { return a.summary.shard->number < b.summary.shard->number; });
        if (auto fits = check_set(); !fits) return fits;
        for (const auto& part : parts_)
            if (auto told = tell(part); !told) return told;
        return {};
    }

    // ---- 1.

    // Calls use(object, line) for each line until that returns false; what is no object is an empty one.
    template <class Use>
    Result<void> each_object(const std::string& path, Use&& use) {
        auto file = world_.writing.read(path);
        if (!file) return file.error();
        const int error = each_line(**file, kLongestLine, [&](const std::string& line, uint64_t) {
            return !world_.stop && use(parse_object(line).value_or(Json::object()), line);
        });
        if (error != 0) return Error{printable(path) + ": cannot be read: " + std::strerror(error)};
        return {};
    }

    Result<Part> look_at(const std::string& path) {
        Part part;
        part.path = path;
        bool ended = false, torn = false;
        const auto note = [&](const Json& object, const std::string& line) {
            if (ended) torn = true;  // nothing comes behind the summary
            const std::string type = type_of(object);
            if (type == "volume") part.volume.push_back(line);
            if (type == "device") part.devices.push_back(line);
            if (type != "summary") return;
            const auto summary = read_summary(object);
            torn = torn || !summary;
            ended = true;
            if (summary) part.summary = *summary;
        };
        const auto read = each_object(path, [&](const Json& object, const std::string& line) {
            note(object, line);
            return !torn;
        });
        if (!read) return read.error();
        if (!ended || torn || part.volume.size() > 1)
            return Error{part.name() + ": is no whole report of a scrub (--format json)"};
        if (part.summary.command != "scrub" || !part.summary.shard)
            return Error{part.name() + ": is not of a scrub with --shard"};
        if (!weight_of(part.summary.verdict) || part.volume.empty())
            return Error{part.name() + ": its scrub did not come to its end; run that shard again"};
        return part;
    }

    Result<void> check_set() const {
        const Part& first = parts_.front();
        const uint64_t of = first.summary.shard->of;
        for (const Part& part : parts_) {
            if (part.summary.shard->of != of || part.summary.part != first.summary.part ||
                part.summary.free != first.summary.free || part.summary.maps != first.summary.maps ||
                part.summary.files_named != first.summary.files_named)
                return Error{part.name() + ": is of another set of shards than " + first.name()};
            if (part.volume != first.volume || part.devices != first.devices)
                return Error{part.name() + ": tells of another file system or other devices than " + first.name() +
                             ", or of another generation"};
        }
        uint64_t next = 1;
        for (const Part& part : parts_) {
            if (part.summary.shard->number < next)
                return Error{part.name() + ": shard " + std::to_string(next - 1) + " is there twice"};
            if (part.summary.shard->number > next) break;
            next++;
        }
        if (next <= of)
            return Error{"the report of shard " + std::to_string(next) + " of " + std::to_string(of) + " is missing"};
        return {};
    }

    // ---- 2.

    Result<void> tell(const Part& part) {
        bool right = true;
        const auto read = each_object(part.path, [&](const Json& object, const std::string& line) {
            return right = tell_line(object, line, part);
        });
        if (!read) return read;
        if (!right) return Error{part.name() + ": has a line that is none of a scrub's report"};
        return {};
    }

    bool tell_line(const Json& object, const std::string& line, const Part& part) {
        const bool first = &part == &parts_.front();
        const std::string type = type_of(object);
        if (type == "volume") {
            const auto event = read_volume(object);
            if (event) sectorsize_ = event->sectorsize;
            if (event && first) writer_.volume(*event);
            return event.has_value();
        }
        if (type == "device") {
            const auto event = read_device(object);
            if (event && first) writer_.device(*event);
            if (event && event->path.empty()) tally_.note_missing();
            if (event && event->short_by != 0) cut_short_ = true;
            return event.has_value();
        }
        if (type == "unknown") {
            const auto unknown = read_unknown(object);
            if (unknown && told_.insert(line).second) tally_.unknown(*unknown);
            return unknown.has_value();
        }
        if (type == "free") {
            const auto rows = decode_free_rows(object);
            if (rows) tally_.free_rows(*rows);
            return rows.has_value();
        }
        if (type == "damage") {
            auto told = read_damage(object);
            if (!told) return false;
            if (told->files) told->files->incomplete = part.summary.files_incomplete;
            // A device's part of a chunk that more than one shard looked at.
            const bool of_chunk = told->damage.cause == scrub::Cause::missing ||
                                  told->damage.cause == scrub::Cause::stale ||
                                  told->damage.cause == scrub::Cause::distrusted;
            if (!of_chunk || told->damage.full_stripe || told_.insert(line).second)
                tally_.damage(told->damage, told->files ? &*told->files : nullptr);
            return true;
        }
        return type == "summary";
    }

    // ---- 3.

    report::Summary sum() const {
        report::Summary all;
        all.command = "scrub";
        all.verdict = report::Verdict::clean;
        all.engine = parts_.front().summary.engine;
        all.part = parts_.front().summary.part;
        all.free = parts_.front().summary.free;
        all.maps = parts_.front().summary.maps;
        all.files_named = parts_.front().summary.files_named;
        for (const Part& part : parts_) {
            all.counters.add(part.summary.counters);
            all.seconds += part.summary.seconds;
            all.files_incomplete = all.files_incomplete || part.summary.files_incomplete;
            make_heavier(all.verdict, part.summary.verdict);
            // Sums of hostile numbers may well come to nothing.
            make_heavier(all.verdict, tally_.verdict(part.summary.counters));
        }
        // No report is better than its findings.
        make_heavier(all.verdict, tally_.verdict(all.counters));
        all.distrust = tally_.suspects(sectorsize_);
        all.next = steps_after_scrub(all, {tally_.has_missing(), cut_short_});
        return all;
    }

    static void make_heavier(report::Verdict& verdict, report::Verdict other) {
        if (weight_of(other) > weight_of(verdict)) verdict = other;
    }

    int fail(const Error& error) {
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed);
    }

    int end(report::Verdict verdict) {
        report::Summary summary;
        summary.command = "merge";
        summary.verdict = verdict;
        summary.engine = "none";
        return conclude(world_, writer_, std::move(summary));
    }

    const Options& options_;
    const World& world_;
    report::Writer& writer_;
    Tally tally_;
    std::vector<Part> parts_;
    std::set<std::string> told_;  // lines that more than one shard may have
    uint32_t sectorsize_ = 4096;
    bool cut_short_ = false;  // a device
};

}  // namespace

int merge_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return MergeRun(options, world, reporting).run();
}

}  // namespace raid56::session
