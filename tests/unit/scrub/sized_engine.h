// SPDX-License-Identifier: GPL-2.0-or-later
// The scalar engine with a say in how much a batch holds.
#pragma once

#include "parity/engine.h"

namespace raid56::test {

class SizedEngine : public parity::Engine {
  public:
    explicit SizedEngine(size_t batch_bytes) : batch_bytes_(batch_bytes) {}

    std::string_view name() const override { return "sized"; }
    size_t batch_bytes() const override { return batch_bytes_; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return parity::scalar_engine().allocate(size); }
    void submit(parity::Batch batch) override { parity::scalar_engine().submit(batch); }
    void wait(parity::Batch batch) override { parity::scalar_engine().wait(batch); }

  private:
    size_t batch_bytes_;
};

}  // namespace raid56::test
