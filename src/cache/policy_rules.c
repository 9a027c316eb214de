/* SPDX-License-Identifier: Apache-2.0 */
/* policy_rules: the operator's rules, in the same file as the policies. */
#include <string.h>

#include "cache/policy_cache_own.h"

#include "base/poison.h"

static enum status get_rule(struct policy_cache *c, struct arena *a,
	struct str profile, struct str domain, struct policy_rule *out)
{
	struct policy_key key;
	struct str value;
	enum status st;

	if (policy_key_rule(profile, domain, &key) != ST_OK)
		return ST_NOTFOUND;
	st = policy_cache_value(c, a, &key, &value);
	if (st == ST_OK)
		st = policy_rule_read(policy_key_str(&key), value, out);
	if (st == ST_INVALID)
		st = ST_TEMP;
	c->unreadable += st == ST_TEMP;
	return st;
}

enum status policy_cache_rule(struct policy_cache *c, struct arena *a,
	struct str profile, struct str domain, int64_t now,
	struct policy_rule *out)
{
	struct str names[] = { profile, STR("*") };
	enum status st = ST_NOTFOUND;

	for (size_t i = 0; c->rules > 0 && i < 2; i++) {
		struct policy_rule rule;

		st = get_rule(c, a, names[i], domain, &rule);
		if (st == ST_OK && rule.expires > now) {
			*out = rule;
			return ST_OK;
		}
		if (st != ST_OK && st != ST_NOTFOUND)
			return st;
	}
	return ST_NOTFOUND;
}

enum status policy_cache_rule_put(struct policy_cache *c,
	const struct policy_rule *rule, policy_change *change, struct err *e)
{
	struct wire_out out = policy_cache_scratch(c);
	struct policy_key key;
	bool is_new;

	if (policy_key_rule(rule->profile, rule->domain, &key) != ST_OK)
		return err_set(e, ST_INVALID, "no name of a profile or domain");
	policy_rule_write(&out, policy_key_str(&key), rule);
	if (out.failed)
		return err_set(e, ST_INVALID,
			"the reason is longer than %d bytes, or a time is "
			"negative",
			POLICY_REASON_BYTES_MAX);
	is_new = !policy_cache_has(c, &key);
	if (policy_disk_put(c->disk, policy_key_str(&key), wire_out_str(&out),
		    change) != ST_OK)
		return err_set(e, ST_LIMIT, "the disk does not take changes");
	c->rules += is_new;
	return ST_OK;
}

enum status policy_cache_rule_del(struct policy_cache *c, struct str profile,
	struct str domain, policy_change *change, struct err *e)
{
	struct policy_key key;

	if (policy_key_rule(profile, domain, &key) != ST_OK ||
		!policy_cache_has(c, &key))
		return err_set(e, ST_NOTFOUND, "there is no such rule");
	if (policy_disk_put(c->disk, policy_key_str(&key), (struct str){},
		    change) != ST_OK)
		return err_set(e, ST_LIMIT, "the disk does not take changes");
	c->rules--;
	return ST_OK;
}

/* Those that wait to be written and are not among the n already there. */
static size_t add_waiting(
	struct policy_cache *c, struct arena *a, struct policy_keys *keys)
{
	struct str key, value;
	size_t at = 0, n = keys->n;

	while (policy_disk_next(c->disk, &at, &key, &value)) {
		bool known = key.p[0] != POLICY_KEY_RULE || value.p == NULL;

		for (size_t i = 0; !known && i < keys->n; i++)
			known = str_eq(keys->keys[i], key);
		if (!known && n < keys->max)
			keys->keys[n++] = arena_str(a, key);
	}
	return n;
}

enum status policy_cache_rules(struct policy_cache *c, struct arena *a,
	struct policy_rule **out, size_t *n)
{
	struct policy_keys keys = { .arena = a };
	char first = POLICY_KEY_RULE;
	struct str prefix = { &first, 1 };
	enum status st;
	size_t got = 0;

	/* Removed ones may still be on disk, new ones may not. */
	keys.max = c->rules + (size_t)policy_file_info(c->file)->rules + 1000;
	st = policy_cache_keys(c, prefix, prefix, &keys);
	*out = arena_array(a, keys.max, sizeof(**out));
	if (st == ST_OK && *out == NULL)
		st = ST_LIMIT;
	if (st == ST_OK)
		keys.n = add_waiting(c, a, &keys);
	for (size_t i = 0; st == ST_OK && i < keys.n; i++) {
		struct policy_key key = { .n = keys.keys[i].n };
		struct str value;

		memcpy(key.p, keys.keys[i].p, key.n);
		st = policy_cache_value(c, a, &key, &value);
		if (st == ST_OK && policy_rule_read(keys.keys[i], value,
					   &(*out)[got]) == ST_OK)
			got++;
		if (st == ST_NOTFOUND)
			st = ST_OK;
	}
	*n = got;
	return st;
}
