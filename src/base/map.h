/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: a hash table from byte strings to pointers. Keys are copied, values are
 * the caller's. Strangers who choose the keys cannot make it slow (hash.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map;

/* An empty map; aborts when out of memory, as does map_put. */
struct map *map_new(void);

/* Frees the map, not the values; clears *m; NULL is allowed. */
void map_free(struct map **m);

/* The value of key, or NULL. */
void *map_get(const struct map *m, struct str key);

/* Sets key to value (not NULL) and returns the value that was there, or NULL.
 */
void *map_put(struct map *m, struct str key, void *value);

/* Removes key and returns its value, or NULL if there was none. */
void *map_take(struct map *m, struct str key);

size_t map_count(const struct map *m);

/*
 * Walks all entries in no order: start with *at = 0, goes on while true. The
 * map must not gain entries meanwhile; map_take of the entry just seen is fine,
 * and the end of *key.
 */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);
