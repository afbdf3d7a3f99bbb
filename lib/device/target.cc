// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/target.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "device/cannot.h"
#include "device/new_file.h"
#include "device/open.h"

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

Result<std::unique_ptr<WriteDevice>> open_target(const std::string& path, uint64_t size) {
    struct stat st;
    if (!path.empty() && ::lstat(path.c_str(), &st) != 0 && errno == ENOENT) return make_target(path, size);
    // Nothing is made through a link: where it leads is for its owner to say.
    if (::stat(path.c_str(), &st) != 0 && errno == ENOENT && ::lstat(path.c_str(), &st) == 0)
        return Error{printable(path) + ": is a link to something that is not there"};
    return open_existing(path, size);
}

}  // namespace raid56::device
