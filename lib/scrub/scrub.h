// SPDX-License-Identifier: GPL-2.0-or-later
// The scrub loop: one pass over everything allocated. One thread builds windows and starts their
// reads ahead, worker threads wait for the bytes and check them, results leave in order.
//
// Memory: a fixed number of batches of a fixed size, whatever the file system.
#pragma once

#include <atomic>

#include "scrub/context.h"

namespace raid56::scrub {

struct Options {
    unsigned threads = 0;      // as thread_count() takes it
    bool tell_devices = true;  // tell, once a chunk, of devices that are not to be believed
};

/// Tells the sink everything that is found, in the order of the report, and returns the counts.
Counters scrub_chunks(const Context& context, WindowBuilder& windows, Sink& sink, const Options& options,
                      uint64_t allocated_bytes);

/// One damage for each device that has a part of the chunk and is missing, stale or distrusted.
std::vector<Damage> chunk_damage(const volume::Volume& volume, const volume::MappedChunk& chunk);

}  // namespace raid56::scrub
