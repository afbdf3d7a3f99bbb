// SPDX-License-Identifier: GPL-2.0-or-later
// The one event model of the report: what scripts read as JSON lines and people as text. Plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "repair/write.h"
#include "scrub/findings.h"
#include "scrub/selection.h"
#include "volume/volume.h"

namespace raid56::report {

struct ChunkSum {
    std::string kind;  // "data", "metadata", "system", "data+metadata"
    std::string profile;
    unsigned devices = 0;  // stripes of each of these chunks
    uint64_t count = 0;
    uint64_t length = 0;  // logical bytes of all of them
};

/// A chunk, and where it lies. All lengths and offsets are bytes.
struct ChunkPlace {
    struct Part {
        uint64_t devid = 0, physical = 0;
    };
    uint64_t logical = 0, length = 0;
    uint64_t kind = 0;  // format::chunk_kind bits
    format::Profile profile = format::Profile::single;
    uint64_t part_length = 0;  // of each part
    std::vector<Part> parts;   // by stripe
};

struct VolumeEvent {
    std::string fsid, label, checksum;
    uint32_t sectorsize = 0, nodesize = 0;
    uint64_t generation = 0;
    std::vector<std::string> features;
    std::vector<ChunkSum> chunks;
    std::vector<ChunkPlace> places;  // every chunk, ascending by logical: drawn on a page, and told nowhere else
};

struct DeviceEvent {
    uint64_t devid = 0;
    std::string path;  // as named by the user; empty when missing
    std::string uuid;
    uint64_t generation = 0;
    std::string state;
    uint64_t total_bytes = 0;
    bool seed = false;
    uint64_t behind = 0;    // generations that its superblock is older than the volume's; 0 for seeds
    uint64_t short_by = 0;  // bytes that the device or image lacks of total_bytes
};

enum class FileKind : uint8_t {
    file,
    deleted,      // has no name any more; it was open when the system stopped
    unnamed,      // has names, but they could not be had
    space_cache,  // of the free-space cache v1
    relocation,   // a copy that a balance was making
};
const char* file_kind_name(FileKind kind);

/// A part of a file that a damage hurts.
struct FilePart {
    FileKind kind = FileKind::file;
    std::string path;  // bytes, from the top-level subvolume, `/` first; empty where there is none
    uint64_t subvolume = 0, inode = 0;
    uint64_t offset = 0, length = 0;  // in the file, bytes
    bool compressed = false;          // all of a compressed extent: bytes of the file, not on the disk
};

enum class TreeKind : uint8_t {
    root_tree,
    extent_tree,
    chunk_tree,
    device_tree,
    subvolume,
    checksum_tree,
    quota_tree,
    uuid_tree,
    free_space_tree,
    block_group_tree,
    data_relocation_tree,
    relocation_tree,
    log_tree,
    other,
};
const char* tree_kind_name(TreeKind kind);
TreeKind tree_kind(uint64_t id);

/// What a tree block that cannot be had was of one tree.
struct HurtTree {
    TreeKind kind = TreeKind::other;
    uint64_t tree = 0;  // id; of a log: of the subvolume
    std::string path;   // of a subvolume, as in FilePart; empty where it cannot be had
    uint8_t level = 0;
    // Of a subvolume: the inodes of which something may have been below it; no last one: to the end of the tree.
    std::optional<uint64_t> first_inode, last_inode;
};

enum class Loss : uint8_t {
    all,         // it cannot be opened, nor what lies below it
    entries,     // of a directory: names in it, and what lies below these
    data,        // bytes of it
    attributes,  // none of these; extended attributes, perhaps
    name,        // it cannot be found by this name
    listing,     // it can, but is not listed
};
const char* loss_name(Loss loss);

/// A file or directory that loses something with such a block.
struct HurtObject {
    Loss loses = Loss::all;
    std::string path;  // as in FilePart
    uint64_t subvolume = 0, inode = 0;
    bool directory = false;
    std::optional<uint64_t> offset, length;  // data: bytes of the file; no length: to its end
};

struct HurtFiles {
    std::vector<FilePart> parts;      // of data
    std::vector<HurtTree> trees;      // of a tree block,
    std::vector<HurtObject> objects;  // and what hangs on it
    bool incomplete = false;          // parts of the trees could not be had: there may be more
};

/// A write that is planned (not done), was done, or could not be done.
struct ActionEvent {
    repair::Write write;
    bool done = false;
    bool whole_part =
        false;  // a chunk's part of a device that is made anew: each sector has a proof of its own, or none
};

enum class Verdict : uint8_t { clean, repairable, repaired, unrepairable, undecided, done, failed, interrupted };
const char* verdict_name(Verdict verdict);

/// Exit statuses, the first that applies (DESIGN 2).
inline constexpr int kExitUsage = 16, kExitFailed = 8, kExitInterrupted = 32, kExitLost = 4, kExitDamage = 1,
                     kExitFine = 0;

struct Summary {
    std::string command;
    Verdict verdict = Verdict::clean;
    int exit_status = 0;
    scrub::Counters counters;
    double seconds = 0;
    std::string engine;
    uint64_t sectors_written = 0;
    bool interrupted = false;
    std::vector<uint64_t> distrust;  // devids on which refuted sectors gather: worth a --distrust
    // Of an inspect that shows the chunks: how many more lost devices the file system bears, where that is known.
    std::optional<unsigned> further_losses;
    bool begun = false;             // a rebuild whose target is not complete
    bool files_named = false;       // they were asked for
    bool files_incomplete = false;  // some file may not have been found
    std::string part;               // the options that left something out, but for the shard; empty: none did
    std::optional<scrub::Shard> shard;
    bool free = false;                  // rows that hold nothing were looked at, too
    std::map<uint64_t, uint32_t> maps;  // by devid, of those with a map of ddrescue: a sum of what is not rescued
    std::vector<std::string> next;      // what to do now, in sentences: text alone
};

/// Sums the chunk map up by kind, profile and width.
std::vector<ChunkSum> sum_chunks(const volume::Volume& volume);
std::vector<ChunkPlace> place_chunks(const volume::Volume& volume);
VolumeEvent volume_event(const volume::Volume& volume);
DeviceEvent device_event(const volume::Volume& volume, const volume::Member& member);

/// Writes a report, event by event, in order.
class Writer {
  public:
    virtual ~Writer() = default;
    virtual void volume(const VolumeEvent& event) = 0;
    virtual void device(const DeviceEvent& event) = 0;
    /// `files`: that the damage of data or of a tree block hurts, where they were asked for.
    virtual void damage(const scrub::Damage& event, const HurtFiles* files) = 0;
    void damage(const scrub::Damage& event) { damage(event, nullptr); }
    virtual void unknown(const scrub::Unknown& event) = 0;
    /// Told one by one to programs alone: people get the counts.
    virtual void free_rows(const scrub::FreeRows& /*event*/) {}
    virtual void action(const ActionEvent& event) = 0;
    virtual void summary(const Summary& event) = 0;
};

}  // namespace raid56::report
