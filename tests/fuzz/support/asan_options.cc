// SPDX-License-Identifier: GPL-2.0-or-later
// What the address sanitizer does by default here: little memory kept after it was freed, and no stacks of allocations.
// With its own defaults a fuzzer spends half of its time on fresh pages and on these stacks; for a finding set
// ASAN_OPTIONS=malloc_context_size=30.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=8:malloc_context_size=0"; }
