// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/target.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "device/cannot.h"
#include "device/kernel_view.h"
#include "device/mount_guard.h"
#include "device/new_file.h"
#include "device/open.h"
#include "device/part_name.h"

namespace raid56::device {
namespace {

Result<void> lengthen(WriteDevice& device, uint64_t size) {
    const int error = device.resize(size);
    return error == 0 ? Result<void>() : cannot(device.path(), "be given " + std::to_string(size) + " bytes", error);
}

Result<std::unique_ptr<WriteDevice>> make_target(const std::string& path, uint64_t size) {
    auto made = make_file(path);
    if (!made) return made.error();
    auto device = hold_for_writing(std::move(*made), path);
    const auto grown = device ? lengthen(**device, size) : Result<void>(device.error());
    if (grown) return device;
    remove_file(path);
    return grown.error();
}

Result<std::unique_ptr<WriteDevice>> open_existing(const std::string& path, uint64_t size) {
    auto device = open_for_writing(path);
    if (!device || (*device)->size() >= size) return device;
    const uint64_t have = (*device)->size();
    if (have != 0)
        return Error{printable(path) + ": has " + std::to_string(have) + " bytes, " + std::to_string(size) +
                     " are needed"};
    if (auto grown = lengthen(**device, size); !grown) return grown.error();
    return device;
}

}  // namespace

namespace {

constexpr int kMaxNesting = 8;  // loop devices over each other

// What a device stands on, itself first.
struct Storage {
    std::vector<Identity> chain;
    std::vector<Identity> backing;  // of loop devices in it
};

Storage storage_of(const KernelView& kernel, const std::string& path) {
    Storage storage;
    std::string at = path;
    for (int depth = 0; depth < kMaxNesting; depth++) {
        const auto own = kernel.identity(at);
        if (!own) break;
        storage.chain.push_back(*own);
        if (!own->block) break;
        if (const auto disk = disk_of(kernel, own->device)) storage.chain.push_back({true, *disk, 0});
        // A partition of a loop device stands on what that stands on.
        const auto& holder = storage.chain.back();
        const auto loop = kernel.loop(node_of(kernel, holder.device));
        if (!loop) break;
        storage.backing.push_back(loop->backing);
        if (!loop->backing.block) {
            storage.chain.push_back(loop->backing);
            break;
        }
        at = node_of(kernel, loop->backing.device);
    }
    return storage;
}

bool contains(const std::vector<Identity>& all, const Identity& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_part(const std::string& name) {
    const auto place = locate(name);
    return place && place->is_part;
}

// What it stands on at last, as far as the kernel tells.
std::optional<Identity> bytes_of(const KernelView& kernel, const std::string& name) {
    const auto place = locate(name);
    const auto own = place ? kernel.identity(place->file) : std::nullopt;
    if (!own) return std::nullopt;
    return shared_identity(kernel, place->file, own->narrowed(place->part));
}

}  // namespace

Result<void> refuse_used_target(const std::string& path) {
    const auto& kernel = running_kernel();
    const auto own = kernel.identity(path);
    if (!own || !own->block) return {};
    return refuse_if_used(kernel, path, *own);
}

bool share_storage(const std::string& a, const std::string& b) {
    const auto& kernel = running_kernel();
    if (is_part(a) || is_part(b)) {
        const auto one = bytes_of(kernel, a), other = bytes_of(kernel, b);
        return one && other && overlap(*one, *other);
    }
    const Storage one = storage_of(kernel, a), other = storage_of(kernel, b);
    if (one.chain.empty() || other.chain.empty()) return false;
    if (contains(one.chain, other.chain.front()) || contains(other.chain, one.chain.front())) return true;
    return std::any_of(one.backing.begin(), one.backing.end(),
                       [&](const Identity& backing) { return contains(other.backing, backing); });
}

Result<std::unique_ptr<WriteDevice>> open_target(const std::string& path, uint64_t size) {
    if (is_part(path))
        return Error{printable(path) +
                     ": is a part of something else; a lost device is made anew on a file or a disk of its own, or on "
                     "the device of a partition"};
    struct stat st;
    if (!path.empty() && ::lstat(path.c_str(), &st) != 0 && errno == ENOENT) return make_target(path, size);
    // Nothing is made through a link: where it leads is for its owner to say.
    if (::stat(path.c_str(), &st) != 0 && errno == ENOENT && ::lstat(path.c_str(), &st) == 0)
        return Error{printable(path) + ": is a link to something that is not there"};
    return open_existing(path, size);
}

}  // namespace raid56::device
