// SPDX-License-Identifier: GPL-2.0-or-later
// The figures of bench as JSON lines (btrfs-raid56-report(5)) or as tables for people.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "bench/checksum_bench.h"
#include "bench/entrance_bench.h"
#include "bench/parity_bench.h"

namespace raid56::session {

class BenchReport {
  public:
    virtual ~BenchReport() = default;
    virtual void parity(const std::string& engine, const bench::ParityFigure& figure) = 0;
    virtual void checksum(const bench::ChecksumFigure& figure) = 0;
    virtual void entrance(const std::string& engine, const bench::EntranceFigure& figure) = 0;
    /// `bytes`: of the buffers of a copy, or 0.
    virtual void yardstick(const std::string& what, uint64_t bytes, unsigned threads, double bytes_per_second) = 0;
};

std::unique_ptr<BenchReport> json_bench_report(std::ostream& out);
std::unique_ptr<BenchReport> text_bench_report(std::ostream& out);

}  // namespace raid56::session
