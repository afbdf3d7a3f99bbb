// SPDX-License-Identifier: GPL-2.0-or-later
// The scrub loop: one pass over everything allocated. One thread builds windows and starts their
// reads ahead, worker threads wait for the bytes and check them, results leave in order.
//
// Memory: a fixed number of batches, 112 MiB in all at most, whatever the file system and the machine;
// two full stripes where these are more (chunks over 900 devices); 8 MiB more for each thread beyond
// twelve that the user asks for. Image files take a group of full stripes for each batch, a tenth of that.
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

/// Batches under way at once; their memory is bounded as said above. `widest_full_stripe`: of all chunks, bytes.
unsigned batch_count(unsigned threads, size_t widest_full_stripe);

/// One damage for each device that has a part of the chunk and is missing, stale or distrusted.
std::vector<Damage> chunk_damage(const volume::Volume& volume, const volume::MappedChunk& chunk);

}  // namespace raid56::scrub
