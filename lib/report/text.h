// SPDX-License-Identifier: GPL-2.0-or-later
// The report for people: what was checked, what is wrong, where, what can be done, and one plain
// sentence of verdict.
#pragma once

#include <ostream>

#include "report/model.h"

namespace raid56::report {

class TextWriter : public Writer {
  public:
    explicit TextWriter(std::ostream& out) : out_(out) {}
    void volume(const VolumeEvent& event) override;
    void device(const DeviceEvent& event) override;
    using Writer::damage;
    void damage(const scrub::Damage& event, const HurtFiles* files) override;
    void unknown(const scrub::Unknown& event) override;
    void action(const ActionEvent& event) override;
    void summary(const Summary& event) override;

  private:
    void open_list(const char* title);
    bool list_is_full();
    void hurt_trees(const HurtFiles& files);

    // A person reads so many lines; the JSON report has them all.
    static constexpr uint64_t kListed = 1000;

    std::ostream& out_;
    const char* list_ = nullptr;
    uint64_t damages_ = 0, actions_ = 0;
    uint32_t sectorsize_ = 0;
};

}  // namespace raid56::report
