/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_disk: the one disk thread of the policy cache, and what it has not
 * yet written. Changes that gather while it works are committed together; a
 * change of what still waits takes its place.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "cache/lmdb_policy.h"

struct policy_disk;

/* f is borrowed; the thread alone commits to it from the start on. */
struct policy_disk *policy_disk_new(
	struct policy_file *f, size_t max_waiting_bytes);
void policy_disk_start(struct policy_disk *d, int *fd);
/* Tries once more to write what is left; clears *d; NULL is allowed. */
void policy_disk_free(struct policy_disk **d);

/*
 * Sets (value.p == NULL: removes) key; both are copied. *change is its number,
 * from 1. ST_LIMIT: too much waits, unless it removes.
 */
enum status policy_disk_put(struct policy_disk *d, struct str key,
	struct str value, uint64_t *change);

/*
 * Is there a change of key that is not yet on disk? *value is borrowed until
 * the next settle; p == NULL: it removes.
 */
bool policy_disk_get(
	const struct policy_disk *d, struct str key, struct str *value);

/* Walks all of them, as map_next. */
bool policy_disk_next(const struct policy_disk *d, size_t *at, struct str *key,
	struct str *value);

/* As policy_cache_settle. */
enum status policy_disk_settle(
	struct policy_disk *d, uint64_t *durable, struct err *e);

/* Waits until all changes were tried. */
void policy_disk_flush(struct policy_disk *d);

struct policy_disk_stats {
	uint64_t commits, failures;
	uint64_t waiting, waiting_bytes;
	bool full; /* as of the last try */
};
void policy_disk_stats(struct policy_disk *d, struct policy_disk_stats *out);
