/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_fixture: an engine whose world is a script and whose clock stands
 * still until a test moves it.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "outbound/engine.h"
#include "tests/io/tmpdir.h"

#define NOW 1800000000
#define DAY 86400
#define HOUR 3600
#define CALLS_MAX 4096

enum call_kind { CALL_RECORD, CALL_FETCH, CALL_DANE, CALLS };

struct call {
	enum call_kind kind;
	char domain[256];
	union {
		sts_record_fn *record;
		sts_fetch_fn *fetch;
		engine_dane_fn *dane;
	} fn;
	void *arg;
};

struct fixture {
	char dir[64], path[96];
	struct loop *loop;
	struct clock clock;
	int64_t mono_ms, utc;
	struct policy_cache *cache;
	struct policy_cache_options cache_opt;
	struct engine_options opt;
	struct engine_world world;
	struct engine *e;
	struct arena *a;
	struct err err;

	/* The script: what the world says from now on. */
	const char *id; /* of the record; NULL: there is none, or ... */
	enum sts_record_outcome no_record; /* ... this instead */
	bool dns_fails;			   /* for the record */
	const char *text; /* of the policy; NULL: it cannot be fetched */
	enum dane_state dane;
	struct mx_host mx;
	uint32_t dane_ttl_s;
	bool hold[CALLS]; /* no answer while true */

	struct call calls[CALLS_MAX];
	size_t n_calls;
	size_t asked[CALLS];

	/* What came of it. */
	size_t answered;
	struct engine_answer answer;
	char match[256];
	unsigned events[ENGINE_EVENTS];
	unsigned changed, began, ended, may_go;
	char steps[64]; /* a letter for each */
};

#define ENFORCE(max_age)                                                       \
	"version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: " max_age \
	"\n"
#define TESTING "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 86400\n"
#define NONE "version: STSv1\nmode: none\nmax_age: 86400\n"

/* ---- the world ---- */

static inline void *fixture_call(
	struct fixture *t, enum call_kind kind, struct str domain, void *arg)
{
	struct call *c = mem_must(sizeof(*c));

	t->asked[kind]++;
	c->kind = kind;
	c->arg = arg;
	assert_true(domain.n < sizeof(c->domain));
	memcpy(c->domain, domain.p, domain.n);
	assert_true(t->n_calls < CALLS_MAX);
	return c;
}

/* Calls are kept by value; the handle is its place plus one. */
static inline void *fixture_keep(struct fixture *t, struct call *c)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (t->calls[i].arg != NULL)
			continue;
		t->calls[i] = *c;
		mem_free(c);
		if (i >= t->n_calls)
			t->n_calls = i + 1;
		return &t->calls[i];
	}
	fail();
	return NULL;
}

static inline void *fixture_record(
	void *ctx, struct str domain, sts_record_fn *fn, void *arg)
{
	struct call *c = fixture_call(ctx, CALL_RECORD, domain, arg);

	c->fn.record = fn;
	return fixture_keep(ctx, c);
}

static inline void *fixture_fetch(
	void *ctx, struct str domain, sts_fetch_fn *fn, void *arg)
{
	struct call *c = fixture_call(ctx, CALL_FETCH, domain, arg);

	c->fn.fetch = fn;
	return fixture_keep(ctx, c);
}

static inline void *fixture_dane(void *ctx, const struct policy_domain *domain,
	engine_dane_fn *fn, void *arg)
{
	struct call *c = fixture_call(ctx, CALL_DANE, domain->name, arg);

	c->fn.dane = fn;
	return fixture_keep(ctx, c);
}

static inline void fixture_cancel(void *ctx, void *handle)
{
	(void)ctx;
	*(struct call *)handle = (struct call){};
}

static inline void fixture_reply_record(struct fixture *t, struct call *c)
{
	struct sts_record_result r = { .temp = t->dns_fails, .ttl_s = 300 };

	if (t->dns_fails) {
		(void)err_set(&r.why, ST_TEMP, "no answer");
	} else if (t->id != NULL) {
		r.outcome = STS_RECORD_VALID;
		r.id = str_of(t->id);
	} else {
		r.outcome = t->no_record;
		(void)err_set(&r.why, ST_NOTFOUND, "no valid record");
	}
	c->fn.record(c->arg, &r);
}

static inline void fixture_reply_fetch(struct fixture *t, struct call *c)
{
	struct sts_fetch_result r = {};
	struct arena *a = arena_must(0);

	if (t->text != NULL) {
		r.fetched = true;
		r.text = str_of(t->text);
		assert_int_equal(
			sts_policy_parse(a, r.text, &r.policy, NULL), ST_OK);
		assert_int_equal(r.policy.outcome, STS_POLICY_VALID);
	} else {
		r.failure = TLSRPT_STS_WEBPKI_INVALID;
		r.reason = STR("certificate-expired");
		(void)err_set(&r.why, ST_PERM, "the certificate has expired");
	}
	c->fn.fetch(c->arg, &r);
	arena_free(&a);
}

static inline void fixture_reply_dane(struct fixture *t, struct call *c)
{
	struct dane_result r = { .state = t->dane, .ttl_s = t->dane_ttl_s };

	if (t->dane != DANE_TEMP) {
		r.mx_known = true;
		r.mx = &t->mx;
		r.n_mx = 1;
	}
	c->fn.dane(c->arg, &r);
}

/* Answers what is not held; false: there was nothing. */
static inline bool fixture_reply(struct fixture *t)
{
	bool any = false;
	size_t n = t->n_calls;

	for (size_t i = 0; i < n; i++) {
		struct call c = t->calls[i];

		if (c.arg == NULL || t->hold[c.kind])
			continue;
		t->calls[i] = (struct call){};
		any = true;
		if (c.kind == CALL_RECORD)
			fixture_reply_record(t, &c);
		else if (c.kind == CALL_FETCH)
			fixture_reply_fetch(t, &c);
		else
			fixture_reply_dane(t, &c);
	}
	return any;
}

/* Until nothing moves any more. */
static inline void run(struct fixture *t)
{
	do {
		do {
			loop_turn(t->loop, false);
		} while (fixture_reply(t));
		policy_cache_flush(t->cache);
		loop_turn(t->loop, false);
		loop_turn(t->loop, false);
	} while (fixture_reply(t));
}

/* ---- hooks ---- */

static inline void fixture_event(
	void *ctx, enum engine_event ev, struct str domain, const char *text)
{
	(void)domain;
	(void)text;
	((struct fixture *)ctx)->events[ev]++;
}

static inline void fixture_changed(void *ctx, struct str domain)
{
	(void)domain;
	((struct fixture *)ctx)->changed++;
}

static inline void fixture_trouble(void *ctx,
	const struct policy_domain *domain, enum engine_trouble reason,
	bool begins, const char *why)
{
	struct fixture *t = ctx;

	(void)domain;
	(void)reason;
	assert_true(strlen(why) > 0);
	t->began += begins;
	t->ended += !begins;
}

static inline void fixture_may_go(void *ctx, struct str domain, const char *why)
{
	(void)domain;
	(void)why;
	((struct fixture *)ctx)->may_go++;
}

static inline void fixture_no_log(void *ctx, struct str line)
{
	(void)ctx;
	(void)line;
}

/* ---- beginning and end ---- */

static inline struct mono fixture_mono(void *ctx)
{
	return (struct mono){ ((struct fixture *)ctx)->mono_ms };
}

static inline struct unix_time fixture_utc(void *ctx)
{
	return (struct unix_time){ ((struct fixture *)ctx)->utc };
}

static inline void fixture_open(struct fixture *t)
{
	int fd;

	assert_int_equal(
		policy_cache_open(t->path, &t->cache_opt, &t->cache, &t->err),
		ST_OK);
	policy_cache_start(t->cache, &fd);
	t->opt.cache = t->cache;
	t->opt.cache_fd = fd;
	t->e = engine_new(&t->opt);
}

static inline void fixture_shut(struct fixture *t)
{
	engine_free(&t->e);
	policy_cache_close(&t->cache);
	loop_turn(t->loop, false);
	memset(t->calls, 0, sizeof(t->calls));
	t->n_calls = 0;
}

static inline void restart(struct fixture *t)
{
	fixture_shut(t);
	fixture_open(t);
}

static inline int fixture_setup(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));

	log_set_sink(fixture_no_log, NULL);
	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-engine-XXXXXX");
	tmpdir_make(t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/policy.mdb", t->dir);
	t->cache_opt = POLICY_CACHE_DEFAULTS;
	t->cache_opt.no_sync = true;
	t->cache_opt.max_bytes = 256 << 20;
	t->clock = (struct clock){ fixture_mono, fixture_utc, t };
	t->mono_ms = 1000000;
	t->utc = NOW;
	t->world = (struct engine_world){ t, fixture_record, fixture_fetch,
		fixture_dane, fixture_cancel, fixture_cancel, fixture_cancel };
	t->dane = DANE_ABSENT;
	t->mx = (struct mx_host){ .name = STR("mx.example.net"),
		.preference = 10 };
	t->dane_ttl_s = 60;
	t->loop = loop_new();
	t->opt = ENGINE_DEFAULTS;
	t->opt.loop = t->loop;
	t->opt.clock = &t->clock;
	t->opt.world = &t->world;
	t->opt.hooks = (struct engine_hooks){ t, fixture_event, fixture_changed,
		fixture_trouble, fixture_may_go };
	t->a = arena_must(0);
	fixture_open(t);
	*state = t;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *t = *state;

	fixture_shut(t);
	loop_free(&t->loop);
	arena_free(&t->a);
	tmpdir_remove(t->dir);
	log_set_sink(NULL, NULL);
	free(t);
	return 0;
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

/* ---- time ---- */

/* Both clocks go on, with a tick now and then, as they do. */
static inline void pass(struct fixture *t, int64_t s)
{
	while (s > 0) {
		int64_t step = s > 60 ? 60 : s;

		t->mono_ms += step * 1000;
		t->utc += step;
		s -= step;
		engine_tick(t->e);
		run(t);
	}
}

/* In one step, without anything done meanwhile. */
static inline void leap(struct fixture *t, int64_t s)
{
	t->mono_ms += s * 1000;
	t->utc += s;
}

/* ---- asking ---- */

static const struct engine_profile profile_sts = {
	.name = { "sts", 3 },
	.profile = { .kind = STS_PROFILE_STS },
};

static const struct engine_profile profile_tlsrpt = {
	.name = { "sts-tlsrpt", 10 },
	.profile = { .kind = STS_PROFILE_STS_TLSRPT,
		.tlsrpt = true,
		.visibility = true },
};

static inline void fixture_answer(void *ctx, const struct engine_answer *answer)
{
	struct fixture *t = ctx;
	struct sbuf b = sbuf_fixed(t->match, sizeof(t->match) - 1);

	t->answered++;
	t->answer = *answer;
	for (size_t i = 0; i < answer->decision.n_match; i++) {
		sbuf_add(&b, answer->decision.match[i]);
		sbuf_addc(&b, ' ');
	}
	t->match[b.n] = '\0';
}

static inline void fixture_step(void *ctx, const struct engine_step *step)
{
	struct fixture *t = ctx;
	size_t n = strlen(t->steps);

	assert_true(n + 1 < sizeof(t->steps));
	if (step->entry != NULL && step->entry->id.n > 0)
		assert_true(chr_is_alnum(step->entry->id.p[0]));
	t->steps[n] = "CuDRFSLA"[step->kind];
	if ((step->kind == ENGINE_STEP_FETCH && step->fetch == NULL) ||
		(step->kind == ENGINE_STEP_RECORD && step->record == NULL) ||
		(step->kind == ENGINE_STEP_CACHE && step->entry == NULL))
		t->steps[n] = chr_lower(t->steps[n]);
}

static inline struct policy_domain domain_of(const char *name)
{
	return (struct policy_domain){ str_of(name), false, SMTP_PORT };
}

static inline enum decision_action ask_by(struct fixture *t, const char *name,
	const struct engine_profile *profile, enum engine_how how)
{
	struct policy_domain domain = domain_of(name);
	struct engine_ask ask = { .step = fixture_step };
	size_t before = t->answered;

	memset(t->steps, 0, sizeof(t->steps));
	engine_ask_start(&ask, t->e, profile, &domain, how, fixture_answer, t);
	assert_int_equal(t->answered, before);
	run(t);
	if (t->answered == before) {
		/* Something is held: nobody waits longer than so. */
		t->mono_ms += t->opt.answer_ms;
		t->utc += t->opt.answer_ms / 1000;
		engine_tick(t->e);
		run(t);
	}
	assert_int_equal(t->answered, before + 1);
	assert_null(ask.engine);
	return t->answer.decision.action;
}

static inline enum decision_action ask(struct fixture *t, const char *name)
{
	return ask_by(t, name, &profile_sts, ENGINE_USUAL);
}

#define assert_ask(t, name, action_) assert_int_equal(ask(t, name), action_)

/* A policy in enforce is known, its record and DANE looked up now. */
static inline void know(struct fixture *t)
{
	t->id = "id1";
	t->text = ENFORCE("604800");
	assert_ask(t, "example.com", DECISION_SECURE);
}

static inline struct policy_entry entry(struct fixture *t)
{
	struct policy_entry e;

	assert_int_equal(
		policy_cache_get(t->cache, t->a, STR("example.com"), &e),
		ST_OK);
	return e;
}
