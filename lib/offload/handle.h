// SPDX-License-Identifier: GPL-2.0-or-later
// OpenCL's objects, released at the end.
// Thread rule: one owner each.
#pragma once

#include <utility>

#include "offload/api.h"

namespace raid56::offload {

/// Owns one object of type T, which Api's member `release` gives back.
template <class T, auto release>
class Handle {
  public:
    Handle() = default;
    Handle(const Api& api, T object) : api_(&api), object_(object) {}
    Handle(Handle&& other) noexcept : api_(other.api_), object_(std::exchange(other.object_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(api_, other.api_);
        std::swap(object_, other.object_);
        return *this;
    }
    ~Handle() {
        if (object_ != nullptr) (api_->*release)(object_);
    }

    T get() const { return object_; }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    const Api* api_ = nullptr;
    T object_ = nullptr;
};

using Context = Handle<cl_context, &Api::release_context>;
using Queue = Handle<cl_command_queue, &Api::release_queue>;
using Memory = Handle<cl_mem, &Api::release_buffer>;
using Program = Handle<cl_program, &Api::release_program>;
using Kernel = Handle<cl_kernel, &Api::release_kernel>;
using Event = Handle<cl_event, &Api::release_event>;

}  // namespace raid56::offload
