/* SPDX-License-Identifier: Apache-2.0 */
/* rollup: sums by domain and day; rollup_sums.h writes them. */
#include <stdlib.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/sbuf.h"
#include "proto/host_name.h"
#include "proto/tlsrpt_meaning.h"
#include "proto/tlsrpt_text.h"
#include "store/rollup.h"
#include "store/rollup_sums.h"
#include "store/table.h"

#include "base/poison.h"

#define DKIM "dkim:"

static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	/* Not within a character of UTF-8. */
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_upto(s, max);
}

int64_t rollup_sessions(int64_t n)
{
	if (n < 0)
		return 0;
	return n > ROLLUP_SESSIONS_MAX ? ROLLUP_SESSIONS_MAX : n;
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

static void add_result(struct store *s, struct arena *a,
	const struct rollup_row *policy, const struct store_report_failure *f)
{
	struct rollup_row u = *policy;

	u.failed = u.n * rollup_sessions(f->sessions);
	u.of.kind = ROLLUP_RESULT;
	u.of.family = tlsrpt_family_of(f->result_type);
	u.of.k1 = cut(f->result_type, ROLLUP_TEXT_MAX);
	u.of.k2 = cut(mx_name(a, f->receiving_host), ROLLUP_TEXT_MAX);
	u.of.k3 = cut(f->reason_code, ROLLUP_TEXT_MAX);
	rollup_sums_add(store_sums(s), &u);
}

/* What one address had of one result type. */
struct source {
	struct str address, result_type;
	int64_t n, failed;
	size_t no; /* the order they come in */
};

static int by_failed(const void *a, const void *b)
{
	const struct source *x = *(struct source *const *)a;
	const struct source *y = *(struct source *const *)b;

	if (x->failed != y->failed)
		return x->failed > y->failed ? -1 : 1;
	return x->no < y->no ? -1 : 1;
}

static struct source source_of(
	struct arena *a, const struct store_report_failure *f)
{
	return (struct source){
		.address = cut(
			tlsrpt_ip_canonical(a, f->sending_ip), ROLLUP_TEXT_MAX),
		.result_type = cut(f->result_type, ROLLUP_TEXT_MAX),
		.n = 1,
		.failed = rollup_sessions(f->sessions),
	};
}

/* Adds it to the one of its address and result type. */
static void merge(
	struct map *known, struct arena *a, const struct source *source)
{
	char room[2 * ROLLUP_TEXT_MAX + 1];
	struct sbuf key = sbuf_fixed(room, sizeof(room));
	struct source *same;

	sbuf_add(&key, source->address);
	sbuf_addc(&key, '\0');
	sbuf_add(&key, source->result_type);
	same = map_get(known, sbuf_str(&key));
	if (same != NULL) {
		same->n += source->n;
		same->failed += source->failed;
		return;
	}
	same = arena_alloc(a, sizeof(*same));
	BUG(same == NULL);
	*same = *source;
	same->no = map_count(known);
	(void)map_put(known, sbuf_str(&key), same);
}

static void add_source(struct store *s, const struct rollup_row *policy,
	const struct source *source)
{
	struct rollup_row u = *policy;

	u.failed = u.n * source->failed;
	u.n *= source->n;
	u.of.kind = ROLLUP_SOURCE;
	u.of.family = tlsrpt_family_of(source->result_type);
	u.of.k2 = source->address;
	u.of.k3 = source->result_type;
	rollup_sums_add(store_sums(s), &u);
}

/*
 * One of those that have no row of their own: strangers make up as many names
 * of result types as addresses.
 */
static void make_other(struct source *source)
{
	source->address = STR("");
	if (tlsrpt_result_of(source->result_type) == TLSRPT_RESULT_OTHER)
		source->result_type = STR("");
}

static void add_merged(struct store *s, struct arena *a,
	const struct rollup_row *policy, const struct map *known)
{
	size_t n = map_count(known), at = 0, i = 0;
	struct source **all = arena_array(a, n, sizeof(*all));
	struct str key;
	void *value;

	BUG(all == NULL);
	while (map_next(known, &at, &key, &value))
		all[i++] = value;
	qsort(all, n, sizeof(*all), by_failed);
	for (i = 0; i < n; i++) {
		if (i >= ROLLUP_SOURCES_MAX)
			make_other(all[i]);
		add_source(s, policy, all[i]);
	}
}

/* old: of a schema in which every source had rows. */
static void add_sources(struct store *s, struct arena *a,
	const struct rollup_row *policy, const struct store_report_policy *p,
	bool old)
{
	bool many = !old && p->n_failures > ROLLUP_SOURCES_MAX;
	struct map *known = many ? map_new() : NULL;

	for (size_t i = 0; i < p->n_failures; i++) {
		struct source source = source_of(a, &p->failures[i]);

		if (many)
			merge(known, a, &source);
		else
			add_source(s, policy, &source);
	}
	if (many)
		add_merged(s, a, policy, known);
	map_free(&known);
}

static enum status add_policy(struct store *s, struct arena *a,
	const struct store_report *r, const struct store_report_policy *p,
	int sign, struct err *e)
{
	struct rollup_row u = { .of = { .tenant = r->tenant,
					.domain = r->domain,
					.kind = ROLLUP_DAY,
					.policy_type = cut(
						p->type, ROLLUP_TEXT_MAX),
					.unproven = r->proof.n == 0 },
		.day = rollup_day(r),
		.n = sign,
		.ok = sign * rollup_sessions(p->ok),
		.failed = sign * rollup_sessions(p->failed) };
	bool old = r->reporter.n == 0 && r->org.n > 0; /* before schema 10 */
	enum status st = ST_OK;

	rollup_sums_add(store_sums(s), &u);
	u.of.kind = ROLLUP_POLICY;
	u.of.k1 = r->reporter;
	if (old)
		u.of.k1 = cut(r->org, ROLLUP_TEXT_MAX);
	u.of.k2 = policy_text(a, &p->strings);
	rollup_sums_add(store_sums(s), &u);
	u.of.k2 = STR("");
	u.ok = u.failed = 0;
	add_sources(s, a, &u, p, old);
	for (size_t i = 0; st == ST_OK && i < p->n_failures; i++) {
		add_result(s, a, &u, &p->failures[i]);
		if (rollup_sums_full(store_sums(s)))
			st = rollup_write(s, e);
	}
	return st;
}

enum status rollup_report(
	struct store *s, const struct store_report *r, int sign, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = ST_OK;

	BUG(!store_in_transaction(s));
	for (size_t i = 0; st == ST_OK && i < r->n_policies; i++)
		st = add_policy(s, a, r, &r->policies[i], sign, e);
	arena_free(&a);
	return st;
}

enum status rollup_write(struct store *s, struct err *e)
{
	return rollup_sums_write(store_sums(s), s, e);
}

enum status rollup_erase(struct store *s, struct str tenant, struct str domain,
	int64_t from, int64_t to, struct err *e)
{
	enum status st = rollup_write(s, e);

	/* Out of the sums of all domains first. */
	if (st == ST_OK && domain.n > 0)
		st = store_run(s,
			"INSERT INTO rollup (tenant, series, day, n, ok, "
			"failed) SELECT r.tenant, a.id, r.day, -r.n, -r.ok, "
			"-r.failed FROM series s JOIN series a ON "
			"a.tenant = s.tenant AND a.domain = '' AND "
			"a.kind = s.kind AND a.policy_type = s.policy_type AND "
			"a.unproven = s.unproven AND a.k1 = s.k1 AND "
			"a.k2 = s.k2 AND a.k3 = s.k3 JOIN rollup r ON "
			"r.tenant = s.tenant AND r.series = s.id WHERE "
			"s.tenant = $1 AND s.domain = $2 AND r.day >= $3 AND "
			"r.day < $4 "
			"ON CONFLICT (tenant, series, day) DO UPDATE SET "
			"n = rollup.n + excluded.n, "
			"ok = rollup.ok + excluded.ok, "
			"failed = rollup.failed + excluded.failed",
			ARGS(DB_T(tenant), DB_T(domain), DB_I(from), DB_I(to)),
			NULL, e);
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM rollup WHERE tenant = $1 AND day >= $2 "
			"AND day < $3 AND ($4 = '' OR n <= 0 OR series IN "
			"(SELECT id FROM series WHERE tenant = $1 AND "
			"domain = $4))",
			ARGS(DB_T(tenant), DB_I(from), DB_I(to), DB_T(domain)),
			NULL, e);
	return st == ST_OK ? rollup_series_drop_unused(s, tenant, e) : st;
}

struct str rollup_reporter(
	char buf[ROLLUP_TEXT_MAX], const struct store_report *r)
{
	struct sbuf b = sbuf_fixed(buf, ROLLUP_TEXT_MAX);
	size_t room = ROLLUP_TEXT_MAX;
	struct str signer = {};

	if (str_starts(r->proof, STR(DKIM))) {
		signer = str_from(r->proof, sizeof(DKIM) - 1);
		signer = str_upto(signer, HOST_NAME_BYTES_MAX);
	}
	if (signer.n > 0 || str_index(r->org, ')') >= 0)
		room -= signer.n + sizeof(" ()");
	sbuf_add(&b, cut(r->org, room));
	if (room < ROLLUP_TEXT_MAX)
		sbuf_fmt(&b, "%s(%.*s)", b.n > 0 ? " " : "", STR_ARG(signer));
	return sbuf_str(&b);
}

int64_t rollup_day(const struct store_report *r)
{
	int64_t day = r->begin / UTC_DAY_S;

	return r->begin < 0 && r->begin % UTC_DAY_S != 0 ? day - 1 : day;
}
