// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/json.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/printable.h"

namespace raid56::report {
namespace {

Json repairable_value(scrub::Repairable repairable) {
    switch (repairable) {
        case scrub::Repairable::yes: return true;
        case scrub::Repairable::no: return false;
        case scrub::Repairable::undecided: break;
    }
    return nullptr;
}

}  // namespace

Json typed(const char* type) {
    Json object = Json::object();
    object["type"] = type;
    return object;
}

void set_text(Json& object, const char* field, const std::string& text) {
    const bool plain = is_utf8(text);
    object[field] = plain ? text : escape_bytes(text);
    if (!plain) object[std::string(field) + "_escaped"] = true;
}

namespace {

// Control characters behind ASCII, and those that turn the direction of writing: JSON lets them through as they are,
// a terminal should not get them.
bool is_unwelcome(char32_t c) {
    return (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

// They all lie below U+10000 and take one to three bytes; the text is well-formed UTF-8.
std::string without_unwelcome(const std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size();) {
        const auto byte = [&](size_t k) { return static_cast<uint8_t>(text[i + k]); };
        const size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
        char32_t c = byte(0);
        if (length == 2) c = (byte(0) & 0x1fu) << 6 | (byte(1) & 0x3fu);
        if (length == 3) c = (byte(0) & 0x0fu) << 12 | (byte(1) & 0x3fu) << 6 | (byte(2) & 0x3fu);
        char escaped[8];
        if (length < 4 && is_unwelcome(c)) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out.append(text, i, length);
        }
        i += length;
    }
    return out;
}

}  // namespace

void JsonWriter::line(const Json& object) { out_ << without_unwelcome(object.dump()) << '\n'; }

void JsonWriter::volume(const VolumeEvent& event) {
    Json object = typed("volume");
    object["fsid"] = event.fsid;
    set_text(object, "label", event.label);
    object["checksum"] = event.checksum;
    object["sectorsize"] = event.sectorsize;
    object["nodesize"] = event.nodesize;
    object["generation"] = event.generation;
    object["features"] = event.features;
    object["chunks"] = Json::array();
    for (const auto& sum : event.chunks)
        object["chunks"].push_back({{"kind", sum.kind},
                                    {"profile", sum.profile},
                                    {"devices", sum.devices},
                                    {"count", sum.count},
                                    {"length", sum.length}});
    line(object);
}

void JsonWriter::device(const DeviceEvent& event) {
    Json object = typed("device");
    object["devid"] = event.devid;
    if (event.path.empty())
        object["path"] = nullptr;
    else
        set_text(object, "path", event.path);
    object["uuid"] = event.uuid;
    object["generation"] = event.generation;
    object["state"] = event.state;
    object["total_bytes"] = event.total_bytes;
    object["seed"] = event.seed;
    if (event.behind != 0) object["behind"] = event.behind;
    if (event.short_by != 0) object["short_by"] = event.short_by;
    line(object);
}

namespace {

template <class Parts>
bool all_utf8(const Parts& parts) {
    return std::all_of(parts.begin(), parts.end(), [](const auto& part) { return is_utf8(part.path); });
}

// The paths of one event: escaped are all of them, or none.
class Paths {
  public:
    explicit Paths(bool plain) : plain_(plain) {}

    /// null where there is none.
    Json value_of(const std::string& path) const {
        if (path.empty()) return nullptr;
        return plain_ ? path : escape_bytes(path);
    }
    /// The same, listed once.
    Json listed(const std::string& path) {
        const Json value = value_of(path);
        if (!path.empty() && told_.insert(path).second) all_.push_back(value);
        return value;
    }
    void set(Json& object) && {
        object["paths"] = std::move(all_);
        if (!plain_) object["paths_escaped"] = true;
    }

  private:
    bool plain_;
    Json all_ = Json::array();
    std::set<std::string> told_;
};

void set_files(Json& object, const std::vector<FilePart>& files) {
    Paths paths(all_utf8(files));
    Json parts = Json::array();
    for (const auto& part : files) {
        Json one = Json::object();
        one["kind"] = file_kind_name(part.kind);
        one["path"] = paths.listed(part.path);
        one["subvolume"] = part.subvolume;
        one["inode"] = part.inode;
        one["offset"] = part.offset;
        one["length"] = part.length;
        if (part.compressed) one["compressed"] = true;
        parts.push_back(std::move(one));
    }
    std::move(paths).set(object);
    object["files"] = std::move(parts);
}

Json tree_value(const HurtTree& tree, const Paths& paths) {
    Json one = Json::object();
    one["name"] = tree_kind_name(tree.kind);
    one["tree"] = tree.tree;
    if (!tree.path.empty()) one["path"] = paths.value_of(tree.path);
    one["level"] = tree.level;
    if (tree.first_inode) one["first_inode"] = *tree.first_inode;
    if (tree.last_inode) one["last_inode"] = *tree.last_inode;
    return one;
}

void set_trees(Json& object, const HurtFiles& files) {
    Paths paths(all_utf8(files.trees) && all_utf8(files.objects));
    Json trees = Json::array(), objects = Json::array();
    for (const auto& tree : files.trees) trees.push_back(tree_value(tree, paths));
    for (const auto& hurt : files.objects) {
        Json one = Json::object();
        one["loses"] = loss_name(hurt.loses);
        one["path"] = paths.listed(hurt.path);
        one["subvolume"] = hurt.subvolume;
        one["inode"] = hurt.inode;
        if (hurt.directory) one["directory"] = true;
        if (hurt.offset) one["offset"] = *hurt.offset;
        if (hurt.length) one["length"] = *hurt.length;
        objects.push_back(std::move(one));
    }
    std::move(paths).set(object);
    object["trees"] = std::move(trees);
    object["objects"] = std::move(objects);
}

}  // namespace

void JsonWriter::damage(const scrub::Damage& event, const HurtFiles* files) {
    Json object = typed("damage");
    object["devid"] = event.devid.v;
    object["physical"] = event.physical.v;
    object["length"] = event.length;
    object["role"] = scrub::role_name(event.role);
    object["cause"] = scrub::cause_name(event.cause);
    if (event.logical) object["logical"] = event.logical->v;
    if (event.chunk) object["chunk"] = event.chunk->v;
    if (event.full_stripe) object["full_stripe"] = *event.full_stripe;
    if (event.row) object["row"] = *event.row;
    object["repairable"] = repairable_value(event.repairable);
    object["proof"] = scrub::proof_name(event.proof);
    if (event.suspect) {
        object["suspect_devid"] = event.suspect->v;
        object["differing_bytes"] = event.differing_bytes;
    }
    if (files != nullptr && event.role == scrub::Role::tree) set_trees(object, *files);
    if (files != nullptr && event.role != scrub::Role::tree) set_files(object, files->parts);
    if (event.further_losses) object["further_losses"] = *event.further_losses;
    line(object);
}

void JsonWriter::unknown(const scrub::Unknown& event) {
    Json object = typed("unknown");
    object["logical"] = event.logical.v;
    object["length"] = event.length;
    object["cause"] = event.cause;
    line(object);
}

void JsonWriter::free_rows(const scrub::FreeRows& event) {
    Json object = typed("free");
    object["chunk"] = event.chunk.v;
    object["full_stripe"] = event.full_stripe;
    object["row"] = event.row;
    object["rows"] = event.rows;
    object["p_differs"] = event.p_differs;
    object["q_differs"] = event.q_differs;
    object["unreadable"] = Json::array();
    for (const auto& part : event.unreadable)
        object["unreadable"].push_back(
            {{"devid", part.devid.v}, {"physical", part.physical.v}, {"length", part.length}});
    line(object);
}

void JsonWriter::action(const ActionEvent& event) {
    const auto& what = event.write.what;
    Json object = typed("action");
    object["devid"] = what.devid.v;
    object["physical"] = what.physical.v;
    object["length"] = what.length;
    object["role"] = scrub::role_name(what.role);
    object["done"] = event.done;
    object["cause"] = scrub::cause_name(what.cause);
    if (!event.whole_part) object["proof"] = scrub::proof_name(what.proof);
    if (what.logical) object["logical"] = what.logical->v;
    line(object);
}

void JsonWriter::summary(const Summary& event) {
    const auto& c = event.counters;
    Json object = typed("summary");
    object["command"] = event.command;
    object["verdict"] = verdict_name(event.verdict);
    object["exit_status"] = event.exit_status;
    object["data_bytes_verified"] = c.data_bytes_verified;
    object["no_checksum_bytes"] = c.no_checksum_bytes;
    object["tree_bytes_verified"] = c.tree_bytes_verified;
    object["rows_checked"] = c.rows_checked;
    object["p_mismatches"] = c.p_mismatches;
    object["q_mismatches"] = c.q_mismatches;
    object["corrupt_data_sectors"] = c.corrupt_data_sectors;
    object["corrupt_tree_blocks"] = c.corrupt_tree_blocks;
    object["unreadable_sectors"] = c.unreadable_sectors;
    object["super_errors"] = c.super_errors;
    object["repairable_sectors"] = c.repairable_sectors;
    object["unrepairable_sectors"] = c.unrepairable_sectors;
    object["ambiguous_rows"] = c.ambiguous_rows;
    object["unproven_sectors"] = c.unproven_sectors;
    object["sectors_written"] = event.sectors_written;
    object["bytes_read"] = c.bytes_read;
    object["seconds"] = event.seconds;
    object["engine"] = event.engine;
    object["interrupted"] = event.interrupted;
    if (event.shard) {
        object["shard"] = event.shard->number;
        object["shards"] = event.shard->of;
    }
    if (event.free) {
        object["free_rows_checked"] = c.free_rows_checked;
        object["free_rows_differing"] = c.free_rows_differing;
        object["free_rows_unreadable"] = c.free_rows_unreadable;
    }
    if (!event.part.empty()) object["part"] = event.part;
    for (const auto& [devid, sum] : event.maps) object["maps"].push_back({{"devid", devid}, {"sum", sum}});
    if (event.files_named) object["files_named"] = true;
    if (event.files_incomplete) object["files_incomplete"] = true;
    if (!event.distrust.empty()) object["suggest_distrust"] = event.distrust;
    if (event.further_losses) object["further_losses"] = *event.further_losses;
    line(object);
}

}  // namespace raid56::report
