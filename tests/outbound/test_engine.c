/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked when, and what follows. The numbers are those of the checklist
 * for senders (RFC 8461).
 */
#include "engine_fixture.h"

#include "base/poison.h"

/* ---- what is asked ---- */

/* 1, 9: nothing known: record, policy and DANE, and an answer of them. */
static void c01_unknown_domain(void **state)
{
	struct fixture *t = *state;

	know(t);
	assert_string_equal(t->match, "mx.example.net ");
	assert_int_equal(t->asked[CALL_RECORD], 1);
	assert_int_equal(t->asked[CALL_FETCH], 1);
	assert_int_equal(t->asked[CALL_DANE], 1);
	assert_int_equal(t->events[ENGINE_POLICY_NEW], 1);
	assert_true(t->answer.valid_ms > 0);
}

/* Within the grace nothing is asked, and nobody has to wait. */
static void grace(void **state)
{
	struct policy_domain domain = domain_of("example.com");
	struct engine_answer answer;
	struct fixture *t = *state;

	assert_int_equal(
		engine_ask_now(t->e, t->a, &profile_sts, &domain, &answer),
		ST_AGAIN);
	know(t);
	leap(t, 59);
	assert_int_equal(
		engine_ask_now(t->e, t->a, &profile_sts, &domain, &answer),
		ST_OK);
	assert_int_equal(answer.decision.action, DECISION_SECURE);
	assert_in_range(answer.valid_ms, 1, 1000);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->asked[CALL_RECORD], 1);
	assert_int_equal(t->asked[CALL_DANE], 1);
	leap(t, 1);
	assert_int_equal(
		engine_ask_now(t->e, t->a, &profile_sts, &domain, &answer),
		ST_AGAIN);
}

/* DANE is believed for its TTL, apart from the record. */
static void dane_has_its_own_time(void **state)
{
	struct fixture *t = *state;

	t->dane_ttl_s = 600;
	know(t);
	leap(t, 300);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->asked[CALL_RECORD], 2);
	assert_int_equal(t->asked[CALL_DANE], 1);
	leap(t, 300);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->asked[CALL_DANE], 2);
}

/* A hundred who ask at once cause one look-up of each kind. */
static void single_flight(void **state)
{
	struct policy_domain domain = domain_of("example.com");
	struct engine_ask asks[100] = {};
	struct fixture *t = *state;

	t->id = "id1";
	t->text = ENFORCE("86400");
	for (size_t i = 0; i < 100; i++)
		engine_ask_start(&asks[i], t->e, &profile_sts, &domain,
			ENGINE_USUAL, fixture_answer, t);
	engine_ask_cancel(&asks[50]);
	engine_ask_cancel(&asks[50]);
	run(t);
	assert_int_equal(t->answered, 99);
	assert_int_equal(t->asked[CALL_RECORD], 1);
	assert_int_equal(t->asked[CALL_FETCH], 1);
	assert_int_equal(t->asked[CALL_DANE], 1);
}

/* A given host has DANE of its own, and the policy of its domain (25). */
static void c25_smart_host(void **state)
{
	struct policy_domain host = { STR("example.com"), true, 587 };
	struct engine_ask one = {};
	struct fixture *t = *state;

	know(t);
	engine_ask_start(&one, t->e, &profile_sts, &host, ENGINE_USUAL,
		fixture_answer, t);
	run(t);
	assert_int_equal(t->answered, 2);
	assert_int_equal(t->answer.decision.action, DECISION_SECURE);
	assert_int_equal(t->asked[CALL_DANE], 2);
	assert_int_equal(t->asked[CALL_RECORD], 1);
}

/* 8: another id has the policy fetched and replaced. */
static void c08_new_id(void **state)
{
	struct fixture *t = *state;

	know(t);
	leap(t, 61);
	t->id = "id2";
	t->text = "version: STSv1\nmode: enforce\nmx: mx.example.net\n"
		  "mx: b.example\nmax_age: 86400\n";
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_string_equal(t->match, "mx.example.net b.example ");
	assert_str(entry(t).id, "id2");
	assert_int_equal(entry(t).n_past, 1);
	assert_str(entry(t).past[0].id, "id1");
	assert_int_equal(t->events[ENGINE_POLICY_CHANGED], 1);
	assert_int_equal(t->may_go, 1);
}

/* 24: the same id confirms a policy, but only a fetch prolongs it. */
static void c24_max_age_from_the_last_fetch(void **state)
{
	struct fixture *t = *state;

	t->opt.refresh_s = 365 * DAY;
	restart(t);
	t->id = "id1";
	t->text = ENFORCE("3600");
	assert_ask(t, "example.com", DECISION_SECURE);
	for (int i = 0; i < 59; i++) {
		leap(t, 60);
		assert_ask(t, "example.com", DECISION_SECURE);
	}
	assert_int_equal(t->asked[CALL_FETCH], 1);
	assert_int_equal(entry(t).fetched_at, NOW);
	t->text = NULL;
	leap(t, 60);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->asked[CALL_FETCH], 2);
}

/* An answer never outlives the policy it rests on. */
static void c24_no_answer_beyond_max_age(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	t->text = ENFORCE("30");
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->answer.valid_ms, 30000);
}

/* 14: after a failed fetch that id is left alone for five minutes, longer
 * after each further one. */
static void c14_back_off_per_id(void **state)
{
	static const int64_t waits[] = { 300, 600, 1200, 2400 };
	struct fixture *t = *state;

	t->id = "id1";
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(t->asked[CALL_FETCH], i + 1);
		leap(t, waits[i] - 1);
		assert_ask(t, "example.com", DECISION_NOTFOUND);
		assert_int_equal(t->asked[CALL_FETCH], i + 1);
		leap(t, 61);
		assert_ask(t, "example.com", DECISION_NOTFOUND);
	}
	leap(t, 61);
	t->id = "id2";
	t->text = ENFORCE("86400");
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_FETCH_FAILED], 1);
	assert_int_equal(t->events[ENGINE_FETCH_AGAIN], 1);
}

/* 15: a record without a policy: deliver, and report. */
static void c15_no_policy_to_be_had(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_FAILED);
	assert_int_equal(
		ask_by(t, "example.com", &profile_tlsrpt, ENGINE_USUAL),
		DECISION_MAY_REPORT);
	assert_int_equal(t->answer.decision.failure, TLSRPT_STS_WEBPKI_INVALID);
}

/* 4: no record: no policy, remembered for its TTL. */
static void c04_no_record(void **state)
{
	struct fixture *t = *state;

	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_NO_POLICY);
	t->dane_ttl_s = 3600;
	leap(t, 299);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->asked[CALL_RECORD], 1);
	leap(t, 2);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->asked[CALL_RECORD], 2);
	assert_int_equal(t->asked[CALL_FETCH], 0);
}

/* DNS trouble with the record alone never makes mail wait. */
static void dns_trouble_is_not_deferred(void **state)
{
	struct fixture *t = *state;

	t->dns_fails = true;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_true(t->answer.valid_ms <= 30000);
	t->dns_fails = false;
	leap(t, 31);
	know(t);
}

/* 31: a policy in testing is no reason to hold mail. */
static void c31_testing(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	t->text = TESTING;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_TESTING);
}

static void keep_downgrade(void *ctx, struct str line)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(line));
	if (strstr(text, "policy.downgraded") != NULL)
		memcpy(ctx, text, sizeof(text));
}

/* 32: none is cached like others, and replaces them. */
static void c32_none_replaces(void **state)
{
	struct fixture *t = *state;
	char said[512] = "";

	know(t);
	leap(t, 61);
	t->id = "id2";
	t->text = NONE;
	log_set_sink(keep_downgrade, said);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	log_set_sink(fixture_no_log, NULL);
	assert_non_null(
		strstr(said, "mode=none id=id2 old_mode=enforce old_id=id1"));
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_NONE);
	assert_int_equal(entry(t).policy.mode, STS_MODE_NONE);
	assert_int_equal(t->events[ENGINE_POLICY_DOWNGRADED], 1);
	restart(t);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->asked[CALL_FETCH], 2);
}

/* ---- DANE ---- */

/* 35: DANE that works leaves no room for MTA-STS. */
static void c35_dane_first(void **state)
{
	struct fixture *t = *state;

	t->dane = DANE_ALL;
	t->id = "id1";
	t->text = ENFORCE("86400");
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_DANE);
}

/* Mail waits while nobody can tell, and the end of it is told. */
static void dane_trouble_defers(void **state)
{
	struct fixture *t = *state;

	know(t);
	leap(t, 61);
	t->dane = DANE_TEMP;
	t->dane_ttl_s = 30;
	assert_ask(t, "example.com", DECISION_TEMP);
	assert_int_equal(t->began, 1);
	assert_int_equal(t->events[ENGINE_DANE_TEMP], 1);
	leap(t, 31);
	assert_ask(t, "example.com", DECISION_TEMP);
	assert_int_equal(t->began, 1);
	t->dane = DANE_ABSENT;
	leap(t, 31);
	t->ended = 0;
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_DANE_AGAIN], 1);
	assert_int_equal(t->ended, 1);
}

static enum decision_action ask_host(struct fixture *t)
{
	struct policy_domain host = { STR("example.com"), true, SMTP_PORT };
	struct engine_ask ask = {};

	engine_ask_start(&ask, t->e, &profile_sts, &host, ENGINE_USUAL,
		fixture_answer, t);
	run(t);
	assert_null(ask.engine);
	return t->answer.decision.action;
}

/* What is over for the one way of a domain's mail is not for another, nor is
 * another reason. */
static void troubles_are_apart(void **state)
{
	struct fixture *t = *state;

	know(t);
	t->id = NULL;
	t->dane = DANE_TEMP;
	t->dane_ttl_s = 30;
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_TEMP);
	assert_int_equal(t->began, 2); /* the record is gone, and this */
	assert_int_equal(ask_host(t), DECISION_TEMP);
	assert_int_equal(t->began, 3);
	t->dane = DANE_ABSENT;
	leap(t, 31);
	assert_int_equal(t->may_go, 0);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->ended, 1);
	assert_int_equal(t->may_go, 1);
	/* The policy does not permit the host itself. */
	assert_int_equal(ask_host(t), DECISION_SECURE);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_NO_MX);
	assert_int_equal(t->ended, 2);
	assert_int_equal(t->began, 4);
	t->id = "id1";
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->ended, 3);
	assert_int_equal(t->began, 4);
}

/* Whom nobody watches any more is in no trouble that anybody knows of. */
static void trouble_that_is_let_go(void **state)
{
	struct fixture *t = *state;

	t->opt.max_negative = 2;
	restart(t);
	t->dane = DANE_TEMP;
	assert_ask(t, "a.example", DECISION_TEMP);
	assert_ask(t, "b.example", DECISION_TEMP);
	assert_int_equal(t->ended, 0);
	for (int i = 0; i < 4; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "c%d.example", i);
		assert_ask(t, name, DECISION_TEMP);
	}
	assert_int_equal(t->began, 6);
	assert_int_equal(t->ended, 4);
	assert_int_equal(t->may_go, 0);
}

/* A policy that fits no MX host holds mail: that, and its end, is told. */
static void no_mx_host_matches(void **state)
{
	struct fixture *t = *state;

	t->id = "id1";
	t->text = "version: STSv1\nmode: enforce\nmx: *.example.net\n"
		  "mx: *.elsewhere.example\nmax_age: 604800\n";
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_NO_MX], 0);
	leap(t, 61);
	t->id = "id2";
	t->text = "version: STSv1\nmode: enforce\n"
		  "mx: *.elsewhere.example\nmax_age: 604800\n";
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->answer.decision.why, DECISION_WHY_STS_NO_MX);
	assert_int_equal(t->events[ENGINE_NO_MX], 1);
	assert_int_equal(t->began, 1);
	t->mx.name = STR("mx.elsewhere.example");
	leap(t, 61);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->events[ENGINE_MX_AGAIN], 1);
	assert_int_equal(t->ended, 1);
}

/* That is over with another policy too, before anybody asks. */
static void no_mx_until_a_new_policy(void **state)
{
	struct fixture *t = *state;

	t->mx.name = STR("mx.elsewhere.example");
	t->id = "id1";
	t->text = "version: STSv1\nmode: enforce\n"
		  "mx: *.example.net\nmax_age: 604800\n";
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(ask_host(t), DECISION_SECURE);
	assert_int_equal(t->began, 2);
	t->id = "id2";
	t->text = "version: STSv1\nmode: enforce\n"
		  "mx: *.elsewhere.example\nmax_age: 604800\n";
	assert_int_equal(ask_by(t, "example.com", &profile_sts, ENGINE_FETCH),
		DECISION_SECURE);
	assert_int_equal(t->ended, 2);
	assert_int_equal(t->may_go, 1);
}

/* ---- nobody waits for ever ---- */

/* 36: the answer comes in time, and the policy when it has arrived. */
static void c36_late_fetch(void **state)
{
	struct engine_stats stats;
	struct fixture *t = *state;

	t->id = "id1";
	t->text = ENFORCE("86400");
	t->hold[CALL_FETCH] = true;
	assert_ask(t, "example.com", DECISION_NOTFOUND);
	assert_int_equal(t->answer.valid_ms, 0);
	assert_string_equal(t->steps, "RDcLA");
	engine_stats(t->e, &stats);
	assert_int_equal(stats.late, 1);
	assert_int_equal(stats.running_sts, 1);
	t->hold[CALL_FETCH] = false;
	run(t);
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->asked[CALL_FETCH], 1);
}

/* With a policy in the cache, a late record changes nothing. */
static void c16_late_record(void **state)
{
	struct fixture *t = *state;

	know(t);
	restart(t);
	t->hold[CALL_RECORD] = true;
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_int_equal(t->answer.valid_ms, 0);
}

static void late_dane_defers(void **state)
{
	struct fixture *t = *state;

	t->hold[CALL_DANE] = true;
	assert_ask(t, "example.com", DECISION_TEMP);
	t->hold[CALL_DANE] = false;
	run(t);
	assert_ask(t, "example.com", DECISION_NOTFOUND);
}

/* The engine can end at any time. */
static void ends_with_all_under_way(void **state)
{
	struct policy_domain a = domain_of("a.example");
	struct policy_domain b = domain_of("b.example");
	struct engine_ask asks[2] = {};
	struct fixture *t = *state;

	know(t);
	t->opt.max_running = 1;
	restart(t);
	t->hold[CALL_RECORD] = t->hold[CALL_DANE] = true;
	engine_ask_start(&asks[0], t->e, &profile_sts, &a, ENGINE_USUAL,
		fixture_answer, t);
	engine_ask_start(&asks[1], t->e, &profile_sts, &b, ENGINE_USUAL,
		fixture_answer, t);
	run(t);
	engine_free(&t->e);
	assert_null(asks[0].engine);
	loop_turn(t->loop, false);
	for (size_t i = 0; i < t->n_calls; i++)
		assert_null(t->calls[i].arg);
	assert_int_equal(t->answered, 1);
}

/* ---- steps ---- */

static void steps_tell_all(void **state)
{
	struct fixture *t = *state;

	know(t);
	assert_string_equal(t->steps, "RDFSCA");
	assert_ask(t, "example.com", DECISION_SECURE);
	assert_string_equal(t->steps, "CDrA");
	(void)ask_by(t, "example.com", &profile_sts, ENGINE_ANEW);
	assert_string_equal(t->steps, "RfDCA");
	(void)ask_by(t, "example.com", &profile_sts, ENGINE_FETCH);
	assert_string_equal(t->steps, "RDFSCA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(c01_unknown_domain),
		TEST(grace),
		TEST(dane_has_its_own_time),
		TEST(single_flight),
		TEST(c25_smart_host),
		TEST(c08_new_id),
		TEST(c24_max_age_from_the_last_fetch),
		TEST(c24_no_answer_beyond_max_age),
		TEST(c14_back_off_per_id),
		TEST(c15_no_policy_to_be_had),
		TEST(c04_no_record),
		TEST(dns_trouble_is_not_deferred),
		TEST(c31_testing),
		TEST(c32_none_replaces),
		TEST(c35_dane_first),
		TEST(dane_trouble_defers),
		TEST(troubles_are_apart),
		TEST(trouble_that_is_let_go),
		TEST(no_mx_host_matches),
		TEST(no_mx_until_a_new_policy),
		TEST(c36_late_fetch),
		TEST(c16_late_record),
		TEST(late_dane_defers),
		TEST(ends_with_all_under_way),
		TEST(steps_tell_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
