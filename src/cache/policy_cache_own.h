/* SPDX-License-Identifier: Apache-2.0 */
/* policy_cache_own: what entries and rules share, and nobody else. */
#pragma once

#include "cache/lmdb_policy.h"
#include "cache/policy_disk.h"
#include "cache/policy_value.h"

struct policy_cache {
	struct policy_cache_options opt;
	struct policy_file *file;
	struct policy_disk *disk;
	uint64_t entries, rules, refused, unreadable;
	int64_t noted;
	unsigned char *scratch; /* POLICY_VALUE_MAX */
};

/* The value of key as it is now: what waits for the disk before the file. */
enum status policy_cache_value(struct policy_cache *c, struct arena *a,
	const struct policy_key *key, struct str *value);

/* Is there a value? */
bool policy_cache_has(struct policy_cache *c, const struct policy_key *key);

/* Room for one value, the same for all. */
struct wire_out policy_cache_scratch(struct policy_cache *c);

/* Keys gathered from a walk, copies in arena. */
struct policy_keys {
	struct arena *arena;
	size_t max, n;
	struct str *keys;
};
enum status policy_cache_keys(struct policy_cache *c, struct str from,
	struct str prefix, struct policy_keys *keys);
