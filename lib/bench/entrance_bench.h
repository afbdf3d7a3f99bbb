// SPDX-License-Identifier: GPL-2.0-or-later
// The entrances end to end: what a scrub does with full stripes from reading them to the verdict, over
// devices in memory that are read as page-cached image files are; all columns there, or one or two of
// them lost, and every sector with a checksum.
//
// Memory: for each thread as many batches as the engine wants under way, each of what it wants in one, 8 MiB at most, or
// one full stripe where that is more; and once as much as one of them for the devices.
#pragma once

#include <vector>

#include "base/csum_kind.h"
#include "bench/measure.h"
#include "parity/engine.h"

namespace raid56::bench {

struct EntranceFigure {
    unsigned nd = 0, np = 0, lost = 0;  // lost: data columns on missing devices
    CsumKind csum = CsumKind::crc32c;
    unsigned threads = 1;
    double bytes_per_second = 0;  // of all columns, lost ones counted
    bool correct = false;         // everything was verified, or proven after its rebuild
};

EntranceFigure measure_entrance(parity::Engine& engine, unsigned nd, unsigned np, unsigned lost, CsumKind csum,
                                unsigned threads, Clock clock);

}  // namespace raid56::bench
