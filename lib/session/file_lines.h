// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a file of this program's own, one after the other, in bounded memory.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "device/write_device.h"

namespace raid56::session {

/// Calls use(line, offset behind it) for each whole line, without its newline, until that returns false. A line longer
/// than `longest` ends it, as the end of the file does. Returns 0 or an errno.
template <class Use>
int each_line(device::WriteDevice& file, size_t longest, Use&& use) {
    std::string line;
    std::vector<uint8_t> piece(1 << 16);
    const uint64_t size = file.size();
    for (uint64_t at = 0; at < size;) {
        const size_t length = std::min<uint64_t>(piece.size(), size - at);
        if (const int error = file.read(at, ByteSpan(piece).first(length)); error != 0) return error;
        for (size_t i = 0; i < length; i++) {
            if (piece[i] != '\n') {
                if (line.size() == longest) return 0;
                line.push_back(static_cast<char>(piece[i]));
                continue;
            }
            if (!use(line, at + i + 1)) return 0;
            line.clear();
        }
        at += length;
    }
    return 0;
}

}  // namespace raid56::session
