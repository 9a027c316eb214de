/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/intake/digest_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intake/raw_keep.h"
#include "io/gzip.h"

#include "base/poison.h"

static void a_post_becomes_rows(void **state)
{
	struct place *p = *state;
	struct store_report *r;
	struct str packed;

	assert_int_equal(
		gzip_pack(p->a, STR(REPORT("1", "1")), &packed), ST_OK);
	put(p, SPOOL_POST, LABEL, packed);
	assert_int_equal(run(p), 1);
	r = reports(p, 1);
	assert_str(r->domain, "y.example");
	assert_str(r->org, "X");
	assert_str(r->report_id, "1");
	assert_str(r->via, "post");
	assert_str(r->proof, "");
	assert_str(r->quirks, "mx-host-string");
	assert_int_equal(r->raw_sha256.n, 64);
	assert_int_equal(r->received, 1000);
	assert_int_equal(r->end - r->begin, 86399);
	assert_int_equal(r->n_policies, 1);
	assert_str(r->policies[0].mx.items[0], "mx.y.example");
	assert_int_equal(r->policies[0].ok, 7);
	assert_int_equal(r->policies[0].failed, 1);
	assert_str(r->policies[0].failures[0].sending_ip, "2001:db8::1");
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(files(p, SPOOL_DONE), 1);
}

static void what_cannot_be_read_is_kept_and_listed(void **state)
{
	struct place *p = *state;
	struct store_bad_report *bad;
	size_t n;

	put(p, SPOOL_POST, LABEL, STR("{\"policies\":[}"));
	put(p, SPOOL_POST, "nobody", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 0);
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(files(p, SPOOL_BAD), 2);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_str(bad[i].remote, "192.0.2.1");
		assert_str(bad[i].reason,
			str_eq(bad[i].label, STR("nobody"))
				? "no domain has this ID"
				: "line 1, column 14: expected a JSON value");
	}
}

/* Promise 9, and kill -9 between the commit and the move. */
static void nothing_is_counted_twice(void **state)
{
	struct spool_names names = {};
	struct place *p = *state;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 1);
	OK(spool_list(p->d.spool, SPOOL_DONE, 1, p->a, &names, &p->e));
	OK(spool_move(
		p->d.spool, SPOOL_DONE, SPOOL_NEW, names.items[0], &p->e));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	/* A stranger's report with the same id hides nothing. */
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "9")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 2);
	/* The operator's word is worth more: it stands for both. */
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "import");
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "8")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 1);
}

/* What was not understood comes back once it is. */
static void an_unreadable_one_is_read_again(void **state)
{
	struct store_bad_report *bad;
	struct place *p = *state;
	struct str name;
	size_t n;

	put(p, SPOOL_POST, "ponmlkjihgfedcba", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	name = only_file(p, SPOOL_BAD);
	a_domain(p, "z.example", "ponmlkjihgfedcba");
	OK(spool_move(p->d.spool, SPOOL_BAD, SPOOL_NEW, name, &p->e));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->raw_name, arena_str(p->a, name).p);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 0);
}

/* A report that was read makes its rows anew, as often as one likes. */
static void a_kept_one_is_read_again(void **state)
{
	struct store_report *before, *after;
	struct place *p = *state;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	before = reports(p, 1);
	for (int i = 0; i < 2; i++) {
		OK(spool_move(p->d.spool, SPOOL_DONE, SPOOL_NEW,
			only_file(p, SPOOL_DONE), &p->e));
		assert_int_equal(run(p), 1);
		after = reports(p, 1);
		assert_false(str_eq(before->id, after->id));
		assert_true(str_eq(before->raw_sha256, after->raw_sha256));
		assert_int_equal(before->received, after->received);
	}
}

/* A folder where the file is to go: no move will do. */
static void block(struct place *p, const char *folder, struct str name, bool on)
{
	const char *path = arena_fmt(
		p->a, "%s/spool/%s/%.*s", p->dir, folder, STR_ARG(name))
				   .p;

	BUG((on ? mkdir(path, 0700) : rmdir(path)) != 0);
}

static void a_file_that_does_not_move_holds_up_none(void **state)
{
	struct place *p = *state;
	struct str good, bad;
	struct spool_names names;
	size_t done;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	good = only_file(p, SPOOL_NEW);
	block(p, "done", good, true);
	put(p, SPOOL_IMPORT, LABEL, STR("no report"));
	OK(spool_list(p->d.spool, SPOOL_NEW, 2, p->a, &names, &p->e));
	bad = names.items[str_eq(names.items[0], good)];
	block(p, "bad", bad, true);
	OK(digest_run(&p->d, 1, &done, &p->e));
	OK(digest_run(&p->d, 1, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 2);
	/* One at a time: the others are reached all the same. */
	put(p, SPOOL_POST, LABEL, STR(REPORT("2", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("3", "1")));
	for (int i = 0; i < 3; i++)
		OK(digest_run(&p->d, 1, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 2);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	(void)reports(p, 3);
	p->now += DIGEST_LATER_MIN_S;
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 2);
	assert_int_equal(p->put_off, 2);
	/* The second wait is longer. */
	block(p, "done", good, false);
	block(p, "bad", bad, false);
	p->now += DIGEST_LATER_MIN_S;
	assert_int_equal(run(p), 0);
	p->now += DIGEST_LATER_MIN_S;
	assert_int_equal(run(p), 2);
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(digest_later_count(p->d.later), 0);
	(void)reports(p, 3);
}

static void walk(struct raw_keep *k, struct place *p, size_t steps)
{
	bool more = true;

	for (size_t i = 0; i < steps; i++) {
		assert_true(more);
		OK(raw_keep_step(k, &more, &p->e));
	}
	assert_false(more);
}

static void raw_reports_end(void **state)
{
	struct place *p = *state;
	struct raw_keep_options options = { p->d.store, p->d.spool,
		100 * UTC_DAY_S, &p->clock };
	struct raw_keep *k = raw_keep_new(&options);

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR("no report"));
	assert_int_equal(run(p), 3);
	p->now = 1000 + RAW_KEEP_ORPHAN_S;
	walk(k, p, 2);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	/* Not before tomorrow. */
	p->now += 1;
	walk(k, p, 1);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	/* One of the two made no rows. */
	p->now += UTC_DAY_S;
	walk(k, p, 2);
	assert_str(reports(p, 1)->raw_name,
		arena_str(p->a, only_file(p, SPOOL_DONE)).p);
	assert_int_equal(files(p, SPOOL_BAD), 1);
	p->now = 1001 + options.keep_s;
	walk(k, p, 2);
	assert_int_equal(files(p, SPOOL_DONE), 0);
	assert_int_equal(files(p, SPOOL_BAD), 0);
	raw_keep_free(&k);
}

static void many_raw_reports_end_in_several_steps(void **state)
{
	struct place *p = *state;
	struct raw_keep_options options = { p->d.store, p->d.spool, 1,
		&p->clock };
	struct raw_keep *k = raw_keep_new(&options);

	for (unsigned i = 0; i < RAW_KEEP_FILES + 50; i++)
		BUG(close(open(arena_fmt(p->a,
				       "%s/spool/done/000000000001-%u.post",
				       p->dir, i)
				       .p,
			    O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != 0);
	walk(k, p, 3);
	assert_int_equal(files(p, SPOOL_DONE), 0);
	raw_keep_free(&k);
}

static void an_import_finds_its_domain(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	r = reports(p, 1);
	assert_str(r->domain, "y.example");
	assert_str(r->proof, "import");
}

/* What may not be stored takes none of the others with it. */
static void the_guilty_one_is_found(void **state)
{
	static const char forbid[] =
		"CREATE TRIGGER forbid BEFORE INSERT ON report "
		"WHEN NEW.report_id IN ('r3', 'r7', 'r8') BEGIN "
		"SELECT RAISE(ABORT, 'not this one'); END;";
	static const struct str bodies[] = { STR(REPORT("r0", "1")),
		STR(REPORT("r1", "1")), STR(REPORT("r2", "1")),
		STR(REPORT("r3", "1")), STR(REPORT("r4", "1")),
		STR(REPORT("r5", "1")), STR(REPORT("r6", "1")),
		STR(REPORT("r7", "1")), STR(REPORT("r8", "1")),
		STR(REPORT("r9", "1")), STR(REPORT("r10", "1")) };
	struct store_bad_report *bad;
	struct place *p = *state;
	size_t n;

	assert_int_equal(system(arena_fmt(p->a, "sqlite3 %s \"%s\"",
				 path_in(p, "moat.db"), forbid)
					 .p),
		0);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		put(p, SPOOL_POST, LABEL, bodies[i]);
	assert_int_equal(run(p), 11);
	(void)reports(p, 8);
	assert_int_equal(files(p, SPOOL_DONE), 8);
	assert_int_equal(files(p, SPOOL_BAD), 3);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 9, &bad, &n, &p->e));
	assert_int_equal(n, 3);
	assert_str(bad[0].reason, "database: not this one");
}

static void alter_series(struct place *p, const char *from, const char *to)
{
	assert_int_equal(system(arena_fmt(p->a,
				 "sqlite3 %s 'ALTER TABLE %s RENAME TO %s'",
				 path_in(p, "moat.db"), from, to)
					 .p),
		0);
}

/* While the database takes nothing, nothing of it is used up. */
static void what_is_not_stored_takes_no_budget(void **state)
{
	struct str string = { "", DIGEST_BUDGET_BYTES - 500 };
	struct store_report_policy policy = { .strings = { &string, 1 } };
	struct store_report before = { .tenant = STORE_TENANT_DEFAULT,
		.domain = STR("y.example"),
		.policies = &policy,
		.n_policies = 1 };
	struct place *p = *state;
	size_t done;

	p->d.budget = digest_budget_new();
	before.received = 1000; /* as put has it */
	OK(digest_budget_take(p->d.budget, &before, &p->e));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	alter_series(p, "series", "gone");
	for (int i = 0; i < 5; i++)
		assert_int_equal(digest_run(&p->d, 100, &done, &p->e), ST_PERM);
	alter_series(p, "gone", "series");
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	/* What is stored has taken some. */
	put(p, SPOOL_POST, LABEL, STR(REPORT("2", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("3", "1")));
	assert_int_equal(run(p), 2);
	assert_true(files(p, SPOOL_BAD) > 0);
	digest_budget_free(&p->d.budget);
}

/* A claim alone gives nobody the reports of another. */
static void an_import_goes_to_whose_the_domain_is(void **state)
{
	struct place *p = *state;
	struct store_domain domain = { .tenant = STR("a-first"),
		.name = STR("y.example"),
		.label = STR("bbcdefghijklmnop") };
	struct store_tenant tenant = { .id = STR("a-first"), .created = 1 };
	struct store_report_filter theirs = { .tenant = STR("a-first"),
		.limit = 9 };
	struct store_report *rows;
	size_t n;

	OK(store_tenant_add(p->d.store, &tenant, &p->e));
	OK(store_domain_add(p->d.store, &domain, &p->e));
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	domain.proof = STORE_PROOF_CNAME;
	OK(store_domain_put(p->d.store, &domain, &p->e));
	put(p, SPOOL_IMPORT, "", STR(REPORT("2", "1")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	OK(store_report_list(
		p->d.store, p->a, &theirs, false, &rows, &n, &p->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].report_id, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_guilty_one_is_found, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_stored_takes_no_budget, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_post_becomes_rows, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_read_is_kept_and_listed, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			nothing_is_counted_twice, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(an_unreadable_one_is_read_again,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_kept_one_is_read_again, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_does_not_move_holds_up_none, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			raw_reports_end, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			many_raw_reports_end_in_several_steps, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(an_import_finds_its_domain,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			an_import_goes_to_whose_the_domain_is, place_setup,
			place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
