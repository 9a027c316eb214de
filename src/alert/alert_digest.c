/* SPDX-License-Identifier: Apache-2.0 */
/* alert_digest: each tenant, then each of its two periods. */
#include "alert/alert_digest.h"

#include "base/log.h"

#include "base/poison.h"

int64_t alert_digest_last(bool weekly, int64_t today)
{
	return tlsrpt_digest_first(weekly, today - (weekly ? 7 : 1));
}

static bool is_wanted(const struct alert_digest *d,
	const struct store_telling *t, bool weekly)
{
	enum store_digest digest = t->digest == STORE_DIGEST_USUAL ? d->usual
								   : t->digest;

	return digest == STORE_DIGEST_BOTH ||
	       digest == (weekly ? STORE_DIGEST_WEEKLY : STORE_DIGEST_DAILY);
}

/* Is there something to say about the period? */
static enum status has_news(struct alert_digest *d, struct arena *a,
	const struct store_telling *t, bool weekly, int64_t day, bool *out,
	struct err *e)
{
	struct tlsrpt_digest digest;
	enum status st;

	*out = true;
	if (d->empty)
		return ST_OK;
	st = store_digest_get(d->store, a, t->tenant, weekly, day, &digest, e);
	if (st == ST_OK)
		*out = !tlsrpt_digest_is_empty(&digest);
	return st;
}

/* Writes what was seen to, and the notices. */
static enum status settle(struct alert_digest *d, struct arena *a,
	const struct store_telling *t, bool weekly, int64_t day, bool tell,
	struct err *e)
{
	int64_t now = clock_now(d->clock).s;
	struct store_notice n = { .tenant = t->tenant,
		.event = weekly ? STR("weekly") : STR("daily"),
		.day = day,
		.created = now };
	struct store_telling fresh;
	size_t told = 0;
	enum status st = store_begin(d->store, e);

	if (st != ST_OK)
		return st;
	st = store_telling_get(d->store, a, t->tenant, &fresh, e);
	if (st == ST_OK) {
		*(weekly ? &fresh.digest_week : &fresh.digest_day) = day;
		st = store_telling_put(d->store, &fresh, e);
	}
	if (st == ST_OK && tell)
		st = alert_tell(&d->tell, d->store, a, &n, true, now, &told, e);
	if (st == ST_OK)
		st = store_commit(d->store, e);
	else
		store_rollback(d->store);
	if (st == ST_OK && told > 0)
		LOG(LOG_INFO, "alert.digest", KV_STR("tenant", t->tenant),
			KV_STR("event", n.event));
	return st;
}

/* Who has never had one begins with the period that is running. */
static enum status look_at(struct alert_digest *d,
	const struct store_telling *t, bool weekly, int64_t today,
	struct err *e)
{
	int64_t day = alert_digest_last(weekly, today);
	int64_t had = weekly ? t->digest_week : t->digest_day;
	bool tell = had > 0 && is_wanted(d, t, weekly);
	struct arena *a = arena_must(0);
	enum status st = ST_OK;

	if (had < day && tell)
		st = has_news(d, a, t, weekly, day, &tell, e);
	if (st == ST_OK && had < day)
		st = settle(d, a, t, weekly, day, tell, e);
	arena_free(&a);
	return st;
}

/* What is wrong with one tenant's rows is no other's trouble. */
static enum status look_at_each(struct alert_digest *d,
	const struct store_telling *tenants, size_t n, int64_t today,
	struct err *e)
{
	enum status first = ST_OK, st = ST_OK;

	for (size_t i = 0; i < n && st != ST_TEMP; i++) {
		struct err why = {};

		st = look_at(d, &tenants[i], false, today, &why);
		if (st == ST_OK)
			st = look_at(d, &tenants[i], true, today, &why);
		if (st != ST_OK && first == ST_OK) {
			first = st;
			*e = why;
			err_prefix(e, "%.*s", STR_ARG(tenants[i].tenant));
		}
	}
	return first;
}

enum status alert_digest_step(struct alert_digest *d, struct err *e)
{
	int64_t today = clock_now(d->clock).s / UTC_DAY_S;
	struct store_telling *tenants;
	struct arena *a;
	enum status st;
	size_t n;

	if (today == d->looked)
		return ST_OK;
	a = arena_must(0);
	st = store_telling_list(d->store, a, &tenants, &n, e);
	if (st == ST_OK)
		st = look_at_each(d, tenants, n, today, e);
	if (st == ST_OK)
		d->looked = today;
	arena_free(&a);
	return st;
}
