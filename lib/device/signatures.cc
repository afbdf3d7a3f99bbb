// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/signatures.h"

#include <blkid.h>
#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "device/cannot.h"
#include "device/named.h"

namespace raid56::device {
namespace {

struct FreeProbe {
    void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<blkid_struct_probe, FreeProbe>;

// libblkid's names for what it found last.
struct Fields {
    const char* name;
    const char* offset;
    const char* magic;
};
constexpr Fields kSuperblock{"TYPE", "SBMAGIC_OFFSET", "SBMAGIC"};
constexpr Fields kPartitionTable{"PTTYPE", "PTMAGIC_OFFSET", "PTMAGIC"};

// Also what has lost its checksum, and a GPT whose protective MBR has been overwritten: others may still
// take the device for it.
bool set_up(blkid_probe probe, int fd) {
    return blkid_probe_set_device(probe, fd, 0, 0) == 0 && blkid_probe_enable_superblocks(probe, 1) == 0 &&
           blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM) ==
               0 &&
           blkid_probe_enable_partitions(probe, 1) == 0 &&
           blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT) == 0;
}

void append(blkid_probe probe, const Fields& fields, std::vector<Signature>& found) {
    const char *name = nullptr, *offset = nullptr, *magic = nullptr;
    size_t length = 0;
    if (blkid_probe_lookup_value(probe, fields.name, &name, nullptr) == 0 &&
        blkid_probe_lookup_value(probe, fields.offset, &offset, nullptr) == 0 &&
        blkid_probe_lookup_value(probe, fields.magic, &magic, &length) == 0)
        found.push_back({name, std::strtoull(offset, nullptr, 10), length});
}

}  // namespace

Result<std::vector<Signature>> find_signatures(const std::string& path) {
    const auto named = open_named(path, O_RDONLY);
    if (!named) return named.error();
    constexpr const char* kWhat = "look for file systems and partition tables";
    // Not every failure of libblkid is one of the kernel's.
    const auto failed = [&path] { return cannot(path, kWhat, errno != 0 ? errno : EIO); };
    errno = 0;
    const Probe probe(blkid_new_probe());
    if (!probe || !set_up(probe.get(), named->fd.get())) return failed();

    std::vector<Signature> found;
    for (;;) {
        errno = 0;
        const int status = blkid_do_probe(probe.get());
        if (status < 0) return failed();
        if (status > 0) return found;
        append(probe.get(), kSuperblock, found);
        append(probe.get(), kPartitionTable, found);
    }
}

}  // namespace raid56::device
