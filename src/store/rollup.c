/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup: sums by domain and day. n counts what was added to a row: at 0 the
 * row goes, so that what was added and subtracted leaves no trace.
 */
#include "base/clock.h"
#include "base/sbuf.h"
#include "proto/tlsrpt_meaning.h"
#include "proto/tlsrpt_text.h"
#include "store/rollup.h"
#include "store/table.h"

#include "base/poison.h"

#define KEY "tenant, domain, kind, day, unproven, policy_type, k1, k2, k3"

struct row {
	struct str tenant, domain;
	enum rollup_kind kind;
	int64_t day;
	bool unproven;
	struct str policy_type, k1, k2, k3;
	enum tlsrpt_family family;
	int64_t n, ok, failed;
};

static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	/* Not within a character of UTF-8. */
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_upto(s, max);
}

static int64_t sessions_of(int64_t n)
{
	if (n < 0)
		return 0;
	return n > ROLLUP_SESSIONS_MAX ? ROLLUP_SESSIONS_MAX : n;
}

static enum status put(
	struct store *s, const struct row *u, struct str domain, struct err *e)
{
	return store_run(s,
		"INSERT INTO rollup (" KEY ", family, n, ok, failed) VALUES "
		"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
		"ON CONFLICT (" KEY ") DO UPDATE SET n = rollup.n + excluded.n,"
		" ok = rollup.ok + excluded.ok,"
		" failed = rollup.failed + excluded.failed",
		ARGS(DB_T(u->tenant), DB_T(domain), DB_I((int64_t)u->kind),
			DB_I(u->day), DB_I(u->unproven), DB_T(u->policy_type),
			DB_T(u->k1), DB_T(u->k2), DB_T(u->k3),
			DB_I((int64_t)u->family), DB_I(u->n), DB_I(u->ok),
			DB_I(u->failed)),
		NULL, e);
}

/* Does nothing where the day has been dropped for its age. */
static enum status take(
	struct store *s, const struct row *u, struct str domain, struct err *e)
{
	enum status st = store_run(s,
		"UPDATE rollup SET n = n + $1, ok = ok + $2, failed = failed + "
		"$3 WHERE tenant = $4 AND domain = $5 AND kind = $6 AND "
		"day = $7 AND unproven = $8 AND policy_type = $9 "
		"AND k1 = $10 AND k2 = $11 AND k3 = $12",
		ARGS(DB_I(u->n), DB_I(u->ok), DB_I(u->failed), DB_T(u->tenant),
			DB_T(domain), DB_I((int64_t)u->kind), DB_I(u->day),
			DB_I(u->unproven), DB_T(u->policy_type), DB_T(u->k1),
			DB_T(u->k2), DB_T(u->k3)),
		NULL, e);

	if (st != ST_OK)
		return st;
	return store_run(s,
		"DELETE FROM rollup WHERE tenant = $1 AND domain = $2 AND "
		"kind = $3 AND day = $4 AND unproven = $5 AND policy_type = $6 "
		"AND k1 = $7 AND k2 = $8 AND k3 = $9 AND n <= 0",
		ARGS(DB_T(u->tenant), DB_T(domain), DB_I((int64_t)u->kind),
			DB_I(u->day), DB_I(u->unproven), DB_T(u->policy_type),
			DB_T(u->k1), DB_T(u->k2), DB_T(u->k3)),
		NULL, e);
}

static enum status add(struct store *s, const struct row *u, struct err *e)
{
	enum status (*one)(struct store *, const struct row *, struct str,
		struct err *) = u->n > 0 ? put : take;
	enum status st = one(s, u, STR(""), e);

	if (st == ST_OK && u->domain.n > 0)
		st = one(s, u, u->domain, e);
	return st;
}

/* The lines of a policy with line feeds between them. */
static struct str policy_text(struct arena *a, const struct store_strs *lines)
{
	size_t max = ROLLUP_POLICY_MAX + 4;
	struct sbuf b = sbuf_arena(a, max);

	for (size_t i = 0; i < lines->n && b.n < ROLLUP_POLICY_MAX; i++) {
		if (i > 0)
			sbuf_addc(&b, '\n');
		sbuf_add(&b, str_upto(lines->items[i], max - b.n));
	}
	return cut(sbuf_str(&b), ROLLUP_POLICY_MAX);
}

static struct str mx_name(struct arena *a, struct str host)
{
	char *p = arena_alloc(a, host.n + 1);
	struct str name = { p, host.n };

	if (p == NULL)
		return host;
	str_lower(p, host);
	return str_ends(name, STR(".")) ? str_upto(name, name.n - 1) : name;
}

static enum status add_failure(struct store *s, struct arena *a,
	const struct row *policy, const struct store_report_failure *f,
	struct err *e)
{
	struct row u = *policy;
	struct str org = u.k1;
	enum status st;

	u.ok = 0;
	u.failed = u.n * sessions_of(f->sessions);
	u.kind = ROLLUP_RESULT;
	u.family = tlsrpt_family_of(f->result_type);
	u.k1 = cut(f->result_type, ROLLUP_TEXT_MAX);
	u.k2 = cut(mx_name(a, f->receiving_host), ROLLUP_TEXT_MAX);
	u.k3 = cut(f->reason_code, ROLLUP_TEXT_MAX);
	st = add(s, &u, e);
	u.kind = ROLLUP_SOURCE;
	u.k3 = u.k1;
	u.k1 = org;
	u.k2 = cut(tlsrpt_ip_canonical(a, f->sending_ip), ROLLUP_TEXT_MAX);
	return st == ST_OK ? add(s, &u, e) : st;
}

static enum status add_policy(struct store *s, struct arena *a,
	const struct store_report *r, const struct store_report_policy *p,
	int sign, struct err *e)
{
	struct row u = { .tenant = r->tenant,
		.domain = r->domain,
		.kind = ROLLUP_DAY,
		.day = rollup_day(r),
		.unproven = r->proof.n == 0,
		.policy_type = cut(p->type, ROLLUP_TEXT_MAX),
		.n = sign,
		.ok = sign * sessions_of(p->ok),
		.failed = sign * sessions_of(p->failed) };
	enum status st = add(s, &u, e);

	u.kind = ROLLUP_POLICY;
	u.k1 = cut(r->org, ROLLUP_TEXT_MAX);
	u.k2 = policy_text(a, &p->strings);
	if (st == ST_OK)
		st = add(s, &u, e);
	u.k2 = STR("");
	for (size_t i = 0; st == ST_OK && i < p->n_failures; i++)
		st = add_failure(s, a, &u, &p->failures[i], e);
	return st;
}

enum status rollup_report(
	struct store *s, const struct store_report *r, int sign, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < r->n_policies; i++)
		st = add_policy(s, a, r, &r->policies[i], sign, e);
	arena_free(&a);
	return st;
}

enum status rollup_erase(struct store *s, struct str tenant, struct str domain,
	int64_t from, int64_t to, struct err *e)
{
	enum status st;

	if (domain.n == 0)
		return store_run(s,
			"DELETE FROM rollup WHERE tenant = $1 AND day >= $2 "
			"AND day < $3",
			ARGS(DB_T(tenant), DB_I(from), DB_I(to)), NULL, e);
	st = store_run(s,
		"INSERT INTO rollup (" KEY ", family, n, ok, failed) SELECT "
		"tenant, '', kind, day, unproven, policy_type, k1, k2, k3, "
		"family, -n, -ok, -failed FROM rollup WHERE tenant = $1 AND "
		"domain = $2 AND "
		"day >= $3 AND day < $4 "
		"ON CONFLICT (" KEY ") DO UPDATE SET n = rollup.n + excluded.n,"
		" ok = rollup.ok + excluded.ok,"
		" failed = rollup.failed + excluded.failed",
		ARGS(DB_T(tenant), DB_T(domain), DB_I(from), DB_I(to)), NULL,
		e);
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM rollup WHERE tenant = $1 AND day >= $2 "
			"AND day < $3 AND (domain = $4 OR n <= 0)",
			ARGS(DB_T(tenant), DB_I(from), DB_I(to), DB_T(domain)),
			NULL, e);
	return st;
}

int64_t rollup_day(const struct store_report *r)
{
	int64_t day = r->begin / UTC_DAY_S;

	return r->begin < 0 && r->begin % UTC_DAY_S != 0 ? day - 1 : day;
}
