// SPDX-License-Identifier: GPL-2.0-or-later
// The one event model of the report: what scripts read as JSON lines and people as text. Plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "repair/write.h"
#include "scrub/findings.h"
#include "volume/volume.h"

namespace raid56::report {

struct ChunkSum {
    std::string kind;  // "data", "metadata", "system", "data+metadata"
    std::string profile;
    unsigned devices = 0;  // stripes of each of these chunks
    uint64_t count = 0;
    uint64_t length = 0;  // logical bytes of all of them
};

struct VolumeEvent {
    std::string fsid, label, checksum;
    uint32_t sectorsize = 0, nodesize = 0;
    uint64_t generation = 0;
    std::vector<std::string> features;
    std::vector<ChunkSum> chunks;
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

struct HurtFiles {
    std::vector<FilePart> parts;
    bool incomplete = false;  // parts of the trees could not be had: there may be more
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
    bool files_incomplete = false;  // some file may not have been found
    std::vector<std::string> next;  // what to do now, in sentences: text alone
};

/// Sums the chunk map up by kind, profile and width.
std::vector<ChunkSum> sum_chunks(const volume::Volume& volume);
VolumeEvent volume_event(const volume::Volume& volume);
DeviceEvent device_event(const volume::Volume& volume, const volume::Member& member);

/// Writes a report, event by event, in order.
class Writer {
  public:
    virtual ~Writer() = default;
    virtual void volume(const VolumeEvent& event) = 0;
    virtual void device(const DeviceEvent& event) = 0;
    /// `files`: that the damage hurts, where they were asked for; an empty list: no file has data there.
    virtual void damage(const scrub::Damage& event, const HurtFiles* files) = 0;
    void damage(const scrub::Damage& event) { damage(event, nullptr); }
    virtual void unknown(const scrub::Unknown& event) = 0;
    virtual void action(const ActionEvent& event) = 0;
    virtual void summary(const Summary& event) = 0;
};

}  // namespace raid56::report
