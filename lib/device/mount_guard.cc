// SPDX-License-Identifier: GPL-2.0-or-later
// 1. A block device: its sysfs folder names its partitions and, for a partition, the disk. Each of these
//    must be without holders, not named by mountinfo (by number, or as the source: btrfs mounts have a
//    number of their own), no member of a mounted btrfs, and free to be opened exclusively.
// 2. Loop devices over it, or over the file that was named, go through 1; they are found by what they
//    stand on, not by a name.
// 3. Where it is a loop device itself, what it stands on goes through 1 or 2.
// Where a part is meant, what lies wholly beside it (partitions, loop devices) is nobody's business.
#include "device/mount_guard.h"

#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/printable.h"

namespace raid56::device {

namespace {

namespace fs = std::filesystem;

// Loop devices can stand on loop devices: far enough for sense, and an end for nonsense.
constexpr int kMaxNesting = 8;

std::string read_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

/// "8:16" as a device number.
std::optional<uint64_t> parse_number(const std::string& text) {
    unsigned major, minor;
    char rest;
    if (std::sscanf(text.c_str(), "%u:%u%c", &major, &minor, &rest) != 2) return std::nullopt;
    return makedev(major, minor);
}

/// The names in a folder; none where it cannot be read.
std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
        names.push_back(it->path().filename().string());
    return names;
}

/// mountinfo writes blanks, backslashes and line ends in names as \ooo.
std::string unescape(std::string_view text) {
    std::string out;
    const auto octal = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '7'; };
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

fs::path sys_folder(const KernelView& kernel, uint64_t number) {
    return fs::path(kernel.sys) / "dev/block" / (std::to_string(major(number)) + ":" + std::to_string(minor(number)));
}

/// The device's path, "/dev/sda1", from the kernel's own name for it; empty where that is not known.
std::string node(const KernelView& kernel, uint64_t number) {
    std::ifstream in(sys_folder(kernel, number) / "uevent");
    constexpr std::string_view kKey = "DEVNAME=";
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(kKey)) return kernel.dev + "/" + line.substr(kKey.size());
    return "";
}

std::optional<uint64_t> number_in(const fs::path& file) {
    std::ifstream in(file);
    uint64_t number = 0;
    if (in >> number) return number;
    return std::nullopt;
}

// sysfs counts in these, whatever the disk's own blocks are.
constexpr uint64_t kSysfsSector = 512;

/// Where a partition lies on its disk; everywhere, as far as that is not told.
Range range_of_partition(const fs::path& folder) {
    const auto start = number_in(folder / "start"), size = number_in(folder / "size");
    constexpr uint64_t kMost = INT64_MAX / kSysfsSector;
    if (!start || !size || *start > kMost || *size > kMost - *start) return {0, UINT64_MAX};
    return {*start * kSysfsSector, (*start + *size) * kSysfsSector};
}

/// The bytes of its disk that a partition, or a part of one, is; nothing where it is no partition.
std::optional<Identity> on_disk(const KernelView& kernel, const Identity& partition) {
    const auto disk = disk_of(kernel, partition.device);
    if (!disk) return std::nullopt;
    const Identity place{true, *disk, 0, range_of_partition(sys_folder(kernel, partition.device))};
    return place.narrowed(partition.part);
}

/// By number, with their places.
std::vector<std::pair<uint64_t, Range>> partitions_of(const KernelView& kernel, uint64_t disk) {
    std::vector<std::pair<uint64_t, Range>> found;
    const fs::path folder = sys_folder(kernel, disk);
    std::error_code ignored;
    for (const auto& name : names_in(folder)) {
        if (!fs::exists(folder / name / "partition", ignored)) continue;
        if (const auto part = parse_number(read_line(folder / name / "dev")))
            found.emplace_back(*part, range_of_partition(folder / name));
    }
    return found;
}

/// The bytes that a loop device shows.
Identity under_loop(const Loop& loop) {
    Identity under = loop.backing;
    under.part.start = loop.offset;
    if (loop.size_limit != 0 && loop.size_limit <= INT64_MAX && loop.offset <= INT64_MAX)
        under.part.end = loop.offset + loop.size_limit;
    return under;
}

class Guard {
  public:
    Guard(const KernelView& kernel, const std::string& path) : kernel_(kernel), path_(path) {}

    Result<void> check(const Identity& subject) {
        return subject.block ? check_disk(subject, path_, 0) : check_loops_over(subject, 0);
    }

  private:
    Error used(const std::string& how) const { return Error{printable(path_) + ": is in use: " + printable(how)}; }

    fs::path sys_folder(uint64_t number) const { return ::raid56::device::sys_folder(kernel_, number); }
    std::string node(uint64_t number) const { return ::raid56::device::node(kernel_, number); }

    /// The device with its partitions, the disk it is a partition of, the loop devices over it, and what
    /// it stands on itself, if it is a loop device.
    Result<void> check_disk(const Identity& subject, const std::string& node_path, int depth) {
        if (auto free = check_with_partitions(subject, node_path); !free) return free;
        if (auto free = check_loops_over(subject, 0); !free) return free;
        const auto place = on_disk(kernel_, subject);
        if (place) {
            // Who holds the disk itself holds its partitions too; who holds one of them makes the disk busy.
            if (auto free = check_users(place->device); !free) return free;
            if (auto free = check_loops_over(*place, 0); !free) return free;
        }
        const Identity& disk = place ? *place : subject;
        const auto loop = kernel_.loop(place ? node(disk.device) : node_path);
        if (!loop || depth >= kMaxNesting) return {};
        const Identity under = under_loop(*loop).narrowed(disk.part);
        if (under.block) return check_disk(under, node(under.device), depth + 1);
        return check_loops_over(under, disk.device);
    }

    Result<void> check_with_partitions(const Identity& subject, const std::string& node_path) {
        if (auto free = check_users(subject.device); !free) return free;
        bool neighbour_held = false;
        for (const auto& [number, range] : partitions_of(kernel_, subject.device)) {
            if (intersect(range, subject.part).empty())
                neighbour_held = neighbour_held || is_held(node(number));
            else if (auto free = check_device(number, node(number)); !free)
                return free;
        }
        // A neighbour that is held makes the whole busy, and keeps everybody from holding the whole.
        return neighbour_held ? Result<void>() : check_held(subject.device, node_path);
    }

    /// One block device by itself.
    Result<void> check_device(uint64_t number, const std::string& node_path) {
        if (auto free = check_users(number); !free) return free;
        return check_held(number, node_path);
    }

    Result<void> check_held(uint64_t number, const std::string& node_path) {
        if (is_held(node_path)) return used(through(number) + "the kernel or another program holds it exclusively");
        return {};
    }

    bool is_held(const std::string& node_path) const {
        return !node_path.empty() && kernel_.exclusive_open(node_path) == EBUSY;
    }

    /// What the kernel tells about it, without opening it.
    Result<void> check_users(uint64_t number) {
        if (const auto holders = names_in(sys_folder(number) / "holders"); !holders.empty())
            return used(through(number) + "held by " + kernel_.dev + "/" + holders.front());
        if (const auto where = mount_point(number)) return used(through(number) + "mounted at " + *where);
        if (const auto fsid = mounted_btrfs(number))
            return used(through(number) + "member of the mounted btrfs " + *fsid);
        return {};
    }

    /// "/dev/sda1, " where that is not what the user named.
    std::string through(uint64_t number) const {
        const auto named = kernel_.identity(path_);
        if (named && named->block && named->device == number) return "";
        const std::string name = node(number);
        return (name.empty() ? "device " + std::to_string(major(number)) + ":" + std::to_string(minor(number)) : name) +
               ", ";
    }

    /// Where a file system on the device is mounted, as far as this mount namespace shows.
    std::optional<std::string> mount_point(uint64_t number) const {
        std::ifstream in(fs::path(kernel_.proc) / "self/mountinfo");
        for (std::string line; std::getline(in, line);) {
            // id parent major:minor root mount_point options [optional fields] - type source options
            std::istringstream fields(line);
            std::string skip, device, root, where, field;
            if (!(fields >> skip >> skip >> device >> root >> where)) continue;
            if (parse_number(device) == number) return unescape(where);
            while (fields >> field && field != "-") {
            }
            // Only file systems without a device number of their own (btrfs) need the look at the source.
            std::string type, source;
            if (!device.starts_with("0:") || !(fields >> type >> source) || !source.starts_with("/")) continue;
            const auto id = kernel_.identity(unescape(source));
            if (id && id->block && id->device == number) return unescape(where);
        }
        return std::nullopt;
    }

    /// mountinfo names one member of a btrfs only; sysfs names them all.
    std::optional<std::string> mounted_btrfs(uint64_t number) const {
        const fs::path all = fs::path(kernel_.sys) / "fs/btrfs";
        for (const auto& fsid : names_in(all))
            for (const auto& member : names_in(all / fsid / "devices"))
                if (parse_number(read_line(all / fsid / "devices" / member / "dev")) == number) return fsid;
        return std::nullopt;
    }

    /// Every loop device over that part of the file or device, but the one that we came from.
    Result<void> check_loops_over(const Identity& subject, uint64_t except) {
        const fs::path all = fs::path(kernel_.sys) / "block";
        for (const auto& name : names_in(all)) {
            const std::string backing = read_line(all / name / "loop/backing_file");
            if (backing.empty()) continue;
            const auto number = parse_number(read_line(all / name / "dev"));
            if (!number || *number == except) continue;
            // The name may lead elsewhere by now, or nowhere from here: what the loop device itself says
            // comes first, where it may be asked.
            const auto loop = kernel_.loop(kernel_.dev + "/" + name);
            const auto stands_on = loop ? std::optional(under_loop(*loop)) : kernel_.identity(backing);
            if (!stands_on || !overlap(*stands_on, subject)) continue;
            // From what was named to the same bytes of the loop device.
            const Range both = intersect(stands_on->part, subject.part);
            Identity over{true, *number, 0};
            over.part = {both.start - stands_on->part.start,
                         both.end == UINT64_MAX ? UINT64_MAX : both.end - stands_on->part.start};
            if (auto free = check_with_partitions(over, node(*number)); !free) return free;
        }
        return {};
    }

    const KernelView& kernel_;
    const std::string& path_;
};

}  // namespace

Result<void> refuse_if_used(const KernelView& kernel, const std::string& path, const Identity& subject) {
    return Guard(kernel, path).check(subject);
}

std::optional<uint64_t> disk_of(const KernelView& kernel, uint64_t number) {
    const fs::path folder = sys_folder(kernel, number);
    std::error_code ignored;
    if (!fs::exists(folder / "partition", ignored)) return std::nullopt;
    return parse_number(read_line(folder / ".." / "dev"));
}

std::string node_of(const KernelView& kernel, uint64_t number) { return node(kernel, number); }

bool is_rotational(const KernelView& kernel, uint64_t number) {
    // A partition has no queue of its own; its folder lies in the disk's.
    for (const char* queue : {"queue", "../queue"}) {
        std::ifstream in(sys_folder(kernel, number) / queue / "rotational");
        int turns = 0;
        if (in >> turns) return turns != 0;
    }
    return false;
}

Identity shared_identity(const KernelView& kernel, const std::string& path, const Identity& own) {
    Identity found = own;
    std::string at = path;
    for (int depth = 0; found.block && depth < kMaxNesting; depth++) {
        if (const auto place = on_disk(kernel, found)) {
            // Where sysfs does not say it is only known that it is somewhere on that disk.
            if (found == found.whole() && *place == place->whole()) break;
            found = *place;
            at = node(kernel, place->device);
        }
        const auto loop = kernel.loop(at);
        if (!loop) break;
        found = under_loop(*loop).narrowed(found.part);
        if (found.block) at = node(kernel, found.device);
    }
    return found;
}

}  // namespace raid56::device
