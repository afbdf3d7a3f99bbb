// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers that get mixed up, as types of their own. All addresses and lengths are bytes.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace raid56 {

/// A number with a tag: no implicit conversion to or from other numbers.
template <class Tag, class Rep = uint64_t>
struct Strong {
    Rep v{};
    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : v(value) {}
    constexpr auto operator<=>(const Strong&) const = default;
};

/// Address in the file system's own space, bytes.
using Logical = Strong<struct LogicalTag>;
/// Address on one device, bytes.
using Physical = Strong<struct PhysicalTag>;
/// btrfs device id: not an index, not contiguous.
using DevId = Strong<struct DevIdTag>;
/// Number of a full stripe within its chunk.
using StripeNo = Strong<struct StripeNoTag>;
/// btrfs transaction number.
using Generation = Strong<struct GenerationTag>;

constexpr Logical operator+(Logical a, uint64_t n) { return Logical(a.v + n); }
constexpr Physical operator+(Physical a, uint64_t n) { return Physical(a.v + n); }
constexpr uint64_t operator-(Logical a, Logical b) { return a.v - b.v; }
constexpr uint64_t operator-(Physical a, Physical b) { return a.v - b.v; }

/// Length of one strip (column unit), fixed by the format (FACTS 1: BTRFS_STRIPE_LEN).
inline constexpr uint64_t kStripLen = 65536;

}  // namespace raid56

template <class Tag, class Rep>
struct std::hash<raid56::Strong<Tag, Rep>> {
    size_t operator()(const raid56::Strong<Tag, Rep>& s) const noexcept { return std::hash<Rep>{}(s.v); }
};
