/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_facts: what a digest mail tells of, by when reports came, not by what
 * day they are about: so nothing that is late goes untold. Each list ends one
 * row behind what is shown, which says that there are others.
 */
#include "base/bug.h"
#include "base/clock.h"
#include "store/alert.h"
#include "store/alert_own.h"
#include "store/table.h"

#include "base/poison.h"

#define ALERTS_MAX 100
#define KNOWN_S (30 * UTC_DAY_S) /* whoever reported within is not new */
#define ROWS DB_I(TLSRPT_DIGEST_ROWS_MAX + 1)

struct period {
	struct store *s;
	struct arena *a;
	struct str tenant;
	int64_t before, from, to;
};

/* counted < 2 is the condition of an index. */
#define SUMS_ROWS                                                              \
	"(SELECT CASE WHEN proof = '' THEN 1 ELSE 0 END AS unproven, ok, "     \
	"failed FROM report "                                                  \
	"WHERE tenant = $1 AND counted < 2 AND received >= $2 "                \
	"AND received < $3 AND state = 0) AS x"

/* In this order, by the index of the time they came: not by the domain's. */
#define FAILURE_ROWS                                                           \
	"(SELECT COALESCE(r.domain, '') AS domain, r.received, " REPORTER      \
	" AS who, f.result_type, f.failed AS n "                               \
	"FROM report r CROSS JOIN report_result f "                            \
	"WHERE f.tenant = r.tenant AND f.report = r.id "                       \
	"AND r.tenant = $2 AND r.counted < 2 AND r.received >= $3 "            \
	"AND r.received < $4 AND r.state = 0 AND r.proof <> '') AS x"

#define REPORTER_ROWS                                                          \
	"(SELECT r.received, " REPORTER " AS who FROM report r "               \
	"WHERE r.tenant = $2 AND r.counted < 2 AND r.received >= $3 "          \
	"AND r.received < $4 AND r.state = 0 AND r.proof <> '') AS x"

struct sums_row {
	bool unproven;
	struct tlsrpt_digest_sums sums;
};

#define SUMS(member) offsetof(struct sums_row, member)

static const struct column sums_columns[] = {
	COLUMN("unproven", COL_BOOL, SUMS(unproven)),
	COLUMN("COUNT(*)", COL_INT, SUMS(sums.reports)),
	COLUMN("CAST(SUM(ok) AS BIGINT)", COL_INT, SUMS(sums.ok)),
	COLUMN("CAST(SUM(failed) AS BIGINT)", COL_INT, SUMS(sums.failed)),
};
static const struct table sums_table = TABLE(
	SUMS_ROWS, struct sums_row, sums_columns, 1);

static enum status get_sums(const struct period *p, int64_t from, int64_t to,
	struct tlsrpt_digest_sums *proven, struct tlsrpt_digest_sums *unproven,
	struct err *e)
{
	struct sums_row *rows;
	size_t n;
	enum status st = table_list(p->s, p->a, &sums_table,
		"GROUP BY unproven",
		ARGS(DB_T(p->tenant), DB_I(from), DB_I(to)), &rows, &n, e);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (!rows[i].unproven)
			*proven = rows[i].sums;
		else if (unproven != NULL)
			*unproven = rows[i].sums;
	return st;
}

#define FAILURE(member) offsetof(struct tlsrpt_digest_failure, member)
#define NOW "CASE WHEN received >= $1 THEN n ELSE 0 END"

static const struct column failure_columns[] = {
	COLUMN("domain", COL_TEXT, FAILURE(domain)),
	COLUMN("result_type", COL_TEXT, FAILURE(result_type)),
	COLUMN("CAST(SUM(" NOW ") AS BIGINT)", COL_INT, FAILURE(failed)),
	COLUMN("COUNT(DISTINCT CASE WHEN received >= $1 THEN who END)", COL_INT,
		FAILURE(reporters)),
	COLUMN("CAST(SUM(CASE WHEN received < $1 THEN n ELSE 0 END) AS BIGINT)",
		COL_INT, FAILURE(before)),
};
static const struct table failure_table = TABLE(
	FAILURE_ROWS, struct tlsrpt_digest_failure, failure_columns, 2);

static enum status get_failures(
	const struct period *p, struct tlsrpt_digest *out, struct err *e)
{
	return table_list(p->s, p->a, &failure_table,
		"GROUP BY domain, result_type "
		"HAVING SUM(" NOW ") > 0 "
		"ORDER BY 3 DESC, domain, result_type LIMIT $5",
		ARGS(DB_I(p->from), DB_T(p->tenant), DB_I(p->before),
			DB_I(p->to), ROWS),
		&out->failures, &out->n_failures, e);
}

#define REPORT(member) offsetof(struct tlsrpt_digest_reporter, member)

static const struct column reporter_columns[] = {
	COLUMN("who", COL_TEXT, REPORT(name)),
	COLUMN("COUNT(CASE WHEN received >= $1 THEN 1 END)", COL_INT,
		REPORT(reports)),
	COLUMN("COUNT(CASE WHEN received < $1 THEN 1 END)", COL_INT,
		REPORT(before)),
};
static const struct table reporter_table = TABLE(
	REPORTER_ROWS, struct tlsrpt_digest_reporter, reporter_columns, 1);

static enum status get_reporters(
	const struct period *p, struct tlsrpt_digest *out, struct err *e)
{
	return table_list(p->s, p->a, &reporter_table,
		"GROUP BY who HAVING COUNT(CASE WHEN received >= $1 "
		"THEN 1 END) > 0 ORDER BY 2 DESC, who LIMIT $5",
		ARGS(DB_I(p->from), DB_T(p->tenant), DB_I(p->from - KNOWN_S),
			DB_I(p->to), ROWS),
		&out->reporters, &out->n_reporters, e);
}

struct alert_row {
	struct str id, domain, item, what;
	enum store_alert_kind kind;
	enum store_alert_state state;
	int64_t opened;
};

#define ALERT(member) offsetof(struct alert_row, member)

static const struct column alert_columns[] = {
	COLUMN("id", COL_TEXT, ALERT(id)),
	COLUMN("domain", COL_TEXT, ALERT(domain)),
	COLUMN("item", COL_WORDS, ALERT(item)),
	COLUMN("what", COL_WORDS, ALERT(what)),
	COLUMN_ENUM("kind", ALERT(kind), STORE_ALERT_KINDS - 1),
	COLUMN_ENUM("state", ALERT(state), STORE_ALERT_STATES - 1),
	COLUMN("opened", COL_INT, ALERT(opened)),
};
static const struct table alert_table = TABLE(
	"alert", struct alert_row, alert_columns, 1);

static enum status get_alerts(
	const struct period *p, struct tlsrpt_digest *out, struct err *e)
{
	struct tlsrpt_digest_alert *alerts;
	struct alert_row *rows;
	size_t n;
	enum status st = table_list(p->s, p->a, &alert_table,
		"WHERE tenant = $1 AND opened < $2 AND (state < 2 OR "
		"(closed >= $3 AND closed < $2)) ORDER BY state, id DESC "
		"LIMIT $4",
		ARGS(DB_T(p->tenant), DB_I(p->to), DB_I(p->from),
			DB_I(ALERTS_MAX)),
		&rows, &n, e);

	if (st != ST_OK)
		return st;
	alerts = arena_array(p->a, n + 1, sizeof(*alerts));
	BUG(alerts == NULL);
	for (size_t i = 0; i < n; i++)
		alerts[i] = (struct tlsrpt_digest_alert){ .id = rows[i].id,
			.kind = str_of(store_alert_kind_name(rows[i].kind)),
			.domain = rows[i].domain,
			.item = rows[i].item,
			.what = rows[i].what,
			.is_new = rows[i].opened >= p->from,
			.is_over = rows[i].state == STORE_ALERT_CLOSED,
			.is_known = rows[i].state == STORE_ALERT_ACKNOWLEDGED };
	out->alerts = alerts;
	out->n_alerts = n;
	return ST_OK;
}

#define DOMAIN(member) offsetof(struct tlsrpt_digest_domain, member)

static const struct column domain_columns[] = {
	COLUMN("name", COL_TEXT, DOMAIN(name)),
	COLUMN("attention", COL_WORDS, DOMAIN(attention)),
};
static const struct table domain_table = TABLE(
	"domain", struct tlsrpt_digest_domain, domain_columns, 1);

static enum status get_domains(
	const struct period *p, struct tlsrpt_digest *out, struct err *e)
{
	return table_list(p->s, p->a, &domain_table,
		"WHERE tenant = $1 AND removed = 0 AND attention <> '' "
		"ORDER BY name LIMIT $2",
		ARGS(DB_T(p->tenant), ROWS), &out->domains, &out->n_domains, e);
}

static enum status get_aside(
	const struct period *p, struct tlsrpt_digest *out, struct err *e)
{
	int64_t v[2], unread = 0;
	enum status st = store_ints(p->s,
		"SELECT COUNT(CASE WHEN state = 1 THEN 1 END), "
		"COUNT(CASE WHEN state = 2 THEN 1 END) FROM report "
		"WHERE tenant = $1 AND counted < 2 AND received >= $2 "
		"AND received < $3",
		ARGS(DB_T(p->tenant), DB_I(p->from), DB_I(p->to)), v, 2, e);

	if (st == ST_OK && str_eq(p->tenant, STORE_TENANT_DEFAULT))
		st = store_ints(p->s,
			"SELECT COUNT(*) FROM bad_report WHERE received >= $1 "
			"AND received < $2",
			ARGS(DB_I(p->from), DB_I(p->to)), &unread, 1, e);
	if (st == ST_OK) {
		out->quarantined = v[0];
		out->ignored = v[1];
		out->unreadable = unread;
	}
	return st;
}

static void name_reporters(struct tlsrpt_digest *d)
{
	for (size_t i = 0; i < d->n_reporters; i++)
		d->reporters[i].name = store_reporter_of(d->reporters[i].name);
}

enum status store_digest_get(struct store *s, struct arena *a,
	struct str tenant, bool weekly, int64_t day, struct tlsrpt_digest *out,
	struct err *e)
{
	int64_t length = (weekly ? 7 : 1) * UTC_DAY_S, from = day * UTC_DAY_S;
	const struct period p = { s, a, tenant, from - length, from,
		from + length };
	struct tlsrpt_digest d = {
		.weekly = weekly, .from = p.from, .to = p.to
	};
	enum status st = get_sums(&p, p.from, p.to, &d.sums, &d.unproven, e);

	if (st == ST_OK)
		st = get_sums(&p, p.before, p.from, &d.sums_before, NULL, e);
	if (st == ST_OK)
		st = get_failures(&p, &d, e);
	if (st == ST_OK)
		st = get_reporters(&p, &d, e);
	if (st == ST_OK)
		st = get_alerts(&p, &d, e);
	if (st == ST_OK)
		st = get_domains(&p, &d, e);
	if (st == ST_OK)
		st = get_aside(&p, &d, e);
	if (st == ST_OK) {
		name_reporters(&d);
		*out = d;
	}
	return st;
}
