// SPDX-License-Identifier: GPL-2.0-or-later
// Reads tree blocks through whatever redundancy their chunk has: the copy or column that is proven
// as it stands, else the one content that the erasure sets of its rows, or a mix of the copies'
// sectors, can be shown to be. Damage met here is not reported here: the scrub of the rows does that.
//
// Thread rule: read() may be called from any thread; calls are served one at a time.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "format/items.h"
#include "stripe/row.h"
#include "stripe/search.h"
#include "tree/block_check.h"
#include "volume/volume.h"

namespace raid56::tree {

using Block = std::shared_ptr<const std::vector<uint8_t>>;

/// Why there is no block: no content is proven, several are, or the search gave up.
struct BlockLost {
    stripe::Verdict verdict = stripe::Verdict::none;
    bool undecided() const { return verdict != stripe::Verdict::none; }
};

class BlockReader {
  public:
    /// Once `stop` is set every block is lost at once, so that every walk ends; its results mean nothing then.
    BlockReader(const volume::Volume& volume, stripe::Engine& engine, const std::atomic<bool>& stop)
        : volume_(volume), engine_(engine), stop_(stop) {}
    ~BlockReader() { drop_ahead(0); }
    BlockReader(const BlockReader&) = delete;
    BlockReader& operator=(const BlockReader&) = delete;

    Result<Block, BlockLost> read(const BlockExpect& expect);
    /// Starts reading a block that will be asked for soon, unless it is known to be lost. Of several
    /// copies one is read ahead.
    void announce(Logical start);

    const volume::Volume& volume() const { return volume_; }
    /// Every block asked for so far that could not be had, or had to be made of other columns or a mix of copies,
    /// ascending: what points at them is proven, so they are damage, whether or not the extent tree names them.
    std::vector<BlockExpect> hurt() const;
    /// The same as extents.
    std::vector<format::Extent> hurt_blocks() const;
    /// Forgets cached blocks: the chunk map has changed.
    void forget();

  private:
    static constexpr size_t kCacheBytes = 4 << 20;
    static constexpr size_t kAheadBytes = 2 << 20;
    struct Cached {
        Logical start;
        Block block;
    };

    struct Ahead {
        Logical start;
        std::unique_ptr<parity::Buffer> memory;
        struct Part {
            device::ReadDevice* device;
            device::ReadOp op;
            bool started = false;
        };
        std::vector<Part> parts;
    };

    struct Lost {
        BlockExpect expect;
        BlockLost why;
    };

    Block cached(const BlockExpect& expect);
    void keep(Logical start, const Block& block);
    static bool finish(Ahead& ahead);
    void drop_ahead(size_t left);
    std::optional<Block> take_ahead(Logical start);
    Result<Block, BlockLost> read_devices(const BlockExpect& expect);

    const volume::Volume& volume_;
    stripe::Engine& engine_;
    const std::atomic<bool>& stop_;
    mutable std::mutex mutex_;
    std::list<Cached> recent_;  // newest first
    std::unordered_map<Logical, std::list<Cached>::iterator> index_;
    std::list<Ahead> ahead_;               // oldest first; under way
    std::map<Logical, Lost> lost_;         // a search that failed is not made twice
    std::map<Logical, BlockExpect> hurt_;  // no copy of it holds as it stands
};

}  // namespace raid56::tree
