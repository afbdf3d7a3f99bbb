// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/part.h"

#include <charconv>
#include <utility>

namespace raid56::session {
namespace {

// Two numbers, digits alone, with `between` between them.
std::optional<std::pair<uint64_t, uint64_t>> parse_two(const std::string& word, char between) {
    uint64_t first = 0, second = 0;
    const char* const end = word.data() + word.size();
    const auto one = std::from_chars(word.data(), end, first);
    if (one.ec != std::errc() || one.ptr == end || *one.ptr != between) return std::nullopt;
    const auto two = std::from_chars(one.ptr + 1, end, second);
    if (two.ec != std::errc() || two.ptr != end) return std::nullopt;
    return std::pair(first, second);
}

}  // namespace

std::optional<scrub::Shard> parse_shard(const std::string& word) {
    const auto numbers = parse_two(word, '/');
    if (!numbers) return std::nullopt;
    const auto [number, of] = *numbers;
    if (number == 0 || number > of || of > scrub::kMostShards) return std::nullopt;
    return scrub::Shard{number, of};
}

std::optional<Range> parse_range(const std::string& word) {
    const auto numbers = parse_two(word, '-');
    if (!numbers || numbers->first >= numbers->second) return std::nullopt;
    return Range{numbers->first, numbers->second};
}

std::string part_words(const scrub::Choice& choice) {
    std::string words;
    const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
    for (const Logical start : choice.chunks) add("--chunk " + std::to_string(start.v));
    for (const DevId devid : choice.devids) add("--devid " + std::to_string(devid.v));
    if (choice.logical)
        add("--logical " + std::to_string(choice.logical->start) + "-" + std::to_string(choice.logical->end));
    for (const auto& [kind, word] :
         {std::pair(choice.data, "--data"), std::pair(choice.tree, "--tree"), std::pair(choice.parity, "--parity")})
        if (kind) add(word);
    return words;
}

}  // namespace raid56::session
