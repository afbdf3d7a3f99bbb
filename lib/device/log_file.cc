// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/log_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "device/cannot.h"
#include "device/file_writer.h"
#include "device/new_file.h"

namespace raid56::device {
namespace {

Result<std::unique_ptr<WriteDevice>> as_log(Fd fd, const std::string& path) {
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return cannot(path, "open", errno);
    if (!S_ISREG(st.st_mode)) return Error{printable(path) + ": is no plain file"};
    const Identity own{false, st.st_dev, st.st_ino};
    return std::unique_ptr<WriteDevice>(
        std::make_unique<FileWriter>(std::move(fd), path, own, own, static_cast<uint64_t>(st.st_size), nullptr));
}

Result<std::unique_ptr<WriteDevice>> open_existing(const std::string& path, int access) {
    Fd fd(::open(path.c_str(), access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return cannot(path, errno == ELOOP ? "open (links are not followed)" : "open", errno);
    if (::flock(fd.get(), (access == O_RDONLY ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0)
        return Error{printable(path) + ": another run is using it"};
    // Whoever held the lock may have made the file anew.
    struct stat opened, named;
    if (::fstat(fd.get(), &opened) != 0 || ::lstat(path.c_str(), &named) != 0 || opened.st_ino != named.st_ino ||
        opened.st_dev != named.st_dev)
        return Error{printable(path) + ": was replaced by another run"};
    return as_log(std::move(fd), path);
}

}  // namespace

Result<std::unique_ptr<WriteDevice>> create_log(const std::string& path) {
    auto made = make_file(path);
    if (!made) return made.error();
    return as_log(std::move(*made), path);
}

Result<std::unique_ptr<WriteDevice>> open_log(const std::string& path) { return open_existing(path, O_RDWR); }
Result<std::unique_ptr<WriteDevice>> read_log(const std::string& path) { return open_existing(path, O_RDONLY); }

Result<std::unique_ptr<WriteDevice>> temporary_log() {
    const char* named = std::getenv("TMPDIR");
    const std::string folder = named != nullptr && *named != '\0' ? named : "/var/tmp";
    std::string name = folder + "/btrfs-raid56-XXXXXX";
    Fd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) return cannot(folder, "make a temporary file there", errno);
    ::unlink(name.c_str());
    return as_log(std::move(fd), folder);
}

bool log_exists(const std::string& path) {
    struct stat st;
    return ::lstat(path.c_str(), &st) == 0;
}

void remove_log(const std::string& path) { remove_file(path); }

}  // namespace raid56::device
