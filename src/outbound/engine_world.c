/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_world: each question is an object that lives from its start until its
 * answer or its cancelling.
 */
#include "outbound/engine_world.h"

#include "base/mem.h"

#include "base/poison.h"

#define DANE_ARENA_BYTES (4u << 20)

struct engine_net {
	struct sts_discover_env sts;
	struct dane_discover_env dane;
	struct engine_world world;
};

struct question {
	struct loop *loop;
	struct sts_record_lookup *record;
	struct sts_fetch *fetch;
	struct dane_discover dane;
	struct arena *arena; /* of DANE's result */
	sts_record_fn *record_fn;
	sts_fetch_fn *fetch_fn;
	engine_dane_fn *dane_fn;
	void *arg;
};

static void question_free(void *ctx)
{
	struct question *q = ctx;

	arena_free(&q->arena);
	mem_free(q);
}

static struct question *question_new(const struct engine_net *n, void *arg)
{
	struct question *q = mem_must(sizeof(*q));

	q->loop = n->sts.loop;
	q->arg = arg;
	return q;
}

static void on_record(void *ctx, const struct sts_record_result *r)
{
	struct question *q = ctx;

	loop_defer(q->loop, question_free, q);
	q->record_fn(q->arg, r);
}

static void *ask_record(
	void *ctx, struct str domain, sts_record_fn *fn, void *arg)
{
	struct engine_net *n = ctx;
	struct question *q = question_new(n, arg);

	q->record_fn = fn;
	sts_record_start(&q->record, &n->sts, domain, on_record, q);
	return q;
}

static void on_fetch(void *ctx, const struct sts_fetch_result *r)
{
	struct question *q = ctx;

	loop_defer(q->loop, question_free, q);
	q->fetch_fn(q->arg, r);
}

static void *ask_fetch(
	void *ctx, struct str domain, sts_fetch_fn *fn, void *arg)
{
	struct engine_net *n = ctx;
	struct question *q = question_new(n, arg);

	q->fetch_fn = fn;
	sts_fetch_start(&q->fetch, &n->sts, domain, on_fetch, q);
	return q;
}

static void on_dane(void *ctx, const struct dane_result *r)
{
	struct question *q = ctx;

	loop_defer(q->loop, question_free, q);
	q->dane_fn(q->arg, r);
}

static void *ask_dane(void *ctx, const struct policy_domain *domain,
	engine_dane_fn *fn, void *arg)
{
	struct engine_net *n = ctx;
	struct question *q = question_new(n, arg);
	struct dane_target target;

	q->dane_fn = fn;
	q->arena = arena_must(DANE_ARENA_BYTES);
	target = (struct dane_target){
		.host = arena_str(q->arena, domain->name),
		.port = domain->port,
		.given_host = domain->is_host,
	};
	dane_discover_start(&q->dane, &n->dane, q->arena, &target, on_dane, q);
	return q;
}

static void cancel(void *ctx, void *handle)
{
	struct question *q = handle;

	(void)ctx;
	sts_record_cancel(&q->record);
	sts_fetch_cancel(&q->fetch);
	dane_discover_cancel(&q->dane);
	loop_defer(q->loop, question_free, q);
}

struct engine_net *engine_net_new(const struct sts_discover_env *sts,
	const struct dane_discover_env *dane)
{
	struct engine_net *n = mem_must(sizeof(*n));

	n->sts = *sts;
	n->dane = *dane;
	n->world = (struct engine_world){
		.ctx = n,
		.record = ask_record,
		.fetch = ask_fetch,
		.dane = ask_dane,
		.record_cancel = cancel,
		.fetch_cancel = cancel,
		.dane_cancel = cancel,
	};
	return n;
}

void engine_net_free(struct engine_net **n)
{
	mem_free(*n);
	*n = NULL;
}

const struct engine_world *engine_world_of(const struct engine_net *n)
{
	return &n->world;
}
