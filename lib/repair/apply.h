// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the writes of a journal to the devices, or takes them back (DESIGN 3.10).
//
// Thread rule: one thread; while one batch is flushed and read back by a thread of its own, the next is
// prepared. A crash at any instant leaves each 512-byte unit of a write old or new, and the
// journal able to tell which: resume() or undo() then ends what was begun.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/range.h"
#include "repair/log.h"

namespace raid56::repair {

struct Target {
    DevId devid;
    device::WriteDevice* device = nullptr;
};

/// Where apply and undo tell what they do.
class Listener {
  public:
    virtual ~Listener() = default;
    virtual void action(const Write& write, bool done) = 0;
    /// A sentence about something that went wrong.
    virtual void complain(const std::string& sentence) = 0;
};

struct Applied {
    uint64_t sectors = 0;   // written, or found to be written already
    uint64_t failed = 0;    // writes that were refused or did not arrive
    uint64_t left_out = 0;  // behind the end of an image that is not lengthened
    uint64_t kept = 0;      // undo: sectors that had been unreadable, left as written
    bool stopped = false;   // by an interrupt, or because going on would do harm
};

struct ApplyOptions {
    bool resume = false;                 // some of it may have been written before
    std::optional<uint64_t> max_writes;  // in all phases together
};

/// Bytes that are written before a flush, at most but for one write.
inline constexpr size_t kBatchBytes = 32 << 20;

class Applier {
  public:
    Applier(device::WriteDevice& file, LogState& state, LogWriter& log, std::vector<Target> targets, Listener& listener,
            const std::atomic<bool>& stop, size_t batch_bytes = kBatchBytes)
        : reader_(file),
          file_(file),
          state_(state),
          log_(log),
          targets_(std::move(targets)),
          listener_(listener),
          stop_(stop),
          batch_bytes_(batch_bytes) {}

    /// Before a resume or undo writes anything: whether every place holds what this journal can have left
    /// there. Errors: a place that holds something else.
    /// Their number.
    Result<uint64_t> check() { return check_writes(std::nullopt); }
    /// The same for the places of one device.
    Result<uint64_t> check_device(DevId devid) { return check_writes(devid); }
    /// Makes those images as long as the file system expects for which the plan says so.
    void lengthen();
    /// All writes of one phase.
    void apply(Phase phase, const ApplyOptions& options);
    /// Everything back, newest first; images are cut to their old length again.
    void undo();

    const Applied& applied() const { return applied_; }

  private:
    struct Item {
        uint64_t offset = 0;  // of its record
        uint64_t number = 0;
        Write write;
        std::vector<uint8_t> bytes;  // old, new
        device::WriteDevice* device = nullptr;
        bool write_it = false;
        bool attempted = false;
        int error = 0;
        bool arrived = false;
        bool is_cut = false;        // undo: goes, in part or whole, when the image gets its old length again
        std::vector<Range> places;  // undo: offsets that were written, and are to hold the old bytes

        ByteView old_bytes() const { return ByteView(bytes).first(write.what.length); }
        ByteView new_bytes() const { return ByteView(bytes).subspan(write.what.length, write.what.length); }
    };
    // Writes that are flushed and read back together.
    struct Batch {
        std::vector<Item> items;
        size_t bytes = 0;
        std::vector<std::string> complaints;  // about flushing
    };
    // What the readable sectors of a place hold. Nothing that can be read is neither old nor new.
    enum class Found : uint8_t { nothing, old_bytes, new_bytes, mixed, other };
    struct Look {
        Found found = Found::nothing;
        bool unreadable = false;  // some sector cannot be read now
        int error = 0;            // why it is `other`; 0 for other bytes
    };
    // What is known of one sector of a write from before it.
    enum class Sector : uint8_t {
        known,
        unknown,  // it could not be read
        behind,   // it lies, wholly or in part, behind the old end: what there was of it is known, else zeros
    };

    Result<uint64_t> check_writes(std::optional<DevId> only);
    bool load(const Place& place, const DecodedWrite& decoded, Item& item);
    Sector sector_of(const Item& item, uint64_t at) const;
    Look look(const Item& item, bool lenient);
    int read_sector(const Item& item, uint64_t offset, ByteSpan out);
    bool are_free();
    void send(Batch batch, bool lenient);
    void settle();
    void tell(const Batch& batch);
    void undo_phase(Phase phase);
    void put_back(Item& item);
    void undo_batch(Batch& batch);
    void cut_images();
    static void flush(Batch& batch);
    static void read_back(Batch& batch);
    static bool holds_old(const Item& item);
    device::WriteDevice* device_of(DevId devid) const;
    uint64_t old_length(DevId devid) const;
    uint64_t unit(const Write& write) const { return std::min<uint64_t>(state_.header.sectorsize, write.what.length); }
    std::string place_of(const Item& item) const;
    void log_failed(int error, const char* what);

    LogReader reader_;
    device::WriteDevice& file_;
    LogState& state_;
    LogWriter& log_;
    std::vector<Target> targets_;
    Listener& listener_;
    const std::atomic<bool>& stop_;
    size_t batch_bytes_;
    Applied applied_;
    std::shared_ptr<Batch> sent_;  // its flush and reading back are under way
    std::future<void> arriving_;
    uint64_t taken_ = 0;          // writes so far, for max_writes
    std::set<DevId> incomplete_;  // devices on which a write failed
};

}  // namespace raid56::repair
