// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/csum_stream.h"

#include <algorithm>

namespace raid56::tree {

CsumStream::CsumStream(BlockReader& reader, const std::optional<TreeRoot>& root, const LogTrees& log)
    : log_(log), sector_(reader.volume().sectorsize()), size_(csum_size(reader.volume().super().csum)) {
    if (root)
        cursor_.emplace(reader, *root);
    else
        done_ = true;
}

bool CsumStream::advance() {
    while (!done_) {
        const Step step = cursor_->next();
        if (!step) {
            done_ = true;
            break;
        }
        // A lost block needs no word here: its sectors have no checksum, and the look-up in the
        // subvolume trees tells which of them should have one.
        if (step.lost || step.item->key.objectid != format::objectid::kExtentCsum ||
            step.item->key.type != format::type::kExtentCsum)
            continue;
        if (const auto run = format::decode_csum_item(*step.item, sector_, size_)) {
            run_ = *run;
            return true;
        }
    }
    run_.reset();
    return false;
}

void CsumStream::take_part(Logical from, Logical to, const format::CsumRun& run, const Take& take) const {
    const Logical first = std::max(from, run.start);
    const Logical end = std::min(to, run.start + run.count * uint64_t{sector_});
    if (first >= end) return;
    take(first, (end - first) / sector_, run.digests.data() + (first - run.start) / sector_ * size_);
}

void CsumStream::read(Logical from, Logical to, const Take& take) {
    if (cursor_ && !done_ && (!run_ || run_->start + run_->count * uint64_t{sector_} <= from)) {
        // Far behind: one descent is cheaper than walking the leaves between.
        constexpr uint64_t kFar = uint64_t{64} << 20;
        if (!run_ || from - run_->start > kFar)
            cursor_->seek({format::objectid::kExtentCsum, format::type::kExtentCsum, from.v});
        advance();
    }
    while (run_ && run_->start < to) {
        take_part(from, to, *run_, take);
        if (run_->start + run_->count * uint64_t{sector_} > to) break;  // its rest belongs to the next call
        if (!advance()) break;
    }
    // Log runs may overlap each other, so the pointer moves only past runs that end before `from`.
    while (log_at_ < log_.csums.size() &&
           log_.csums[log_at_].start + log_.csums[log_at_].count * uint64_t{sector_} <= from)
        log_at_++;
    for (size_t i = log_at_; i < log_.csums.size() && log_.csums[i].start < to; i++) {
        const auto& csums = log_.csums[i];
        take_part(from, to,
                  {csums.start, csums.count, ByteView(log_.csum_bytes).subspan(csums.at, csums.count * size_)}, take);
    }
}

}  // namespace raid56::tree
