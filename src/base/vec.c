/* SPDX-License-Identifier: Apache-2.0 */
/* vec: doubling arrays in an arena. */
#include <string.h>

#include "base/vec.h"

#include "base/poison.h"

bool vec_room(struct arena *a, void **items, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 4 : *cap * 2;
	void *p;

	if (n < *cap)
		return true;
	p = arena_array(a, want, size);
	if (p == NULL)
		return false;
	if (n > 0)
		memcpy(p, *items, n * size);
	*items = p;
	*cap = want;
	return true;
}
