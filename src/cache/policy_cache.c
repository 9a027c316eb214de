/* SPDX-License-Identifier: Apache-2.0 */
/* policy_cache: opening, entries, quotas. Rules are in policy_rules.c. */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "cache/policy_cache_own.h"

#include "base/poison.h"

/* ---- values ---- */

enum status policy_cache_value(struct policy_cache *c, struct arena *a,
	const struct policy_key *key, struct str *value)
{
	struct str waiting;

	if (!policy_disk_get(c->disk, policy_key_str(key), &waiting))
		return policy_file_get(c->file, a, policy_key_str(key), value);
	if (waiting.p == NULL)
		return ST_NOTFOUND;
	*value = arena_str(a, waiting);
	return value->p == NULL ? ST_LIMIT : ST_OK;
}

bool policy_cache_has(struct policy_cache *c, const struct policy_key *key)
{
	struct arena *a = arena_must(0);
	struct str value;
	enum status st = policy_cache_value(c, a, key, &value);

	arena_free(&a);
	return st != ST_NOTFOUND;
}

struct wire_out policy_cache_scratch(struct policy_cache *c)
{
	return wire_out_of(c->scratch, POLICY_VALUE_MAX);
}

static bool keys_visit(void *ctx, struct str key, struct str value)
{
	struct policy_keys *k = ctx;

	(void)value;
	if (k->n == k->max)
		return false;
	k->keys[k->n] = arena_str(k->arena, key);
	if (k->keys[k->n].p == NULL)
		return false;
	k->n++;
	return true;
}

enum status policy_cache_keys(struct policy_cache *c, struct str from,
	struct str prefix, struct policy_keys *keys)
{
	enum status st;

	keys->n = 0;
	keys->keys = arena_array(keys->arena, keys->max, sizeof(*keys->keys));
	if (keys->keys == NULL)
		return ST_LIMIT;
	st = policy_file_walk(c->file, from, prefix, keys_visit, keys);
	return st == ST_OK && arena_full(keys->arena) ? ST_LIMIT : st;
}

/* ---- opening ---- */

enum status policy_cache_open(const char *path,
	const struct policy_cache_options *opt, struct policy_cache **out,
	struct err *e)
{
	struct policy_cache *c = mem_must(sizeof(*c));
	const struct policy_file_info *info;
	enum status st;

	c->opt = *opt;
	st = policy_file_open(path, opt->max_bytes, opt->no_sync, &c->file, e);
	if (st != ST_OK) {
		mem_free(c);
		return st;
	}
	info = policy_file_info(c->file);
	c->entries = info->entries;
	c->rules = info->rules;
	c->noted = info->noted;
	c->scratch = mem_must(POLICY_VALUE_MAX);
	c->disk = policy_disk_new(c->file, opt->max_waiting_bytes);
	*out = c;
	return ST_OK;
}

void policy_cache_start(struct policy_cache *c, int *fd)
{
	policy_disk_start(c->disk, fd);
}

void policy_cache_close(struct policy_cache **c)
{
	if (*c == NULL)
		return;
	policy_disk_free(&(*c)->disk);
	policy_file_close(&(*c)->file);
	mem_free((*c)->scratch);
	mem_free(*c);
	*c = NULL;
}

enum status policy_cache_settle(
	struct policy_cache *c, policy_change *durable, struct err *e)
{
	return policy_disk_settle(c->disk, durable, e);
}

void policy_cache_flush(struct policy_cache *c)
{
	policy_disk_flush(c->disk);
}

/* ---- quotas ---- */

struct group {
	size_t n;
	struct policy_cache *cache;
	int64_t now;
	int64_t oldest; /* expired, of history to be let go */
	struct policy_key key;
};

static bool group_visit(void *ctx, struct str key, struct str value)
{
	struct group *g = ctx;
	struct policy_times times;
	struct str waiting;

	if (policy_disk_get(g->cache->disk, key, &waiting)) {
		/* Being changed: not to be let go. */
		g->n += waiting.p != NULL;
		return true;
	}
	g->n++;
	if (policy_times_read(value, &times) != ST_OK ||
		times.expires > g->now || times.expires >= g->oldest)
		return true;
	g->oldest = times.expires;
	memcpy(g->key.p, key.p, key.n);
	g->key.n = key.n;
	return true;
}

/*
 * Room for one more of the group, counting what is on disk. History may go for
 * it, never a policy that has not expired.
 */
static enum status group_room(
	struct policy_cache *c, struct str group, int64_t now)
{
	struct group g = { .cache = c, .now = now, .oldest = INT64_MAX };
	struct policy_key prefix;

	if (group.n == 0 || policy_key_entry(group, &prefix) != ST_OK)
		return ST_OK;
	(void)policy_file_walk(c->file, policy_key_str(&prefix),
		policy_key_str(&prefix), group_visit, &g);
	if (g.n < c->opt.max_per_group)
		return ST_OK;
	if (g.oldest == INT64_MAX)
		return ST_LIMIT;
	c->entries--;
	return policy_disk_put(
		c->disk, policy_key_str(&g.key), (struct str){}, NULL);
}

static enum status room_for(
	struct policy_cache *c, struct str group, int64_t now, struct err *e)
{
	struct policy_disk_stats disk;

	policy_disk_stats(c->disk, &disk);
	if (disk.full) {
		c->refused++;
		return err_set(e, ST_LIMIT,
			"the policy cache is full: raise "
			"policy.cache_max_size");
	}
	if (group_room(c, group, now) == ST_OK)
		return ST_OK;
	c->refused++;
	return err_set(e, ST_LIMIT,
		"%.*s has as many policies as policy.cache_per_domain allows",
		STR_ARG(str_upto(group, 255)));
}

/* ---- entries ---- */

enum status policy_cache_get(struct policy_cache *c, struct arena *a,
	struct str domain, struct policy_entry *out)
{
	struct policy_key key;
	struct str value;
	enum status st;

	if (policy_key_entry(domain, &key) != ST_OK)
		return ST_NOTFOUND;
	st = policy_cache_value(c, a, &key, &value);
	if (st == ST_OK)
		st = policy_entry_read(a, policy_key_str(&key), value, out);
	if (st == ST_INVALID)
		st = ST_TEMP;
	c->unreadable += st == ST_TEMP;
	return st;
}

static enum status too_much(struct err *e)
{
	return err_set(e, ST_LIMIT,
		"the disk does not take what the policy cache has to write");
}

enum status policy_cache_put(struct policy_cache *c,
	const struct policy_entry *entry, struct str group, int64_t now,
	policy_change *change, struct err *e)
{
	struct wire_out out = policy_cache_scratch(c);
	enum status st = ST_OK;
	struct policy_key key;
	bool is_new;

	if (policy_key_entry(entry->domain, &key) == ST_OK)
		policy_entry_write(&out, policy_key_str(&key), entry);
	if (out.failed || out.n == 0)
		return err_set(e, ST_INVALID, "not a policy to be cached");
	is_new = !policy_cache_has(c, &key);
	if (is_new)
		st = room_for(c, group, now, e);
	if (st != ST_OK)
		return st;
	if (policy_disk_put(c->disk, policy_key_str(&key), wire_out_str(&out),
		    change) != ST_OK)
		return too_much(e);
	c->entries += is_new;
	return ST_OK;
}

enum status policy_cache_del(struct policy_cache *c, struct str domain,
	policy_change *change, struct err *e)
{
	struct policy_key key;

	if (policy_key_entry(domain, &key) != ST_OK ||
		!policy_cache_has(c, &key))
		return err_set(e, ST_NOTFOUND, "no policy is cached");
	if (policy_disk_put(c->disk, policy_key_str(&key), (struct str){},
		    change) != ST_OK)
		return too_much(e);
	c->entries--;
	return ST_OK;
}

/* The key behind that of a domain. */
static void key_after(struct str domain, struct policy_key *key)
{
	key->n = 1;
	key->p[0] = POLICY_KEY_ENTRY;
	if (domain.n > 0 && policy_key_entry(domain, key) == ST_OK)
		key->p[key->n++] = 0;
}

enum status policy_cache_list(struct policy_cache *c, struct arena *a,
	struct str *after, size_t max, struct policy_entry **out, size_t *n)
{
	struct policy_keys keys = { .arena = a, .max = max };
	char first = POLICY_KEY_ENTRY;
	struct policy_key from;
	enum status st;
	size_t got = 0;

	key_after(*after, &from);
	st = policy_cache_keys(
		c, policy_key_str(&from), (struct str){ &first, 1 }, &keys);
	*out = arena_array(a, max, sizeof(**out));
	if (st == ST_OK && *out == NULL)
		st = ST_LIMIT;
	for (size_t i = 0; st == ST_OK && i < keys.n; i++) {
		struct policy_key key = { .n = keys.keys[i].n };
		struct str value;

		memcpy(key.p, keys.keys[i].p, key.n);
		st = policy_cache_value(c, a, &key, &value);
		if (st == ST_OK)
			st = policy_entry_read(
				a, keys.keys[i], value, &(*out)[got]);
		if (st == ST_OK)
			*after = (*out)[got++].domain;
		else if (st == ST_NOTFOUND || st == ST_INVALID)
			st = ST_OK; /* just removed, or damaged */
	}
	*n = got;
	return st;
}

/* ---- what is due ---- */

struct due {
	struct policy_keys keys;
	struct arena *scratch; /* of one value */
	int64_t until;
};

static bool due_visit(void *ctx, struct str key, struct str value)
{
	struct due *d = ctx;

	return policy_key_time(key) <= d->until &&
	       keys_visit(&d->keys, key, value);
}

/* The domain of a key of the index, if that is what its entry says too. */
static bool due_domain(
	struct policy_cache *c, struct due *d, struct str k, struct str *domain)
{
	struct policy_key key = { .n = k.n - 8, .p = { POLICY_KEY_ENTRY } };
	struct policy_times times;
	struct str value;

	memcpy(key.p + 1, k.p + 9, key.n - 1);
	if (policy_disk_get(c->disk, policy_key_str(&key), &value))
		return false; /* it is being changed */
	arena_reset(d->scratch);
	if (policy_file_get(c->file, d->scratch, policy_key_str(&key),
		    &value) == ST_OK &&
		policy_times_read(value, &times) == ST_OK &&
		times.next_refresh == policy_key_time(k)) {
		*domain = arena_str(d->keys.arena, times.domain);
		return domain->p != NULL;
	}
	/* Damaged: out with it, or it would be due for ever. */
	if (!policy_disk_get(c->disk, k, &value))
		(void)policy_disk_put(c->disk, k, (struct str){}, NULL);
	return false;
}

static enum status due_walk(struct policy_cache *c, struct due *d, int64_t from,
	struct str *out, size_t *n)
{
	char kind = POLICY_KEY_TIMES;
	struct policy_key first;
	enum status st;

	policy_key_times(from, (struct str){}, &first);
	d->keys.keys = arena_array(
		d->keys.arena, d->keys.max, sizeof(*d->keys.keys));
	if (d->keys.keys == NULL)
		return ST_LIMIT;
	d->keys.n = 0;
	st = policy_file_walk(c->file, policy_key_str(&first),
		(struct str){ &kind, 1 }, due_visit, d);
	for (size_t i = 0; st == ST_OK && i < d->keys.n; i++)
		if (d->keys.keys[i].n > 9 &&
			due_domain(c, d, d->keys.keys[i], &out[*n]))
			++*n;
	return st;
}

enum status policy_cache_due(struct policy_cache *c, struct arena *a,
	int64_t now, int64_t horizon, size_t max, struct str **out, size_t *n)
{
	struct due d = { .keys = { .arena = a, .max = max }, .until = now };
	enum status st;

	*n = 0;
	*out = arena_array(a, 2 * max, sizeof(**out));
	if (*out == NULL)
		return ST_LIMIT;
	d.scratch = arena_must(0);
	st = due_walk(c, &d, 0, *out, n);
	d.until = INT64_MAX;
	if (st == ST_OK && horizon < INT64_MAX)
		st = due_walk(c, &d, horizon + 1, *out, n);
	arena_free(&d.scratch);
	if (*n > max)
		*n = max;
	return st;
}

/* ---- the clock ---- */

int64_t policy_cache_noted(const struct policy_cache *c)
{
	return c->noted;
}

void policy_cache_note(struct policy_cache *c, int64_t now)
{
	struct wire_out out = policy_cache_scratch(c);

	policy_state_write(&out, now);
	if (!out.failed && policy_disk_put(c->disk, POLICY_KEY_STATE,
				   wire_out_str(&out), NULL) == ST_OK)
		c->noted = now;
}

/* ---- about it ---- */

void policy_cache_stats(struct policy_cache *c, struct policy_cache_stats *out)
{
	const struct policy_file_info *info = policy_file_info(c->file);
	struct policy_disk_stats disk;

	policy_disk_stats(c->disk, &disk);
	*out = (struct policy_cache_stats){
		.entries = c->entries,
		.rules = c->rules,
		.used_bytes = policy_file_used(c->file),
		.max_bytes = c->opt.max_bytes,
		.commits = disk.commits,
		.commit_failures = disk.failures,
		.waiting = disk.waiting,
		.waiting_bytes = disk.waiting_bytes,
		.refused = c->refused,
		.unreadable = c->unreadable,
		.was_damaged = info->was_damaged,
		.moved_to = info->moved_to,
		.saved = info->saved,
		.lost = info->unreadable,
	};
}
