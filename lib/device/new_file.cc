// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/new_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

#include "device/cannot.h"

namespace raid56::device {
namespace {

// The folder's entry must last as long as the file does.
int sync_folder(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    const Fd folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return errno;
    return ::fsync(folder.get()) == 0 ? 0 : errno;
}

}  // namespace

Result<Fd> make_file(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return cannot(path, "create", errno);
    // Another run was quick enough to find it and lock it: from now on it is theirs, and stays.
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Error{printable(path) + ": another run is using it"};
    if (const int error = sync_folder(path); error != 0) {
        remove_file(path);
        return cannot(path, "put the name on stable storage", error);
    }
    return fd;
}

void remove_file(const std::string& path) {
    ::unlink(path.c_str());
    sync_folder(path);
}

}  // namespace raid56::device
