// SPDX-License-Identifier: GPL-2.0-or-later
// Rows of a table on a page: the first ones as they are, all of them as a number. Pure.
#pragma once

#include "report/markup.h"

namespace raid56::report {

class Listed {
  public:
    static constexpr uint64_t kRows = 1000;    // a person reads so many
    static constexpr size_t kBytes = 4 << 20;  // of all rows together

    bool is_full() const { return listed_ == kRows || rows_.html().size() >= kBytes; }
    void add(const Markup& row) {
        total_++;
        if (is_full()) return;
        rows_ << row;
        listed_++;
    }

    uint64_t total() const { return total_; }
    uint64_t listed() const { return listed_; }
    const Markup& rows() const { return rows_; }

  private:
    Markup rows_;
    uint64_t total_ = 0, listed_ = 0;
};

}  // namespace raid56::report
