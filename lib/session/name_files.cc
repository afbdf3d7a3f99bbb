// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/name_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "session/name_objects.h"
#include "tree/file_refs.h"
#include "tree/names.h"
#include "tree/references.h"

namespace raid56::session {
namespace {

using report::FileKind;
using report::FilePart;

// A device's whole part of a chunk, told once because the device is missing or not believed.
const volume::MappedChunk* whole_part(const volume::Volume& volume, const scrub::Damage& damage) {
    if (!damage.chunk || damage.full_stripe || damage.logical != damage.chunk) return nullptr;
    const auto* mapped = volume.find_chunk(*damage.chunk);
    return mapped != nullptr && damage.length == mapped->extent_length() && damage.length > kStripLen ? mapped
                                                                                                      : nullptr;
}

// The ranges of the logical space that a damage means. Of a lost chunk (`lost_part`) only what lay on that device:
// its strips are not listed, they are more than there is memory for.
struct Hurt {
    std::vector<Range> ranges;  // ascending
    const volume::MappedChunk* lost_part = nullptr;
    DevId devid;

    bool touches(const volume::Volume& volume, uint64_t at) const {
        if (lost_part == nullptr) return true;
        const auto& layout = lost_part->layout;
        const auto place = volume::place_of(layout, at - lost_part->chunk.start.v);
        for (unsigned m = 0; m < layout.copies; m++)
            if (volume.member_of(*lost_part, volume::stripe_index(layout, place.n, place.column, m)).devid == devid)
                return true;
        return false;
    }
};

// No range where all of it can be had back from other devices, or where it is none of that role. Of data that are
// repairable files are told all the same: what is damaged on the disk now is of interest until it is repaired.
Hurt hurt_by(const volume::Volume& volume, const scrub::Damage& damage, scrub::Role role) {
    if (damage.role != role || !damage.logical) return {};
    if (role == scrub::Role::tree && damage.repairable == scrub::Repairable::yes) return {};
    const auto* mapped = whole_part(volume, damage);
    if (mapped == nullptr) return {{{damage.logical->v, damage.logical->v + damage.length}}, nullptr, damage.devid};
    if (damage.repairable == scrub::Repairable::yes) return {};
    return {{{mapped->chunk.start.v, mapped->chunk.end().v}}, mapped, damage.devid};
}

// An ambiguous row is told on its parity: what is in doubt are its data columns, or the one that is suspect.
std::vector<Range> rows_in_doubt(const volume::Volume& volume, const scrub::Damage& damage) {
    const bool on_parity = damage.role == scrub::Role::p || damage.role == scrub::Role::q;
    if (!on_parity || damage.cause != scrub::Cause::parity || !damage.full_stripe) return {};
    if (damage.repairable != scrub::Repairable::undecided) return {};
    const auto* mapped = volume.find_chunk(*damage.chunk);
    if (mapped == nullptr) return {};
    const StripeNo n(*damage.full_stripe);
    std::vector<Range> rows;
    for (unsigned c = 0; c < mapped->layout.nd; c++) {
        const auto& member = volume.member_of(*mapped, volume::stripe_index(mapped->layout, n, c, 0));
        if (damage.suspect && member.devid != *damage.suspect) continue;
        const uint64_t start = mapped->logical(n, c).v + uint64_t{*damage.row} * volume.sectorsize();
        rows.push_back({start, start + damage.length});
    }
    return rows;
}

RangeSet as_set(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
    RangeSet set;
    for (const Range& range : ranges) set.append(range);
    return set;
}

// The files of one scrub's damage.
class Namer {
  public:
    Namer(const OpenVolume& open, tree::Names& names, const RangeSet& wanted)
        : volume_(*open.volume),
          names_(names),
          found_(tree::find_file_refs(*open.reader, open.roots, open.log, wanted)) {
        uint64_t farthest = 0;
        for (const auto& ref : found_.refs) farthest_.push_back(farthest = std::max(farthest, ref.logical.end));
    }

    std::vector<FilePart> parts_of(const Hurt& hurt) {
        std::vector<FilePart> parts;
        ends_.clear();
        compressed_.clear();
        for (const Range& range : hurt.ranges) {
            // The first reference that may reach into the range: all before it end before.
            const auto first = std::upper_bound(farthest_.begin(), farthest_.end(), range.start);
            for (auto at = static_cast<size_t>(first - farthest_.begin());
                 at < found_.refs.size() && found_.refs[at].logical.start < range.end; at++)
                add_strips(parts, found_.refs[at], intersect(found_.refs[at].logical, range), hurt);
        }
        return parts;
    }

    bool incomplete() const { return found_.incomplete || names_incomplete_; }
    /// Whether references may be missing, names apart.
    bool refs_incomplete() const { return found_.incomplete; }

  private:
    // Strip by strip where only those of one device are hurt.
    void add_strips(std::vector<FilePart>& parts, const tree::FileRef& ref, Range all, const Hurt& hurt) {
        if (hurt.lost_part == nullptr) return add(parts, ref, all);
        for (uint64_t at = all.start; at < all.end;) {
            const uint64_t in_strip = (at - hurt.lost_part->chunk.start.v) % kStripLen;
            const uint64_t end = std::min(at - in_strip + kStripLen, all.end);
            if (hurt.touches(volume_, at)) add(parts, ref, {at, end});
            at = end;
        }
    }

    void add(std::vector<FilePart>& parts, const tree::FileRef& ref, Range part) {
        if (part.empty()) return;
        FilePart hurt;
        hurt.subvolume = ref.tree;
        hurt.inode = ref.inode;
        hurt.compressed = ref.compressed;
        hurt.offset = ref.compressed ? ref.offset : ref.offset + (part.start - ref.logical.start);
        hurt.length = ref.compressed ? ref.length : part.length();
        for (const auto& path : paths_of(ref, hurt.kind)) {
            hurt.path = path;
            put(parts, hurt);
        }
    }

    // What follows in the same file is one part with it; a compressed extent is told once.
    void put(std::vector<FilePart>& parts, const FilePart& hurt) {
        const auto key = [&](uint64_t at) { return std::tuple(hurt.subvolume, hurt.inode, hurt.path, at); };
        if (hurt.compressed && !compressed_.insert(key(hurt.offset)).second) return;
        const auto before = ends_.find(key(hurt.offset));
        size_t index = parts.size();
        if (before != ends_.end() && parts[before->second].compressed == hurt.compressed) {
            index = before->second;
            ends_.erase(before);
            parts[index].length += hurt.length;
        } else {
            parts.push_back(hurt);
        }
        ends_[key(hurt.offset + hurt.length)] = index;
    }

    // At least one: an inode without a name is told too.
    const std::vector<std::string>& paths_of(const tree::FileRef& ref, FileKind& kind) {
        const auto [at, fresh] = known_.try_emplace({ref.tree, ref.inode});
        auto& known = at->second;
        if (fresh) known = look_up(ref);
        kind = known.kind;
        return known.paths;
    }

    struct Known {
        std::vector<std::string> paths;
        FileKind kind = FileKind::file;
    };

    Known look_up(const tree::FileRef& ref) {
        if (ref.tree == format::objectid::kRootTree) return {{""}, FileKind::space_cache};
        if (ref.tree == format::objectid::kDataRelocTree) return {{""}, FileKind::relocation};
        auto paths = names_.of(ref.tree, ref.inode);
        names_incomplete_ = names_incomplete_ || paths.incomplete;
        if (!paths.paths.empty()) return {std::move(paths.paths), FileKind::file};
        return {{""}, paths.incomplete ? FileKind::unnamed : FileKind::deleted};
    }

    const volume::Volume& volume_;
    tree::Names& names_;
    tree::FileRefs found_;
    std::vector<uint64_t> farthest_;  // end of refs[0..i], the largest
    std::map<std::pair<uint64_t, uint64_t>, Known> known_;
    // Of the event under way, by subvolume, inode, path and a place in the file.
    using PlaceInFile = std::tuple<uint64_t, uint64_t, std::string, uint64_t>;
    std::map<PlaceInFile, size_t> ends_;  // where a part ends: its index
    std::set<PlaceInFile> compressed_;    // extents that are told
    bool names_incomplete_ = false;
};

}  // namespace

template <class RangesOf>
RangeSet HeldFindings::all_of(RangesOf&& ranges_of) const {
    std::vector<Range> all;
    for (const auto& finding : held_)
        if (const auto* damage = std::get_if<scrub::Damage>(&finding))
            for (const Range& range : ranges_of(*damage)) all.push_back(range);
    return as_set(std::move(all));
}

// Of rows in doubt the data that nothing proves.
RangeSet HeldFindings::silent_data(const OpenVolume& open) const {
    const auto rows = all_of([&](const auto& damage) { return rows_in_doubt(*open.volume, damage); });
    RangeSet silent;
    if (rows.empty()) return silent;
    for (const auto& part : tree::explain_silence(*open.reader, open.roots, open.log, rows))
        if (part.silence == tree::Silence::written) silent.append(part.logical);
    return silent;
}

bool HeldFindings::tell(const OpenVolume& open, report::Writer& writer, const std::atomic<bool>& stop) {
    const volume::Volume& volume = *open.volume;
    const RangeSet silent = silent_data(open);
    const auto hurt_data = [&](const scrub::Damage& damage) {
        Hurt hurt = hurt_by(volume, damage, scrub::Role::data);
        for (const Range& row : rows_in_doubt(volume, damage))
            silent.overlaps(row, [&](Range part) { hurt.ranges.push_back(part); });
        return hurt;
    };
    const auto hurt_tree = [&](const scrub::Damage& damage) { return hurt_by(volume, damage, scrub::Role::tree); };
    tree::Names names(*open.reader, open.roots, open.log);
    ObjectNamer objects(open, names, all_of([&](const auto& damage) { return hurt_tree(damage).ranges; }));
    Namer namer(open, names, all_of([&](const auto& damage) { return hurt_data(damage).ranges; }));
    for (const auto& finding : held_) {
        if (const auto* unknown = std::get_if<scrub::Unknown>(&finding)) {
            writer.unknown(*unknown);
            continue;
        }
        const auto& damage = std::get<scrub::Damage>(finding);
        const auto hurt = damage.role == scrub::Role::tree ? hurt_tree(damage) : hurt_data(damage);
        if (hurt.ranges.empty() || stop) {
            writer.damage(damage);
            continue;
        }
        if (damage.role == scrub::Role::tree) {
            const auto is_meant = [&](Logical block) { return hurt.touches(volume, block.v); };
            const auto files = objects.of(hurt.ranges.front(), is_meant);
            writer.damage(damage, &files);
            continue;
        }
        report::HurtFiles files;
        files.parts = namer.parts_of(hurt);
        files.incomplete = namer.refs_incomplete();
        writer.damage(damage, &files);
    }
    held_.clear();
    return namer.incomplete() || objects.incomplete() || stop;
}

}  // namespace raid56::session
