/* SPDX-License-Identifier: Apache-2.0 */
/* Digests fall due once, go to whom the tenant names, and tell the facts. */
#include "alert/alert_digest.h"
#include "tests/alert/reports.h"

#include "base/poison.h"

#define DAY UTC_DAY_S
#define MONDAY INT64_C(20003) /* 2024-10-07 */
#define TENANT STORE_TENANT_DEFAULT

static struct alert_digest digest_of(struct engine *t, enum store_digest usual)
{
	return (struct alert_digest){ .tell = { .mail = true, .webhook = true },
		.usual = usual,
		.store = t->s,
		.clock = &fake };
}

static size_t due(struct engine *t, struct store_notice **out)
{
	size_t n;

	OK(store_notice_due(t->s, t->a, INT64_MAX, 100, out, &n, &t->e));
	return n;
}

static void step(struct engine *t, struct alert_digest *d, int64_t now)
{
	now_s = now;
	OK(alert_digest_step(d, &t->e));
}

static void report(struct engine *t, const char *proof, int64_t received,
	int64_t ok, int64_t failed, size_t n_failures)
{
	tell(t, &(struct told){ .proof = proof,
			.begin = received - DAY,
			.received = received,
			.ok = ok,
			.failed = failed,
			.type = "certificate-expired",
			.n_failures = n_failures });
}

static void periods(void **state)
{
	(void)state;
	assert_int_equal(alert_digest_last(false, MONDAY), MONDAY - 1);
	for (int64_t i = 0; i < 7; i++)
		assert_int_equal(
			alert_digest_last(true, MONDAY + i), MONDAY - 7);
	assert_int_equal(alert_digest_last(true, MONDAY + 7), MONDAY);
}

static void each_period_is_told_once(void **state)
{
	struct engine *t = *state;
	struct alert_digest d = digest_of(t, STORE_DIGEST_BOTH), again;
	struct store_notice *n;

	d.empty = true;
	/* The first look tells nothing: it began within the period. */
	step(t, &d, MONDAY * DAY);
	assert_int_equal(due(t, &n), 0);
	step(t, &d, (MONDAY + 1) * DAY - 1);
	assert_int_equal(due(t, &n), 0);
	step(t, &d, (MONDAY + 1) * DAY);
	again = digest_of(t, STORE_DIGEST_BOTH); /* another process */
	again.empty = true;
	step(t, &again, (MONDAY + 1) * DAY + 5);
	assert_int_equal(due(t, &n), 1);
	assert_str(n[0].event, "daily");
	assert_str(n[0].channel, "mail");
	assert_str(n[0].target, "");
	assert_int_equal(n[0].day, MONDAY);
	/* After a week of silence the last day and the week, nothing else. */
	step(t, &again, (MONDAY + 7) * DAY + 5);
	assert_int_equal(due(t, &n), 3);
	assert_str(n[2].event, "weekly");
	assert_int_equal(n[1].day, MONDAY + 6);
	assert_int_equal(n[2].day, MONDAY);
}

static void nothing_is_not_told(void **state)
{
	struct engine *t = *state;
	struct alert_digest d = digest_of(t, STORE_DIGEST_DAILY);
	struct store_notice *n;

	step(t, &d, MONDAY * DAY);
	step(t, &d, (MONDAY + 1) * DAY);
	assert_int_equal(due(t, &n), 0);
	report(t, "dkim:google.com", (MONDAY + 1) * DAY + 5, 1, 0, 0);
	step(t, &d, (MONDAY + 2) * DAY);
	assert_int_equal(due(t, &n), 1);
}

static void a_tenant_has_its_own_way(void **state)
{
	struct engine *t = *state;
	struct alert_digest d = digest_of(t, STORE_DIGEST_WEEKLY);
	struct store_recipient r = { .tenant = TENANT,
		.channel = STR("mail"),
		.target = STR("a@d.example"),
		.id = STR("id") };
	struct store_telling own;
	struct store_notice *n;

	d.empty = true;
	OK(store_recipient_add(t->s, &r, &t->e));
	assert_int_equal(store_recipient_add(t->s, &r, &t->e), ST_INVALID);
	r.target = STR("b@d.example");
	OK(store_recipient_add(t->s, &r, &t->e));
	r.channel = STR("webhook");
	r.target = STR("https://d.example/");
	OK(store_recipient_add(t->s, &r, &t->e));
	OK(store_telling_get(t->s, t->a, TENANT, &own, &t->e));
	own.digest = STORE_DIGEST_DAILY;
	own.quiet = STR("22:00-06:00");
	OK(store_telling_put(t->s, &own, &t->e));
	step(t, &d, MONDAY * DAY);
	step(t, &d, (MONDAY + 1) * DAY);
	assert_int_equal(due(t, &n), 2);
	assert_str(n[0].target, "a@d.example");
	assert_str(n[1].target, "b@d.example");
	assert_int_equal(n[0].next_at, (MONDAY + 1) * DAY + 6 * 3600);
	/* Who is taken off the list hears no more. */
	OK(store_recipient_drop(
		t->s, TENANT, STR("mail"), STR("a@d.example"), &t->e));
	assert_int_equal(due(t, &n), 1);
	assert_int_equal(store_recipient_drop(t->s, TENANT, STR("mail"),
				 STR("a@d.example"), &t->e),
		ST_NOTFOUND);
}

static void recipients_are_bounded(void **state)
{
	struct engine *t = *state;

	for (int i = 0; i <= STORE_RECIPIENTS_MAX; i++) {
		struct store_recipient r = { .tenant = TENANT,
			.channel = STR("mail"),
			.target = arena_fmt(t->a, "a%d@d.example", i),
			.id = STR("id") };

		assert_int_equal(store_recipient_add(t->s, &r, &t->e),
			i < STORE_RECIPIENTS_MAX ? ST_OK : ST_LIMIT);
	}
}

static void the_facts(void **state)
{
	struct engine *t = *state;
	struct store_alert al = { .tenant = TENANT,
		.id = STR("a1"),
		.kind = STORE_ALERT_FAILURE,
		.domain = STR("d.example"),
		.item = STR("certificate-expired"),
		.opened = MONDAY * DAY + 10,
		.what = STR("bad") };
	struct store_bad_report bad = { .name = STR("n1"),
		.via = STR("mail"),
		.received = MONDAY * DAY,
		.reason = STR("none in it") };
	struct tlsrpt_digest d;

	report(t, "dkim:google.com", (MONDAY - 1) * DAY, 100, 0, 0);
	report(t, "dkim:google.com", MONDAY * DAY, 90, 10, 1);
	report(t, "dkim:example.org", MONDAY * DAY + 1, 7, 2, 1);
	report(t, "", MONDAY * DAY + 2, 1000, 1000, 1);
	report(t, "dkim:late.example", (MONDAY + 1) * DAY, 1, 1, 1);
	OK(store_alert_add(t->s, &al, &t->e));
	OK(store_bad_report_put(t->s, &bad, &t->e));
	OK(store_digest_get(t->s, t->a, TENANT, false, MONDAY, &d, &t->e));
	assert_int_equal(d.sums.reports, 2);
	assert_int_equal(d.sums.ok, 97);
	assert_int_equal(d.sums.failed, 12);
	assert_int_equal(d.sums_before.ok, 100);
	assert_int_equal(d.unproven.failed, 1000);
	assert_int_equal(d.n_failures, 1);
	assert_str(d.failures[0].domain, "d.example");
	assert_int_equal(d.failures[0].failed, 12);
	assert_int_equal(d.failures[0].reporters, 2);
	assert_int_equal(d.failures[0].before, 0);
	assert_int_equal(d.n_reporters, 2);
	assert_str(d.reporters[0].name, "example.org");
	assert_int_equal(d.reporters[0].before, 0);
	assert_int_equal(d.reporters[1].before, 1);
	assert_int_equal(d.n_alerts, 1);
	assert_true(d.alerts[0].is_new && !d.alerts[0].is_over);
	assert_int_equal(d.unreadable, 1);
	/* The next day it is old, and there before. */
	OK(store_digest_get(t->s, t->a, TENANT, false, MONDAY + 1, &d, &t->e));
	assert_int_equal(d.failures[0].before, 12);
	assert_false(d.alerts[0].is_new);
}

/* What a stranger counts does not overflow what others count. */
static void large_counts_add_up(void **state)
{
	struct engine *t = *state;
	struct store_alert_facts facts;
	struct tlsrpt_digest d;

	report(t, "", MONDAY * DAY, INT64_MAX / 2, INT64_MAX / 2, 20);
	report(t, "dkim:x.example", MONDAY * DAY, INT64_MAX / 2, INT64_MAX / 2,
		20);
	OK(store_alert_facts_get(
		t->s, t->a, TENANT, STR("d.example"), 0, &facts, &t->e));
	assert_int_equal(facts.n_unproven, 1);
	OK(store_digest_get(t->s, t->a, TENANT, false, MONDAY, &d, &t->e));
	assert_int_equal(d.n_failures, 1);
}

/* A row of the first tenant is damaged. */
static void what_is_damaged_holds_up_none(void **state)
{
	struct engine *t = *state;
	struct alert_digest d = digest_of(t, STORE_DIGEST_DAILY);
	struct store_tenant other = { .id = STR("other"), .name = STR("O") };
	struct store_alert al = { .tenant = TENANT,
		.id = STR("1"),
		.domain = STR("d.example"),
		.opened = MONDAY * DAY };
	struct store_notice *n;

	OK(store_tenant_add(t->s, &other, &t->e));
	step(t, &d, MONDAY * DAY);
	OK(store_alert_add(t->s, &al, &t->e));
	al.tenant = other.id;
	OK(store_alert_add(t->s, &al, &t->e));
	assert_int_equal(system(arena_fmt(t->a,
				 "sqlite3 %s \"UPDATE alert SET kind = 99 "
				 "WHERE tenant = 'default'\"",
				 t->target)
					 .p),
		0);
	now_s = (MONDAY + 1) * DAY;
	assert_int_equal(alert_digest_step(&d, &t->e), ST_PERM);
	assert_non_null(strstr(t->e.text, "default: "));
	assert_int_equal(due(t, &n), 1);
	assert_str(n[0].tenant, "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(periods),
		cmocka_unit_test(each_period_is_told_once),
		cmocka_unit_test(nothing_is_not_told),
		cmocka_unit_test(a_tenant_has_its_own_way),
		cmocka_unit_test(recipients_are_bounded),
		cmocka_unit_test(what_is_damaged_holds_up_none),
		cmocka_unit_test(the_facts),
		cmocka_unit_test(large_counts_add_up),
	};

	return RUN_ON_ENGINES("alert_digest", tests);
}
