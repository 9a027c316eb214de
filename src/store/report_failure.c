/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_failure: single failures, out of the bodies of reports. Which reports
 * have any, and of which result type, stands in report_result, newest last;
 * they are read one by one until there are enough failures.
 */
#include "base/vec.h"
#include "store/report_body.h"
#include "store/report_view.h"
#include "store/table.h"

#include "base/poison.h"

/* A report stands here once for each of its result types; old ones have no
 * reporter. */
#define REPORTS                                                                \
	"SELECT x.report, r.domain, "                                          \
	"CASE WHEN r.reporter = '' THEN r.org ELSE r.reporter END, "           \
	"r.proof, r.begins, r.body FROM report_result x "                      \
	"JOIN report r ON r.tenant = x.tenant AND r.id = x.report "            \
	"WHERE x.tenant = $1 AND ($2 = '' OR r.domain = $2) AND "              \
	"($3 = '' OR r.org = $3 OR r.reporter = $3) AND "                      \
	"r.begins >= $4 AND r.begins < $5 AND ($6 = '' OR x.report < $6) AND " \
	"r.counted = $7 "
#define NEWEST "ORDER BY x.report DESC"

struct list {
	struct arena *a;
	const struct store_failure_filter *filter;
	struct store_failure *items;
	size_t n, cap;
};

static bool is(struct str want, struct str s)
{
	return want.n == 0 || str_eq(want, s);
}

static bool is_wanted(const struct store_failure_filter *f,
	const struct store_report_failure *failure)
{
	return is(f->result_type, failure->result_type) &&
	       is(f->reason_code, failure->reason_code) &&
	       is(f->sending_ip, failure->sending_ip) &&
	       is(f->receiving_host, failure->receiving_host);
}

static bool keep(struct arena *a, struct str *s)
{
	*s = arena_str(a, *s);
	return s->p != NULL;
}

/* A copy of what is borrowed. */
static bool add(struct list *list, struct store_failure f)
{
	struct arena *a = list->a;
	bool good = keep(a, &f.report) && keep(a, &f.domain) &&
		    keep(a, &f.reporter) && keep(a, &f.proof) &&
		    keep(a, &f.policy_type) &&
		    keep(a, &f.failure.result_type) &&
		    keep(a, &f.failure.sending_ip) &&
		    keep(a, &f.failure.receiving_host) &&
		    keep(a, &f.failure.receiving_helo) &&
		    keep(a, &f.failure.receiving_ip) &&
		    keep(a, &f.failure.reason_code) &&
		    keep(a, &f.failure.info_uri);

	return good && VEC_PUSH(a, list, f);
}

static enum status add_policy(struct list *list,
	const struct store_failure *report, const struct store_report_policy *p,
	struct err *e)
{
	if (!is(list->filter->policy_type, p->type))
		return ST_OK;
	for (size_t i = 0; i < p->n_failures; i++) {
		struct store_failure f = *report;

		if (list->n == list->filter->limit)
			break;
		if (!is_wanted(list->filter, &p->failures[i]))
			continue;
		f.policy_type = p->type;
		f.failure = p->failures[i];
		if (!add(list, f))
			return err_set(e, ST_LIMIT, "too many rows");
	}
	return ST_OK;
}

static enum status add_report(struct store *s, struct db_stmt *q,
	struct arena *scratch, struct list *list, struct err *e)
{
	const struct store_failure report = {
		.report = store_col_bytes(s, q, 0),
		.domain = store_col_bytes(s, q, 1),
		.reporter = store_col_bytes(s, q, 2),
		.proof = store_col_bytes(s, q, 3),
		.begin = store_col_int(s, q, 4),
	};
	struct store_report_policy *policies;
	enum status st = ST_OK;
	size_t n;

	if (list->n > 0 &&
		str_eq(list->items[list->n - 1].report, report.report))
		return ST_OK;
	arena_reset(scratch);
	if (report_body_read(
		    scratch, store_col_bytes(s, q, 5), &policies, &n) != ST_OK)
		return err_set(e, ST_PERM, "the database is damaged");
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = add_policy(list, &report, &policies[i], e);
	return st;
}

enum status store_failure_list(struct store *s, struct arena *a,
	const struct store_failure_filter *f, struct store_failure **out,
	size_t *n, struct err *e)
{
	const struct db_arg args[] = { DB_T(f->tenant), DB_T(f->domain),
		DB_T(f->reporter), DB_I(f->from),
		DB_I(f->to == 0 ? INT64_MAX : f->to), DB_T(f->before),
		DB_I(STORE_REPORT_COUNTED), DB_T(f->result_type) };
	struct list list = { .a = a, .filter = f };
	struct arena *scratch = arena_must(0);
	struct db_stmt *q = NULL;
	bool more = true;
	enum status st;

	/* A result type has an index of its own. */
	st = f->result_type.n > 0
		     ? store_query(s, REPORTS "AND x.result_type = $8 " NEWEST,
			       args, 8, &q, e)
		     : store_query(s, REPORTS NEWEST, args, 7, &q, e);
	while (st == ST_OK && list.n < f->limit) {
		st = store_step(s, q, &more, e);
		if (st != ST_OK || !more)
			break;
		st = add_report(s, q, scratch, &list, e);
	}
	if (q != NULL)
		store_done(s, q);
	if (st == ST_OK) {
		*out = list.items;
		*n = list.n;
	}
	arena_free(&scratch);
	return st;
}
