// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/super_scan.h"

#include <algorithm>
#include <cstring>

#include "checksum/checksum.h"

namespace raid56::volume {
namespace {

bool checksum_holds(CsumKind kind, ByteView block) {
    const Digest digest = checksum::digest(kind, block.subspan(format::kCsumField));
    return std::equal(digest.begin(), digest.begin() + static_cast<ptrdiff_t>(csum_size(kind)), block.begin());
}

void judge(SuperCopy& copy, ByteView block) {
    const auto kind = format::peek_csum_kind(block);
    if (!kind) {
        copy.state = CopyState::rejected;
        copy.reject = kind.error();
        return;
    }
    if (!checksum_holds(*kind, block)) {
        copy.state = CopyState::bad_checksum;
        return;
    }
    auto super = format::decode_superblock(block, format::kSuperOffsets[copy.index]);
    if (!super) {
        copy.state = CopyState::rejected;
        copy.reject = super.error();
        return;
    }
    copy.state = CopyState::good;
    copy.super = std::move(*super);
}

}  // namespace

std::vector<SuperCopy> scan_supers(device::ReadDevice& device) {
    std::vector<SuperCopy> copies(format::kSuperOffsets.size());
    for (unsigned i = 0; i < copies.size(); i++) {
        SuperCopy& copy = copies[i];
        copy.index = i;
        const uint64_t offset = format::kSuperOffsets[i];
        if (device.size() < format::kSuperSize || offset > device.size() - format::kSuperSize) continue;
        copy.bytes.resize(format::kSuperSize);
        copy.error = device.read(offset, copy.bytes);
        if (copy.error != 0) {
            copy.state = CopyState::unreadable;
            continue;
        }
        judge(copy, copy.bytes);
        if (copy.state == CopyState::rejected && format::lacks_magic(copy.bytes)) {
            SuperCopy restored{i, CopyState::absent, 0, std::nullopt, {}, std::nullopt};
            judge(restored, format::with_magic(copy.bytes));
            if (restored.state == CopyState::good) {
                copy.state = CopyState::magic_missing;
                copy.super = std::move(restored.super);
            }
        }
    }
    return copies;
}

std::string describe(const SuperCopy& copy) {
    switch (copy.state) {
        case CopyState::good: return "good";
        case CopyState::absent: return "beyond the end of the device";
        case CopyState::unreadable: return std::string("unreadable: ") + std::strerror(copy.error);
        case CopyState::magic_missing: return "its magic was wiped";
        case CopyState::bad_checksum: return "its checksum does not hold";
        case CopyState::rejected: return format::describe(copy.reject->reason);
    }
    return "?";
}

}  // namespace raid56::volume
