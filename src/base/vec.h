/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vec: growing arrays in an arena. Any struct with the three members
 *     T *items; size_t n; size_t cap;
 * is one; zero-initialise it.
 *
 *     struct { struct str *items; size_t n, cap; } names = {};
 *     if (!VEC_PUSH(arena, &names, name)) goto nomem;
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Makes room for one more element; false when memory or the cap is used up. */
bool vec_room(
	struct arena *a, void **items, size_t n, size_t *cap, size_t size);

#define VEC_PUSH(a, v, value)                                                  \
	(vec_room((a), (void **)&(v)->items, (v)->n, &(v)->cap,                \
		 sizeof(*(v)->items)) &&                                       \
		((v)->items[(v)->n++] = (value), true))
