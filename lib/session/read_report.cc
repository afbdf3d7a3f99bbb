// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/read_report.h"

#include <array>

#include "base/printable.h"

namespace raid56::session {
namespace {

using report::FileKind;
using report::Verdict;

constexpr std::array kVerdicts = {Verdict::clean,     Verdict::repairable, Verdict::repaired, Verdict::unrepairable,
                                  Verdict::undecided, Verdict::done,       Verdict::failed,   Verdict::interrupted};
constexpr std::array kFileKinds = {FileKind::file, FileKind::deleted, FileKind::unnamed, FileKind::space_cache,
                                   FileKind::relocation};

using report::Loss;
using report::TreeKind;
constexpr std::array kTreeKinds = {TreeKind::root_tree,
                                   TreeKind::extent_tree,
                                   TreeKind::chunk_tree,
                                   TreeKind::device_tree,
                                   TreeKind::subvolume,
                                   TreeKind::checksum_tree,
                                   TreeKind::quota_tree,
                                   TreeKind::uuid_tree,
                                   TreeKind::free_space_tree,
                                   TreeKind::block_group_tree,
                                   TreeKind::data_relocation_tree,
                                   TreeKind::relocation_tree,
                                   TreeKind::log_tree,
                                   TreeKind::other};
constexpr std::array kLosses = {Loss::all, Loss::entries, Loss::data, Loss::attributes, Loss::name, Loss::listing};

// A text that may have been escaped, as `<name>_escaped` says.
std::optional<std::string> bytes(const Json& object, const char* name) {
    const auto found = text(object, name);
    if (!found) return std::nullopt;
    return object.contains(std::string(name) + "_escaped") ? unescape_bytes(*found) : *found;
}

std::optional<bool> flag(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_boolean()) return std::nullopt;
    return found->get<bool>();
}

// Puts a number into a member; false where it is not there, or does not fit.
template <class Member>
bool take(const Json& object, const char* name, Member& member) {
    const auto found = number(object, name);
    if (found) member = static_cast<Member>(*found);
    return found.has_value() && static_cast<uint64_t>(member) == *found;
}
// A word of the program's own: nothing that a terminal would not take as it is.
bool take(const Json& object, const char* name, std::string& member) {
    const auto found = text(object, name);
    if (found) member = *found;
    return found.has_value() && printable(member) == member;
}

const Json* array(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? &*found : nullptr;
}

// The enumerator that goes by that name in an object.
template <class Enum, size_t Count>
std::optional<Enum> named(const Json& object, const char* field, const std::array<Enum, Count>& all,
                          const char* (*name_of)(Enum)) {
    const auto name = text(object, field);
    for (const Enum one : all)
        if (name && *name == name_of(one)) return one;
    return std::nullopt;
}

std::string path_of(const Json& object, bool escaped) {
    const std::string path = text(object, "path").value_or("");
    return escaped ? unescape_bytes(path) : path;
}

std::optional<report::FilePart> read_part(const Json& object, bool escaped) {
    report::FilePart part;
    const auto kind = named(object, "kind", kFileKinds, report::file_kind_name);
    if (!kind || !take(object, "subvolume", part.subvolume) || !take(object, "inode", part.inode) ||
        !take(object, "offset", part.offset) || !take(object, "length", part.length))
        return std::nullopt;
    part.kind = *kind;
    part.path = path_of(object, escaped);
    part.compressed = flag(object, "compressed").value_or(false);
    return part;
}

std::optional<report::HurtTree> read_tree(const Json& object, bool escaped) {
    report::HurtTree tree;
    const auto kind = named(object, "name", kTreeKinds, report::tree_kind_name);
    if (!kind || !take(object, "tree", tree.tree) || !take(object, "level", tree.level)) return std::nullopt;
    tree.kind = *kind;
    tree.path = path_of(object, escaped);
    tree.first_inode = number(object, "first_inode");
    tree.last_inode = number(object, "last_inode");
    return tree;
}

std::optional<report::HurtObject> read_object(const Json& object, bool escaped) {
    report::HurtObject hurt;
    const auto loss = named(object, "loses", kLosses, report::loss_name);
    if (!loss || !take(object, "subvolume", hurt.subvolume) || !take(object, "inode", hurt.inode)) return std::nullopt;
    hurt.loses = *loss;
    hurt.path = path_of(object, escaped);
    hurt.directory = flag(object, "directory").value_or(false);
    hurt.offset = number(object, "offset");
    hurt.length = number(object, "length");
    if (hurt.loses == report::Loss::data && !hurt.offset) return std::nullopt;
    return hurt;
}

// Reads each object of an array; false where one is not as it should be.
template <class Part, class Read>
bool read_all(const Json& array, bool escaped, std::vector<Part>& into, Read&& read) {
    for (const auto& one : array) {
        auto part = one.is_object() ? read(one, escaped) : std::nullopt;
        if (!part) return false;
        into.push_back(std::move(*part));
    }
    return true;
}

// Of each device at most one.
bool read_maps(const Json& line, std::map<uint64_t, uint32_t>& maps) {
    const Json* all = array(line, "maps");
    if (all == nullptr || all->empty()) return false;
    for (const auto& map : *all) {
        uint64_t devid = 0;
        uint32_t sum = 0;
        if (!take(map, "devid", devid) || !take(map, "sum", sum) || !maps.emplace(devid, sum).second) return false;
    }
    return true;
}

}  // namespace

std::optional<report::VolumeEvent> read_volume(const Json& line) {
    report::VolumeEvent event;
    const Json* features = array(line, "features");
    const Json* chunks = array(line, "chunks");
    if (features == nullptr || chunks == nullptr || !take(line, "fsid", event.fsid) || !bytes(line, "label") ||
        !take(line, "checksum", event.checksum) || !take(line, "sectorsize", event.sectorsize) ||
        !take(line, "nodesize", event.nodesize) || !take(line, "generation", event.generation))
        return std::nullopt;
    event.label = *bytes(line, "label");
    for (const auto& feature : *features) {
        if (!feature.is_string()) return std::nullopt;
        event.features.push_back(feature.get<std::string>());
        if (printable(event.features.back()) != event.features.back()) return std::nullopt;
    }
    for (const auto& chunk : *chunks) {
        report::ChunkSum sum;
        if (!chunk.is_object() || !take(chunk, "kind", sum.kind) || !take(chunk, "profile", sum.profile) ||
            !take(chunk, "devices", sum.devices) || !take(chunk, "count", sum.count) ||
            !take(chunk, "length", sum.length))
            return std::nullopt;
        event.chunks.push_back(std::move(sum));
    }
    return event;
}

std::optional<report::DeviceEvent> read_device(const Json& line) {
    report::DeviceEvent event;
    const auto seed = flag(line, "seed");
    if (!seed || !take(line, "devid", event.devid) || !take(line, "uuid", event.uuid) ||
        !take(line, "generation", event.generation) || !take(line, "state", event.state) ||
        !take(line, "total_bytes", event.total_bytes))
        return std::nullopt;
    event.seed = *seed;
    event.path = bytes(line, "path").value_or("");
    event.behind = number(line, "behind").value_or(0);
    event.short_by = number(line, "short_by").value_or(0);
    return event;
}

std::optional<ToldDamage> read_damage(const Json& line) {
    Json stated = Json::object();  // as the file of an unfinished run has it
    for (const char* field : {"devid", "physical", "length", "role", "cause", "logical", "chunk", "full_stripe", "row",
                              "repairable", "proof", "differing_bytes", "further_losses"})
        if (const auto found = line.find(field); found != line.end()) stated[field] = *found;
    if (const auto suspect = number(line, "suspect_devid"))
        stated["suspect"] = *suspect;
    else
        stated["differing_bytes"] = 0u;
    const auto damage = decode_damage(stated);
    if (!damage) return std::nullopt;
    ToldDamage told{*damage, std::nullopt};
    const Json* files = array(line, "files");
    const Json* trees = array(line, "trees");
    const Json* objects = array(line, "objects");
    if (files == nullptr && trees == nullptr) return told;
    const bool escaped = line.contains("paths_escaped");
    auto& hurt = told.files.emplace();
    if (files != nullptr && !read_all(*files, escaped, hurt.parts, read_part)) return std::nullopt;
    if (trees != nullptr && !read_all(*trees, escaped, hurt.trees, read_tree)) return std::nullopt;
    if (objects != nullptr && !read_all(*objects, escaped, hurt.objects, read_object)) return std::nullopt;
    return told;
}

std::optional<scrub::Unknown> read_unknown(const Json& line) {
    const auto logical = number(line, "logical"), length = number(line, "length");
    std::string cause;
    if (!logical || !length || !take(line, "cause", cause)) return std::nullopt;
    return scrub::Unknown{Logical(*logical), *length, cause, true};
}

std::optional<report::Summary> read_summary(const Json& line) {
    report::Summary summary;
    const auto verdict = named(line, "verdict", kVerdicts, report::verdict_name);
    if (!verdict || !take(line, "command", summary.command) || !take(line, "engine", summary.engine) ||
        !take(line, "exit_status", summary.exit_status))
        return std::nullopt;
    summary.verdict = *verdict;
    auto& c = summary.counters;
    const auto seconds = line.find("seconds");
    if (seconds == line.end() || !seconds->is_number() || !take(line, "data_bytes_verified", c.data_bytes_verified) ||
        !take(line, "no_checksum_bytes", c.no_checksum_bytes) ||
        !take(line, "tree_bytes_verified", c.tree_bytes_verified) || !take(line, "rows_checked", c.rows_checked) ||
        !take(line, "p_mismatches", c.p_mismatches) || !take(line, "q_mismatches", c.q_mismatches) ||
        !take(line, "corrupt_data_sectors", c.corrupt_data_sectors) ||
        !take(line, "corrupt_tree_blocks", c.corrupt_tree_blocks) ||
        !take(line, "unreadable_sectors", c.unreadable_sectors) || !take(line, "super_errors", c.super_errors) ||
        !take(line, "repairable_sectors", c.repairable_sectors) ||
        !take(line, "unrepairable_sectors", c.unrepairable_sectors) ||
        !take(line, "ambiguous_rows", c.ambiguous_rows) || !take(line, "unproven_sectors", c.unproven_sectors) ||
        !take(line, "bytes_read", c.bytes_read))
        return std::nullopt;
    summary.seconds = seconds->get<double>();
    summary.files_named = flag(line, "files_named").value_or(false);
    summary.files_incomplete = flag(line, "files_incomplete").value_or(false);
    if (line.contains("part") && !take(line, "part", summary.part)) return std::nullopt;
    if (line.contains("maps") && !read_maps(line, summary.maps)) return std::nullopt;
    summary.free = line.contains("free_rows_checked");
    if (summary.free && (!take(line, "free_rows_checked", c.free_rows_checked) ||
                         !take(line, "free_rows_differing", c.free_rows_differing) ||
                         !take(line, "free_rows_unreadable", c.free_rows_unreadable)))
        return std::nullopt;
    scrub::Shard shard;
    if (take(line, "shard", shard.number) && take(line, "shards", shard.of)) summary.shard = shard;
    return summary;
}

}  // namespace raid56::session
