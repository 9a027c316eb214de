/* SPDX-License-Identifier: Apache-2.0 */
/* Reports in the database become alerts, and alerts become notices. */
#include "alert/alert_watch.h"
#include "tests/alert/reports.h"

#include "base/poison.h"

#define DAY UTC_DAY_S
#define START (INT64_C(20000) * DAY) /* midnight */

static struct alert_watch watch_of(struct engine *t)
{
	now_s = START + DAY;
	return (struct alert_watch){
		.o = { .rules = { .share = 50,
			       .share_sessions = 20,
			       .silent_s = 3 * DAY },
			.window_s = 14 * DAY,
			.cooldown_s = DAY,
			.keep_s = 400 * DAY,
			.tell = { .mail = true, .webhook = true } },
		.store = t->s,
		.clock = &fake,
	};
}

/* A report of one day: failed sessions of a type; 0: all went well. */
static void report_about(struct engine *t, const char *domain,
	const char *proof, int64_t begin, const char *type, int64_t failed)
{
	tell(t, &(struct told){ .domain = domain,
			.proof = proof,
			.begin = begin,
			.received = now_s,
			.ok = 100 - failed,
			.failed = failed,
			.type = type,
			.n_failures = failed > 0 });
}

static void report(struct engine *t, const char *proof, int64_t begin,
	const char *type, int64_t failed)
{
	report_about(t, NULL, proof, begin, type, failed);
}

static size_t alerts(struct engine *t, bool closed, struct store_alert **out)
{
	struct store_alert_filter f = {
		.tenant = STORE_TENANT_DEFAULT, .closed = closed, .limit = 100
	};
	size_t n;

	OK(store_alert_list(t->s, t->a, &f, out, &n, &t->e));
	return n;
}

static size_t notices(
	struct engine *t, struct str id, struct store_notice **out)
{
	size_t n;

	OK(store_notice_list(
		t->s, t->a, STORE_TENANT_DEFAULT, id, out, &n, &t->e));
	return n;
}

/* As if they had gone out. */
static void send_all(struct engine *t)
{
	struct store_notice *n;
	size_t count;

	OK(store_notice_due(t->s, t->a, INT64_MAX, 100, &n, &count, &t->e));
	for (size_t i = 0; i < count; i++) {
		n[i].state = STORE_NOTICE_SENT;
		n[i].done = now_s;
		OK(store_notice_put(t->s, &n[i], &t->e));
	}
}

static void opens_once_and_closes(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_notice *told;
	struct store_alert *al;

	report(t, "dkim:google.com", START, "certificate-expired", 3);
	for (int i = 0; i < 3; i++)
		OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(al[0].kind, STORE_ALERT_FAILURE);
	assert_str(al[0].item, "certificate-expired");
	assert_str(al[0].what, "certificate-expired in 3 sessions, reported "
			       "by google.com (1 of 1 reporters)");
	assert_int_equal(notices(t, al[0].id, &told), 2);
	assert_str(told[0].event, "opened");
	send_all(t);
	/* Another reporter's good word changes nothing for this one. */
	report(t, "dkim:example.org", START + DAY, "", 0);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	report(t, "dkim:google.com", START + DAY, "", 0);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 0);
	assert_int_equal(alerts(t, true, &al), 1);
	assert_int_equal(notices(t, al[0].id, &told), 4);
	assert_str(told[3].event, "closed");
}

/* As when the mail of years is imported. */
static void what_is_long_past_opens_nothing(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_alert *al;

	for (int day = 20; day < 25; day++) {
		report(t, "import", START - day * DAY, "tlsa-invalid", 9);
		report(t, "", START - day * DAY, "tlsa-invalid", 9);
	}
	OK(alert_watch_step(&w, &t->e));
	now_s += 4 * DAY;
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, true, &al), 0);
}

static void what_nothing_proves_stands_apart(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_notice *told;
	struct store_alert *al;

	report(t, "", START, "starttls-not-supported", 90);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(al[0].kind, STORE_ALERT_UNPROVEN);
	assert_str(al[0].what, "starttls-not-supported in 90 sessions, by "
			       "reports that nothing proves");
	assert_int_equal(notices(t, al[0].id, &told), 0);
	report(t, "dkim:google.com", START, "starttls-not-supported", 2);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 2);
	assert_int_equal(al[0].kind, STORE_ALERT_STARTTLS);
	/* Nobody talks it away. */
	report(t, "", START + DAY, "", 0);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 2);
}

/* Nobody is silenced by types that somebody made up. */
static void made_up_types_are_one_alert(void **state)
{
	struct store_report_failure f[300] = {};
	struct store_report_policy p = {
		.type = STR("sts"), .failures = f, .n_failures = 300
	};
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = store_new_id(t->a),
		.domain = STR("d.example"),
		.report_id = STR("made-up"),
		.begin = START,
		.received = now_s,
		.proof = STR("dkim:0.evil.example"),
		.policies = &p,
		.n_policies = 1 };
	struct store_alert *al;

	for (size_t i = 0; i < 300; i++)
		f[i] = (struct store_report_failure){ .result_type = arena_fmt(
							      t->a, "a-%zu", i),
			.sessions = 1 };
	OK(store_report_add(t->s, &r, NULL, &t->e));
	report(t, "dkim:s.example", START, "certificate-expired", 1);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 2);
	assert_str(al[0].item, "certificate-expired");
	assert_str(al[1].item, "other");
	assert_str(al[1].what,
		"a-0 (not of RFC 8460) in 300 sessions, reported by "
		"0.evil.example (1 of 2 reporters)");
}

static void share_counts_a_session_once(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_alert *al;

	report(t, "dkim:google.com", START, "validation-failure", 49);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	report(t, "dkim:google.com", START + DAY, "validation-failure", 50);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 2);
	assert_int_equal(al[0].kind, STORE_ALERT_SHARE);
	assert_str(al[0].what,
		"50 of 100 sessions failed, reported by google.com "
		"(1 of 1 reporters); 50 % is the limit");
}

static void a_reporter_goes_silent(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_alert *al;

	for (int i = 0; i < 3; i++) {
		now_s = START + (i + 1) * DAY;
		report(t, "dkim:google.com", START + i * DAY, "", 0);
	}
	OK(alert_watch_step(&w, &t->e));
	now_s += 3 * DAY - 1;
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 0);
	now_s += 3600; /* when all are looked at again */
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(al[0].kind, STORE_ALERT_SILENT);
	assert_str(al[0].item, "google.com");
	report(t, "dkim:google.com", START + 5 * DAY, "", 0);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 0);
}

static void unread_reports_are_an_alert(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_bad_report bad = { .name = STR("n1"),
		.via = STR("mail"),
		.received = START,
		.reason = STR("no report in it") };
	struct store_alert *al;

	OK(store_bad_report_put(t->s, &bad, &t->e));
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(al[0].kind, STORE_ALERT_UNREAD);
	OK(store_bad_report_drop(t->s, bad.name, &t->e));
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 0);
}

static void flapping_is_told_after_the_cooldown(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_notice *told;
	struct store_alert *al;
	struct str id;

	report(t, "dkim:g.com", START, "sts-webpki-invalid", 3);
	OK(alert_watch_step(&w, &t->e));
	send_all(t);
	report(t, "dkim:g.com", START + 1, "", 0);
	OK(alert_watch_step(&w, &t->e));
	send_all(t);
	report(t, "dkim:g.com", START + 2, "sts-webpki-invalid", 3);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, true, &al), 1);
	assert_int_equal(al[0].kind, STORE_ALERT_POLICY_HOST);
	assert_int_equal(al[0].state, STORE_ALERT_OPEN);
	id = al[0].id;
	assert_int_equal(notices(t, id, &told), 6);
	assert_int_equal(told[5].next_at, now_s + DAY);
	/* Over before it was told: never told. */
	report(t, "dkim:g.com", START + 3, "", 0);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(notices(t, id, &told), 4);
}

static void mail_waits_for_the_end_of_quiet_hours(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_notice *told;
	struct store_alert *al;

	assert_int_equal(
		day_hours_parse(STR("22:00-06:00"), &w.o.tell.quiet), ST_OK);
	now_s = START + 23 * 3600;
	report(t, "dkim:g.com", START, "certificate-expired", 3);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(notices(t, al[0].id, &told), 2);
	assert_str(told[0].channel, "mail");
	assert_int_equal(told[0].next_at, START + DAY + 6 * 3600);
	assert_int_equal(told[1].next_at, now_s);
}

static void a_new_process_tells_nothing_twice(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t), again = watch_of(t);
	struct store_notice *told;
	struct store_alert *al;

	report(t, "dkim:g.com", START, "certificate-expired", 3);
	OK(alert_watch_step(&w, &t->e));
	OK(alert_watch_step(&again, &t->e));
	assert_int_equal(alerts(t, true, &al), 1);
	assert_int_equal(notices(t, al[0].id, &told), 2);
	/* Long over: closed because nobody says so any more, then forgotten. */
	now_s += 15 * DAY;
	OK(alert_watch_step(&again, &t->e));
	assert_int_equal(alerts(t, false, &al), 0);
	now_s += 401 * DAY;
	OK(alert_watch_step(&again, &t->e));
	assert_int_equal(alerts(t, true, &al), 0);
}

/* A row of the first domain is damaged. */
static void what_is_damaged_holds_up_none(void **state)
{
	struct engine *t = *state;
	struct alert_watch w = watch_of(t);
	struct store_alert *al;

	report_about(t, "a.example", "dkim:g.com", START, "tlsa-invalid", 3);
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
	assert_int_equal(
		system(arena_fmt(t->a,
			"sqlite3 %s 'UPDATE alert SET kind = 99'", t->target)
				.p),
		0);
	report_about(t, "a.example", "dkim:g.com", START + 1, "", 0);
	report_about(t, "b.example", "dkim:g.com", START, "tlsa-invalid", 3);
	assert_int_equal(alert_watch_step(&w, &t->e), ST_PERM);
	assert_non_null(strstr(t->e.text, "a.example: "));
	assert_int_equal(system(arena_fmt(t->a,
				 "sqlite3 %s 'UPDATE alert SET kind = 0 "
				 "WHERE domain = \"a.example\"'",
				 t->target)
					 .p),
		0);
	assert_int_equal(alerts(t, false, &al), 2);
	assert_str(al[0].domain, "b.example");
	/* The others are not looked at again for its sake, it is. */
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 2);
	now_s += 3600;
	OK(alert_watch_step(&w, &t->e));
	assert_int_equal(alerts(t, false, &al), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_once_and_closes),
		cmocka_unit_test(what_is_long_past_opens_nothing),
		cmocka_unit_test(what_nothing_proves_stands_apart),
		cmocka_unit_test(made_up_types_are_one_alert),
		cmocka_unit_test(share_counts_a_session_once),
		cmocka_unit_test(a_reporter_goes_silent),
		cmocka_unit_test(unread_reports_are_an_alert),
		cmocka_unit_test(flapping_is_told_after_the_cooldown),
		cmocka_unit_test(mail_waits_for_the_end_of_quiet_hours),
		cmocka_unit_test(a_new_process_tells_nothing_twice),
		cmocka_unit_test(what_is_damaged_holds_up_none),
	};

	return RUN_ON_ENGINES("alert_watch", tests);
}
