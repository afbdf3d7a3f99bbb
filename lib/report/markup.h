// SPDX-License-Identifier: GPL-2.0-or-later
// HTML in the making. Only literals of the source are markup; every other text is made printable (base/printable.h)
// and escaped, so that nothing that was read from a disk can be more than text. Pure.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace raid56::report {

class Markup {
  public:
    /// Text that stands in the source.
    struct Literal {
        std::string_view text;
        consteval Literal(const char* literal) : text(literal) {}
    };

    Markup& operator<<(Literal literal) {
        html_ += literal.text;
        return *this;
    }
    /// As text, between tags or within a quoted attribute.
    template <class Text>
    requires std::same_as<Text, std::string> || std::same_as<Text, std::string_view> Markup& operator<<(
        const Text& text) {
        append_text(text);
        return *this;
    }
    template <class Number>
    requires(std::unsigned_integral<Number> && sizeof(Number) > 1) Markup& operator<<(Number number) {
        html_ += std::to_string(number);
        return *this;
    }
    Markup& operator<<(const Markup& part) {
        html_ += part.html_;
        return *this;
    }

    const std::string& html() const { return html_; }
    bool empty() const { return html_.empty(); }

  private:
    void append_text(std::string_view text);

    std::string html_;
};

/// A name that somebody chose, kept from turning the direction of what stands beside it.
Markup isolated(const std::string& name);

}  // namespace raid56::report
