/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the steps of the first profile are written as they come. The others
 * are answered from what the engine then knows, one after the other.
 */
#include "outbound/explain.h"

#include "base/bug.h"
#include "base/json.h"
#include "base/mem.h"
#include "outbound/policy_json.h"
#include "proto/sts_match.h"

#include "base/poison.h"

struct names {
	struct str *items;
	size_t n;
};

struct explain_run {
	struct explain *handle;
	struct engine *engine;
	struct loop *loop;
	struct arena *arena;
	const struct engine_profile *profiles;
	size_t n_profiles, at; /* at: the one being asked for */
	struct policy_domain domain;
	struct engine_ask ask;
	struct sbuf out;
	struct json_writer w;
	struct names hosts, patterns; /* met in the steps */
	bool has_policy;
	explain_fn *done;
	void *ctx;
};

static void run_free(void *ctx)
{
	mem_free(ctx);
}

/* What is borrowed for one call has to be kept until the table is written. */
static struct names copy_names(
	struct explain_run *r, const struct str *items, size_t n)
{
	struct names out = { arena_array(r->arena, n, sizeof(*items)), n };

	if (out.items == NULL)
		return (struct names){};
	for (size_t i = 0; i < n; i++)
		out.items[i] = arena_str(r->arena, items[i]);
	return out;
}

static void keep_hosts(struct explain_run *r, const struct dane_result *dane)
{
	r->hosts.n = 0;
	r->hosts.items = arena_array(
		r->arena, dane->n_mx, sizeof(*r->hosts.items));
	for (size_t i = 0; r->hosts.items != NULL && i < dane->n_mx; i++)
		r->hosts.items[r->hosts.n++] = arena_str(
			r->arena, dane->mx[i].name);
}

static void keep_policy(struct explain_run *r, const struct sts_policy *p)
{
	r->patterns = copy_names(r, p->mx, p->n_mx);
	r->has_policy = true;
}

static void on_step(void *ctx, const struct engine_step *step)
{
	struct explain_run *r = ctx;

	policy_json_step(&r->w, r->arena, step, engine_now(r->engine));
	if (step->dane != NULL)
		keep_hosts(r, step->dane);
	if (step->entry != NULL)
		keep_policy(r, &step->entry->policy);
	if (step->fetch != NULL && step->fetch->fetched)
		keep_policy(r, &step->fetch->policy);
}

/* RFC 8461 section 4.1: each host beside the pattern that it matches. */
static void put_table(struct explain_run *r)
{
	json_open_array(&r->w, "mx");
	for (size_t i = 0; r->has_policy && i < r->hosts.n; i++) {
		ptrdiff_t match = sts_match_any(
			r->hosts.items[i], r->patterns.items, r->patterns.n);

		json_open_object(&r->w, NULL);
		json_put_str(&r->w, "host", r->hosts.items[i]);
		if (match >= 0)
			json_put_str(
				&r->w, "pattern", r->patterns.items[match]);
		else
			json_put_null(&r->w, "pattern");
		json_close_object(&r->w);
	}
	json_close_array(&r->w);
}

static void finish(struct explain_run *r)
{
	json_close_array(&r->w);
	json_close_object(&r->w);
	r->handle->run = NULL;
	loop_defer(r->loop, run_free, r);
	r->done(r->ctx, sbuf_ok(&r->out) ? sbuf_str(&r->out) : (struct str){});
}

static void on_answer(void *ctx, const struct engine_answer *answer);

/* Goes through the profiles until one has to wait. */
static void next(struct explain_run *r)
{
	struct engine_answer answer;

	for (; r->at < r->n_profiles; r->at++) {
		const struct engine_profile *p = &r->profiles[r->at];

		if (engine_ask_now(r->engine, r->arena, p, &r->domain,
			    &answer) != ST_OK) {
			engine_ask_start(&r->ask, r->engine, p, &r->domain,
				ENGINE_USUAL, on_answer, r);
			return;
		}
		policy_json_answer(&r->w, r->arena, p, &answer.decision);
	}
	finish(r);
}

static void on_answer(void *ctx, const struct engine_answer *answer)
{
	struct explain_run *r = ctx;

	if (r->at == 0) {
		json_close_array(&r->w);
		put_table(r);
		json_open_array(&r->w, "answers");
	}
	policy_json_answer(
		&r->w, r->arena, &r->profiles[r->at], &answer->decision);
	r->at++;
	r->ask.step = NULL;
	next(r);
}

void explain_start(struct explain *x, struct engine *e, struct loop *l,
	struct arena *a, const struct engine_profile *profiles, size_t n,
	const struct policy_domain *domain, enum engine_how how,
	explain_fn *done, void *ctx)
{
	struct explain_run *r = mem_must(sizeof(*r));

	BUG(x->run != NULL || n == 0);
	*r = (struct explain_run){ .handle = x,
		.engine = e,
		.loop = l,
		.arena = a,
		.profiles = profiles,
		.n_profiles = n,
		.domain = *domain,
		.out = sbuf_arena(a, EXPLAIN_BYTES_MAX),
		.done = done,
		.ctx = ctx };
	x->run = r;
	r->w = json_writer_of(&r->out, 0);
	r->ask.step = on_step;
	json_open_object(&r->w, NULL);
	json_put_str(&r->w, "domain", domain->name);
	json_put_bool(&r->w, "is_host", domain->is_host);
	json_put_int(&r->w, "now", engine_now(e));
	json_open_array(&r->w, "steps");
	engine_ask_start(
		&r->ask, e, &profiles[0], &r->domain, how, on_answer, r);
}

void explain_cancel(struct explain *x)
{
	if (x->run == NULL)
		return;
	engine_ask_cancel(&x->run->ask);
	loop_defer(x->run->loop, run_free, x->run);
	x->run = NULL;
}
