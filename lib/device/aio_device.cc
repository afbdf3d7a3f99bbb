// SPDX-License-Identifier: GPL-2.0-or-later
// 1. start() makes a request, through an aligned buffer where the caller's memory or range is not
//    aligned, puts it in line and gives the kernel as much of the line as it takes.
// 2. finish() sleeps until its request is done: one thread as the reaper, in io_getevents, for all;
//    the others on the condition variable. Whatever comes back makes room for the line.
// 3. What the kernel takes not even with an empty queue is read by the waiting thread itself.
#include "device/aio_device.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/checked.h"
#include "device/file_device.h"

namespace raid56::device {

namespace {

constexpr uint32_t kPage = 4096;

struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
};

}  // namespace

struct AioDevice::Request {
    iocb control;  // first: the kernel hands back its address
    uint64_t offset = 0;
    ByteSpan out;                           // where the kernel writes
    std::unique_ptr<uint8_t, Free> bounce;  // out's memory, where it is not the caller's
    uint64_t skip = 0;                      // bytes of the bounce buffer before the caller's
    int error = 0;
    bool buffered = false;  // O_DIRECT cannot take it: finish() reads it through the page cache
    bool done = false;
};

std::unique_ptr<AioDevice> AioDevice::make(Fd& direct, Fd& buffered, std::string path, uint64_t size,
                                           uint32_t block_size, int depth) {
    // The system's supply of queue entries is shared (fs.aio-max-nr): take less where there is less.
    for (; depth > 0; depth /= 4) {
        io_context_t context = nullptr;
        if (io_setup(depth, &context) == 0)
            return std::unique_ptr<AioDevice>(new AioDevice(context, std::move(direct), std::move(buffered),
                                                            std::move(path), size, block_size, depth));
    }
    return nullptr;
}

AioDevice::AioDevice(io_context_t context, Fd direct, Fd buffered, std::string path, uint64_t size, uint32_t block_size,
                     int depth)
    : context_(context),
      direct_(std::move(direct)),
      buffered_(std::move(buffered)),
      path_(std::move(path)),
      size_(size),
      block_size_(std::max<uint32_t>(block_size, 512)),
      depth_(depth) {}

AioDevice::~AioDevice() {
    io_destroy(context_);  // waits for what is in flight: nothing is written to memory after it
    for (Request* request : requests_) delete request;
}

void AioDevice::start(ReadOp& op) {
    op.error = 0;
    op.cookie = nullptr;
    if (op.offset > size_ || size_ - op.offset < op.out.size()) {
        op.error = EIO;
        return;
    }
    if (op.out.empty()) return;

    auto request = std::make_unique<Request>();
    request->offset = op.offset;
    request->out = op.out;
    const uint64_t begin = round_down(op.offset, block_size_);
    const uint64_t end = round_up(op.offset + op.out.size(), block_size_);
    const bool aligned = begin == op.offset && end - begin == op.out.size() &&
                         reinterpret_cast<uintptr_t>(op.out.data()) % block_size_ == 0;
    if (end > size_) {
        request->buffered = true;
    } else if (!aligned) {
        const size_t unit = std::max(block_size_, kPage);
        request->bounce.reset(static_cast<uint8_t*>(std::aligned_alloc(unit, round_up(end - begin, unit))));
        if (request->bounce) {
            request->offset = begin;
            request->out = ByteSpan(request->bounce.get(), end - begin);
            request->skip = op.offset - begin;
        } else {
            request->buffered = true;
        }
    }

    const std::lock_guard lock(mutex_);
    enlist(*request);
    // Nothing below throws: from here on finish() or the destructor frees it.
    op.cookie = request.release();
    submit_waiting();
}

/// Notes a request and puts it in line, or throws and leaves everything as it was; the mutex is held.
void AioDevice::enlist(Request& request) {
    const auto noted = requests_.insert(&request).first;
    if (request.buffered) return;
    io_prep_pread(&request.control, direct_.get(), request.out.data(), request.out.size(),
                  static_cast<long long>(request.offset));
    try {
        waiting_.push_back(&request);
    } catch (...) {
        requests_.erase(noted);
        throw;
    }
}

/// Gives the kernel what it takes of the line; the mutex is held.
void AioDevice::submit_waiting() {
    while (!waiting_.empty() && in_flight_ < depth_) {
        Request* request = waiting_.front();
        iocb* control = &request->control;
        const int n = io_submit(context_, 1, &control);
        if (n == -EINTR) continue;
        if (n == -EAGAIN || n == 0) return;  // no room now: tried again after the next completion
        waiting_.pop_front();
        if (n == 1) {
            in_flight_++;
        } else {  // refused for good: finish() tries the page cache, which says what is wrong
            request->buffered = true;
            done_.notify_all();
        }
    }
}

/// Sleeps until something has come back; the mutex is held, but not while sleeping.
void AioDevice::reap(std::unique_lock<std::mutex>& lock) {
    io_event events[64];
    reaping_ = true;
    lock.unlock();
    int n;
    do {
        n = io_getevents(context_, 1, std::size(events), events, nullptr);
    } while (n == -EINTR);
    lock.lock();
    reaping_ = false;
    if (n < 0) std::abort();  // only a context or pointer that is not ours fails here: our bug
    for (int i = 0; i < n; i++) {
        auto* request = reinterpret_cast<Request*>(events[i].obj);
        const auto result = static_cast<long>(events[i].res);
        if (result == -EINVAL || result == -EOPNOTSUPP)
            request->buffered = true;  // an alignment that the kernel did not tell us of
        else if (result < 0)
            request->error = static_cast<int>(-result);
        else if (static_cast<size_t>(result) != request->out.size())
            request->error = EIO;
        request->done = true;
    }
    in_flight_ -= n;
    submit_waiting();
    done_.notify_all();
}

/// Takes a request out of the line and reads it here; the mutex is held.
void AioDevice::read_now(Request& request) {
    waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), &request), waiting_.end());
    request.buffered = true;
}

void AioDevice::finish(ReadOp& op) {
    if (op.cookie == nullptr) return;
    std::unique_ptr<Request> request(static_cast<Request*>(op.cookie));
    op.cookie = nullptr;
    {
        std::unique_lock lock(mutex_);
        while (!request->done && !request->buffered) {
            if (in_flight_ == 0) submit_waiting();
            if (in_flight_ == 0)
                read_now(*request);
            else if (reaping_)
                done_.wait(lock);
            else
                reap(lock);
        }
        requests_.erase(request.get());
    }
    if (request->buffered) {
        op.error = read_fully(buffered_.get(), op.offset, op.out);
    } else {
        op.error = request->error;
        if (op.error == 0 && request->bounce)
            std::memcpy(op.out.data(), request->bounce.get() + request->skip, op.out.size());
    }
}

}  // namespace raid56::device
