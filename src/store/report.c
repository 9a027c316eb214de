/* SPDX-License-Identifier: Apache-2.0 */
/* report: TLS reports taken in, with their policies and failures. */
#include "proto/tlsrpt_text.h"
#include "store/report_body.h"
#include "store/report_result.h"
#include "store/rollup.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

/* A report with what of it stands in its row for the queries alone. */
struct whole {
	struct store_report report;
	struct str body;    /* its policies and failures (report_body.h) */
	int64_t ok, failed; /* the largest of its policies' */
};

#define AT(member) offsetof(struct store_report, member)
#define HEAD_COLUMNS 21 /* without what is for queries */

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("domain", COL_TEXT, AT(domain)),
	COLUMN("org", COL_TEXT, AT(org)),
	COLUMN("reporter", COL_TEXT, AT(reporter)),
	COLUMN("report_id", COL_TEXT, AT(report_id)),
	COLUMN("contact", COL_TEXT, AT(contact)),
	COLUMN("begins", COL_INT, AT(begin)),
	COLUMN("ends", COL_INT, AT(end)),
	COLUMN("received", COL_INT, AT(received)),
	COLUMN("via", COL_TEXT, AT(via)),
	COLUMN("proof", COL_TEXT, AT(proof)),
	COLUMN("raw_name", COL_TEXT, AT(raw_name)),
	COLUMN("raw_sha256", COL_TEXT, AT(raw_sha256)),
	COLUMN("quirks", COL_TEXT, AT(quirks)),
	COLUMN_ENUM("state", AT(state), STORE_REPORT_STATES - 1),
	COLUMN("dkim", COL_TEXT, AT(dkim)),
	COLUMN("dkim_domain", COL_TEXT, AT(dkim_domain)),
	COLUMN("dkim_aligned", COL_BOOL, AT(dkim_aligned)),
	COLUMN("why", COL_WORDS, AT(why)),
	COLUMN_ENUM("counted", AT(counted), STORE_REPORT_SETTLED),
	COLUMN("body", COL_BYTES, offsetof(struct whole, body)),
	COLUMN("ok", COL_INT, offsetof(struct whole, ok)),
	COLUMN("failed", COL_INT, offsetof(struct whole, failed)),
};
static const struct table whole = TABLE("report", struct whole, columns, 2);
static const struct table report = { .name = "report",
	.columns = columns,
	.n = HEAD_COLUMNS,
	.n_key = 2,
	.row_size = sizeof(struct store_report) };

const char *store_report_state_name(enum store_report_state state)
{
	static const char *const names[] = {
		[STORE_REPORT_ACCEPTED] = "accepted",
		[STORE_REPORT_QUARANTINED] = "quarantined",
		[STORE_REPORT_IGNORED] = "ignored",
	};

	return names[state];
}

#define DKIM "dkim:"

enum { UNAUTHENTICATED, IMPORTED, SIGNED };

static int proof_level(struct str proof)
{
	if (str_starts(proof, STR(DKIM)))
		return SIGNED;
	return str_eq(proof, STR("import")) ? IMPORTED : UNAUTHENTICATED;
}

/*
 * Does the row that is there make the new one superfluous? A signature speaks
 * for its own domain: anybody can sign a report that names another sender.
 */
static bool covers(const struct store_report *old, const struct store_report *r)
{
	int level = proof_level(r->proof);

	/* A signed report about another domain, sent on to this one, may have
	 * the ID of one that is about it. */
	if (old->state != STORE_REPORT_ACCEPTED &&
		r->state == STORE_REPORT_ACCEPTED)
		return str_eq(old->raw_sha256, r->raw_sha256);
	switch (proof_level(old->proof)) {
	case UNAUTHENTICATED:
		return level == UNAUTHENTICATED &&
		       str_eq(old->raw_sha256, r->raw_sha256);
	case IMPORTED:
		return level <= IMPORTED;
	default:
		if (level == SIGNED)
			return str_eq(old->proof, r->proof);
		return tlsrpt_signs_for(str_from(old->proof, sizeof(DKIM) - 1),
			tlsrpt_contact_domain(r->contact));
	}
}

/*
 * Does the new report stand for the row that is there, as it came with a better
 * proof? What is counted for good stays, and what is in quarantine is evidence.
 */
static bool replaces(
	const struct store_report *r, const struct store_report *old)
{
	return old->counted == STORE_REPORT_COUNTED &&
	       r->state == STORE_REPORT_ACCEPTED &&
	       proof_level(r->proof) > proof_level(old->proof) &&
	       covers(r, old);
}

static enum status read_body(struct arena *a, struct whole *row, struct err *e)
{
	enum status st = report_body_read(
		a, row->body, &row->report.policies, &row->report.n_policies);

	if (st == ST_INVALID)
		return err_set(e, ST_PERM, "the database is damaged");
	return st == ST_OK ? ST_OK : err_set(e, st, "the report is too long");
}

/* With its rows, and what they added. */
static enum status drop(
	struct store *s, const struct store_report *r, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_report got;
	enum status st = ST_OK;

	if (r->counted == STORE_REPORT_COUNTED) {
		st = store_report_get(s, a, r->tenant, r->id, &got, e);
		if (st == ST_OK)
			st = rollup_report(s, &got, -1, e);
	}
	/* The schema drops its results with it. */
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM report WHERE tenant = $1 AND id = $2",
			ARGS(DB_T(r->tenant), DB_T(r->id)), NULL, e);
	arena_free(&a);
	return st;
}

/* Is r known already? If not, drops those that it proves better. */
static enum status make_room(struct store *s, const struct store_report *r,
	bool *known, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_report *rows;
	enum status st;
	size_t n;

	st = table_list(s, a, &report,
		"WHERE tenant = $1 AND domain = $2 AND org = $3 "
		"AND report_id = $4 AND begins = $5 AND ends = $6",
		ARGS(DB_T(r->tenant), DB_T(r->domain), DB_T(r->org),
			DB_T(r->report_id), DB_I(r->begin), DB_I(r->end)),
		&rows, &n, e);
	*known = false;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		*known |= covers(&rows[i], r);
	for (size_t i = 0; st == ST_OK && !*known && i < n; i++)
		if (replaces(r, &rows[i]))
			st = drop(s, &rows[i], e);
	arena_free(&a);
	return st;
}

static enum status add_rows(
	struct store *s, const struct store_report *r, struct err *e)
{
	bool accepted = r->state == STORE_REPORT_ACCEPTED;
	struct arena *a = arena_must(0);
	struct whole row = { .report = *r };
	char reporter[ROLLUP_TEXT_MAX];
	enum status st;

	row.report.reporter = rollup_reporter(reporter, r);
	row.report.counted = accepted ? STORE_REPORT_COUNTED
				      : STORE_REPORT_UNCOUNTED;
	report_result_largest(r, &row.ok, &row.failed);
	st = report_body_write(a, r->policies, r->n_policies, &row.body, e);
	if (st == ST_OK)
		st = table_insert(s, &whole, &row, e);
	if (st == ST_OK && accepted)
		st = report_result_add(s, r, e);
	if (st == ST_OK && accepted)
		st = rollup_report(s, &row.report, 1, e);
	arena_free(&a);
	return st;
}

enum status store_report_add(struct store *s, const struct store_report *r,
	bool *added, struct err *e)
{
	bool own, known = false;
	enum status st;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = make_room(s, r, &known, e);
	if (st == ST_OK && !known)
		st = add_rows(s, r, e);
	st = store_leave(s, own, st, e);
	if (st == ST_OK && added != NULL)
		*added = !known;
	return st;
}

enum status store_report_get(struct store *s, struct arena *a,
	struct str tenant, struct str id, struct store_report *out,
	struct err *e)
{
	struct whole row;
	enum status st;

	st = table_get(s, a, &whole,
		"WHERE tenant = $1 AND id = $2 AND counted < 2",
		ARGS(DB_T(tenant), DB_T(id)), &row, e);
	if (st == ST_OK)
		st = read_body(a, &row, e);
	if (st == ST_OK)
		*out = row.report;
	return st;
}

#define PAGE                                                                   \
	"WHERE tenant = $1 AND ($2 = '' OR domain = $2) "                      \
	"AND begins >= $3 AND begins < $4 AND ($5 = '' OR id < $5) "           \
	"AND state = $6 AND counted < 2 "
#define NEWEST "ORDER BY id DESC LIMIT $7"

/* Those that are not accepted, few among many, have an index of their own. */
static const char *page_of(const struct store_report_filter *f)
{
	return f->state == STORE_REPORT_ACCEPTED ? PAGE NEWEST
						 : PAGE "AND state > 0 " NEWEST;
}

static enum status list_whole(struct store *s, struct arena *a,
	const char *page, const struct db_arg args[7],
	struct store_report **out, size_t *n, struct err *e)
{
	struct store_report *reports = NULL;
	struct whole *rows;
	enum status st = table_list(s, a, &whole, page, args, 7, &rows, n, e);

	if (st == ST_OK)
		reports = arena_array(a, *n, sizeof(*reports));
	if (st == ST_OK && reports == NULL)
		st = err_set(e, ST_LIMIT, "too many reports");
	for (size_t i = 0; st == ST_OK && i < *n; i++) {
		st = read_body(a, &rows[i], e);
		reports[i] = rows[i].report;
	}
	*out = reports;
	return st;
}

enum status store_report_list(struct store *s, struct arena *a,
	const struct store_report_filter *f, bool with_rows,
	struct store_report **out, size_t *n, struct err *e)
{
	const struct db_arg args[] = { DB_T(f->tenant), DB_T(f->domain),
		DB_I(f->from), DB_I(f->to == 0 ? INT64_MAX : f->to),
		DB_T(f->before), DB_I((int64_t)f->state),
		DB_I((int64_t)f->limit) };
	const char *page = page_of(f);
	struct store_report *rows;
	enum status st;
	size_t have;

	st = with_rows ? list_whole(s, a, page, args, &rows, &have, e)
		       : table_list(
				 s, a, &report, page, args, 7, &rows, &have, e);
	if (st == ST_OK) {
		*out = rows;
		*n = have;
	}
	return st;
}

static enum status state_of(
	int64_t value, enum store_report_state *out, struct err *e)
{
	if (value < 0 || value >= STORE_REPORT_STATES)
		return err_set(e, ST_PERM, "the database is damaged");
	*out = (enum store_report_state)value;
	return ST_OK;
}

enum status store_report_rule_get(struct store *s, struct str tenant,
	struct store_report_rule *out, struct err *e)
{
	struct store_report_rule rule;
	int64_t v[2];
	enum status st = store_ints(s,
		"SELECT unproven_mail, unproven_post FROM tenant "
		"WHERE id = $1",
		ARGS(DB_T(tenant)), v, 2, e);

	if (st == ST_OK)
		st = state_of(v[0], &rule.mail, e);
	if (st == ST_OK)
		st = state_of(v[1], &rule.post, e);
	if (st == ST_OK)
		*out = rule;
	return st;
}

enum status store_report_rule_put(struct store *s, struct str tenant,
	const struct store_report_rule *rule, struct err *e)
{
	int64_t changed = 0;
	enum status st = store_run(s,
		"UPDATE tenant SET unproven_mail = $1, unproven_post = $2 "
		"WHERE id = $3",
		ARGS(DB_I((int64_t)rule->mail), DB_I((int64_t)rule->post),
			DB_T(tenant)),
		&changed, e);

	if (st == ST_OK && changed == 0)
		st = err_set(e, ST_NOTFOUND, "no such tenant");
	return st;
}

struct count_row {
	enum store_report_state state;
	bool unproven;
	int64_t n;
};

static const struct column count_columns[] = {
	COLUMN_ENUM("state", offsetof(struct count_row, state),
		STORE_REPORT_STATES - 1),
	COLUMN("CASE WHEN proof = '' THEN 1 ELSE 0 END AS unproven", COL_BOOL,
		offsetof(struct count_row, unproven)),
	COLUMN("COUNT(*)", COL_INT, offsetof(struct count_row, n)),
};
static const struct table counts = TABLE(
	"report", struct count_row, count_columns, 2);

enum status store_report_count(struct store *s, struct str tenant,
	struct store_report_counts *out, struct err *e)
{
	struct store_report_counts found = {};
	struct arena *a = arena_must(0);
	struct count_row *rows;
	size_t n = 0;
	enum status st = table_list(s, a, &counts,
		"WHERE tenant = $1 AND counted < 2 GROUP BY state, unproven",
		ARGS(DB_T(tenant)), &rows, &n, e);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		*(rows[i].unproven ? &found.unproven[rows[i].state]
				   : &found.proven[rows[i].state]) = rows[i].n;
	if (st == ST_OK)
		*out = found;
	arena_free(&a);
	return st;
}

enum status store_report_drop_raw(
	struct store *s, struct str raw_name, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_report *rows;
	enum status st;
	size_t n;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		goto out;
	st = table_list(s, a, &report, "WHERE raw_name = $1 AND counted < 2",
		ARGS(DB_T(raw_name)), &rows, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = drop(s, &rows[i], e);
	st = store_leave(s, own, st, e);
out:
	arena_free(&a);
	return st;
}

enum status store_report_has_raw(
	struct store *s, struct str raw_name, bool *out, struct err *e)
{
	int64_t there;
	enum status st = store_ints(s,
		"SELECT 1 FROM report WHERE raw_name = $1 LIMIT 1",
		ARGS(DB_T(raw_name)), &there, 1, e);

	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	*out = st == ST_OK;
	return ST_OK;
}

#define BAD(member) offsetof(struct store_bad_report, member)

static const struct column bad_columns[] = {
	COLUMN("name", COL_TEXT, BAD(name)),
	COLUMN("via", COL_TEXT, BAD(via)),
	COLUMN("label", COL_WORDS, BAD(label)),
	COLUMN("remote", COL_WORDS, BAD(remote)),
	COLUMN("received", COL_INT, BAD(received)),
	COLUMN("bytes", COL_INT, BAD(bytes)),
	COLUMN("reason", COL_WORDS, BAD(reason)),
};
static const struct table bad_report = TABLE(
	"bad_report", struct store_bad_report, bad_columns, 1);

enum status store_bad_report_put(
	struct store *s, const struct store_bad_report *b, struct err *e)
{
	return table_upsert(s, &bad_report, b, e);
}

enum status store_bad_report_list(struct store *s, struct arena *a,
	struct str before, size_t limit, struct store_bad_report **out,
	size_t *n, struct err *e)
{
	return table_list(s, a, &bad_report,
		"WHERE ($1 = '' OR name < $1) ORDER BY name DESC LIMIT $2",
		ARGS(DB_T(before), DB_I((int64_t)limit)), out, n, e);
}

enum status store_bad_report_drop(
	struct store *s, struct str name, struct err *e)
{
	return store_run(s, "DELETE FROM bad_report WHERE name = $1",
		ARGS(DB_T(name)), NULL, e);
}

enum status store_bad_report_prune(struct store *s, int64_t before,
	size_t limit, int64_t *n, struct err *e)
{
	return store_run(s,
		"DELETE FROM bad_report WHERE name IN ("
		"SELECT name FROM bad_report WHERE received < $1 "
		"ORDER BY received LIMIT $2)",
		ARGS(DB_I(before), DB_I((int64_t)limit)), n, e);
}
