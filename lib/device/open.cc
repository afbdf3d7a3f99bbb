// SPDX-License-Identifier: GPL-2.0-or-later
// 1. Open what was named, read-only.
// 2. Refuse what is in use.
// 3. Files are read through the page cache, block devices past it where the kernel lets us, or as asked.
//
// For writing the same, but read-write; then nobody else may mount a device, or repair a file, until it is closed.
// A part is opened as what it is a part of; parts of one thing that are written share its writer, and with it
// the claim or lock.
#include "device/open.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "device/aio_device.h"
#include "device/cannot.h"
#include "device/file_device.h"
#include "device/file_writer.h"
#include "device/mount_guard.h"
#include "device/named.h"
#include "device/part_device.h"
#include "device/part_name.h"

namespace raid56::device {

namespace {

// Reading on takes a disk as long as seeking over so many bytes (some 8 ms, at 130 MB/s).
constexpr uint64_t kWorthASeek = 1 << 20;

struct Geometry {
    uint64_t size = 0;
    uint32_t block_size = 0;  // what O_DIRECT wants offsets, lengths and memory to be multiples of
    bool rotational = false;
};

Result<Geometry> geometry_of_block(const KernelView& kernel, const std::string& path, int fd, dev_t number) {
    Geometry geometry;
    if (::ioctl(fd, BLKGETSIZE64, &geometry.size) != 0) return cannot(path, "get the size", errno);
    if (geometry.size == 0)
        return Error{printable(path) + ": is a block device of size 0 (no medium, or nothing attached)"};
    int block_size = 0;
    if (::ioctl(fd, BLKSSZGET, &block_size) != 0) return cannot(path, "get the block size", errno);
    geometry.block_size = static_cast<uint32_t>(block_size);
    geometry.rotational = is_rotational(kernel, number);
    return geometry;
}

// The largest block that disks have; file systems ask for no more.
constexpr uint32_t kFileBlock = 4096;

// Nothing where O_DIRECT or a queue cannot be had; then `buffered` is still the caller's.
std::unique_ptr<AioDevice> open_direct(const std::string& path, Fd& buffered, const Geometry& geometry) {
    Fd direct(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat a, b;
    if (!direct || ::fstat(direct.get(), &a) != 0 || ::fstat(buffered.get(), &b) != 0) return nullptr;
    if (!(identity_of(a) == identity_of(b))) return nullptr;  // replaced meanwhile
    auto device = AioDevice::make(direct, buffered, path, geometry.size, geometry.block_size);
    if (device && geometry.rotational) device->bridge_gaps(kWorthASeek);
    return device;
}

Result<Named> open_checked(const std::string& path, Range part, int access) {
    auto named = open_named(path, access);
    // A disk of which this program has claimed a partition is busy to a guard that asks.
    if (!named || (named->own.block && access == O_RDWR)) return named;
    if (auto free = refuse_if_used(running_kernel(), path, named->own.narrowed(part)); !free) return free.error();
    return named;
}

Result<Geometry> geometry_of(const Named& named, const std::string& path) {
    if (!named.own.block) return Geometry{static_cast<uint64_t>(named.st.st_size), kFileBlock, false};
    return geometry_of_block(running_kernel(), path, named.fd.get(), named.st.st_rdev);
}

// A device is claimed as a mount claims it; a file is locked against another run of this program.
Result<void> claim(Named& named, const std::string& path) {
    if (!named.own.block) {
        if (::flock(named.fd.get(), LOCK_EX | LOCK_NB) == 0) return {};
        return Error{printable(path) + ": is being written by another program"};
    }
    Fd held(::open(path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat st;
    if (!held) return cannot(path, "claim", errno);
    if (::fstat(held.get(), &st) != 0 || !(identity_of(st) == named.own))
        return Error{printable(path) + ": was replaced by something else while being opened"};
    named.fd = std::move(held);
    return {};
}

// Past the page cache where `direct` asks for it and it can be had.
Result<Opened> reader_of(Named named, const std::string& path, bool direct) {
    const auto geometry = geometry_of(named, path);
    if (!geometry) return geometry.error();
    Opened opened{nullptr, named.own};
    if (named.own.block) opened.identity = shared_identity(running_kernel(), path, named.own);
    if (direct) opened.device = open_direct(path, named.fd, *geometry);
    if (!opened.device) opened.device = std::make_unique<FileDevice>(std::move(named.fd), path, geometry->size);
    return opened;
}

Result<Opened> part_of(Opened whole, const Place& place, const std::string& name) {
    const uint64_t size = whole.device->size();
    if (place.part.start >= size)
        return Error{printable(name) + ": begins behind the end of " + printable(place.file) + ", which has " +
                     std::to_string(size) + " bytes"};
    const Range there{place.part.start, std::min(place.part.end, size)};
    return Opened{std::make_unique<PartDevice>(std::move(whole.device), there, name),
                  whole.identity.narrowed(place.part)};
}

Result<std::unique_ptr<WriteDevice>> open_whole_for_writing(const std::string& path, Range part) {
    auto checked = open_checked(path, part, O_RDWR);  // of a block device the claim below is the check
    if (!checked) return checked.error();
    int read_only = 0;
    if (checked->own.block && ::ioctl(checked->fd.get(), BLKROGET, &read_only) == 0 && read_only != 0)
        return Error{printable(path) + ": is write-protected"};
    if (auto mine = claim(*checked, path); !mine) return mine.error();
    return hold_for_writing(std::move(checked->fd), path);
}

// What this program has open for writing in parts: a claim, and a lock, are had once.
class SharedWriters {
  public:
    Result<std::shared_ptr<WriteDevice>> open(const std::string& path, const Identity& own, Range part) {
        const std::lock_guard lock(mutex_);
        std::erase_if(open_, [](const Entry& entry) { return entry.writer.expired(); });
        for (const auto& entry : open_) {
            auto writer = entry.own == own ? entry.writer.lock() : nullptr;
            if (!writer) continue;
            auto free = own.block ? Result<void>() : refuse_if_used(running_kernel(), path, own.narrowed(part));
            if (!free) return free.error();
            return writer;
        }
        auto opened = open_whole_for_writing(path, part);
        if (!opened) return opened.error();
        std::shared_ptr<WriteDevice> writer = std::move(*opened);
        open_.push_back({own, writer});
        return writer;
    }

  private:
    struct Entry {
        Identity own;
        std::weak_ptr<WriteDevice> writer;
    };
    std::mutex mutex_;
    std::vector<Entry> open_;
};

Result<std::unique_ptr<WriteDevice>> open_part_for_writing(const Place& place, const std::string& name) {
    static SharedWriters writers;  // the kernel's claims and locks are of the whole process, too
    const auto own = running_kernel().identity(place.file);
    if (!own) return cannot(name, "open for writing", ENOENT);
    auto whole = writers.open(place.file, *own, place.part);
    if (!whole) return whole.error();
    if (place.part.start >= (*whole)->size())
        return Error{printable(name) + ": begins behind the end of " + printable(place.file)};
    const Identity shared = (*whole)->identity().narrowed(place.part);
    return std::unique_ptr<WriteDevice>(
        std::make_unique<PartWriter>(std::move(*whole), own->narrowed(place.part), shared, name));
}

}  // namespace

Result<Opened> open_for_reading(const std::string& name, Reading reading) {
    const auto place = locate(name);
    if (!place) return place.error();
    auto checked = open_checked(place->file, place->part, O_RDONLY);
    if (!checked) return checked.error();
    const bool block = checked->own.block;
    auto opened = reader_of(std::move(*checked), place->file,
                            reading == Reading::direct || (reading == Reading::automatic && block));
    if (opened && reading == Reading::direct && opened->device->reads_in_finish())
        return Error{printable(place->file) + ": cannot be read past the page cache"};
    return opened && place->is_part ? part_of(std::move(*opened), *place, name) : std::move(opened);
}

Result<Opened> open_own(const std::string& path, const Identity& own) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return cannot(path, "open", errno);
    auto named = look_at(std::move(fd), path);
    if (!named) return named.error();
    if (!(named->own == own)) return Error{printable(path) + ": was replaced by something else meanwhile"};
    return reader_of(std::move(*named), path, own.block);
}

Result<std::unique_ptr<WriteDevice>> open_for_writing(const std::string& name) {
    const auto place = locate(name);
    if (!place) return place.error();
    return place->is_part ? open_part_for_writing(*place, name) : open_whole_for_writing(name, place->part);
}

Result<std::unique_ptr<WriteDevice>> hold_for_writing(Fd fd, const std::string& path) {
    auto held = look_at(std::move(fd), path);
    if (!held) return held.error();
    const auto geometry = geometry_of(*held, path);
    if (!geometry) return geometry.error();
    Fd again(::fcntl(held->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!again) return cannot(path, "open", errno);
    const Identity shared = shared_identity(running_kernel(), path, held->own);
    auto direct = open_direct(path, again, *geometry);
    return std::unique_ptr<WriteDevice>(
        std::make_unique<FileWriter>(std::move(held->fd), path, held->own, shared, geometry->size, std::move(direct)));
}

}  // namespace raid56::device
