// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/page_file.h"

#include <cerrno>
#include <cstring>
#include <new>

#include "base/printable.h"

namespace raid56::session {

Result<void> PageFile::check() const {
    if (!is_asked()) return {};
    if (auto file = world_.writing.create(path_); !file) return file.error();
    world_.writing.remove(path_);
    return {};
}

// A scrub that was stopped tells what it saw. A repair or a rebuild, and a scrub with a checkpoint, is gone on with by
// the same command, which must not find a page in its way. What was refused before it told anything has nothing to
// show.
bool PageFile::leaves_one(const report::Summary& summary) const {
    if (!is_asked()) return false;
    switch (summary.verdict) {
        case report::Verdict::interrupted:
        case report::Verdict::failed: return summary.command == "scrub" && !goes_on_ && page_.is_begun();
        case report::Verdict::clean:
        case report::Verdict::repairable:
        case report::Verdict::repaired:
        case report::Verdict::unrepairable:
        case report::Verdict::undecided:
        case report::Verdict::done: return true;
    }
    return false;
}

int PageFile::write(device::WriteDevice& file) const {
    try {
        const std::string text = page_.page();
        const int error = file.write(0, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
        return error != 0 ? error : file.sync();
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    }
}

Result<void> PageFile::end(const report::Summary& summary) {
    if (!leaves_one(summary)) return {};
    auto file = world_.writing.create(path_);
    if (!file) return file.error();
    page_.summary(summary);
    const int error = write(**file);
    if (error == 0) return {};
    file->reset();
    world_.writing.remove(path_);
    return Error{printable(path_) + ": cannot be written: " + std::strerror(error)};
}

}  // namespace raid56::session
