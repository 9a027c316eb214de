/* SPDX-License-Identifier: Apache-2.0 */
/* zlib_memory: what zlib allocates with. For gzip.c and zip.c. */
#pragma once

#include <zlib.h>

#include "base/mem.h"

static inline void *zlib_alloc(void *ctx, unsigned items, unsigned size)
{
	size_t n;

	(void)ctx;
	/* Not zeroed: its window is larger than most reports. */
	return __builtin_mul_overflow((size_t)items, size, &n)
		       ? NULL
		       : mem_grow(NULL, n);
}

static inline void zlib_free(void *ctx, void *p)
{
	(void)ctx;
	mem_free(p);
}

/* Of a stream to begin with. */
#define ZLIB_MEMORY .zalloc = zlib_alloc, .zfree = zlib_free
