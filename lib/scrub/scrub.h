// SPDX-License-Identifier: GPL-2.0-or-later
// The scrub loop: one pass over everything allocated. One thread builds windows and starts their
// reads ahead, worker threads wait for the bytes and check them, results leave in order. Where the
// system gives no threads, that one does everything.
//
// Memory: a fixed number of batches, 112 MiB in all at most, whatever the file system and the machine;
// two full stripes where these are more (chunks over 900 devices); 8 MiB more for each thread beyond
// twelve that the user asks for. Image files take a group of full stripes for each batch, a tenth of that.
#pragma once

#include <atomic>

#include "scrub/context.h"

namespace raid56::scrub {

struct Options {
    unsigned threads = 0;               // as thread_count() takes it
    bool tell_devices = true;           // tell, once a chunk, of devices that are not to be believed
    Counters so_far = {};               // of an earlier run that this one goes on from,
    std::optional<Position> from = {};  // there; the builder is to skip_to() it
};

/// Tells the sink everything that is found, in the order of the report, and returns the counts. `all`: bytes
/// that are to be done, for progress, counted as WindowBuilder::bytes_of() does.
Counters scrub_chunks(const Context& context, WindowBuilder& windows, Sink& sink, const Options& options, uint64_t all);

/// Batches under way at once; their memory is bounded as said above. `checked`: those that are checked at one time;
/// `widest_full_stripe`: of all chunks, bytes.
unsigned batch_count(unsigned checked, size_t widest_full_stripe);

/// One damage for each device that has a part of the chunk and is missing, stale or distrusted; not for one
/// that is made anew whole.
std::vector<Damage> chunk_damage(const Context& context, const volume::MappedChunk& chunk);

}  // namespace raid56::scrub
