// SPDX-License-Identifier: GPL-2.0-or-later
// Reading one device or image. There is no way to write through this type.
//
// Thread rule: every call may come from any thread; start() and finish() of one ReadOp are called
// once each, in that order, possibly from different threads.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace raid56::device {

/// A read of exactly out.size() bytes at `offset`; the memory must stay valid until finish().
struct ReadOp {
    uint64_t offset = 0;
    ByteSpan out;
    int error = 0;           // after finish(): 0, or an errno; then the content of `out` is undefined
    void* cookie = nullptr;  // the device's own
};

class ReadDevice {
  public:
    virtual ~ReadDevice() = default;

    /// Bytes that can be addressed; reading past it is an error (EIO).
    virtual uint64_t size() const = 0;
    /// As named by the user.
    virtual const std::string& path() const = 0;
    /// Alignment that offset, length and memory of a ReadOp should have to be fast (power of 2).
    virtual uint32_t alignment() const { return 1; }

    /// A gap between two reads that takes no longer to read through than to skip, bytes.
    virtual uint64_t bridge() const { return 0; }
    /// Whether finish() itself moves the bytes: such reads are best made shortly before the bytes are
    /// looked at, a cacheful at a time, and announced by hint().
    virtual bool reads_in_finish() const { return false; }
    /// [offset, offset + length) will be read soon. Any range is allowed.
    virtual void hint(uint64_t /*offset*/, uint64_t /*length*/) {}

    /// Starts a read; returns without waiting for the data. What throws (std::bad_alloc) is not started.
    virtual void start(ReadOp& op) = 0;
    /// Waits until the read is done and `op.error` is set.
    virtual void finish(ReadOp& op) = 0;

    /// start and finish in one; returns op.error.
    int read(uint64_t offset, ByteSpan out) {
        ReadOp op{offset, out, 0, nullptr};
        start(op);
        finish(op);
        return op.error;
    }
};

/// Reads [offset, offset + out.size()) again after an error, in ever smaller pieces down to `sector`
/// bytes. Calls bad(offset_of_sector, errno) for each sector that cannot be had, ascending; its
/// bytes in `out` are zeroed. `out.size()` and the pieces are whole sectors. A dying disk may take
/// seconds for each: once stop() says so, the rest is left as it is.
template <class Bad, class Stop>
void read_in_pieces(ReadDevice& device, uint64_t offset, ByteSpan out, uint32_t sector, Bad&& bad, Stop&& stop) {
    if (out.empty() || stop()) return;
    int error = device.read(offset, out);
    if (error == 0) return;
    if (out.size() <= sector) {
        for (auto& byte : out) byte = 0;
        bad(offset, error);
        return;
    }
    const size_t half = out.size() / sector / 2 * sector;
    read_in_pieces(device, offset, out.first(half), sector, bad, stop);
    read_in_pieces(device, offset + half, out.subspan(half), sector, bad, stop);
}

template <class Bad>
void read_in_pieces(ReadDevice& device, uint64_t offset, ByteSpan out, uint32_t sector, Bad&& bad) {
    read_in_pieces(device, offset, out, sector, bad, [] { return false; });
}

}  // namespace raid56::device
