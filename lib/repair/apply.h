// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the writes of a journal to the devices, or takes them back (DESIGN 3.10).
//
// Thread rule: one thread. A crash at any instant leaves each 512-byte unit of a write old or new, and the
// journal able to tell which: resume() or undo() then ends what was begun.
#pragma once

#include <atomic>
#include <set>
#include <string>
#include <vector>

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
    uint64_t sectors = 0;  // written, or found to be written already
    uint64_t failed = 0;   // writes that were refused or did not arrive
    uint64_t kept = 0;     // undo: sectors that had been unreadable, left as written
    bool stopped = false;  // by an interrupt, or because going on would do harm
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
    Result<void> check() { return check_writes(std::nullopt); }
    /// The same for the places of one device.
    Result<void> check_device(DevId devid) { return check_writes(devid); }
    /// Makes images as long as the file system expects, where the journal writes to them.
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
        bool write_it = false, skip = false;
        bool attempted = false;
        int error = 0;
        bool arrived = false;
        bool is_cut = false;  // undo: goes when the image gets its old length again

        ByteView old_bytes() const { return ByteView(bytes).first(write.what.length); }
        ByteView new_bytes() const { return ByteView(bytes).subspan(write.what.length, write.what.length); }
    };
    enum class Found : uint8_t { old_bytes, new_bytes, mixed, other };

    Result<void> check_writes(std::optional<DevId> only);
    bool load(const Place& place, const DecodedWrite& decoded, Item& item);
    Found look(const Item& item, bool lenient, int& error);
    bool read_sector(const Item& item, uint64_t offset, ByteSpan out, int& error);
    void run_batch(std::vector<Item>& batch, const ApplyOptions& options);
    void undo_batch(std::vector<Item>& batch);
    void read_back(std::vector<Item>& batch, bool undoing);
    void sync(std::vector<Item>& batch);
    device::WriteDevice* device_of(DevId devid) const;
    const HeaderDevice* header_of(DevId devid) const;
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
    uint64_t taken_ = 0;          // writes so far, for max_writes
    std::set<DevId> incomplete_;  // devices on which a write failed
};

}  // namespace raid56::repair
