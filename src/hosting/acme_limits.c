/* SPDX-License-Identifier: Apache-2.0 */
/* acme_limits: reading and drawing from stored buckets. */
#include "hosting/acme_limits.h"

#include "store/store.h"

#include "base/poison.h"

#define MILLI 1000

static struct str bucket_name(struct arena *a, struct str directory,
	const struct acme_bucket_rule *r, struct str key)
{
	return arena_fmt(
		a, "%.*s|%s|%.*s", STR_ARG(directory), r->name, STR_ARG(key));
}

/* The bucket as it stands now; one never drawn from is full. */
static enum status read_bucket(struct store *s, struct arena *a,
	struct str name, const struct acme_bucket_rule *r, int64_t now,
	struct store_acme_bucket *out, struct err *e)
{
	struct store_acme_bucket b;
	enum status st = store_acme_bucket_get(s, a, name, &b, e);

	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	*out = (struct store_acme_bucket){
		.name = name, .level_milli = r->burst * MILLI, .at = now
	};
	if (st == ST_OK)
		out->level_milli = acme_bucket_level(
			r, b.level_milli, b.at, now);
	return ST_OK;
}

enum status acme_limits_check(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	int64_t *wait_s, struct err *e)
{
	const struct acme_bucket_rule *r = acme_limit_rule(l);
	struct store_acme_bucket b;
	enum status st = read_bucket(
		s, a, bucket_name(a, directory, r, key), r, now, &b, e);
	int64_t wait;

	if (st != ST_OK)
		return st;
	wait = acme_bucket_wait(r, b.level_milli);
	if (wait == 0)
		return ST_OK;
	*wait_s = wait;
	return err_set(e, ST_AGAIN,
		"the limit of the certificate authority is reached: %s",
		r->said_as);
}

enum status acme_limits_draw(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	struct err *e)
{
	const struct acme_bucket_rule *r = acme_limit_rule(l);
	struct store_acme_bucket b;
	enum status st = read_bucket(
		s, a, bucket_name(a, directory, r, key), r, now, &b, e);

	if (st != ST_OK)
		return st;
	b.level_milli -= MILLI;
	return store_acme_bucket_put(s, &b, e);
}

enum status acme_limits_refill(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	struct err *e)
{
	const struct acme_bucket_rule *r = acme_limit_rule(l);
	struct store_acme_bucket b = {
		.name = bucket_name(a, directory, r, key),
		.level_milli = r->burst * MILLI,
		.at = now,
	};

	return store_acme_bucket_put(s, &b, e);
}
