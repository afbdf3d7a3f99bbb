// SPDX-License-Identifier: GPL-2.0-or-later
// A journal or plan as a file of records: written at its end, read from its start or its end.
//
// Thread rule: one thread. Does not promise that anything lasts before sync() returned 0.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "device/write_device.h"
#include "repair/record.h"

namespace raid56::repair {

/// Where in a file a record lies.
struct Place {
    uint64_t offset = 0;
    RecordHead head;
    std::vector<uint8_t> fixed;

    uint64_t end() const { return offset + head.length(); }
    uint64_t bytes_at() const { return offset + kHeadSize + head.fixed; }
};

/// What a scan of a whole file found.
struct LogState {
    Header header;
    uint64_t id = 0;
    uint64_t end = 0;                        // of the last whole record
    uint64_t next_number = 0, previous = 0;  // for the next record
    bool torn = false;                       // something that is no whole record lies behind it
    std::optional<Planned> planned;
    std::map<Phase, uint64_t> committed;  // Committed::before, the highest
    std::map<uint64_t, Failed> failed;    // by number of the write's record; the latest word
    bool finished = false, undoing = false, undone = false;

    /// Whether a write did not arrive that might at a second attempt.
    bool has_attempted_failure() const {
        return std::any_of(failed.begin(), failed.end(), [](const auto& f) { return f.second.attempted; });
    }
    bool is_committed(Phase phase, uint64_t offset) const {
        const auto found = committed.find(phase);
        return found != committed.end() && offset < found->second;
    }
};

class LogWriter {
  public:
    /// Starts an empty file with a header; `id` should be random.
    LogWriter(device::WriteDevice& file, uint64_t id) : file_(file), id_(id) {}
    /// Goes on behind the last whole record.
    LogWriter(device::WriteDevice& file, const LogState& state)
        : file_(file), id_(state.id), end_(state.end), number_(state.next_number), previous_(state.previous) {}

    /// Each returns 0 or an errno.
    int header(const Header& header);
    int write(const Write& write, const WriteBytes& bytes);
    int planned(const Planned& planned);
    int committed(const Committed& committed);
    int failed(const Failed& failed);
    int mark(RecordType type);  // finished, undoing, undone
    int sync() { return file_.sync(); }

    uint64_t end() const { return end_; }
    /// Number of the last record written.
    uint64_t last_number() const { return number_ - 1; }
    uint64_t last_length() const { return previous_; }

  private:
    int append(RecordType type, ByteView fixed, ByteView a = {}, ByteView b = {});

    device::WriteDevice& file_;
    uint64_t id_;
    uint64_t end_ = 0, number_ = 0, previous_ = 0;
};

class LogReader {
  public:
    explicit LogReader(device::WriteDevice& file) : file_(file) {}

    /// Reads the file whole and checks every record. What a crash can leave is no error: records that were
    /// not yet on stable storage may be torn or missing. Errors: no header of this program, an unknown
    /// version, a damaged record before `planned`, I/O.
    Result<LogState> scan();
    /// Whether the file is empty or holds nothing but a torn first record of this program's.
    bool is_blank();

    /// Calls use(place) for each write record of a phase, ascending or descending, until it returns false.
    /// Returns 0 or an errno.
    template <class Use>
    int each_write(const LogState& state, Phase phase, bool descending, Use&& use) {
        uint64_t offset = descending ? state.end - state.previous : 0;
        while (offset < state.end) {
            Place place;
            if (const int error = place_at(offset, place); error != 0) return error;
            if (place.head.type == RecordType::write) {
                const auto decoded = decode_write(place.fixed, place.head.bytes);
                if (decoded && decoded->write.phase == phase && !use(place, *decoded)) return 0;
            }
            if (descending && offset == 0) return 0;
            offset = descending ? offset - place.head.previous : place.end();
        }
        return 0;
    }
    /// Old and new bytes of a write record, one behind the other, checked; EBADMSG where they do not hold.
    int read_bytes(const Place& place, std::vector<uint8_t>& out);

  private:
    int place_at(uint64_t offset, Place& place);
    bool take(const Place& place, ByteView bytes, LogState& state) const;
    bool plan_ends_behind(uint64_t offset, uint64_t id);

    device::WriteDevice& file_;
};

}  // namespace raid56::repair
