/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_value: the bytes behind the keys of the policy cache, and the keys.
 * Pure. Each value begins with the version of its format and ends with a
 * checksum over key and value, because LMDB has none and a damaged mode would
 * be a policy that nobody published.
 *
 * Reading gives ST_OK, ST_INVALID (damaged, or no such value) or ST_LIMIT (the
 * arena is full). Results borrow from value. Writing fails through the sticky
 * error of out.
 */
#pragma once

#include "base/wire.h"
#include "cache/policy_cache.h"

/* The largest policy, and what is kept with it. */
#define POLICY_VALUE_MAX (STS_POLICY_BYTES_MAX + (size_t)16384)
#define POLICY_KEY_MAX 511 /* LMDB's own limit */

#define POLICY_KEY_ENTRY 'e'
#define POLICY_KEY_TIMES 't' /* the entries again, by next_refresh */
#define POLICY_KEY_RULE 'r'
#define POLICY_KEY_STATE STR("s")

struct policy_key {
	size_t n;
	char p[POLICY_KEY_MAX];
};

static inline struct str policy_key_str(const struct policy_key *key)
{
	return (struct str){ key->p, key->n };
}

/*
 * Keys in the order of DNS names: what is below a name has keys that begin with
 * the key of the name. ST_INVALID: domain cannot be one.
 */
enum status policy_key_entry(struct str domain, struct policy_key *out);
enum status policy_key_rule(
	struct str profile, struct str domain, struct policy_key *out);
/* entry: a key of policy_key_entry. */
void policy_key_times(int64_t at, struct str entry, struct policy_key *out);
/* The time in a key of policy_key_times; 0 if it is none. */
int64_t policy_key_time(struct str key);

void policy_entry_write(
	struct wire_out *out, struct str key, const struct policy_entry *entry);
enum status policy_entry_read(struct arena *a, struct str key, struct str value,
	struct policy_entry *entry);

/* What is looked at without reading all; ST_INVALID as policy_entry_read. */
struct policy_times {
	int64_t expires, next_refresh;
	struct str domain;
};
enum status policy_times_read(struct str value, struct policy_times *out);

void policy_rule_write(
	struct wire_out *out, struct str key, const struct policy_rule *rule);
enum status policy_rule_read(
	struct str key, struct str value, struct policy_rule *rule);

/* The file's own: the version of its format, and policy_cache_noted. */
void policy_state_write(struct wire_out *out, int64_t noted);
/* ST_PERM: a newer moat wrote it. */
enum status policy_state_read(struct str value, int64_t *noted);
