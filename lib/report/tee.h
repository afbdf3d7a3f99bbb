// SPDX-License-Identifier: GPL-2.0-or-later
// Two reports of one run, told event by event.
#pragma once

#include "report/model.h"

namespace raid56::report {

class Tee final : public Writer {
  public:
    /// Both are to outlive this; `first` is told first.
    Tee(Writer& first, Writer& second) : first_(first), second_(second) {}

    void volume(const VolumeEvent& event) override {
        first_.volume(event);
        second_.volume(event);
    }
    void device(const DeviceEvent& event) override {
        first_.device(event);
        second_.device(event);
    }
    using Writer::damage;
    void damage(const scrub::Damage& event, const HurtFiles* files) override {
        first_.damage(event, files);
        second_.damage(event, files);
    }
    void unknown(const scrub::Unknown& event) override {
        first_.unknown(event);
        second_.unknown(event);
    }
    void free_rows(const scrub::FreeRows& event) override {
        first_.free_rows(event);
        second_.free_rows(event);
    }
    void action(const ActionEvent& event) override {
        first_.action(event);
        second_.action(event);
    }
    void summary(const Summary& event) override {
        first_.summary(event);
        second_.summary(event);
    }

  private:
    Writer& first_;
    Writer& second_;
};

}  // namespace raid56::report
