/* SPDX-License-Identifier: Apache-2.0 */
/* mem: heap allocation with a countdown to failure for tests. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

#include "base/poison.h"

static _Thread_local unsigned long fail_countdown;

static int fails_now(void)
{
	if (fail_countdown == 0)
		return 0;
	if (fail_countdown == 1)
		return 1;
	fail_countdown--;
	return 0;
}

void mem_fail_at(unsigned long n)
{
	fail_countdown = n;
}

void *mem_alloc(size_t n)
{
	if (fails_now())
		return NULL;
	return calloc(1, n == 0 ? 1 : n);
}

void *mem_must(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	BUG(p == NULL);
	return p;
}

void *mem_grow(void *p, size_t n)
{
	if (fails_now())
		return NULL;
	return realloc(p, n == 0 ? 1 : n);
}

void mem_free(void *p)
{
	free(p);
}

void mem_large_apart(void)
{
	/* A threshold that is set no longer moves. */
	(void)mallopt(M_MMAP_THRESHOLD, (int)MEM_LARGE_BYTES);
}

void mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
