// SPDX-License-Identifier: GPL-2.0-or-later
// sha256 of many blocks at once through libipsec-mb, which interleaves them over the lanes of a
// processor's vector registers or SHA units (figures: NOTES.md). It keeps a manager a thread; where there
// is no library, no manager, or one that gives wrong digests, blocks go to libgcrypt one by one.
#include <atomic>
#include <cstring>
#include <memory>

#include "checksum/kinds.h"
#include "checksum/many_blocks.h"

#ifdef RAID56_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace raid56::checksum {
namespace {

constexpr size_t kSize = 32;

#ifdef RAID56_HAVE_IPSEC_MB

std::atomic<bool> refuted{false};  // the library was found to be wrong

struct Free {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, Free>;

// Null where there is none for this processor.
Manager make_manager() {
    Manager manager(alloc_mb_mgr(0));
    if (!manager) return nullptr;
    init_mb_mgr_auto(manager.get(), nullptr);
    return imb_get_errno(manager.get()) == 0 ? std::move(manager) : nullptr;
}

// False where not every block was done.
bool many(IMB_MGR* manager, std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    size_t done = 0;
    const auto count = [&](const IMB_JOB* job) {
        if (job != nullptr && job->status == IMB_STATUS_COMPLETED) done++;
    };
    for (size_t i = 0; i < blocks.size(); i++) {
        IMB_JOB* job = IMB_GET_NEXT_JOB(manager);
        std::memset(job, 0, sizeof(*job));
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = blocks[i];
        job->msg_len_to_hash_in_bytes = block_size;
        job->auth_tag_output = out + i * kSize;
        job->auth_tag_output_len_in_bytes = kSize;
        count(IMB_SUBMIT_JOB(manager));
    }
    while (const IMB_JOB* job = IMB_FLUSH_JOB(manager)) count(job);
    return done == blocks.size();
}

#endif

}  // namespace

#ifdef RAID56_HAVE_IPSEC_MB

void sha256_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    // Fewer do not fill the lanes.
    constexpr size_t kWorthwhile = 16;
    if (blocks.size() < kWorthwhile || refuted) return one_by_one<sha256_stored>(blocks, block_size, kSize, out);
    thread_local const Manager manager = make_manager();
    if (!manager || !many(manager.get(), blocks, block_size, out))
        one_by_one<sha256_stored>(blocks, block_size, kSize, out);
}

void check_sha256_blocks() {
    if (!agree(sha256_blocks, sha256_stored)) refuted = true;
}

#else

void sha256_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    one_by_one<sha256_stored>(blocks, block_size, kSize, out);
}

void check_sha256_blocks() {}

#endif

}  // namespace raid56::checksum
