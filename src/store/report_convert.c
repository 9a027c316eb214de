/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_convert: the tables report_policy and report_failure, as they were up
 * to schema 10.
 */
#include "store/report_convert.h"
#include "store/report_body.h"
#include "store/report_result.h"
#include "store/table.h"

#include "base/poison.h"

#define PIECE 500 /* reports */

struct policy_row {
	int64_t no;
	struct store_report_policy policy;
};

#define POLICY(member) offsetof(struct policy_row, policy.member)

static const struct column policy_columns[] = {
	COLUMN("policy_no", COL_INT, offsetof(struct policy_row, no)),
	COLUMN("type", COL_TEXT, POLICY(type)),
	COLUMN("domain", COL_TEXT, POLICY(domain)),
	COLUMN("strings", COL_BLOBS, POLICY(strings)),
	COLUMN("mx", COL_BLOBS, POLICY(mx)),
	COLUMN("ok", COL_INT, POLICY(ok)),
	COLUMN("failed", COL_INT, POLICY(failed)),
};
static const struct table policies = TABLE(
	"report_policy", struct policy_row, policy_columns, 1);

#define FAILURE(member) offsetof(struct store_report_failure, member)

static const struct column failure_columns[] = {
	COLUMN("result_type", COL_TEXT, FAILURE(result_type)),
	COLUMN("sending_ip", COL_TEXT, FAILURE(sending_ip)),
	COLUMN("receiving_host", COL_TEXT, FAILURE(receiving_host)),
	COLUMN("receiving_helo", COL_TEXT, FAILURE(receiving_helo)),
	COLUMN("receiving_ip", COL_TEXT, FAILURE(receiving_ip)),
	COLUMN("reason_code", COL_TEXT, FAILURE(reason_code)),
	COLUMN("info_uri", COL_TEXT, FAILURE(info_uri)),
	COLUMN("sessions", COL_INT, FAILURE(sessions)),
};
static const struct table failures = TABLE(
	"report_failure", struct store_report_failure, failure_columns, 0);

static const struct column head_columns[] = {
	COLUMN("tenant", COL_TEXT, offsetof(struct store_report, tenant)),
	COLUMN("id", COL_TEXT, offsetof(struct store_report, id)),
	COLUMN_ENUM("state", offsetof(struct store_report, state),
		STORE_REPORT_STATES - 1),
};
static const struct table heads = TABLE(
	"report", struct store_report, head_columns, 2);

static enum status read_rows(
	struct store *s, struct arena *a, struct store_report *r, struct err *e)
{
	const struct db_arg args[] = { DB_T(r->tenant), DB_T(r->id) };
	struct policy_row *rows = NULL;
	size_t n = 0;
	enum status st = table_list(s, a, &policies,
		"WHERE tenant = $1 AND report = $2 ORDER BY policy_no", args, 2,
		&rows, &n, e);

	r->n_policies = n;
	r->policies = arena_array(a, n, sizeof(*r->policies));
	if (st == ST_OK && r->policies == NULL)
		st = err_set(e, ST_LIMIT, "out of memory");
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct store_report_policy *p = &r->policies[i];

		*p = rows[i].policy;
		st = table_list(s, a, &failures,
			"WHERE tenant = $1 AND report = $2 AND policy_no = $3 "
			"ORDER BY failure_no",
			ARGS(args[0], args[1], DB_I(rows[i].no)), &p->failures,
			&p->n_failures, e);
	}
	return st;
}

static enum status convert(
	struct store *s, struct store_report *r, struct err *e)
{
	struct arena *a = arena_must(0);
	struct db_arg body = { .type = DB_BYTES };
	enum status st = read_rows(s, a, r, e);
	int64_t ok, failed;

	if (st == ST_OK)
		st = report_body_write(
			a, r->policies, r->n_policies, &body.str, e);
	if (st == ST_OK && r->state == STORE_REPORT_ACCEPTED)
		st = report_result_add(s, r, e);
	if (st == ST_OK) {
		report_result_largest(r, &ok, &failed);
		st = store_run(s,
			"UPDATE report SET body = $1, ok = $2, failed = $3 "
			"WHERE tenant = $4 AND id = $5",
			ARGS(body, DB_I(ok), DB_I(failed), DB_T(r->tenant),
				DB_T(r->id)),
			NULL, e);
	}
	arena_free(&a);
	return st;
}

enum status report_convert_bodies(struct store *s, struct err *e)
{
	struct arena *a = arena_must(0), *before = NULL;
	struct store_report last = {}, *rows;
	enum status st;
	size_t n;

	do {
		st = table_list(s, a, &heads,
			"WHERE (tenant, id) > ($1, $2) AND counted < 2 "
			"ORDER BY tenant, id LIMIT $3",
			ARGS(DB_T(last.tenant), DB_T(last.id), DB_I(PIECE)),
			&rows, &n, e);
		for (size_t i = 0; st == ST_OK && i < n; i++)
			st = convert(s, &rows[i], e);
		if (st == ST_OK && n > 0)
			last = rows[n - 1];
		arena_free(&before);
		before = a; /* where last lies */
		a = arena_must(0);
	} while (st == ST_OK && n == PIECE);
	arena_free(&before);
	arena_free(&a);
	return st;
}
