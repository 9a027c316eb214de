/* SPDX-License-Identifier: Apache-2.0 */
/* report_result: added up in a map, by result type. */
#include "store/report_result.h"
#include "base/bug.h"
#include "base/map.h"
#include "store/rollup.h"
#include "store/table.h"

#include "base/poison.h"

void report_result_largest(
	const struct store_report *r, int64_t *ok, int64_t *failed)
{
	*ok = *failed = 0;
	for (size_t i = 0; i < r->n_policies; i++) {
		int64_t good = rollup_sessions(r->policies[i].ok);
		int64_t bad = rollup_sessions(r->policies[i].failed);

		if (good > *ok)
			*ok = good;
		if (bad > *failed)
			*failed = bad;
	}
}

struct result {
	size_t policy;	 /* that sum is of */
	int64_t sum;	 /* of the policy's failures */
	int64_t largest; /* of the sums */
};

static void count(struct map *results, struct arena *a, size_t policy,
	const struct store_report_failure *f)
{
	struct result *r = map_get(results, f->result_type);

	if (r == NULL) {
		r = arena_alloc(a, sizeof(*r));
		BUG(r == NULL);
		(void)map_put(results, f->result_type, r);
	}
	if (r->policy != policy)
		r->sum = 0;
	r->policy = policy;
	r->sum += rollup_sessions(f->sessions);
	if (r->sum > r->largest)
		r->largest = r->sum;
}

static enum status insert(struct store *s, const struct store_report *r,
	const struct map *results, struct err *e)
{
	enum status st = ST_OK;
	struct str type;
	size_t at = 0;
	void *value;

	while (st == ST_OK && map_next(results, &at, &type, &value)) {
		const struct result *result = value;

		st = store_run(s,
			"INSERT INTO report_result (tenant, report, "
			"result_type, failed) VALUES ($1, $2, $3, $4)",
			ARGS(DB_T(r->tenant), DB_T(r->id), DB_T(type),
				DB_I(result->largest)),
			NULL, e);
	}
	return st;
}

enum status report_result_add(
	struct store *s, const struct store_report *r, struct err *e)
{
	struct arena *a = arena_must(0);
	struct map *results = NULL;
	enum status st = ST_OK;

	for (size_t i = 0; i < r->n_policies; i++) {
		const struct store_report_policy *p = &r->policies[i];

		if (results == NULL && p->n_failures > 0)
			results = map_new();
		for (size_t k = 0; k < p->n_failures; k++)
			count(results, a, i, &p->failures[k]);
	}
	if (results != NULL)
		st = insert(s, r, results, e);
	map_free(&results);
	arena_free(&a);
	return st;
}

enum status report_result_drop(
	struct store *s, struct str tenant, struct str report, struct err *e)
{
	return store_run(s,
		"DELETE FROM report_result WHERE tenant = $1 AND report = $2",
		ARGS(DB_T(tenant), DB_T(report)), NULL, e);
}
