// SPDX-License-Identifier: GPL-2.0-or-later
// What happens to a small file system, as an input tells it: one thing after the other, by a byte of kind:
//   0  bytes at any place of a device: device (1), page (1), offset (2), length (1), bytes
//   1  bytes in a tree block: block (1), how (1), offset (2), length (1), bytes
//   2  bytes in a superblock: device (1), how (1), offset (2), length (1), bytes
//   3  a number in the data of an item: block (1), how (1), item (1), offset (1), width (1), number
//   4  the key or bounds of an item: block (1), how (1), item (1), field (1), number
//   5  a device: device (1), what (1: missing, shorter, a page lost), page (1)
//   6  a field of a tree block's header: block (1), how (1), field (1), number
//   7  an item goes, or is there twice: block (1), how (1), item (1), which (1)
// `how`: bit 0: its checksum is left alone; bit 1: its parity is.
#pragma once

#include <vector>

#include "fuzz/support/input.h"
#include "fuzz/support/small_volume.h"

namespace raid56::fuzz {

/// The n-th of thirteen shapes, as it was made, and clean.
SmallVolume& volume_of(uint8_t n);

/// A number of the input; some name tree blocks and data of that file system.
uint64_t number_of(Input& input, const SmallVolume& volume);

class Story {
  public:
    Story(SmallVolume& volume, Input& input) : volume_(volume), input_(input), missing_(volume.devices().size()) {}

    /// Does what the rest of the input says.
    void tell();
    /// That device is missing from now on.
    void lose(size_t device) { missing_[device] = true; }

    /// Whether nothing was given a checksum that it should not have.
    bool honest() const { return honest_; }
    bool is_missing(size_t device) const { return missing_[device]; }
    /// Whether a block was forged, and what its parity gives was not.
    bool any_double() const { return double_; }
    bool any_shorter() const { return shorter_; }
    std::vector<OverlayDevice*> devices() const;

  private:
    size_t device() { return input_.u8() % volume_.devices().size(); }

    void patch_device();
    void patch_super();
    void change_device();
    void change_block(uint8_t kind);
    void change_data(std::vector<uint8_t>& block);
    void change_head(std::vector<uint8_t>& block);
    void move_items(std::vector<uint8_t>& block);

    SmallVolume& volume_;
    Input& input_;
    std::vector<bool> missing_;
    bool honest_ = true, shorter_ = false, double_ = false;
};

}  // namespace raid56::fuzz
