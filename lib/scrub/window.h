// SPDX-License-Identifier: GPL-2.0-or-later
// A window: a run of full stripes of one chunk, and for each of its sectors what should be there.
#pragma once

#include <optional>
#include <vector>

#include "base/csum_kind.h"
#include "scrub/findings.h"
#include "scrub/stripe_set.h"
#include "tree/block_check.h"
#include "tree/csum_stream.h"
#include "tree/extent_stream.h"
#include "tree/references.h"
#include "volume/volume.h"

namespace raid56::scrub {

/// What is expected of one sector.
enum class Expect : uint8_t {
    free,
    unknown,        // a lost block of the extent tree would say
    never_written,  // silent: preallocated, or no file refers to it
    written,        // silent: data without a checksum by intention
    csum_missing,   // data that should have a checksum
    csum,           // data with a checksum
    tree,           // part of a tree block
};

/// Whether the kernel ever computed parity for such a sector.
constexpr bool is_written(Expect e) {
    return e == Expect::written || e == Expect::csum_missing || e == Expect::csum || e == Expect::tree;
}
/// Whether it is allocated and has no checksum, by intention.
constexpr bool is_silent(Expect e) { return e == Expect::written || e == Expect::never_written; }
/// Whether proof of such a sector is to be had.
constexpr bool is_provable(Expect e) { return e == Expect::csum || e == Expect::tree; }
constexpr bool is_allocated(Expect e) { return e != Expect::free && e != Expect::unknown; }

struct BlockHere {
    tree::BlockExpect expect;
    bool crosses = false;  // does not lie within one strip of this window
};

struct Window {
    const volume::MappedChunk* chunk = nullptr;
    StripeNo first;
    unsigned count = 0;  // full stripes
    Logical start;       // of the first sector
    uint32_t sectorsize = 0;
    size_t digest_size = 0;
    std::vector<Expect> sectors;    // by logical address from `start`
    std::vector<uint8_t> digests;   // digest_size bytes a sector; meaningful where Expect::csum
    std::vector<BlockHere> blocks;  // ascending
    std::vector<bool> needed;       // full stripes that hold something, by number from `first`
    std::vector<Unknown> unknowns;  // met on the way here

    unsigned rows() const { return static_cast<unsigned>(kStripLen / sectorsize); }
    /// Index of a sector: full stripe `n` counted from first, data column, row.
    size_t at(unsigned n, unsigned column, unsigned row) const {
        return (size_t{n} * chunk->layout.nd + column) * rows() + row;
    }
    Logical logical(size_t sector) const { return start + sector * uint64_t{sectorsize}; }
    const uint8_t* digest(size_t sector) const { return digests.data() + sector * digest_size; }
};

class Selection;

/// Builds windows in ascending order from the streams. One thread.
class WindowBuilder {
  public:
    WindowBuilder(const volume::Volume& volume, tree::ExtentStream& extents, tree::CsumStream& csums,
                  const std::vector<tree::SilentRange>& silent);

    /// Leaves out everything before that full stripe.
    void skip_to(size_t chunk, StripeNo n) {
        chunk_ = chunk;
        stripe_ = n.v;
    }

    /// From now on only full stripes of that set are needed; it must outlive the builder.
    void keep_to(const StripeSet& only) { only_ = &only; }

    /// From now on only the full stripes of that part of the volume are needed, and what is unknown elsewhere is not
    /// told; it must outlive the builder.
    void select(const Selection& part) { part_ = &part; }

    /// Blocks of which more is known than an extent item says: what points at them names their first key, which those
    /// that were read have not. Ascending.
    void know(std::vector<tree::BlockExpect> blocks) { known_ = std::move(blocks); }

    /// From now on every full stripe of the chunks of that list (by index) is needed, whatever it holds; of the
    /// others, as before, those that hold something.
    void take_whole(std::vector<bool> chunks) { whole_ = std::move(chunks); }

    /// From now on full stripes of raid5/6 that have a row that holds nothing are needed as well: of chunks all of
    /// whose devices are here and believed, as far as one of these reaches.
    void take_free_rows();

    /// Whether any full stripe of that chunk (by index) may be needed.
    bool takes_from(size_t chunk) const;

    /// Fills `window` with the next full stripes that hold something, at most limit(layout) of them.
    /// False at the end; then only `unknowns` may hold something.
    bool next(Window& window, unsigned (*limit)(const volume::Layout&));

    /// Bytes of the logical space that a window stands for: what is allocated, or all of it where all of it is taken.
    uint64_t bytes_of(const Window& window) const;
    /// The same of all windows that are still to come; `allocated`: bytes, by chunk.
    uint64_t bytes_of_all(const std::vector<uint64_t>& allocated) const;

  private:
    bool is_whole(size_t chunk) const { return !whole_.empty() && whole_[chunk]; }
    uint64_t end_of_whole(size_t chunk) const;
    uint64_t end_of_free(size_t chunk) const { return free_.empty() ? 0 : free_[chunk]; }
    size_t index_of(const volume::MappedChunk& chunk) const;
    uint64_t end_of_part(size_t chunk) const;
    std::optional<uint64_t> next_held(const volume::MappedChunk& chunk, Logical done);
    bool fetch();  // one more allocation into pending_
    void tell_unknown(const tree::Allocation& allocation);
    void clear(Window& window, const volume::MappedChunk& chunk, uint64_t first, unsigned count) const;
    void paint(Window& window, const tree::Allocation& allocation) const;
    std::optional<format::Key> first_key(const tree::BlockExpect& expect) const;
    void paint_csums(Window& window);
    void paint_silence(Window& window);
    void mark_needed(Window& window) const;

    const volume::Volume& volume_;
    tree::ExtentStream& extents_;
    tree::CsumStream& csums_;
    const std::vector<tree::SilentRange>& silent_;
    std::vector<tree::Allocation> pending_;  // reach beyond what is done; ascending
    std::vector<Unknown> unknowns_;          // to be told with the next window
    bool ended_ = false;
    size_t chunk_ = 0;     // index of the chunk under way
    uint64_t stripe_ = 0;  // its next full stripe
    size_t silent_at_ = 0;
    std::vector<tree::BlockExpect> known_;
    const StripeSet* only_ = nullptr;  // null: all
    const Selection* part_ = nullptr;  // null: all
    std::vector<bool> whole_;          // chunks, by index, that are taken whole; may be empty
    std::vector<uint64_t> free_;       // by chunk: the full stripe before which free rows are wanted; may be empty
};

}  // namespace raid56::scrub
