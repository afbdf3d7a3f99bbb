// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/inspect_command.h"

#include <algorithm>
#include <exception>

#include "base/printable.h"
#include "report/chunk_table.h"
#include "report/json.h"
#include "report/text.h"
#include "report/words.h"
#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/decide_states.h"
#include "session/inspect_row.h"
#include "session/maps.h"
#include "tree/path.h"
#include "volume/losses.h"

namespace raid56::session {
namespace {

using report::Json;

/// A place on a device where a copy of some bytes of a file lies.
struct FilePlace {
    uint64_t devid = 0, physical = 0, length = 0, logical = 0;
};

// One strip's part after the other, every copy of each.
std::vector<FilePlace> places_of(const volume::Volume& volume, Logical start, uint64_t length) {
    std::vector<FilePlace> places;
    while (length > 0) {
        const auto* chunk = volume.find_chunk(start);
        if (chunk == nullptr) break;
        const auto place = volume::place_of(chunk->layout, start - chunk->chunk.start);
        const uint64_t part = std::min({length, kStripLen - place.offset, chunk->chunk.end() - start});
        for (unsigned copy = 0; copy < chunk->layout.copies; copy++) {
            const unsigned index = volume::stripe_index(chunk->layout, place.n, place.column, copy);
            places.push_back({volume.member_of(*chunk, index).devid.v, chunk->physical(place.n, index).v + place.offset,
                              part, start.v});
        }
        start = start + part;
        length -= part;
    }
    return places;
}

const char* extent_kind(const format::FileExtent& extent) {
    if (extent.type == format::ExtentType::inline_data) return "inline";
    if (extent.disk_length == 0) return "hole";
    if (extent.type == format::ExtentType::preallocated) return "preallocated";
    return extent.compression != 0 ? "compressed" : "regular";
}

class InspectRun {
  public:
    InspectRun(const Options& options, const MappedWorld& mapped)
        : options_(options),
          world_(mapped.world),
          maps_(mapped.maps),
          json_(world_.out),
          text_(world_.out),
          start_(world_.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory: nothing else throws
            return fail(Error{error.what()});
        }
    }

  private:
    int run_stages() {
        if (!maps_) return fail(maps_.error());
        const auto engine = choose_engine(options_, world_);
        if (!engine) return fail(engine.error());
        engine_ = *engine;
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return world_.stop ? end(report::Verdict::interrupted) : fail(open.error());
        decide_states(*open, world_);
        if (world_.stop) return end(report::Verdict::interrupted);
        tell_volume(*open);
        Result<void> told;
        if (options_.logical)
            told = tell_row(*open);
        else if (options_.file)
            told = tell_file(*open);
        else
            tell_map(*open);
        // After an interrupt what was to be read seems to be lost, and what was to be judged is not.
        if (world_.stop) return end(report::Verdict::interrupted);
        if (!told) return fail(told.error());
        return end(report::Verdict::done);
    }

    bool as_json() const { return options_.format == Format::json; }
    report::Writer& writer() { return as_json() ? static_cast<report::Writer&>(json_) : text_; }

    int fail(const Error& error) {
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed);
    }

    int end(report::Verdict verdict) {
        report::Summary summary;
        summary.command = "inspect";
        summary.verdict = verdict;
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        tell_trouble(engine_, world_);
        summary.further_losses = further_losses_;
        return conclude(world_, writer(), std::move(summary));
    }

    void tell_volume(const OpenVolume& open) {
        writer().volume(report::volume_event(*open.volume));
        std::vector<volume::Member> members = open.volume->members();
        std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.devid < b.devid; });
        for (const auto& member : members) writer().device(report::device_event(*open.volume, member));
        for (const auto& unknown : open.unknown) writer().unknown(unknown);
    }

    void tell_map(const OpenVolume& open) {
        if (!as_json()) world_.out << "\nSuperblock copies\n";
        for (size_t i = 0; i < open.scans.size(); i++)
            for (const auto& copy : open.scans[i]) tell_super(open.volume->members()[i], copy);
        if (!as_json()) world_.out << "\nChunk map\n";
        std::vector<report::ChunkRow> rows;
        for (const auto& chunk : open.volume->chunks()) {
            rows.push_back(report::chunk_row(*open.volume, chunk));
            tell_chunk(chunk, rows.back());
        }
        // A chunk that is not known may bear less than all others, but not less than none.
        const unsigned least = volume::further_losses(*open.volume);
        if (least == 0 || all_chunks_known(open)) further_losses_ = least;
        if (as_json()) return;
        world_.out << "\nChunks and lost devices\n";
        report::write_chunk_table(world_.out, rows);
        report::write_chunk_sum(world_.out << "  ", rows, further_losses_);
    }

    static bool all_chunks_known(const OpenVolume& open) {
        return std::none_of(open.unknown.begin(), open.unknown.end(),
                            [](const scrub::Unknown& unknown) { return unknown.cause == "chunk-tree"; });
    }

    void tell_super(const volume::Member& member, const volume::SuperCopy& copy) {
        if (!format::super_copy_exists(copy.index, member.total_bytes)) return;
        if (as_json()) {
            Json line = report::typed("super");
            line["devid"] = member.devid.v;
            line["physical"] = format::kSuperOffsets[copy.index];
            line["state"] = describe(copy);
            if (copy.super) {
                line["generation"] = copy.super->generation.v;
                line["root"] = copy.super->root.v;
                line["chunk_root"] = copy.super->chunk_root.v;
                line["log_root"] = copy.super->log_root.v;
                line["total_bytes"] = copy.super->dev_item.total_bytes;
            }
            return json_.line(line);
        }
        world_.out << "  devid " << member.devid.v << " at " << format::kSuperOffsets[copy.index] << ": "
                   << describe(copy);
        if (copy.super) {
            world_.out << ", generation " << copy.super->generation.v << ", root " << copy.super->root.v
                       << ", chunk root " << copy.super->chunk_root.v;
            if (copy.super->log_root.v != 0) world_.out << ", log root " << copy.super->log_root.v;
        }
        world_.out << '\n';
    }

    void tell_chunk(const volume::MappedChunk& mapped, const report::ChunkRow& row) {
        const auto& chunk = mapped.chunk;
        if (as_json()) {
            Json line = report::typed("chunk");
            line["logical"] = chunk.start.v;
            line["length"] = chunk.length;
            line["kind"] = row.kind;
            line["profile"] = row.profile;
            line["full_stripes"] = mapped.full_stripes();
            line["survives"] = row.whole;
            line["devices"] = row.devices;
            line["missing_devids"] = row.missing;
            line["further_losses"] = row.further_losses;
            line["stripes"] = Json::array();
            for (unsigned i = 0; i < mapped.layout.stripes; i++)
                line["stripes"].push_back({{"devid", chunk.stripes[i].devid.v},
                                           {"physical", chunk.stripes[i].offset.v},
                                           {"length", mapped.extent_length()}});
            line["without_parity"] = Json::array();
            for (const StripeNo n : mapped.without_parity) line["without_parity"].push_back(n.v);
            return json_.line(line);
        }
        world_.out << "  logical " << chunk.start.v << ", " << report::human_bytes(chunk.length) << ' ' << row.kind
                   << ' ' << row.profile << (row.whole ? "" : ", cannot be had back without its missing devices")
                   << '\n';
        for (unsigned i = 0; i < mapped.layout.stripes; i++)
            world_.out << "    stripe " << i << ": devid " << chunk.stripes[i].devid.v << " at "
                       << chunk.stripes[i].offset.v << ", " << report::human_bytes(mapped.extent_length()) << '\n';
    }

    Result<void> tell_row(OpenVolume& open) {
        const auto view = view_row(open, world_, *engine_, Logical(*options_.logical));
        if (!view) return view.error();
        if (world_.stop) return {};
        const auto& chunk = view->chunk->chunk;
        if (as_json()) {
            Json line = report::typed("row");
            line["logical"] = *options_.logical;
            line["chunk"] = chunk.start.v;
            line["profile"] = format::profile_name(chunk.profile);
            line["full_stripe"] = view->full_stripe;
            line["row"] = view->row;
            line["has_parity"] = view->has_parity;
            json_.line(line);
        } else {
            world_.out << "\nRow of logical " << *options_.logical << "\n  chunk " << chunk.start.v << ' '
                       << format::profile_name(chunk.profile) << ", full stripe " << view->full_stripe << ", row "
                       << view->row << '\n';
        }
        for (const auto& column : view->columns) tell_column(column);
        for (const auto& damage : view->damage) writer().damage(damage);
        return {};
    }

    void tell_column(const ColumnView& column) {
        if (as_json()) {
            Json line = report::typed("column");
            line["column"] = column.column;
            line["copy"] = column.copy;
            line["role"] = column.role;
            line["devid"] = column.devid;
            line["physical"] = column.physical;
            if (column.logical) line["logical"] = *column.logical;
            if (!column.holds.empty()) line["holds"] = column.holds;
            line["state"] = column.state;
            return json_.line(line);
        }
        world_.out << "  column " << column.column << ' ' << column.role << ": devid " << column.devid << " at "
                   << column.physical;
        if (column.logical) world_.out << ", logical " << *column.logical << ", " << column.holds;
        world_.out << ": " << column.state << '\n';
    }

    Result<void> tell_file(OpenVolume& open) {
        const auto file = tree::find_path(*open.reader, open.roots, *options_.file);
        if (!file) return file.error();
        const auto extents = tree::read_file_extents(*open.reader, *file);
        if (!extents) return extents.error();
        if (world_.stop) return {};
        if (as_json()) {
            Json line = report::typed("file");
            report::set_text(line, "path", *options_.file);
            line["subvolume"] = file->tree;
            line["inode"] = file->inode;
            line["size"] = extents->inode.size;
            line["checksums"] = !extents->inode.no_checksums();
            line["incomplete"] = extents->incomplete;
            json_.line(line);
        } else {
            world_.out << "\nFile " << printable(*options_.file) << "\n  subvolume " << file->tree << ", inode "
                       << file->inode << ", " << extents->inode.size << " bytes"
                       << (extents->inode.no_checksums() ? ", without checksums" : "")
                       << (extents->incomplete ? ", not all of its extents can be had" : "") << '\n';
        }
        for (const auto& extent : extents->extents) tell_extent(open, extent);
        return {};
    }

    void tell_extent(const OpenVolume& open, const format::FileExtent& extent) {
        std::vector<FilePlace> places;
        if (extent.on_disk()) {
            const bool compressed = extent.compression != 0;
            const Logical start = compressed ? extent.disk_start : extent.disk_start + extent.offset;
            places = places_of(*open.volume, start, compressed ? extent.disk_length : extent.length);
        }
        if (as_json()) {
            Json line = report::typed("extent");
            line["file_offset"] = extent.file_offset;
            line["length"] = extent.length;
            line["kind"] = extent_kind(extent);
            if (extent.on_disk()) {
                line["disk_logical"] = extent.disk_start.v;
                line["disk_length"] = extent.disk_length;
                line["offset"] = extent.offset;
            }
            line["places"] = Json::array();
            for (const auto& place : places)
                line["places"].push_back({{"logical", place.logical},
                                          {"devid", place.devid},
                                          {"physical", place.physical},
                                          {"length", place.length}});
            return json_.line(line);
        }
        world_.out << "  " << extent.file_offset << " + " << extent.length << ": " << extent_kind(extent) << '\n';
        for (const auto& place : places)
            world_.out << "    logical " << place.logical << ": devid " << place.devid << " at " << place.physical
                       << ", " << report::human_bytes(place.length) << '\n';
    }

    const Options& options_;
    const World& world_;
    const Result<Maps>& maps_;
    report::JsonWriter json_;
    report::TextWriter text_;
    double start_;
    EnginePtr engine_;
    std::optional<unsigned> further_losses_;  // of the file system, once all chunks are told
};

}  // namespace

int inspect_command(const Options& options, const World& world) {
    return InspectRun(options, map_world(options, world)).run();
}

}  // namespace raid56::session
