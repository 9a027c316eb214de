/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory for one unit of work (a lookup, a connection, a report), freed
 * all at once. A function that returns borrowed memory takes the arena as a
 * parameter, so the lifetime stands in its signature. Never put secrets here.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct arena;

/*
 * An arena that hands out at most max_bytes in all (0 = no cap). NULL when
 * memory is used up.
 */
struct arena *arena_new(size_t max_bytes);

/* As arena_new; a process that runs out of memory here aborts. */
struct arena *arena_must(size_t max_bytes);

/* Frees all that was handed out and the arena; clears *a; NULL is allowed. */
void arena_free(struct arena **a);

/* Forgets all that was handed out, keeps one block for the next round. */
void arena_reset(struct arena *a);

/*
 * n zeroed bytes, aligned for any type; NULL when the cap or memory is used up
 * (arena_full tells which: the cap makes it true).
 */
void *arena_alloc(struct arena *a, size_t n);

/* n elements of size bytes each, overflow-safe; otherwise as arena_alloc. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* true once a request was refused because of max_bytes. */
bool arena_full(const struct arena *a);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

/*
 * A copy of s, NUL-terminated (the NUL is not counted in n). On failure the
 * result's p is NULL.
 */
struct str arena_str(struct arena *a, struct str s);

/* A formatted, NUL-terminated string; p is NULL on failure. */
struct str arena_fmt(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
