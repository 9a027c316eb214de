/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup_series: numbers grow with the time they are given at, so that what is
 * new lies together; random digits keep processes apart.
 */
#include <sys/random.h>
#include <time.h>

#include "base/bug.h"
#include "store/rollup_series.h"
#include "store/table.h"

#include "base/poison.h"

#define RANDOM_BITS 21 /* 42 bits of milliseconds are left */

#define KEY "tenant, domain, kind, policy_type, unproven, k1, k2, k3"

static int64_t new_id(void)
{
	static _Thread_local int64_t last;
	struct timespec now;
	uint32_t noise;
	int64_t id;

	BUG(clock_gettime(CLOCK_REALTIME, &now) != 0);
	BUG(getrandom(&noise, sizeof(noise), 0) != (ssize_t)sizeof(noise));
	id = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	id = (id << RANDOM_BITS) + noise % (1u << RANDOM_BITS);
	last = id > last ? id : last + 1;
	return last;
}

enum status rollup_series_find(struct store *s, const struct rollup_series *r,
	int64_t *id, struct err *e)
{
	return store_ints(s,
		"SELECT id FROM series WHERE tenant = $1 AND domain = $2 AND "
		"kind = $3 AND policy_type = $4 AND unproven = $5 AND k1 = $6 "
		"AND k2 = $7 AND k3 = $8",
		ARGS(DB_T(r->tenant), DB_T(r->domain), DB_I((int64_t)r->kind),
			DB_T(r->policy_type), DB_I(r->unproven), DB_T(r->k1),
			DB_T(r->k2), DB_T(r->k3)),
		id, 1, e);
}

enum status rollup_series_add(struct store *s, const struct rollup_series *r,
	int64_t *id, struct err *e)
{
	*id = new_id();
	return store_run(s,
		"INSERT INTO series (" KEY ", family, id) VALUES "
		"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		ARGS(DB_T(r->tenant), DB_T(r->domain), DB_I((int64_t)r->kind),
			DB_T(r->policy_type), DB_I(r->unproven), DB_T(r->k1),
			DB_T(r->k2), DB_T(r->k3), DB_I((int64_t)r->family),
			DB_I(*id)),
		NULL, e);
}

enum status rollup_series_drop_unused(
	struct store *s, struct str tenant, struct err *e)
{
	return store_run(s,
		"DELETE FROM series WHERE tenant = $1 AND NOT EXISTS "
		"(SELECT 1 FROM rollup r WHERE r.tenant = series.tenant AND "
		"r.series = series.id)",
		ARGS(DB_T(tenant)), NULL, e);
}
