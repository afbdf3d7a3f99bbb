// SPDX-License-Identifier: GPL-2.0-or-later
// The system's OpenCL with a fault planted at one command of a queue, or at one allocation. One at a time: the
// functions of an Api carry no state of their own.
#pragma once

#include "offload/api.h"

namespace raid56::test {

enum class Fault {
    none,
    refused,  // cannot be enqueued
    failed,   // ends with an error
    lost,     // is never done, and said to be complete
    hangs,    // never ends, nor does anything behind it
    gone,     // cannot be enqueued, nor can anything else from then on
};

class FaultyApi {
  public:
    explicit FaultyApi(const offload::Api& real);
    ~FaultyApi();
    FaultyApi(const FaultyApi&) = delete;
    FaultyApi& operator=(const FaultyApi&) = delete;

    const offload::Api& api() const { return api_; }

    /// The `number`-th command from now on; counts from 0.
    void plant(Fault fault, size_t number);
    /// From now on that many buffers can be had.
    void leave_buffers(size_t count);
    void heal();
    /// Commands enqueued since plant() or heal().
    size_t commands() const;
    /// Whatever hangs goes on.
    void wake();

  private:
    offload::Api api_;
};

}  // namespace raid56::test
