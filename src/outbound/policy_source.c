/* SPDX-License-Identifier: Apache-2.0 */
/* policy_source: requests to questions, decisions to replies. */
#include "outbound/policy_source.h"

#include "base/bug.h"
#include "base/mem.h"
#include "io/idn.h"
#include "proto/postfix_reply.h"

#include "base/poison.h"

struct policy_source {
	struct policy_source_options opt;
	struct answer_source table;
	struct arena *arena; /* of the answer being given */
};

/* A question under way. */
struct pending {
	struct policy_source *source;
	struct engine_ask ask;
	answer_fn *fn;
	void *arg;
};

static const struct engine_profile *profile_of(
	const struct policy_source *s, struct str name)
{
	for (size_t i = 0; i < s->opt.n_profiles; i++)
		if (str_eq(s->opt.profiles[i].name, name))
			return &s->opt.profiles[i];
	return NULL;
}

/* The answer that a decision makes, in a. */
static void answer_of(
	struct arena *a, const struct engine_answer *from, struct answer *out)
{
	struct sbuf b = sbuf_arena(a, SOCKETMAP_REPLY_WIRE_MAX);

	BUG(postfix_reply_write(&b, &from->decision) != ST_OK);
	*out = (struct answer){ .reply = sbuf_str(&b),
		.domain = from->decision.domain,
		.valid_ms = from->valid_ms };
}

static enum status now(void *ctx, struct arena *a,
	const struct socketmap_request *request, struct answer *out)
{
	struct policy_source *s = ctx;
	const struct engine_profile *profile = profile_of(s, request->name);
	struct policy_domain domain;
	struct engine_answer found;
	enum status st;

	if (profile == NULL) {
		*out = (struct answer){ .reply = STR(
						"PERM there is no profile of "
						"this name in moat.conf") };
		return ST_OK;
	}
	st = policy_domain_parse(a, request->key, idn_to_ascii, &domain);
	if (st == ST_NOTFOUND) {
		*out = (struct answer){ .reply = STR("NOTFOUND "),
			.valid_ms = POLICY_SOURCE_NO_DOMAIN_MS };
		return ST_OK;
	}
	if (st == ST_OK)
		st = engine_ask_now(s->opt.engine, a, profile, &domain, &found);
	if (st == ST_OK)
		answer_of(a, &found, out);
	return st;
}

static void on_answer(void *ctx, const struct engine_answer *from)
{
	struct pending *p = ctx;
	struct policy_source *s = p->source;
	struct answer answer;

	arena_reset(s->arena);
	answer_of(s->arena, from, &answer);
	loop_defer(s->opt.loop, mem_free, p);
	p->fn(p->arg, &answer);
}

static void *ask(void *ctx, const struct socketmap_request *request,
	answer_fn *fn, void *arg)
{
	struct policy_source *s = ctx;
	struct pending *p = mem_must(sizeof(*p));
	struct policy_domain domain;

	p->source = s;
	p->fn = fn;
	p->arg = arg;
	arena_reset(s->arena);
	BUG(policy_domain_parse(
		    s->arena, request->key, idn_to_ascii, &domain) != ST_OK);
	engine_ask_start(&p->ask, s->opt.engine, profile_of(s, request->name),
		&domain, ENGINE_USUAL, on_answer, p);
	return p;
}

static void cancel(void *ctx, void *handle)
{
	struct policy_source *s = ctx;
	struct pending *p = handle;

	engine_ask_cancel(&p->ask);
	loop_defer(s->opt.loop, mem_free, p);
}

struct policy_source *policy_source_new(
	const struct policy_source_options *options)
{
	struct policy_source *s = mem_must(sizeof(*s));

	s->opt = *options;
	s->table = (struct answer_source){ s, now, ask, cancel };
	s->arena = arena_must(0);
	return s;
}

void policy_source_free(struct policy_source **s)
{
	if (*s == NULL)
		return;
	arena_free(&(*s)->arena);
	mem_free(*s);
	*s = NULL;
}

const struct answer_source *policy_source_get(const struct policy_source *s)
{
	return &s->table;
}
