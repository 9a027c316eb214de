/* SPDX-License-Identifier: Apache-2.0 */
/* The view or the database is lost; and what is old is deleted. */
#include <sys/stat.h>

#include "tests/hosting/keeper_fixture.h"

#include "base/poison.h"

static void zone_serial(struct world *t, uint32_t *serial)
{
	struct view_zone z;

	OK(view_zone_get(t->v, t->a, &z));
	*serial = z.serial;
}

/* The view goes missing, is damaged, is asked for anew: it comes back. */
static void the_view_heals(void **state)
{
	struct world *t = *state;
	struct view_host h;
	uint32_t before, after;
	struct stat st;

	(void)add(t);
	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	zone_serial(t, &before);
	for (int round = 0; round < 3; round++) {
		if (round == 0)
			assert_int_equal(unlink(t->path), 0);
		if (round == 1)
			assert_int_equal(truncate(t->path, 8192), 0);
		if (round == 2)
			OK(store_change_add(t->s, STORE_CHANGE_REBUILD,
				STR("system"), STR(""), NULL, &t->e));
		t->now += 2;
		keeper_step(t->k);
		t->now += 2;
		assert_int_equal(stat(t->path, &st), 0);
		OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
		assert_int_equal(h.n_chain, 1);
		/* Secondaries must see a newer zone, whatever was lost. */
		zone_serial(t, &after);
		assert_true(dns_serial_newer(after, before));
		before = after;
	}
	/* A new keeper goes on with the file; with other settings it builds. */
	keeper_close(&t->k);
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	t->now += 2;
	zone_serial(t, &after);
	assert_int_equal(before, after);
	keeper_close(&t->k);
	t->zone.n_edge = 1;
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	t->now += 2;
	zone_serial(t, &after);
	assert_true(dns_serial_newer(after, before));
}

/* Promise 4 at this level: no database, no keeper, a fresh reader. */
static void the_database_is_gone(void **state)
{
	struct world *t = *state;
	char away[128];
	struct view_host h;
	struct str text;
	struct store_domain d = add(t);

	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	keeper_close(&t->k);
	store_close(&t->s);
	(void)snprintf(away, sizeof(away), "%s.away", t->db);
	assert_int_equal(rename(t->db, away), 0);
	view_close(&t->v);
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_true(str_eq(h.policy, d.policy_body));
	assert_int_equal(h.n_chain, 1);
	text = txt(t, "_mta-sts.", d.label);
	assert_true(text.n > 0);
}

/* A restarted role makes an empty database: the view must outlive that. */
static void an_empty_database_empties_nothing(void **state)
{
	struct world *t = *state;
	char away[128];
	struct view_host h;

	(void)add(t);
	found(t, PROOF_SEEN_US);
	add_cert(t, ID_A);
	go_on(t);
	keeper_close(&t->k);
	store_close(&t->s);
	(void)snprintf(away, sizeof(away), "%s.away", t->db);
	assert_int_equal(rename(t->db, away), 0);
	OK(store_open(t->db, &t->s, &t->e));
	for (int i = 0; i < 20; i++)
		OK(store_change_add(t->s, STORE_CHANGE_DOMAIN,
			STORE_TENANT_DEFAULT, STR("example.com"), NULL, &t->e));
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	go_on(t);
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h));
	assert_int_equal(h.n_chain, 1);
	/* Until somebody says that it is meant. */
	OK(store_change_add(t->s, STORE_CHANGE_REBUILD, STR("system"), STR(""),
		NULL, &t->e));
	go_on(t);
	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &h),
		ST_NOTFOUND);
}

static size_t old_reports(struct world *t)
{
	struct store_report_filter all = { .tenant = STORE_TENANT_DEFAULT,
		.limit = 1000 };
	struct store_report *rows;
	size_t n;

	OK(store_report_list(t->s, t->a, &all, false, &rows, &n, &t->e));
	return n;
}

/* Once a day, some at a time: a change need not wait for all of it. */
static void old_rows_end(void **state)
{
	struct world *t = *state;
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT };
	struct store_bad_report *bad,
		b = { .name = STR("b"), .received = NOW - 10 };
	size_t n;

	t->options.report_keep_s = UTC_DAY_S;
	keeper_close(&t->k);
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	keeper_step(t->k);
	OK(store_begin(t->s, &t->e));
	for (int i = 0; i < 700; i++) {
		r.id = store_new_id(t->a);
		r.raw_sha256 = r.id;
		r.received = NOW - 10 + (i == 0 ? 1000 : 0);
		OK(store_report_add(t->s, &r, NULL, &t->e));
	}
	OK(store_bad_report_put(t->s, &b, &t->e));
	OK(store_commit(t->s, &t->e));
	t->now = NOW + UTC_DAY_S - 1;
	go_on(t);
	assert_int_equal(old_reports(t), 1);
	OK(store_bad_report_list(t->s, t->a, STR(""), 9, &bad, &n, &t->e));
	assert_int_equal(n, 0);
	t->now += 2000;
	go_on(t);
	assert_int_equal(old_reports(t), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_view_heals),
		T(the_database_is_gone),
		T(an_empty_database_empties_nothing),
		T(old_rows_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
