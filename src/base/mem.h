/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: the one door to the heap, so that a test can fail the n-th allocation.
 */
#pragma once

#include <stddef.h>

/* n zeroed bytes, or NULL when memory (or the test's budget) is used up. */
void *mem_alloc(size_t n);

/* n zeroed bytes; a process that runs out of memory here aborts. */
void *mem_must(size_t n);

/*
 * Grows or shrinks p (or NULL) to n bytes; what is added is not zeroed. On
 * failure NULL, and p stays valid.
 */
void *mem_grow(void *p, size_t n);

/* Frees p; NULL is allowed. */
void mem_free(void *p);

/* Overwrites n bytes so that no compiler drops the write: for secrets. */
void mem_wipe(void *p, size_t n);

/*
 * From now on a block of MEM_LARGE_BYTES or more is pages of its own, which go
 * back to the system with it. Otherwise the heap learns from the first that are
 * freed to keep such blocks, and each leaves a hole that lasts: right for what
 * lives for ever and should stay small, at a page fault per page. Of the whole
 * process.
 */
#define MEM_LARGE_BYTES ((size_t)128 << 10)
void mem_large_apart(void);

/*
 * For tests: from now on the n-th allocation (1 = the next) and all after it
 * fail in mem_alloc and mem_grow; 0 switches the failing off.
 */
void mem_fail_at(unsigned long n);
