// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/checkpoint.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"
#include "session/part.h"
#include "volume/assemble.h"

namespace raid56::session {
namespace {

constexpr double kBetween = 5;  // seconds: what a kill costs at most

// What binds the file to this scrub. Threads, engine and the form of the report are free.
Json header_of(const Options& options, const Maps& maps, const volume::Volume& volume) {
    Json distrust = Json::array();
    for (const DevId devid : options.distrust) distrust.push_back(devid.v);
    const auto shard = options.part.shard.value_or(scrub::Shard{});
    return {{"what", "scrub"},
            {"version", 1},
            {"fsid", volume::uuid_text(volume.super().fsid)},
            {"generation", volume.super().generation.v},
            {"devices", bound_devices(volume, maps)},
            {"distrust", distrust},
            {"part", part_words(options.part)},
            {"free", options.part.free},
            {"shard", shard.number},
            {"shards", shard.of}};
}

Result<void> check_header(const Json& found, const Json& own, const std::string& path) {
    const auto differs = [&](const char* field) { return !found.contains(field) || found[field] != own[field]; };
    if (differs("what")) return Error{path + ": is of no scrub"};
    if (differs("fsid")) return Error{path + ": is of another file system"};
    if (differs("generation"))
        return Error{path +
                     ": is of another generation of the file system: somebody mounted it since, and what was found "
                     "before is of no use; remove the file to begin anew"};
    if (differs("devices"))
        return Error{path +
                     ": is of a scrub of other devices, or these were written to since; remove the file to begin anew"};
    for (const char* field : {"version", "distrust", "part", "free", "shard", "shards"})
        if (differs(field)) return Error{path + ": is of a scrub with other options; remove the file to begin anew"};
    return {};
}

// Whether a run that was cut off while it made the file left that of its first line. Units of a disk that did not
// arrive read as zeros; anything else may be somebody's.
bool is_left_of(device::WriteDevice& file, const std::string& line) {
    if (file.size() > line.size()) return false;
    std::vector<uint8_t> bytes(file.size());
    if (file.read(0, bytes) != 0) return false;
    for (size_t i = 0; i < bytes.size(); i++)
        if (bytes[i] != 0 && bytes[i] != static_cast<uint8_t>(line[i])) return false;
    return bytes.size() < line.size() || std::ranges::find(bytes, 0) != bytes.end();
}

// Hands on what an earlier run has found.
class Again final : public scrub::Sink {
  public:
    Again(scrub::Sink& next, std::set<std::pair<Logical, uint64_t>>& told) : next_(next), told_(told) {}
    void damage(const scrub::Damage& damage) override { next_.damage(damage); }
    void unknown(const scrub::Unknown& unknown) override {
        told_.insert({unknown.logical, unknown.length});
        next_.unknown(unknown);
    }
    void free_rows(const scrub::FreeRows& rows) override { next_.free_rows(rows); }
    void progress(uint64_t, uint64_t) override {}

  private:
    scrub::Sink& next_;
    std::set<std::pair<Logical, uint64_t>>& told_;
};

}  // namespace

Result<Checkpoint> Checkpoint::open(const Options& options, const World& world, const Maps& maps,
                                    const volume::Volume& volume) {
    const std::string& path = options.checkpoint;
    const Json header = header_of(options, maps, volume);
    if (world.writing.exists(path)) {
        auto file = world.writing.open(path);
        if (!file) return file.error();
        if (!is_left_of(**file, ProgressFile::first_line(header))) return go_on(std::move(*file), header, world);
        world.writing.remove(path);
    }
    auto file = world.writing.create(path);
    if (!file) return file.error();
    auto begun = ProgressFile::begin(std::move(*file), header);
    if (!begun) {
        world.writing.remove(path);
        return begun.error();
    }
    return Checkpoint(std::move(*begun), world);
}

Result<Checkpoint> Checkpoint::go_on(std::unique_ptr<device::WriteDevice> file, const Json& header,
                                     const World& world) {
    auto found = ProgressFile::go_on(std::move(file));
    if (!found) return found.error();
    if (auto same = check_header(found->header(), header, printable(found->path())); !same) return same.error();
    return Checkpoint(std::move(*found), world);
}

Result<void> Checkpoint::begin(scrub::Sink& next) {
    next_ = &next;
    last_kept_ = world_->clock();
    Again again(next, told_before_);
    return file_.tell_again(again);
}

void Checkpoint::damage(const scrub::Damage& damage) {
    if (!failed_) file_.add(damage);
    next_->damage(damage);
}

// The trees are read from their beginning, whichever full stripe a run goes on from.
void Checkpoint::unknown(const scrub::Unknown& unknown) {
    if (told_before_.contains({unknown.logical, unknown.length})) return;
    if (!failed_) file_.add(unknown);
    next_->unknown(unknown);
}

void Checkpoint::free_rows(const scrub::FreeRows& rows) {
    if (!failed_) file_.add(rows);
    next_->free_rows(rows);
}

void Checkpoint::reached(const scrub::Position& position, const scrub::Counters& so_far) {
    next_->reached(position, so_far);
    position_ = {position, so_far};
    file_.mark();
    if (world_->clock() - last_kept_ >= kBetween) keep();
}

void Checkpoint::keep() {
    last_kept_ = world_->clock();
    if (!position_ || failed_) return;
    if (const int error = file_.reached(position_->position, position_->counters); error != 0) {
        failed_ = true;
        world_->err << "btrfs-raid56: " << printable(file_.path()) << ": cannot be written: " << std::strerror(error)
                    << "; the scrub goes on without it\n";
    }
    position_.reset();
}

void Checkpoint::remove() { world_->writing.remove(file_.path()); }

}  // namespace raid56::session
